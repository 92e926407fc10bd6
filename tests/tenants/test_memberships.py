"""Memberships: what a tenant's identity provider does stays in the tenant."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from rest_framework.authtoken.models import Token

from api.helpers import is_error, with_setting
from conftest import ScimClient, person
from django_scim_provider import signals
from django_scim_provider.adapters.memberships import KEPT
from django_scim_provider.models import ScimConnection, ScimEvent, ScimUser, ScimValue
from django_scim_provider.services import connections, invariants, role_mappings, selftest, sync
from django_scim_provider.services.context import Context
from django_scim_provider.services.findings import Status
from factories import ConnectionFactory
from hosts.tenants.models import Key, Membership, Organization, Seat
from tenants.people import BOB, account, memberships, names, replace, row, show, sign_up, verify

pytestmark = [pytest.mark.django_db, pytest.mark.tenants]
Policy = ScimConnection.OnDeactivate
SEATS, PLAIN = "hosts.tenants.scim.SeatAdapter", "hosts.tenants.scim.PlainAdapter"


def policy(**values: Any) -> None:
    ScimConnection.objects.update(**values)


def shared(acme: ScimClient, globex: ScimClient) -> tuple[dict[str, Any], dict[str, Any]]:
    """Bob, made by acme and joined by globex while it had verified his domain."""
    verify("globex")
    here, there = acme.create(BOB), globex.create(BOB)
    verify("globex", "")
    return here, there


# Coming ------------------------------------------------------------------------------------------------------


def test_whoever_is_created_is_a_member_of_that_tenant_alone(acme: ScimClient, globex: ScimClient) -> None:
    made = acme.create(BOB)
    assert memberships() == {"acme": (True, "guest")}
    assert (account().is_active, account().has_usable_password()) == (True, False)
    assert made["active"] is True
    assert names(acme) == [BOB]
    assert names(globex) == []
    assert is_error(globex.get(f"/Users/{made['id']}"), 404)


def test_whoever_is_created_inactive_is_let_in_nowhere(acme: ScimClient) -> None:
    made = acme.create(BOB, active=False)
    assert made["active"] is False
    assert memberships() == {"acme": (False, "guest")}
    assert names(acme, "active eq false") == [BOB]
    with with_setting(ADAPTERS={"User": SEATS}):
        assert acme.create("eve@example.com", active=False)["active"] is False
        assert not Seat.objects.exists()


def test_active_that_is_taken_away_stays_away_while_it_would_be_true(acme: ScimClient) -> None:
    bob = acme.create(BOB)
    assert "active" not in acme.patch(f"/Users/{bob['id']}", {"op": "remove", "path": "active"}).json()
    assert "active" not in show(acme, bob)
    assert memberships() == {"acme": (True, "guest")}
    assert names(acme, "active eq true") == [BOB]
    Membership.objects.update(is_active=False)
    assert show(acme, bob)["active"] is False


@pytest.mark.parametrize("slug", ["", "nowhere", "Acme"])
def test_a_connection_needs_an_organization_that_is_there(organizations: dict[str, Any], slug: str) -> None:
    with pytest.raises(ValidationError, match="no organization with this key"):
        connections.create("Other", tenant=slug)
    made = connections.create("Acme", tenant="acme")
    with pytest.raises(ValidationError, match="several organizations"):
        connections.configure(Context(made), existing_accounts="adopt")


def test_an_organization_that_went_away_refuses_people(acme: ScimClient) -> None:
    made = acme.create(BOB)
    Organization.objects.all().delete()
    assert is_error(acme.post("/Users", person("eve@example.com")), 403)
    assert not get_user_model().objects.filter(username="eve@example.com").exists()
    assert show(acme, made)["active"] is False
    assert is_error(acme.patch(f"/Users/{made['id']}", {"op": "replace", "path": "active", "value": True}), 403)


@pytest.mark.parametrize("slugs", [(), ("globex",), ("acme",)])
def test_an_account_from_outside_is_never_taken_over_by_its_name(
    acme: ScimClient, connections: dict[str, ScimConnection], slugs: tuple[str, ...]
) -> None:
    sign_up(BOB, *slugs)
    before = memberships()
    for name in (BOB, BOB.upper()):
        assert is_error(acme.post("/Users", person(name)), 409, "uniqueness")
    assert memberships() == before
    assert not ScimUser.objects.exists()


def test_an_account_on_a_verified_domain_joins(acme: ScimClient, globex: ScimClient) -> None:
    verify("globex", "Example.com")
    first = acme.create(BOB)
    second = globex.create(BOB, name={"givenName": "Robert", "familyName": "User"})
    assert first["id"] != second["id"]
    assert memberships() == {"acme": (True, "guest"), "globex": (True, "guest")}
    assert (row(first).origin, row(second).origin) == ("created", "adopted")
    # The domain is globex's, so it may write, and acme sees what it wrote.
    assert account().first_name == "Robert"
    assert show(acme, first)["name"]["givenName"] == "Robert"
    assert names(acme, 'name.givenName eq "Robert"') == [BOB]


@pytest.mark.parametrize(
    ("fields", "asked"),
    [
        ({"is_superuser": True}, {}),
        ({"is_staff": True}, {}),
        ({"email": "bob@elsewhere.example"}, {}),
        ({"email": ""}, {}),
        ({}, {"emails": [{"value": "other@example.com"}]}),
    ],
)
def test_a_verified_domain_opens_no_other_account(
    globex: ScimClient, fields: dict[str, Any], asked: dict[str, Any]
) -> None:
    verify("globex")
    user = sign_up(BOB, "acme")
    get_user_model().objects.filter(pk=user.pk).update(**fields)
    assert is_error(globex.post("/Users", person(BOB, **asked)), 409, "uniqueness")
    assert memberships() == {"acme": (True, "guest")}


def test_somebody_who_joins_has_nothing_of_an_earlier_membership(globex: ScimClient) -> None:
    sign_up(BOB, "acme", "globex")
    Membership.objects.filter(organization__slug="globex").update(level="owner", is_active=False)
    verify("globex")
    globex.create(BOB, active=True)
    assert memberships() == {"acme": (True, "guest"), "globex": (True, "guest")}


def test_who_joins_inactive_is_inactive_here_alone(globex: ScimClient) -> None:
    sign_up(BOB, "acme")
    verify("globex")
    assert globex.create(BOB, active=False)["active"] is False
    assert memberships() == {"acme": (True, "guest"), "globex": (False, "guest")}


def test_adoption_is_of_members_on_verified_domains(organizations: dict[str, Any]) -> None:
    sign_up(BOB, "acme")
    sign_up("eve@elsewhere.example", "acme")
    sign_up("joe@example.com", "globex")
    gone = sign_up("ann@example.com", "acme")
    Membership.objects.filter(user=gone).update(is_active=False)
    verify("acme")
    connection = ConnectionFactory(tenant="acme", existing_accounts="verified")
    assert sync.adopt(Context(connection)).adopted == 1
    connection.existing_accounts = "adopt"  # past every form
    assert sync.adopt(Context(connection)).adopted == 0
    assert [row.user_name for row in ScimUser.objects.all()] == [BOB]
    # Whoever the host lets in afterwards is adopted at once.
    ScimConnection.objects.update(enabled=True, existing_accounts="verified")
    sign_up("new@example.com", "acme")
    assert ScimUser.objects.filter(user_name="new@example.com").exists()


# Going and coming back ---------------------------------------------------------------------------------------


def test_deactivation_ends_the_membership_and_nothing_else(acme: ScimClient, globex: ScimClient) -> None:
    here, there = shared(acme, globex)
    session, password = account().get_session_auth_hash(), account().password
    key = Key.objects.create(user=account(), organization=Organization.objects.get(slug="acme"))
    other = Key.objects.create(user=account(), organization=Organization.objects.get(slug="globex"))
    gone = replace(acme, here, active=False)
    assert (gone["active"], gone["userName"], gone["emails"]) == (False, BOB, here["emails"])
    assert memberships() == {"acme": (False, "guest"), "globex": (True, "guest")}
    assert (account().is_active, account().password) == (True, password)
    assert account().get_session_auth_hash() == session
    assert list(Key.objects.all()) == [other], key
    assert "keys (1)" in ScimEvent.objects.latest("pk").detail
    assert show(globex, there)["active"] is True
    for condition in ("active eq false", f'userName eq "{BOB}" and active eq false', 'name.givenName eq "Test"'):
        assert names(acme, condition) == [BOB], condition
    assert names(acme, "active eq true") == []
    assert names(globex, "active eq true") == names(globex, "active pr") == [BOB]
    assert names(globex, "active ne true") == []
    # What happens to the account meanwhile is not for acme to see.
    get_user_model().objects.filter(username=BOB).update(first_name="Private")
    assert show(acme, here)["name"]["givenName"] == "Test"
    assert replace(acme, here, active=True)["active"] is True
    assert memberships()["acme"] == (True, "guest")


def test_credentials_all_end_where_the_account_is_for_this_tenant_alone(acme: ScimClient, globex: ScimClient) -> None:
    made = acme.create(BOB)
    before = account().password
    replace(acme, made, active=False)
    assert account().password != before
    assert account().is_active is True
    # Shared with an active membership: no. With one that ended, and made by acme: yes. Not made by globex: no.
    here, there = made, None
    verify("globex")
    there = globex.create(BOB)
    replace(acme, here, active=True)
    passwords = [account().password]
    for scim, resource in ((acme, here), (globex, there)):
        replace(scim, resource, active=False)
        passwords.append(account().password)
    assert len(set(passwords)) == 1
    replace(acme, here, active=True)
    replace(acme, here, active=False)
    assert account().password not in passwords


def test_tokens_for_all_of_the_site_are_no_tenants_to_end_while_another_lets_the_person_in(
    acme: ScimClient, globex: ScimClient
) -> None:
    here, there = shared(acme, globex)
    Token.objects.create(user=account())
    organizations = {slug: Organization.objects.get(slug=slug) for slug in ("acme", "globex")}
    for _ in range(2):  # said again of somebody inactive, what was issued meanwhile ends as well, here alone
        for organization in organizations.values():
            Key.objects.create(user=account(), organization=organization)
        replace(acme, here, active=False, title=f"{Key.objects.count()}")
        assert not Key.objects.filter(organization=organizations["acme"]).exists()
    assert Key.objects.count() == 2
    assert Token.objects.exists()
    replace(globex, there, active=False)
    assert not Key.objects.exists()
    assert Token.objects.exists()  # globex has not made the account
    replace(acme, here, active=False, title="again")
    assert not Token.objects.exists()


@pytest.mark.parametrize("choice", [Policy.REMOVE, Policy.DELETE])
def test_removal_takes_the_membership_and_leaves_the_account(acme: ScimClient, globex: ScimClient, choice: str) -> None:
    policy(on_deactivate=choice, on_delete=choice)
    here, _ = shared(acme, globex)
    assert replace(acme, here, active=False)["active"] is False
    assert memberships() == {"globex": (True, "guest")}
    assert row(here).user == account()
    assert replace(acme, here, active=True)["id"] == here["id"]
    assert memberships() == {"acme": (True, "guest"), "globex": (True, "guest")}
    assert acme.delete(f"/Users/{here['id']}").status_code == 204
    assert memberships() == {"globex": (True, "guest")}
    assert account().is_active


def test_doing_nothing_leaves_the_membership(acme: ScimClient) -> None:
    policy(on_deactivate=Policy.NOTHING)
    made = acme.create(BOB)
    assert replace(acme, made, active=False)["active"] is False
    assert memberships() == {"acme": (True, "guest")}
    assert names(acme, "active eq false") == [BOB]
    assert names(acme, "active eq true") == []


def test_who_was_deleted_and_is_created_again_has_the_shared_account_and_no_rights(
    acme: ScimClient, globex: ScimClient
) -> None:
    here, _ = shared(acme, globex)
    Membership.objects.filter(organization__slug="acme").update(level="admin")
    assert acme.delete(f"/Users/{here['id']}").status_code == 204
    assert is_error(acme.get(f"/Users/{here['id']}"), 404)
    again = acme.create(BOB)
    assert again["id"] != here["id"]
    assert row(again).user == account()
    assert memberships() == {"acme": (True, "guest"), "globex": (True, "guest")}


def test_another_person_of_that_name_does_not_get_the_shared_account(acme: ScimClient, globex: ScimClient) -> None:
    here, _ = shared(acme, globex)
    replace(acme, here, externalId="1")
    acme.delete(f"/Users/{here['id']}")
    assert is_error(acme.post("/Users", person(BOB, externalId="2")), 409, "uniqueness")
    assert memberships() == {"acme": (False, "guest"), "globex": (True, "guest")}


def test_an_account_of_one_tenant_gives_its_name_to_somebody_new(acme: ScimClient, globex: ScimClient) -> None:
    made = acme.create(BOB)
    old = account()
    acme.delete(f"/Users/{made['id']}")
    assert is_error(globex.post("/Users", person(BOB)), 409, "uniqueness")
    again = acme.create(BOB)
    assert row(again).user != old
    assert get_user_model().all_objects.get(pk=old.pk).username != BOB


def test_an_account_that_nobody_manages_here_but_somebody_did_elsewhere_is_not_freed(
    acme: ScimClient, globex: ScimClient
) -> None:
    """Its names would go to an account of acme's, and globex would let its person back in under another name."""
    here, there = shared(acme, globex)
    policy(on_deactivate=Policy.REMOVE)
    replace(globex, there, active=False)
    acme.delete(f"/Users/{here['id']}")
    assert row(acme.create(BOB)).user == row(there).user


@pytest.mark.parametrize("fields", [{"is_superuser": True}, {"is_staff": True}])
def test_protected_people_are_nobodys_to_remove(acme: ScimClient, fields: dict[str, Any]) -> None:
    made = acme.create(BOB)
    get_user_model().objects.update(**fields)
    assert is_error(acme.patch(f"/Users/{made['id']}", {"op": "replace", "path": "active", "value": False}), 403)
    assert is_error(acme.delete(f"/Users/{made['id']}"), 403)
    assert memberships() == {"acme": (True, "guest")}


def test_an_account_that_the_site_deleted_does_not_come_back(acme: ScimClient) -> None:
    made = acme.create(BOB)
    account().soft_delete()
    gone = show(acme, made)
    assert (gone["active"], gone["userName"]) == (False, BOB)
    assert names(acme, "active eq false") == [BOB]
    assert is_error(acme.patch(f"/Users/{made['id']}", {"op": "replace", "path": "active", "value": True}), 403)


# One account, two tenants ------------------------------------------------------------------------------------


def test_a_shared_profile_is_written_by_nobody_and_each_sees_what_it_sent(acme: ScimClient, globex: ScimClient) -> None:
    here, there = shared(acme, globex)
    mail = [{"value": "evil@example.com", "type": "work", "primary": True}]
    changed = replace(acme, here, userName="evil@example.com", emails=mail, name={"givenName": "Eve"}, title="CEO")
    assert (account().username, account().email, account().first_name) == (BOB, BOB, "Test")
    for resource in (changed, show(acme, here)):
        assert (resource["userName"], resource["emails"]) == ("evil@example.com", mail)
        assert (resource["name"]["givenName"], resource["title"], resource["active"]) == ("Eve", "CEO", True)
    assert (show(globex, there)["userName"], show(globex, there)["name"]["givenName"]) == (BOB, "Test")
    # Filters answer for what is shown, on both sides.
    for condition in (
        'userName eq "evil@example.com"',
        'name.givenName eq "Eve"',
        'name.givenName ne "Test"',
        'emails.value eq "evil@example.com"',
        "active eq true",
        "name.familyName pr",
    ):
        assert names(acme, condition) == ["evil@example.com"], condition
    for condition in ('name.givenName eq "Test"', f'userName eq "{BOB}"', "active eq false", f'emails eq "{BOB}"'):
        assert names(acme, condition) == [], condition
    assert names(globex, 'name.givenName eq "Test"') == [BOB]
    assert names(globex, 'name.givenName eq "Eve"') == []
    assert acme.get("/Users", sortBy="active").status_code == 200
    # Nothing more is kept than was sent, and a change of the host's reaches the other tenant.
    user = account()
    user.first_name = "Bobby"
    user.save()
    assert show(acme, here)["name"]["givenName"] == "Eve"
    assert show(globex, there)["name"]["givenName"] == "Bobby"
    assert KEPT in row(here).attributes
    assert KEPT not in row(there).attributes
    assert ScimValue.objects.filter(attribute=KEPT).count() == 1


def test_what_was_kept_is_written_once_the_account_is_the_tenants(acme: ScimClient, globex: ScimClient) -> None:
    here, there = shared(acme, globex)
    replace(acme, here, name={"givenName": "Eve"})
    verify("acme")
    replace(acme, here, title="CEO")
    assert account().first_name == "Eve"
    assert KEPT not in row(here).attributes
    assert not ScimValue.objects.filter(attribute=KEPT).exists()
    assert names(acme, 'name.givenName eq "Eve"') == [BOB]
    verify("acme", "")
    # Whoever left may come back, so the account stays shared until globex lets go of it.
    replace(globex, there, active=False)
    replace(acme, here, name={"givenName": "Ann"})
    assert account().first_name == "Eve"
    policy(on_delete=Policy.REMOVE)
    replace(globex, there, active=True)
    globex.delete(f"/Users/{there['id']}")
    replace(acme, here, title="Boss")
    assert account().first_name == "Ann"


def test_a_return_to_a_shared_account_writes_nothing_to_it(acme: ScimClient, globex: ScimClient) -> None:
    here, there = shared(acme, globex)
    policy(on_deactivate=Policy.REMOVE)
    replace(acme, here, active=False)
    replace(globex, there, active=False)  # now nobody is a member, but globex still manages the person
    back = replace(acme, here, active=True, name={"givenName": "Eve", "familyName": "User"}, userName="eve@example.com")
    assert (back["userName"], back["name"]["givenName"], back["active"]) == ("eve@example.com", "Eve", True)
    assert (account().username, account().first_name) == (BOB, "Test")
    assert names(acme, 'userName eq "eve@example.com" and active eq true') == ["eve@example.com"]


def test_the_owner_of_a_verified_domain_writes_and_both_find_it(acme: ScimClient, globex: ScimClient) -> None:
    here, there = shared(acme, globex)
    verify("globex")
    mail = [{"value": "robert@example.com", "type": "work", "primary": True}]
    replace(globex, there, userName="robert@example.com", emails=mail)
    assert show(acme, here)["userName"] == "robert@example.com"
    assert names(acme, 'userName eq "robert@example.com"') == ["robert@example.com"]
    assert names(acme, 'emails.value eq "robert@example.com"') == ["robert@example.com"]
    assert names(acme, f'emails.value eq "{BOB}"') == []


def test_two_tenants_interleaved_see_their_own(acme: ScimClient, globex: ScimClient) -> None:
    for number in range(3):
        acme.create(f"a{number}@example.com")
        globex.create(f"g{number}@example.com")
    here, there = shared(acme, globex)
    replace(acme, here, active=False)
    for _ in range(2):
        for scim, resource, letter, active in ((acme, here, "a", False), (globex, there, "g", True)):
            assert names(scim) == sorted([BOB, *(f"{letter}{number}@example.com" for number in range(3))])
            assert show(scim, resource)["active"] is active
            (found,) = scim.find(f'userName eq "{BOB}"')
            assert (found["id"], found["active"]) == (resource["id"], active)
            assert scim.get("/Users", count=2).json()["totalResults"] == 4


# The host's own doing ----------------------------------------------------------------------------------------


def test_memberships_that_the_host_changes_are_followed(acme: ScimClient, connections: Any) -> None:
    made = acme.create(BOB)
    membership = Membership.objects.get()
    for active in (False, True):
        membership.is_active = active
        membership.save()
        assert show(acme, made)["active"] is active
        assert row(made).attributes["active"] is active
        assert names(acme, f"active eq {str(active).lower()}") == [BOB]
    membership.delete()
    assert show(acme, made)["active"] is False
    assert row(made).attributes["active"] is False
    # What no signal tells is shown at once, too, as far as it is gone; scim_sync notes it.
    Membership.objects.bulk_create([Membership(user=account(), organization=Organization.objects.get(slug="acme"))])
    assert show(acme, made)["active"] is True
    assert sync.refresh_all(Context(connections["acme"])) == 1
    assert row(made).attributes["active"] is True


def test_syncing_many_people_asks_once_for_their_memberships(acme: ScimClient, connections: Any) -> None:
    counts = []
    for number in range(6):
        acme.create(f"p{number}@example.com")
        if number in (1, 5):
            with CaptureQueriesContext(database) as queries:
                sync.refresh_all(Context(connections["acme"]))
            counts.append(len(queries))
    assert counts[0] == counts[1]


# Roles -------------------------------------------------------------------------------------------------------


def push(scim: ScimClient, name: str, *members: dict[str, Any]) -> dict[str, Any]:
    values = [{"value": member["id"]} for member in members]
    response = scim.post("/Groups", {"displayName": name, "members": values})
    assert response.status_code == 201, response.content
    return response.json()


def test_roles_are_the_memberships(acme: ScimClient, globex: ScimClient, connections: Any) -> None:
    here, _ = shared(acme, globex)
    context = Context(connections["acme"])
    choices = [role.key for role in context.adapter.roles.choices(context.connection)]
    assert choices == ["guest", "member", "admin", "owner"]
    assert context.adapter.roles.is_privileged("owner")
    role_mappings.save_mapping(context, "Leads", "admin")
    group = push(acme, "Leads", here)
    assert memberships() == {"acme": (True, "admin"), "globex": (True, "guest")}
    policy(on_deactivate=Policy.REMOVE)
    replace(acme, here, active=False)
    assert "acme" not in memberships()
    replace(acme, here, active=True)
    assert memberships()["acme"] == (True, "admin")
    assert acme.delete(f"/Groups/{group['id']}").status_code == 204
    assert memberships()["acme"] == (True, "guest")


def test_where_being_a_member_is_being_active(
    organizations: dict[str, Any], connections: Any, acme: ScimClient, globex: ScimClient
) -> None:
    with with_setting(ADAPTERS={"User": SEATS}):
        made = acme.create(BOB)
        seats = Seat.objects.values_list("person__username", "tenant_key", "level")
        assert list(seats.all()) == [(BOB, "acme", "guest")]
        role_mappings.save_mapping(Context(connections["acme"]), "Leads", "admin")
        push(acme, "Leads", made)
        assert list(seats.all()) == [(BOB, "acme", "admin")]
        assert replace(acme, made, active=False)["active"] is False
        assert not Seat.objects.exists()
        assert names(acme, "active eq false") == [BOB]
        assert replace(acme, made, active=True)["active"] is True
        assert list(seats.all()) == [(BOB, "acme", "admin")]
        assert names(globex) == []
        assert is_error(globex.post("/Users", person(BOB)), 409, "uniqueness")
        adapter = Context(connections["acme"]).adapter
        assert adapter.membership_of(account(), connections["acme"]) == Seat.objects.get()
        assert adapter.membership_of(account(), connections["globex"]) is None
        assert not adapter.has_tenant(ScimConnection())
        assert adapter.has_tenant(ScimConnection(tenant="anything"))


def test_without_a_role_column_groups_mean_none(acme: ScimClient, connections: Any) -> None:
    """Whatever roles a connection still has from before."""
    policy(default_role="admin")
    verify("globex")
    sign_up("eve@example.com", "acme")
    with with_setting(ADAPTERS={"User": PLAIN}):
        context = Context(ScimConnection.objects.get(tenant="acme"))
        assert list(context.adapter.roles.choices(context.connection)) == []
        made = acme.create(BOB)
        assert memberships() == {"acme": (True, "guest")}
        assert acme.delete(f"/Users/{made['id']}").status_code == 204
        assert memberships() == {}


def test_who_is_known_here_by_another_name_is_not_created_again(acme: ScimClient, globex: ScimClient) -> None:
    here, _ = shared(acme, globex)
    replace(acme, here, userName="robert@example.com", active=False)
    verify("acme")
    assert is_error(acme.post("/Users", person(BOB)), 409, "uniqueness")
    assert memberships()["acme"] == (False, "guest")


def test_the_last_owner_of_an_organization_stays(acme: ScimClient, globex: ScimClient) -> None:
    """An owner of another organization is none of this one."""
    here, _ = shared(acme, globex)
    Membership.objects.filter(organization__slug="acme").update(level="owner")
    sign_up("eve@example.com", "globex")
    Membership.objects.filter(user__username="eve@example.com").update(level="owner")
    assert is_error(acme.patch(f"/Users/{here['id']}", {"op": "replace", "path": "active", "value": False}), 403)
    assert is_error(acme.delete(f"/Users/{here['id']}"), 403)
    assert memberships()["acme"] == (True, "owner")


# Around it ---------------------------------------------------------------------------------------------------


def test_scim_check_tries_any_organization_that_there_is(db: None) -> None:
    for setting in ({}, {"ADAPTERS": {"User": SEATS}}):
        with with_setting(**setting):
            assert [finding.step for finding in selftest.check()] == ["organization"]
    Organization.objects.create(slug="acme", name="Acme")
    findings = selftest.check()
    assert len(findings) > 10
    assert {finding.status for finding in findings} == {Status.OK}, findings
    Seat.objects.create(tenant_key="acme", person=sign_up())
    with with_setting(ADAPTERS={"User": SEATS}):
        assert Status.FAILED not in {finding.status for finding in selftest.check()}


@pytest.mark.django_db(transaction=True)
def test_syncing_outside_of_a_transaction_sees_memberships(acme: ScimClient, connections: Any) -> None:
    made = acme.create(BOB)
    Membership.objects.update(is_active=False)
    assert sync.refresh_all(Context(connections["acme"])) == 1
    assert row(made).attributes["active"] is False


def test_letting_in_who_is_in_changes_nothing(acme: ScimClient, connections: Any) -> None:
    with with_setting(ADAPTERS={"User": SEATS}):
        acme.create(BOB)
        context, user = Context(connections["acme"]), account()
        context.adapter.load_standing([user], context.connection, "default")
        context.adapter.activate(user, "default")
        assert Seat.objects.count() == 1


def test_who_was_left_alone_is_let_in_again(acme: ScimClient, connections: Any) -> None:
    policy(on_deactivate=Policy.NOTHING)
    with with_setting(ADAPTERS={"User": SEATS}):
        made = acme.create(BOB)
        assert replace(acme, made, active=False)["active"] is False
        assert replace(acme, made, active=True)["active"] is True
        assert Seat.objects.count() == 1


def test_a_hidden_activity_stays_hidden_where_the_form_sent_is_kept(acme: ScimClient, globex: ScimClient) -> None:
    here, _ = shared(acme, globex)
    policy(on_deactivate=Policy.NOTHING)
    replace(acme, here, active=False, name={"givenName": "Eve"})
    assert acme.patch(f"/Users/{here['id']}", {"op": "remove", "path": "active"}).status_code == 200
    shown = show(acme, here)
    assert "active" not in shown
    assert shown["name"]["givenName"] == "Eve"


def test_what_was_read_for_a_write_is_forgotten_after_it(
    acme: ScimClient, django_capture_on_commit_callbacks: Any
) -> None:
    """The host's receivers get the instance; what they do to the membership must be seen when they save it."""

    def shut(sender: Any, user: Any, **kwargs: Any) -> None:
        Membership.objects.update(is_active=False)
        user.save()

    signals.user_provisioned.connect(shut)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            made = acme.create(BOB)
    finally:
        signals.user_provisioned.disconnect(shut)
    assert row(made).attributes["active"] is False


# What must hold ----------------------------------------------------------------------------------------------


def test_invariants_hold_for_whoever_is_out_of_one_tenant_and_in_another(acme: ScimClient, globex: ScimClient) -> None:
    here, _ = shared(acme, globex)
    Token.objects.create(user=account())
    replace(acme, here, active=False)
    assert not list(invariants.check()), "the token is globex's as well"

    Key.objects.create(user=account(), organization=Organization.objects.get(slug="acme"))
    (breach,) = invariants.check()
    assert (breach.number, breach.connection, breach.samples) == (4, "Acme", [f"User {here['id']}: keys"])


def test_invariants_know_what_an_account_of_one_tenant_has_left(acme: ScimClient) -> None:
    made = acme.create(BOB)
    replace(acme, made, active=False)
    assert not list(invariants.check())
    Token.objects.create(user=account())
    (breach,) = invariants.check()
    assert breach.samples == [f"User {made['id']}: API tokens"]
