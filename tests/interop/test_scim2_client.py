"""A client that somebody else wrote, with models that refuse whatever the schema does not declare."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.wsgi import get_wsgi_application
from scim2_client.engines.wsgi import WSGISCIMClient
from scim2_models import (
    Email,
    EnterpriseUser,
    InvalidFilterException,
    Name,
    NotFoundException,
    PatchOp,
    PatchOperation,
    ResourceType,
    ResponseParameters,
    Schema,
    ScimProvider,
    SearchRequest,
    ServiceProviderConfig,
    UnauthorizedException,
    UniquenessException,
    User,
)

from conftest import MOUNT, ScimClient
from django_scim_provider.models import ScimConnection, ScimUser
from factories import HostUserFactory

pytestmark = [pytest.mark.hosts, pytest.mark.usefixtures("in_process")]

Person = User[EnterpriseUser]
BASE_URL = f"http://testserver{MOUNT}"


@pytest.fixture
def token(connection: ScimConnection, issue_token: Callable[..., str]) -> str:
    return issue_token(connection)


def _client(token: str | None, provider: ScimProvider | None = None) -> WSGISCIMClient:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return WSGISCIMClient(get_wsgi_application(), BASE_URL, headers=headers, provider=provider)


def _rfc() -> ScimProvider:
    """User and Enterprise User as the library has them."""
    return ScimProvider([User, EnterpriseUser], [ResourceType.from_resource(Person)])


@pytest.fixture
def client(token: str) -> WSGISCIMClient:
    return _client(token, _rfc())


def _person(name: str = "ada", **attributes: Any) -> Person:
    address = f"{name}@example.com"
    return Person(
        user_name=address,
        name=Name(given_name="Ada", family_name="Lovelace"),
        emails=[Email(value=address, type="work", primary=True)],
        active=True,
        **attributes,
    )


def _found(client: WSGISCIMClient, **query: Any) -> list[Person]:
    return client.query(Person, query_parameters=SearchRequest(**query)).resources or []


def test_a_person_lives_and_dies(client: WSGISCIMClient) -> None:
    wanted = _person(external_id="0001", title="Countess")
    wanted[EnterpriseUser] = EnterpriseUser(employee_number="1815", department="Engines")
    made = client.create(wanted)
    assert (made.user_name, made.external_id, made.title) == ("ada@example.com", "0001", "Countess")
    assert made[EnterpriseUser].department == "Engines"
    assert made.meta.location == f"{BASE_URL}/Users/{made.id}"

    read = client.query(Person, made.id)
    assert read.model_dump() == made.model_dump()
    assert [person.id for person in _found(client, filter='userName eq "ADA@example.com"')] == [made.id]
    assert [person.id for person in _found(client, filter='externalId eq "0001"')] == [made.id]

    read.name.family_name = "King"
    read.title = None
    replaced = client.replace(read)
    assert (replaced.id, replaced.name.family_name, replaced.title) == (made.id, "King", None)

    operation = PatchOperation(op="replace", path="active", value=False)
    modified = client.modify(Person, made.id, PatchOp[Person](operations=[operation]))
    assert modified.active is False
    assert client.query(Person, made.id).active is False
    assert [person.id for person in _found(client, filter="active eq false")] == [made.id]

    client.delete(Person, made.id)
    with pytest.raises(NotFoundException):
        client.query(Person, made.id)
    assert not _found(client, filter='userName eq "ada@example.com"')
    assert ScimUser.objects.get().alive is None


def test_what_is_discovered_can_be_spoken(token: str) -> None:
    client = _client(token)
    client.discover()
    assert client.provider.config.patch.supported
    assert client.provider.config.filter.max_results == 200
    model = client.get_resource_model("User")
    made = client.create(model(user_name="ada@example.com", nick_name="Ada", active=True))
    assert client.query(model, made.id).nick_name == "Ada"
    client.delete(model, made.id)


CHARACTERISTICS = ("type", "multi_valued", "required", "mutability", "returned", "uniqueness", "case_exact")
DIFFERENCES = {
    ("password", "absent"),  # accepted and dropped, so not declared
    ("profileUrl", "case_exact"),  # false in the figure; the library goes by section 2.3.7
    ("manager.value", "required"),  # false in the figure, "REQUIRED" in its descriptions
    ("manager.$ref", "required"),
}


def test_the_schemas_are_those_of_the_rfc(token: str) -> None:
    """Every characteristic that the library's models have from RFC 7643 section 8.7.1, but for a few."""
    ours = {schema.id: schema for schema in _client(token).query(Schema).resources}
    differing = set()
    for model in (User, EnterpriseUser):
        theirs = model.to_schema()
        declared = {attribute.name: attribute for attribute in ours[theirs.id].attributes}
        for attribute in theirs.attributes:
            differing |= _differences(attribute.name, declared.get(attribute.name), attribute)
    assert differing == DIFFERENCES


def _differences(name: str, ours: Any, theirs: Any) -> set[tuple[str, str]]:
    if ours is None:
        return {(name, "absent")}
    found = {(name, what) for what in CHARACTERISTICS if getattr(ours, what) != getattr(theirs, what)}
    declared = {sub.name: sub for sub in ours.sub_attributes or ()}
    for sub in theirs.sub_attributes or ():
        found |= _differences(f"{name}.{sub.name}", declared.get(sub.name), sub)
    return found


def test_discovery_needs_no_token(db: None) -> None:
    client = _client(None)
    assert client.query(ServiceProviderConfig).authentication_schemes[0].type == "oauthbearertoken"
    client.discover()
    assert [item.name for item in client.provider.resource_types] == ["User", "Group"]


def test_errors_are_the_exceptions_of_the_rfc(client: WSGISCIMClient) -> None:
    client.create(_person())
    with pytest.raises(UniquenessException):
        client.create(_person("ADA"))
    with pytest.raises(InvalidFilterException):
        client.query(Person, query_parameters={"filter": 'nonsense eq "x"'}, check_request_payload=False)
    with pytest.raises(NotFoundException):
        client.query(Person, "00000000-0000-4000-8000-000000000000")
    with pytest.raises(NotFoundException):
        client.delete(Person, "no-such-id")
    with pytest.raises(UnauthorizedException):
        _client("djscim_nonsense", _rfc()).query(Person)
    assert ScimUser.objects.count() == 1


def test_pages_are_walked_to_the_end(client: WSGISCIMClient) -> None:
    for number in range(5):
        HostUserFactory(name=f"person{number}")
    seen: list[str] = []
    while True:
        page = client.query(Person, query_parameters=SearchRequest(start_index=len(seen) + 1, count=2))
        assert page.total_results == 5
        seen += [person.user_name for person in page.resources or ()]
        if len(seen) >= page.total_results:
            break
    assert seen == [f"person{number}@example.com" for number in range(5)]
    nobody = client.query(Person, query_parameters=SearchRequest(start_index=6, count=2))
    assert (nobody.total_results, nobody.resources) == (5, [])


def test_only_what_is_asked_for_is_sent(client: WSGISCIMClient) -> None:
    made = client.create(_person(title="Countess"))
    short = client.query(Person, made.id, ResponseParameters(attributes=["userName"]))
    # The client itself puts the header's version there.
    assert short.meta.model_dump() == {"version": made.meta.version}
    assert set(short.model_dump()) == {"schemas", "id", "userName", "meta"}
    rest = client.query(Person, made.id, ResponseParameters(excluded_attributes=["name", "emails"]))
    assert (rest.name, rest.emails, rest.title) == (None, None, "Countess")


def test_taking_active_away_locks_nobody_out(scim: ScimClient) -> None:
    """scim2-tester removes every attribute in turn: ``active`` is then unassigned, which means its default."""
    resource = scim.create("ada@example.com")
    answer = scim.patch(f"/Users/{resource['id']}", {"op": "remove", "path": "active"})
    assert answer.status_code == 200
    assert "active" not in answer.json()
    assert "active" not in scim.get(f"/Users/{resource['id']}").json()
    assert get_user_model()._default_manager.get().is_active
    # The host's own word still counts.
    answer = scim.patch(f"/Users/{resource['id']}", {"op": "replace", "path": "active", "value": False})
    assert answer.json()["active"] is False
