"""POST, PUT, PATCH and DELETE of /Groups (RFC 7644 sections 3.3, 3.5 and 3.6); the shapes of PATCH are in test_wipe."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.dispatch import Signal
from django.test import override_settings

from conftest import MOUNT, ScimClient
from django_scim_provider import signals
from django_scim_provider.models import ConnectionGuard, ScimConnection, ScimEvent, ScimGroup, ScimMembership, ScimUser
from django_scim_provider.protocol import urns
from group_support import UNKNOWN, fill, group_body, in_group, last_event, many_people, push, sql_of

pytest_plugins = ("group_fixtures",)
pytestmark = [pytest.mark.django_db, pytest.mark.hosts]

BASE = f"http://testserver{MOUNT}"


def refused(response: Any, status: int = 400, scim_type: str | None = "invalidValue") -> bool:
    assert response.status_code == status, response.content
    assert response.json().get("scimType") == scim_type, response.content
    return True


def policy(connection: ScimConnection, **fields: str) -> None:
    ScimConnection.objects.filter(pk=connection.pk).update(**fields)
    connection.refresh_from_db()


# Create ------------------------------------------------------------------------------------------------------


def test_a_group_is_created(scim: ScimClient, three: list[str]) -> None:
    response = scim.post("/Groups", group_body("Staff", *three[:2], externalId="e-1"))
    assert response.status_code == 201
    made = response.json()
    assert response.headers["Location"] == made["meta"]["location"] == f"{BASE}/Groups/{made['id']}"
    assert (made["displayName"], made["externalId"]) == ("Staff", "e-1")
    assert {member["value"] for member in made["members"]} == set(three[:2]) == in_group(made["id"])
    row = ScimGroup.objects.get()
    assert (str(row.scim_id), row.display_name, row.display_name_key, row.unique_key, row.external_id) == (
        made["id"],
        "Staff",
        "staff",
        "staff",
        "e-1",
    )
    event = last_event()
    assert (event.action, event.outcome, event.status, event.resource_type) == ("create", "success", 201, "Group")
    assert (event.resource_id, event.label, event.warnings) == (made["id"], "Staff", [])
    assert event.changed == ["displayName", "externalId", "members"]


def test_entras_body_makes_a_group(scim: ScimClient) -> None:
    """No members, a schema that is long gone, ``meta`` and ``id`` of the client's own making."""
    body = {
        "schemas": [urns.GROUP, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
        "id": UNKNOWN,
        "externalId": "8aa1a0c0",
        "displayName": "Staff",
        "meta": {"resourceType": "Group", "created": "2001-01-01T00:00:00Z"},
        "roles": None,
    }
    made = scim.post("/Groups", body)
    assert made.status_code == 201
    assert made.json()["id"] != UNKNOWN
    assert made.json()["members"] == []
    assert not made.json()["meta"]["created"].startswith("2001")
    assert "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group" in last_event().warnings


@pytest.mark.parametrize("missing", [{}, {"displayName": None}, {"displayName": ""}, {"displayName": []}])
def test_a_group_without_a_name_is_refused(scim: ScimClient, missing: dict[str, Any]) -> None:
    assert refused(scim.post("/Groups", {"schemas": [urns.GROUP], **missing}))
    assert not ScimGroup.objects.exists()


@pytest.mark.parametrize("name", ["x" * 255, "ß" * 255, "İ" * 255, "日" * 255, " spaced ", "a\tb", '"; DROP'])
def test_a_name_is_kept_as_it_is(scim: ScimClient, name: str) -> None:
    made = push(scim, name)
    assert scim.get(f"/Groups/{made['id']}").json()["displayName"] == name
    escaped = name.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
    found = scim.get("/Groups", filter=f'displayName eq "{escaped}"').json()["Resources"]
    assert [item["id"] for item in found] == [made["id"]]


def test_a_name_that_is_too_long_is_refused(scim: ScimClient) -> None:
    assert refused(scim.post("/Groups", group_body("x" * 256)))
    made = push(scim, "Staff")
    assert refused(scim.patch(f"/Groups/{made['id']}", {"op": "replace", "path": "displayName", "value": "x" * 256}))
    assert refused(scim.put(f"/Groups/{made['id']}", group_body("x" * 256)))
    assert ScimGroup.objects.get().display_name == "Staff"


@pytest.mark.parametrize("name", ["Staff", "STAFF", "staff", "Ｓtaff"])
def test_a_second_group_of_a_name_is_refused_in_any_case(scim: ScimClient, name: str) -> None:
    push(scim, "Staff")
    assert refused(scim.post("/Groups", group_body(name)), 409, "uniqueness")
    assert ScimGroup.objects.count() == 1
    event = last_event()
    assert (event.outcome, event.status, event.scim_type) == ("refused", 409, "uniqueness")


def test_equal_names_may_be_allowed(scim: ScimClient, connection: ScimConnection) -> None:
    policy(connection, equal_group_names="allow")
    first, second = push(scim, "Staff"), push(scim, "staff")
    found = scim.get("/Groups", filter='displayName eq "STAFF"').json()["Resources"]
    assert [item["id"] for item in found] == [first["id"], second["id"]]
    other = push(scim, "Other")
    assert scim.put(f"/Groups/{other['id']}", group_body("Staff")).status_code == 200


def test_names_from_when_equal_ones_were_allowed_are_still_taken(scim: ScimClient, connection: ScimConnection) -> None:
    policy(connection, equal_group_names="allow")
    first, _ = push(scim, "Staff"), push(scim, "Crew")
    policy(connection, equal_group_names="refuse")
    assert refused(scim.post("/Groups", group_body("STAFF")), 409, "uniqueness")
    assert refused(
        scim.patch(f"/Groups/{first['id']}", {"op": "replace", "path": "displayName", "value": "crew"}),
        409,
        "uniqueness",
    )
    assert (
        scim.patch(f"/Groups/{first['id']}", {"op": "replace", "path": "displayName", "value": "STAFF"}).json()[
            "displayName"
        ]
        == "STAFF"
    )


def test_another_connection_may_use_the_same_name(scim: ScimClient, neighbour_scim: ScimClient) -> None:
    assert push(scim, "Staff")["id"] != push(neighbour_scim, "Staff")["id"]


@pytest.mark.parametrize(
    "members",
    [None, [], [None], [{}], {}, "", [[]]],
)
def test_a_group_that_names_nobody(scim: ScimClient, members: Any) -> None:
    response = scim.post("/Groups", group_body("Staff") | {"members": members})
    if members in (None, []):
        assert (response.status_code, response.json()["members"]) == (201, [])
    else:
        assert refused(response)


@pytest.mark.parametrize(
    "members",
    [[{"display": "Ann"}], [{"value": None, "display": "Ann"}, {"type": "User"}], 5, True, [5], [{"value": 5}]],
)
def test_members_that_are_none_are_refused_and_never_an_error(scim: ScimClient, members: Any) -> None:
    assert refused(scim.post("/Groups", group_body("Staff") | {"members": members}))
    made = push(scim, "Crew")
    assert refused(scim.put(f"/Groups/{made['id']}", group_body("Crew") | {"members": members}))
    assert ScimGroup.objects.count() == 1


def test_one_member_may_come_without_a_list_and_twice(scim: ScimClient, three: list[str]) -> None:
    ann, bob, _ = three
    one = scim.post("/Groups", group_body("One") | {"members": {"value": ann}}).json()
    text = scim.post("/Groups", group_body("Text") | {"members": ann}).json()
    twice = scim.post(
        "/Groups", group_body("Twice", ann, bob, ann) | {"MEMBERS": [{"value": ann, "$ref": None, "extra": 1}]}
    )
    assert in_group(one["id"]) == in_group(text["id"]) == {ann}
    assert refused(twice, 400, "invalidSyntax")
    twice = scim.post("/Groups", group_body("Twice", ann, bob, ann))
    assert in_group(twice.json()["id"]) == {ann, bob}


def test_a_large_group_is_answered_with_its_id(scim: ScimClient, connection: ScimConnection) -> None:
    ids = [str(scim_id) for scim_id in _ids(many_people(connection, 12))]
    with override_settings(SCIM_PROVIDER={**settings.SCIM_PROVIDER, "GROUP_BODY_LIMIT": 10}):
        response = scim.post("/Groups", group_body("Large", *ids))
        assert response.status_code == 201
        assert len(response.json()["members"]) == 12
        path = f"/Groups/{response.json()['id']}"
        replaced = scim.put(path, group_body("Larger", *ids))
        assert (replaced.status_code, len(replaced.json()["members"])) == (200, 12)


def _ids(pks: list[int]) -> list[Any]:
    return list(ScimUser.objects.filter(pk__in=pks).values_list("scim_id", flat=True))


# Unknown members ---------------------------------------------------------------------------------------------


@pytest.fixture
def stranger(neighbour_scim: ScimClient) -> str:
    """Somebody whom another connection manages."""
    return str(neighbour_scim.create("stranger@example.com")["id"])


@pytest.fixture
def strange_group(neighbour_scim: ScimClient) -> str:
    return str(push(neighbour_scim, "Strangers")["id"])


def _ways(group: str, ann: str, who: str) -> list[tuple[str, str, Any]]:
    """Requests that name a known person and one who is not."""
    both = [{"value": ann}, {"value": who}]
    patch = lambda *operations: {"schemas": [urns.PATCH_OP], "Operations": list(operations)}  # noqa: E731
    return [
        ("POST", "/Groups", group_body("New", ann, who)),
        ("PUT", f"/Groups/{group}", group_body("Staff", ann, who)),
        ("PATCH", f"/Groups/{group}", patch({"op": "add", "path": "members", "value": both})),
        ("PATCH", f"/Groups/{group}", patch({"op": "replace", "path": "members", "value": both})),
        ("PATCH", f"/Groups/{group}", patch({"op": "add", "value": {"members": both}})),
        ("PATCH", f"/Groups/{group}", patch(*({"op": "add", "path": "members", "value": [one]} for one in both))),
    ]


def test_unknown_members_are_skipped_and_named_in_the_event(
    scim: ScimClient, three: list[str], stranger: str, strange_group: str
) -> None:
    ann = three[0]
    gone = scim.create("gone@example.com")["id"]
    scim.delete(f"/Users/{gone}")
    for who in (UNKNOWN, stranger, strange_group, gone, "nonsense", "1", ann.upper()):
        group = push(scim, "Staff")["id"]
        for method, path, body in _ways(group, ann, who):
            response = scim.request(method, path, body)
            assert response.status_code in (200, 201), response.content
            assert in_group(response.json()["id"]) == {ann}
            assert [member["value"] for member in response.json()["members"]] == [ann]
            assert last_event().warnings == [f"Members that are not known here were skipped (1): {who}"]
            if method == "POST":
                scim.delete(f"/Groups/{response.json()['id']}")
        scim.delete(f"/Groups/{group}")


def test_unknown_members_may_be_refused(
    scim: ScimClient, connection: ScimConnection, three: list[str], stranger: str, strange_group: str
) -> None:
    """Another tenant's id is answered exactly as one that nobody has."""
    policy(connection, unknown_member="refuse")
    ann, bob, _ = three
    group = push(scim, "Staff", bob)["id"]
    for who in (UNKNOWN, stranger, strange_group, "nonsense"):
        for method, path, body in _ways(group, ann, who):
            response = scim.request(method, path, body)
            assert refused(response)
            assert response.json()["detail"] == f"These members are not known here: {who}"
            assert in_group(group) == {bob}
            assert last_event().outcome == "refused"
    assert ScimGroup.objects.filter(connection=connection).count() == 1
    # The corrected list converges.
    assert scim.put(f"/Groups/{group}", group_body("Staff", ann)).status_code == 200
    assert in_group(group) == {ann}


@pytest.mark.parametrize("rule", ["skip", "refuse"])
def test_removing_somebody_unknown_is_no_error(
    scim: ScimClient, connection: ScimConnection, three: list[str], stranger: str, rule: str
) -> None:
    policy(connection, unknown_member=rule)
    group = push(scim, "Staff", *three)["id"]
    for who in (UNKNOWN, stranger, "nonsense"):
        for operation in (
            {"op": "remove", "path": "members", "value": [{"value": who}]},
            {"op": "remove", "path": f'members[value eq "{who}"]'},
        ):
            response = scim.patch(f"/Groups/{group}", operation)
            assert response.status_code == 200
            assert in_group(group) == set(three)
            assert last_event().changed == []
    assert ScimGroup.objects.get(scim_id=group).version == 1


def test_a_list_of_strangers_replaces_nobody(scim: ScimClient, three: list[str]) -> None:
    group = push(scim, "Staff", *three)["id"]
    strangers = [{"value": UNKNOWN}, {"value": "nonsense"}]
    for response in (
        scim.put(f"/Groups/{group}", group_body("Staff", UNKNOWN)),
        scim.patch(f"/Groups/{group}", {"op": "replace", "path": "members", "value": strangers}),
    ):
        assert refused(response)
        assert in_group(group) == set(three)
    # A new group has nobody to lose: refusing it would lose the push.
    made = scim.post("/Groups", group_body("New", UNKNOWN))
    assert (made.status_code, made.json()["members"]) == (201, [])


def test_an_event_names_no_more_strangers_than_can_be_read(scim: ScimClient, three: list[str]) -> None:
    many = ["x" * 5000, *(f"stranger-{number}" for number in range(50))]
    push(scim, "Staff", three[0], *many)
    (warning,) = last_event().warnings
    assert warning.startswith(f"Members that are not known here were skipped (51): {'x' * 40}, stranger-0,")
    assert len(warning) < 600


# Replace -----------------------------------------------------------------------------------------------------


def test_a_group_is_replaced(scim: ScimClient, three: list[str]) -> None:
    ann, bob, cy = three
    group = push(scim, "Staff", ann, bob, externalId="e-1")["id"]
    response = scim.put(f"/Groups/{group}", group_body("Crew", bob, cy, id=UNKNOWN))
    assert response.status_code == 200
    shown = response.json()
    assert (shown["id"], shown["displayName"]) == (group, "Crew")
    assert "externalId" not in shown
    assert {member["value"] for member in shown["members"]} == {bob, cy} == in_group(group)
    row = ScimGroup.objects.get()
    assert (row.unique_key, row.external_id, row.version) == ("crew", None, 2)
    assert row.modified_at > row.created_at
    assert last_event().changed == ["displayName", "externalId", "members"]


def test_what_was_just_read_can_be_put_back(scim: ScimClient, three: list[str]) -> None:
    inner = push(scim, "Inner", three[2])["id"]
    body = {"displayName": "Staff", "externalId": "e", "members": [{"value": three[0], "display": "A"}]}
    group = scim.post("/Groups", body | {"schemas": [urns.GROUP]}).json()["id"]
    scim.patch(f"/Groups/{group}", {"op": "add", "path": "members", "value": [{"value": three[1]}, {"value": inner}]})
    read = scim.get(f"/Groups/{group}").json()
    version = ScimGroup.objects.get(scim_id=group).version
    assert scim.put(f"/Groups/{group}", read).json() == read
    assert ScimGroup.objects.get(scim_id=group).version == version
    assert last_event().changed == []


@pytest.mark.parametrize("body", [{}, {"members": None}, {"MEMBERS": None}])
def test_a_body_without_members_leaves_them(scim: ScimClient, three: list[str], body: dict[str, Any]) -> None:
    group = push(scim, "Staff", *three)["id"]
    response = scim.put(f"/Groups/{group}", {"schemas": [urns.GROUP], "displayName": "Crew", **body})
    assert response.status_code == 200
    assert len(response.json()["members"]) == 3
    assert in_group(group) == set(three)


@pytest.mark.parametrize("name", ["members", "Members", f"{urns.GROUP}:members"])
def test_an_empty_list_empties_the_group(scim: ScimClient, three: list[str], name: str) -> None:
    group = push(scim, "Staff", *three)["id"]
    response = scim.put(f"/Groups/{group}", {"schemas": [urns.GROUP], "displayName": "Staff", name: []})
    assert (response.status_code, response.json()["members"]) == (200, [])
    assert in_group(group) == set()


@pytest.mark.parametrize(
    "members", [{}, [{}], [None], "", [{"display": "Ann"}], [{"value": ""}], [[]], {"value": None}]
)
def test_a_list_that_names_nobody_empties_no_group(scim: ScimClient, three: list[str], members: Any) -> None:
    group = push(scim, "Staff", *three)["id"]
    response = scim.put(f"/Groups/{group}", group_body("Crew") | {"members": members})
    assert refused(response)
    assert in_group(group) == set(three)
    assert ScimGroup.objects.get().display_name == "Staff"


def test_names_sent_with_members_are_echoed_and_replaced(scim: ScimClient, three: list[str]) -> None:
    ann, bob, _ = three
    inner = push(scim, "Inner")["id"]
    group = push(scim, "Staff")["id"]

    def put(*members: dict[str, Any]) -> dict[str, Any]:
        answer = scim.put(f"/Groups/{group}", group_body("Staff") | {"members": list(members)}).json()
        assert scim.get(f"/Groups/{group}").json() == answer
        return {member["value"]: member.get("display") for member in answer["members"]}

    wanted = {ann: "Ann A", bob: "Bob B", inner: "In"}
    assert put(*({"value": value, "display": display} for value, display in wanted.items())) == wanted
    wanted = {ann: "Ann C", bob: None, inner: "Inner!"}
    assert put(*({"value": value, "display": display} for value, display in wanted.items())) == wanted
    assert last_event().changed == ["members"]
    assert put({"value": ann}) == {ann: None}


def test_a_name_sent_with_a_member_changes_by_patch(scim: ScimClient, three: list[str]) -> None:
    ann, bob, _ = three
    inner = push(scim, "Inner")["id"]
    group = push(scim, "Staff", ann, bob, inner)["id"]

    def shown(*operations: dict[str, Any]) -> dict[str, Any]:
        response = scim.patch(f"/Groups/{group}", *operations)
        assert response.status_code == 200, response.content
        return {member["value"]: member.get("display") for member in response.json()["members"]}

    def named(who: str, name: Any) -> dict[str, Any]:
        return {"op": "replace", "path": f'members[value eq "{who}"].display', "value": name}

    assert shown(named(ann, "A"), named(inner, "I")) == {ann: "A", bob: None, inner: "I"}
    version = ScimGroup.objects.get(scim_id=group).version
    assert shown(named(ann, "A")) == {ann: "A", bob: None, inner: "I"}
    assert ScimGroup.objects.get(scim_id=group).version == version
    # Somebody who is not there is not made, and nobody else is taken for them.
    assert shown(named("nonsense", "X"), named(UNKNOWN, "X")) == {ann: "A", bob: None, inner: "I"}
    clearing = {"op": "remove", "path": f'members[value eq "{ann}"].display'}
    assert refused(scim.patch(f"/Groups/{group}", clearing), 400, "mutability")
    # One who is there already stays as they are (RFC 7644 section 3.5.2.1).
    again = {"op": "add", "path": "members", "value": [{"value": bob, "display": "B"}]}
    assert shown(again) == {ann: "A", bob: None, inner: "I"}


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_rename_to_a_taken_name_is_refused_and_nothing_is_done(
    scim: ScimClient, three: list[str], method: str
) -> None:
    push(scim, "Crew")
    group = push(scim, "Staff", three[0])["id"]
    body: dict[str, Any] = group_body("cREW", three[1])
    if method == "PATCH":
        operations = [
            {"op": "replace", "path": "members", "value": [{"value": three[1]}]},
            {"op": "replace", "path": "displayName", "value": "cREW"},
        ]
        body = {"schemas": [urns.PATCH_OP], "Operations": operations}
    assert refused(scim.request(method, f"/Groups/{group}", body), 409, "uniqueness")
    assert in_group(group) == {three[0]}
    assert ScimGroup.objects.get(scim_id=group).display_name == "Staff"


def test_a_group_may_be_given_its_own_name_in_another_case(scim: ScimClient) -> None:
    group = push(scim, "Staff")["id"]
    assert scim.put(f"/Groups/{group}", group_body("STAFF")).json()["displayName"] == "STAFF"
    assert ScimGroup.objects.get().unique_key == "staff"


def test_okta_renames_with_the_id_inside_the_value(scim: ScimClient, three: list[str]) -> None:
    group = push(scim, "Staff", *three)["id"]
    response = scim.patch(f"/Groups/{group}", {"op": "replace", "value": {"id": group, "displayName": "Crew"}})
    assert (response.status_code, response.json()["displayName"]) == (200, "Crew")
    assert in_group(group) == set(three)


@pytest.mark.parametrize(
    ("operation", "scim_type"),
    [
        ({"op": "remove", "path": "displayName"}, "mutability"),
        ({"op": "replace", "path": "displayName", "value": ""}, "invalidValue"),
        ({"op": "replace", "path": "displayName", "value": None}, "invalidValue"),
        ({"op": "replace", "path": "id", "value": UNKNOWN}, "mutability"),
        ({"op": "replace", "path": "meta.created", "value": "2001-01-01T00:00:00Z"}, "mutability"),
        ({"op": "remove"}, "noTarget"),
        ({"op": "upsert", "path": "displayName", "value": "x"}, "invalidSyntax"),
        ({"op": "replace", "path": "members[", "value": "x"}, "invalidPath"),
        ({"op": "replace", "path": "members[nonsense eq 1]", "value": "x"}, "invalidFilter"),
    ],
)
def test_a_patch_that_cannot_be_is_refused_whole(
    scim: ScimClient, three: list[str], operation: dict[str, Any], scim_type: str
) -> None:
    group = push(scim, "Staff", *three)["id"]
    first = {"op": "remove", "path": "members"}
    assert refused(scim.patch(f"/Groups/{group}", first, operation), 400, scim_type)
    assert in_group(group) == set(three)
    assert ScimGroup.objects.get().version == 1


def test_a_patch_of_nothing_changes_nothing(scim: ScimClient, three: list[str]) -> None:
    group = push(scim, "Staff", three[0])["id"]
    before = scim.get(f"/Groups/{group}").json()
    for operations in ([], [{"op": "add", "path": "members", "value": [{"value": three[0]}]}]):
        assert scim.patch(f"/Groups/{group}", *operations).json() == before
    assert ScimGroup.objects.get().version == 1


def test_external_ids_come_and_go(scim: ScimClient) -> None:
    group = push(scim, "Staff")["id"]
    for value in ("e-1", "E-1", None):
        answer = scim.patch(f"/Groups/{group}", {"op": "replace", "path": "externalId", "value": value})
        assert answer.json().get("externalId") == value
        assert ScimGroup.objects.get().external_id == value


# Large groups ------------------------------------------------------------------------------------------------


def test_a_change_of_a_large_group_is_answered_without_it(scim: ScimClient, connection: ScimConnection) -> None:
    group = push(scim, "Large")["id"]
    pks = many_people(connection, 12)
    fill(ScimGroup.objects.get(), pks[:10])
    one, two = (str(scim_id) for scim_id in _ids(pks[10:]))
    with override_settings(SCIM_PROVIDER={**settings.SCIM_PROVIDER, "GROUP_BODY_LIMIT": 10}):
        path = f"/Groups/{group}"
        assert scim.patch(path, {"op": "replace", "value": {"displayName": "Large 2"}}).status_code == 200
        response = scim.patch(path, {"op": "add", "path": "members", "value": [{"value": one}, {"value": two}]})
        assert (response.status_code, response.content) == (204, b"")
        assert response.headers["Location"] == f"{BASE}{path}"
        # Who asks for attributes gets them.
        body = {"schemas": [urns.PATCH_OP], "Operations": [{"op": "add", "path": "members", "value": [{"value": one}]}]}
        asked = scim.request("PATCH", path, body, QUERY_STRING="attributes=members.value")
        assert (asked.status_code, len(asked.json()["members"])) == (200, 12)
        # Without the members it is small.
        body = {"schemas": [urns.PATCH_OP], "Operations": [{"op": "replace", "value": {"displayName": "Large 3"}}]}
        slim = scim.request("PATCH", path, body, QUERY_STRING="excludedAttributes=members")
        assert (slim.status_code, slim.json()["displayName"]) == (200, "Large 3")
        assert scim.patch(path, {"op": "remove", "path": "members", "value": [one, two]}).status_code == 200
        assert len(scim.get(path).json()["members"]) == 10


# Nesting -----------------------------------------------------------------------------------------------------


def test_groups_nest_and_people_follow(scim: ScimClient, connection: ScimConnection, three: list[str]) -> None:
    inner = push(scim, "Inner", three[0])["id"]
    assert not ConnectionGuard.objects.get(connection=connection).has_nested_groups
    outer = push(scim, "Outer", inner, three[1])["id"]
    connection.refresh_from_db()
    assert connection.has_nested_groups
    assert ConnectionGuard.objects.get(connection=connection).has_nested_groups
    assert in_group(outer) == {inner, three[1]}
    groups = {item["display"]: item["type"] for item in scim.get(f"/Users/{three[0]}").json()["groups"]}
    assert groups == {"Inner": "direct", "Outer": "indirect"}
    scim.patch(f"/Groups/{outer}", {"op": "remove", "path": f'members[value eq "{inner}"]'})
    assert in_group(outer) == {three[1]}
    assert len(scim.get(f"/Users/{three[0]}").json()["groups"]) == 1


@pytest.mark.parametrize("method", ["add", "replace", "PUT"])
@pytest.mark.parametrize("length", [1, 2, 3, 12])
def test_a_cycle_is_refused(scim: ScimClient, three: list[str], method: str, length: int) -> None:
    """A group in itself, in its member, and so on."""
    chain = [push(scim, "Group 0", three[0])["id"]]
    for number in range(1, length):
        chain.append(push(scim, f"Group {number}", chain[-1], three[1])["id"])
    first, last = chain[0], chain[-1]
    if method == "PUT":
        response = scim.put(f"/Groups/{first}", group_body("Group 0", last, three[2]))
    else:
        value = [{"value": three[2]}, {"value": last}]
        response = scim.patch(f"/Groups/{first}", {"op": method, "path": "members", "value": value})
    assert refused(response)
    assert in_group(first) == {three[0]}
    assert ScimMembership.objects.filter(child__isnull=False).count() == length - 1


def test_a_cycle_that_another_request_would_close_is_refused(
    scim: ScimClient, connection: ScimConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether groups are nested was read with the token, before the lock: in between somebody nested one."""
    one, two = push(scim, "One")["id"], push(scim, "Two")["id"]
    push_two = {"op": "add", "path": "members", "value": [{"value": two}]}
    push_one = {"op": "add", "path": "members", "value": [{"value": one}]}
    assert scim.patch(f"/Groups/{one}", push_two).status_code == 200
    ScimConnection.objects.filter(pk=connection.pk).update(has_nested_groups=False)
    assert refused(scim.patch(f"/Groups/{two}", push_one))


def test_two_ways_to_a_group_are_no_cycle(scim: ScimClient, three: list[str]) -> None:
    bottom = push(scim, "Bottom", three[0])["id"]
    left, right = push(scim, "Left", bottom)["id"], push(scim, "Right", bottom)["id"]
    top = push(scim, "Top", left, right)["id"]
    assert scim.put(f"/Groups/{top}", group_body("Top", left, right, bottom)).status_code == 200
    groups = {item["display"]: item["type"] for item in scim.get(f"/Users/{three[0]}").json()["groups"]}
    assert groups == {"Bottom": "direct", "Left": "indirect", "Right": "indirect", "Top": "indirect"}


def test_a_deleted_group_leaves_the_groups_it_was_in(scim: ScimClient, three: list[str]) -> None:
    inner = push(scim, "Inner", three[0])["id"]
    outer = push(scim, "Outer", inner, three[1])["id"]
    version = ScimGroup.objects.get(scim_id=outer).version
    assert scim.delete(f"/Groups/{inner}").status_code == 204
    assert in_group(outer) == {three[1]}
    assert ScimGroup.objects.get(scim_id=outer).version == version + 1


# Delete ------------------------------------------------------------------------------------------------------


def test_a_group_is_deleted_and_its_people_stay(scim: ScimClient, three: list[str]) -> None:
    group = push(scim, "Staff", *three)["id"]
    response = scim.delete(f"/Groups/{group}")
    assert (response.status_code, response.content) == (204, b"")
    assert not ScimGroup.objects.exists()
    assert not ScimMembership.objects.exists()
    assert [scim.get(f"/Users/{scim_id}").status_code for scim_id in three] == [200] * 3
    assert "groups" not in scim.get(f"/Users/{three[0]}").json()
    event = last_event()
    assert (event.action, event.status, event.resource_id, event.label) == ("delete", 204, group, "Staff")
    assert scim.get(f"/Groups/{group}").status_code == scim.delete(f"/Groups/{group}").status_code == 404
    assert push(scim, "Staff")["id"] != group


def test_a_deleted_person_leaves_every_group(scim: ScimClient, three: list[str]) -> None:
    ann, bob, _ = three
    groups = [push(scim, name, ann, bob)["id"] for name in ("One", "Two")]
    other = push(scim, "Other", bob)["id"]
    scim.delete(f"/Users/{ann}")
    assert [in_group(group) for group in (*groups, other)] == [{bob}] * 3
    versions = dict(ScimGroup.objects.values_list("scim_id", "version"))
    assert sorted(versions.values()) == [1, 2, 2]
    assert ann not in str(scim.get("/Groups").json())


def test_an_inactive_person_stays_in_their_groups(scim: ScimClient, three: list[str]) -> None:
    """Entra expects the memberships to be there when the person returns."""
    group = push(scim, "Staff", *three)["id"]
    for active in (False, True):
        scim.patch(f"/Users/{three[0]}", {"op": "replace", "path": "active", "value": active})
        assert in_group(group) == set(three)
        assert scim.get(f"/Users/{three[0]}").json()["groups"][0]["value"] == group


# Events and signals ------------------------------------------------------------------------------------------


def test_the_host_is_told_once_all_is_committed(
    scim: ScimClient, three: list[str], django_capture_on_commit_callbacks: Any
) -> None:
    told: list[tuple[str, Any]] = []

    def listen(name: str, signal: Signal) -> Any:
        def receive(*, group: ScimGroup, **arguments: Any) -> None:
            told.append((name, sorted(arguments.get("changed", ()))))

        signal.connect(receive)
        return receive

    kept = [listen(name, getattr(signals, name)) for name in ("group_created", "group_updated", "group_removed")]
    with django_capture_on_commit_callbacks(execute=True):
        group = push(scim, "Staff")["id"]
        assert told == []
        scim.patch(f"/Groups/{group}", {"op": "replace", "value": {"displayName": "Crew", "members": three}})
        scim.patch(f"/Groups/{group}", {"op": "replace", "value": {"displayName": "Crew"}})
        scim.delete(f"/Groups/{group}")
    assert told == [("group_created", []), ("group_updated", ["displayName", "members"]), ("group_removed", [])]
    assert len(kept) == 3


def test_a_refusal_is_recorded_after_the_rollback(scim: ScimClient, three: list[str]) -> None:
    group = push(scim, "Staff", *three)["id"]
    scim.patch(f"/Groups/{group}", {"op": "remove", "path": "members", "value": []})
    event = last_event()
    assert (event.action, event.outcome, event.status, event.scim_type) == ("modify", "refused", 400, "invalidValue")
    assert event.resource_id == group
    assert ScimEvent.objects.filter(resource_type="Group").count() == 2


# SQL ---------------------------------------------------------------------------------------------------------


def test_adding_reads_no_member_list_and_deletes_nothing(scim: ScimClient, three: list[str]) -> None:
    group = push(scim, "Staff", three[0])["id"]
    table = ScimMembership._meta.db_table
    add = {"op": "add", "path": "members", "value": [{"value": three[1]}]}
    body = {"schemas": [urns.PATCH_OP], "Operations": [add]}
    statements = sql_of(
        lambda: scim.request("PATCH", f"/Groups/{group}", body, QUERY_STRING="excludedAttributes=members")
    )
    touching = [sql for sql in statements if table in sql]
    assert not [sql for sql in statements if sql.startswith("DELETE")]
    assert [sql.split()[0] for sql in touching] == ["SELECT", "INSERT"]
    # The read asks about the one who comes, not about those who are there.
    assert "scim_user_id" in touching[0]
    assert " IN (" in touching[0] or " = ANY(" in touching[0]
    assert in_group(group) == set(three[:2])
