"""GET /Groups and /Groups/{id}: list, filter, sort, page, project (RFC 7644 section 3.4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError
from django.test import override_settings

from conftest import MOUNT, ScimClient
from django_scim_provider.models import ScimConnection, ScimGroup, ScimMembership
from django_scim_provider.protocol import urns
from django_scim_provider.services import member_rows
from django_scim_provider.services.kinds import Groups
from django_scim_provider.services.prepared import Statement
from group_support import UNKNOWN, fill, find_groups, many_people, push, sql_of

pytest_plugins = ("group_fixtures",)
pytestmark = [pytest.mark.django_db, pytest.mark.hosts]

BASE = f"http://testserver{MOUNT}"


@pytest.fixture
def pushed(scim: ScimClient, three: list[str]) -> dict[str, dict[str, Any]]:
    """Four groups: Staff has ann and bob, Émigrés has ann, Both contains Staff, Empty nobody."""
    ann, bob, _ = three
    staff = push(scim, "Staff", ann, bob, externalId="e-1")
    return {
        "Staff": staff,
        "Émigrés": push(scim, "Émigrés", ann, externalId="E-1"),
        "Both": push(scim, "Both", staff["id"]),
        "Empty": push(scim, "Empty"),
    }


# One group ---------------------------------------------------------------------------------------------------


def test_a_group_is_shown_whole(scim: ScimClient, three: list[str]) -> None:
    ann, bob, _ = three
    body = {
        "schemas": [urns.GROUP],
        "displayName": "Staff",
        "externalId": "e-1",
        "members": [{"value": bob, "display": "Bob B"}, {"value": ann, "type": "User", "$ref": "Users/x"}],
    }
    made = scim.post("/Groups", body).json()
    response = scim.get(f"/Groups/{made['id']}")
    assert response.status_code == 200
    shown = response.json()
    location = f"{BASE}/Groups/{made['id']}"
    assert response.headers["Location"] == response.headers["Content-Location"] == location
    meta = shown.pop("meta")
    assert (meta["resourceType"], meta["location"]) == ("Group", location)
    assert meta["created"] == meta["lastModified"]
    assert sorted(shown.pop("members"), key=lambda member: member["value"]) == sorted(
        [
            {"value": bob, "$ref": f"{BASE}/Users/{bob}", "type": "User", "display": "Bob B"},
            {"value": ann, "$ref": f"{BASE}/Users/{ann}", "type": "User"},
        ],
        key=lambda member: member["value"],
    )
    assert shown == {"schemas": [urns.GROUP], "id": made["id"], "externalId": "e-1", "displayName": "Staff"}


@pytest.fixture
def large(scim: ScimClient, three: list[str], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A group of more members than are held at a time."""
    monkeypatch.setattr(member_rows, "PIECE", 2)
    everybody = ["one", "two", *(f"n{number}" for number in range(4))]
    people = [*three, *(scim.create(f"{name}@example.com")["id"] for name in everybody)]
    return push(scim, "Everybody", *people)


@pytest.mark.parametrize("is_nested", [False, True])
def test_a_large_group_is_shown_like_a_small_one(
    scim: ScimClient, large: dict[str, Any], is_nested: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/Groups/{large['id']}"
    if is_nested:
        inner = push(scim, "Inner")["id"]
        scim.patch(path, {"op": "add", "path": "members", "value": [{"value": inner, "display": 'Ínner "x"'}]})
    streamed = scim.django.get(f"{MOUNT}{path}")
    assert streamed.streaming
    content = streamed.getvalue()
    monkeypatch.setattr(member_rows, "PIECE", 100)
    plain = scim.django.get(f"{MOUNT}{path}")
    assert not plain.streaming
    assert content == plain.content
    assert len(plain.json()["members"]) == 9 + is_nested
    headers = dict(plain.headers) | {"Content-Length": str(len(content))}
    assert dict(streamed.headers) == headers


def test_what_is_asked_of_a_large_group_is_what_is_shown(scim: ScimClient, large: dict[str, Any]) -> None:
    path = f"/Groups/{large['id']}"
    whole = scim.get(path)
    assert scim.get(path, attributes="members.value").json()["members"] == [
        {"value": member["value"]} for member in whole.json()["members"]
    ]
    assert "members" not in scim.get(path, excludedAttributes="members").json()
    assert scim.request("GET", path, headers={"If-None-Match": whole.headers["ETag"]}).status_code == 304
    assert scim.request("HEAD", path).headers["Content-Length"] == str(len(whole.content))


def test_one_version_has_one_content_when_the_first_group_is_nested_meanwhile(
    scim: ScimClient, three: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request knew of no nested groups when it was let in, and reads the version of a group that has one."""
    path, inner = f"/Groups/{push(scim, 'Outer', *three)['id']}", push(scim, "Inner")["id"]
    read = Groups.by_id

    def nested_meanwhile(groups: Groups, scim_id: str) -> Any:
        monkeypatch.undo()
        scim.patch(path, {"op": "add", "path": "members", "value": [{"value": inner}]})
        return read(groups, scim_id)

    monkeypatch.setattr(Groups, "by_id", nested_meanwhile)
    first, second = scim.get(path), scim.get(path)
    assert first.headers["ETag"] == second.headers["ETag"]
    assert len(first.json()["members"]) == len(second.json()["members"]) == 4


def test_nobody_is_shown_twice_who_comes_back_while_a_large_group_is_read(
    scim: ScimClient, large: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second statement finds the row with which somebody came back, the first had the one before it."""
    first = large["members"][0]["value"]

    def stream(statement: Statement, *given: Any) -> Iterator[Any]:
        membership = ScimMembership.objects.get(scim_user__scim_id=first)
        membership.delete()
        ScimMembership.objects.create(group_id=membership.group_id, scim_user_id=membership.scim_user_id)
        return read(statement, *given)

    read = Statement.stream
    monkeypatch.setattr(Statement, "stream", stream)
    shown = [member["value"] for member in scim.get(f"/Groups/{large['id']}").json()["members"]]
    assert shown == [member["value"] for member in large["members"]]


def test_a_database_that_fails_in_the_middle_of_a_large_group_is_an_error_and_no_torn_answer(
    scim: ScimClient, large: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stream(statement: Statement, *given: Any) -> Iterator[Any]:
        yield next(iter(read(statement, *given)))
        raise OperationalError("the server closed the connection unexpectedly")

    read = Statement.stream
    monkeypatch.setattr(Statement, "stream", stream)
    response = scim.get(f"/Groups/{large['id']}")
    assert response.status_code == 503
    assert response.json()["schemas"] == [urns.ERROR]


def test_members_is_there_when_nobody_is(scim: ScimClient) -> None:
    """authentik never adds anybody to a group that shows no ``members``."""
    made = push(scim, "Empty")
    assert made["members"] == []
    assert scim.get(f"/Groups/{made['id']}").json()["members"] == []
    assert scim.get("/Groups").json()["Resources"][0]["members"] == []
    assert scim.put(f"/Groups/{made['id']}", {"displayName": "Still empty"}).json()["members"] == []


def test_a_group_inside_a_group_is_shown_as_one(scim: ScimClient, pushed: dict[str, dict[str, Any]]) -> None:
    staff = pushed["Staff"]["id"]
    shown = scim.get(f"/Groups/{pushed['Both']['id']}").json()
    assert shown["members"] == [{"value": staff, "$ref": f"{BASE}/Groups/{staff}", "type": "Group"}]


@pytest.mark.parametrize("scim_id", [UNKNOWN, "nonsense", "1", UNKNOWN.upper(), UNKNOWN.replace("-", "")])
def test_an_unknown_group_is_not_found(scim: ScimClient, pushed: Any, scim_id: str) -> None:
    assert scim.get(f"/Groups/{scim_id}").status_code == 404


def test_a_group_of_another_connection_is_not_found(
    neighbour_scim: ScimClient, pushed: dict[str, dict[str, Any]]
) -> None:
    path, unknown = f"/Groups/{pushed['Staff']['id']}", f"/Groups/{UNKNOWN}"
    remove = {"op": "remove", "path": "members"}
    for answer, foreign in [
        (neighbour_scim.get(unknown), neighbour_scim.get(path)),
        (neighbour_scim.put(unknown, {"displayName": "x"}), neighbour_scim.put(path, {"displayName": "x"})),
        (neighbour_scim.patch(unknown, remove), neighbour_scim.patch(path, remove)),
        (neighbour_scim.delete(unknown), neighbour_scim.delete(path)),
    ]:
        assert (foreign.status_code, foreign.content) == (404, answer.content)
    assert neighbour_scim.get("/Groups").json()["totalResults"] == 0
    assert ScimMembership.objects.filter(group__scim_id=pushed["Staff"]["id"]).count() == 2


def test_the_trailing_slash_makes_no_difference(scim: ScimClient, pushed: dict[str, dict[str, Any]]) -> None:
    path = f"/Groups/{pushed['Staff']['id']}"
    assert scim.get(f"{path}/").json() == scim.get(path).json()
    assert scim.get("/Groups/").json() == scim.get("/Groups").json()


# Projection --------------------------------------------------------------------------------------------------


def _names_memberships(sql: str) -> bool:
    return ScimMembership._meta.db_table in sql


@pytest.mark.parametrize(
    "query",
    [
        {"excludedAttributes": "members"},
        {"excludedAttributes": f"{urns.GROUP}:members"},
        {"excludedattributes": "MEMBERS"},
        {"attributes": "displayName"},
        {"attributes": "id,externalId,meta"},
    ],
)
def test_members_not_asked_for_are_never_read(
    scim: ScimClient, pushed: dict[str, dict[str, Any]], query: dict[str, str]
) -> None:
    path = f"/Groups/{pushed['Staff']['id']}"
    answers: list[Any] = []
    asked = {
        "get": lambda: answers.append(scim.get(path, **query).json()),
        "list": lambda: answers.extend(scim.get("/Groups", **query).json()["Resources"]),
        "match": lambda: answers.extend(
            scim.get("/Groups", **query, filter='displayName eq "staff"').json()["Resources"]
        ),
    }
    for what, work in asked.items():
        assert not [sql for sql in sql_of(work) if _names_memberships(sql)], what
    assert len(answers) == 6
    assert not any("members" in answer for answer in answers)
    assert all("id" in answer for answer in answers)


def test_members_are_not_read_for_the_answer_to_a_change_either(
    scim: ScimClient, pushed: dict[str, dict[str, Any]]
) -> None:
    path = f"/Groups/{pushed['Staff']['id']}?excludedAttributes=members"
    body = {"schemas": [urns.PATCH_OP], "Operations": [{"op": "replace", "value": {"displayName": "Crew"}}]}
    answers: list[Any] = []
    work = lambda: answers.append(scim.request("PATCH", path, body, QUERY_STRING="excludedAttributes=members"))  # noqa: E731
    assert not [sql for sql in sql_of(work) if _names_memberships(sql)]
    assert answers[0].status_code == 200
    assert answers[0].json()["displayName"] == "Crew"
    assert "members" not in answers[0].json()


def test_parts_of_members_can_be_asked_for(scim: ScimClient, pushed: dict[str, dict[str, Any]]) -> None:
    path = f"/Groups/{pushed['Both']['id']}"
    member = {"value": pushed["Staff"]["id"]}
    assert scim.get(path, attributes="members.value").json()["members"] == [member]
    rest = scim.get(path, excludedAttributes="members.$ref,members.type").json()
    assert rest["members"] == [member]
    assert rest["displayName"] == "Both"


def test_a_list_shows_each_group_with_its_own_members(scim: ScimClient, pushed: dict[str, dict[str, Any]]) -> None:
    listed = scim.get("/Groups").json()
    assert listed["totalResults"] == 4
    alone = [scim.get(f"/Groups/{made['id']}").json() for made in pushed.values()]
    assert listed["Resources"] == alone


# Filters -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('displayName eq "Staff"', ["Staff"]),
        ('displayName eq "sTAFF"', ["Staff"]),
        ('DISPLAYNAME EQ "staff"', ["Staff"]),
        ("displayName eq Staff", ["Staff"]),
        (f'{urns.GROUP}:displayName eq "staff"', ["Staff"]),
        ('displayName eq "éMIGRÉS"', ["Émigrés"]),
        ('displayName eq "e\u0301migre\u0301s"', ["Émigrés"]),
        ('displayName eq "Staff "', []),
        ('displayName eq "St%"', []),
        ('displayName ne "staff"', ["Émigrés", "Both", "Empty"]),
        ('displayName co "T"', ["Staff", "Both", "Empty"]),
        ('displayName sw "é"', ["Émigrés"]),
        ('displayName ew "TH"', ["Both"]),
        ('displayName gt "empty"', ["Staff", "Émigrés"]),
        ("displayName pr", ["Staff", "Émigrés", "Both", "Empty"]),
        ('externalId eq "e-1"', ["Staff"]),
        ('externalId eq "E-1"', ["Émigrés"]),
        ('externalId ne "e-1"', ["Émigrés", "Both", "Empty"]),
        ("externalId pr", ["Staff", "Émigrés"]),
        ("not (externalId pr)", ["Both", "Empty"]),
        ('externalId sw "e"', ["Staff"]),
        ("members pr", ["Staff", "Émigrés", "Both"]),
        ("members.value pr", ["Staff", "Émigrés", "Both"]),
        ("members.display pr", []),
        ('members.type eq "Group"', ["Both"]),
        ('members.type eq "user"', ["Staff", "Émigrés"]),
        ('members.type ne "User"', ["Both", "Empty"]),
        ('members[type eq "Group"]', ["Both"]),
        ('members[type ne "Group"]', ["Staff", "Émigrés"]),
        ('members[not (type eq "Group")]', ["Staff", "Émigrés"]),
        ("members[value pr]", ["Staff", "Émigrés", "Both"]),
        ("members[display pr]", []),
        (f'members.value eq "{UNKNOWN}"', []),
        (f'not (members.value eq "{UNKNOWN}")', ["Staff", "Émigrés", "Both", "Empty"]),
        ('members.value eq "nonsense"', []),
        ('members.value ne "nonsense"', ["Staff", "Émigrés", "Both", "Empty"]),
        ('members[value ne "nonsense"]', ["Staff", "Émigrés", "Both"]),
        ('displayName eq "staff" or displayName eq "both"', ["Staff", "Both"]),
        ('displayName co "t" and externalId pr', ["Staff"]),
        ('displayName co "t" and not (members pr)', ["Empty"]),
        ('displayName eq "empty" or displayName co "t" and externalId pr', ["Staff", "Empty"]),
        ('meta.resourceType eq "Group"', ["Staff", "Émigrés", "Both", "Empty"]),
        ('meta.resourceType eq "User"', []),
        ('meta.resourceType ne "User"', ["Staff", "Émigrés", "Both", "Empty"]),
        (f'schemas eq "{urns.GROUP}"', ["Staff", "Émigrés", "Both", "Empty"]),
        (f'schemas eq "{urns.USER}"', []),
        ('meta.lastModified gt "2000-01-01T00:00:00Z"', ["Staff", "Émigrés", "Both", "Empty"]),
        ('meta.created lt "2000-01-01T00:00:00Z"', []),
        ("id pr", ["Staff", "Émigrés", "Both", "Empty"]),
        ("meta.version pr", ["Staff", "Émigrés", "Both", "Empty"]),
        ('id eq "nonsense"', []),
    ],
)
def test_a_filter_finds_groups(scim: ScimClient, pushed: Any, text: str, found: list[str]) -> None:
    assert find_groups(scim, text) == found


def test_groups_are_found_by_member(scim: ScimClient, pushed: dict[str, Any], three: list[str]) -> None:
    ann, bob, cy = three
    staff = pushed["Staff"]["id"]
    for text, found in [
        (f'members.value eq "{ann}"', ["Staff", "Émigrés"]),
        (f'members[value eq "{ann}"]', ["Staff", "Émigrés"]),
        (f'members eq "{ann}"', ["Staff", "Émigrés"]),
        (f'members.value ne "{bob}"', ["Émigrés", "Both", "Empty"]),
        (f'members[value eq "{ann}" and type eq "User"]', ["Staff", "Émigrés"]),
        (f'members[value eq "{ann}" and type eq "Group"]', []),
        (f'members[value eq "{ann}" or value eq "{staff}"]', ["Staff", "Émigrés", "Both"]),
        (f'members[value ne "{ann}"]', ["Staff", "Both"]),
        (f'members.value eq "{ann}" and members.value eq "{bob}"', ["Staff"]),
        (f'members[value eq "{ann}" and value eq "{bob}"]', []),
        (f'members.value eq "{cy}"', []),
        (f'members.value eq "{ann.upper()}"', []),
        (f'members.value eq "{staff}"', ["Both"]),
        # Entra's reference check.
        (f'id eq "{staff}" and members eq "{ann}"', ["Staff"]),
        (f'id eq "{staff}" and members eq "{cy}"', []),
        (f'id ne "{staff}" and members.value eq "{ann}"', ["Émigrés"]),
    ]:
        assert find_groups(scim, text) == found, text


@pytest.mark.parametrize(
    "text",
    [
        'nonsense eq "x"',
        'members.nonsense eq "x"',
        'members.display eq "Bob"',
        'members.value co "a"',
        'members.value sw "a"',
        'members[value gt "a"]',
        'members.$ref eq "x"',
        'members[display eq "x"]',
        'id co "x"',
        'meta.location eq "x"',
        'meta.version eq "x"',
        "displayName",
        'displayName eq "x" and nonsense pr',
        'displayName eq "x" and members.display eq "Bob"',
        'not (nonsense eq "x")',
        'userName eq "x"',
        'members[emails[type eq "work"]]',
        'password eq "x"',
    ],
)
def test_a_filter_that_cannot_be_answered_is_refused(scim: ScimClient, pushed: Any, text: str) -> None:
    response = scim.get("/Groups", filter=text)
    assert response.status_code == 400, response.content
    assert response.json()["scimType"] == "invalidFilter"


# Sort and pages ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["Staff", "Émigrés", "Both", "Empty"]),
        ({"sortBy": "displayName"}, ["Both", "Empty", "Staff", "Émigrés"]),
        ({"sortBy": "DISPLAYNAME", "sortOrder": "descending"}, ["Émigrés", "Staff", "Empty", "Both"]),
        ({"sortBy": "externalId"}, ["Émigrés", "Staff", "Both", "Empty"]),
        ({"sortBy": "externalId", "sortOrder": "descending"}, ["Both", "Empty", "Staff", "Émigrés"]),
        ({"sortBy": "meta.created", "sortOrder": "descending", "count": "0"}, []),
        ({"sortBy": "displayName", "filter": "externalId pr"}, ["Staff", "Émigrés"]),
        ({"startIndex": "2", "count": "2"}, ["Émigrés", "Both"]),
        ({"startindex": "4"}, ["Empty"]),
        ({"startIndex": "0", "count": "1"}, ["Staff"]),
        ({"startIndex": "9"}, []),
        ({"count": "-1"}, []),
    ],
)
def test_groups_are_sorted_and_paged(scim: ScimClient, pushed: Any, query: dict[str, str], names: list[str]) -> None:
    response = scim.get("/Groups", **query)
    assert response.status_code == 200
    listed = response.json()
    assert [item["displayName"] for item in listed["Resources"]] == names
    assert listed["totalResults"] == (2 if "filter" in query else 4)
    assert listed["itemsPerPage"] == len(names)


@pytest.mark.parametrize("attribute", ["members", "members.value", "schemas", "meta.location", "nonsense", "userName"])
def test_what_cannot_be_sorted_by_is_refused(scim: ScimClient, pushed: Any, attribute: str) -> None:
    response = scim.get("/Groups", sortBy=attribute)
    assert (response.status_code, response.json()["scimType"]) == (400, "invalidValue")


def test_a_walk_through_the_pages_meets_every_group_once(scim: ScimClient) -> None:
    wanted = [push(scim, f"Group {number}")["id"] for number in range(7)]
    met: list[str] = []
    while len(met) < 7:
        page = scim.get("/Groups", startIndex=len(met) + 1, count=3).json()
        assert page["totalResults"] == 7
        met += [item["id"] for item in page["Resources"]]
    assert met == wanted


def test_more_groups_of_one_name_than_a_page_holds_are_paged(scim: ScimClient, connection: ScimConnection) -> None:
    ScimConnection.objects.filter(pk=connection.pk).update(equal_group_names="allow")
    for _ in range(3):
        push(scim, "Same")
    with override_settings(SCIM_PROVIDER={**settings.SCIM_PROVIDER, "MAX_RESULTS": 2}):
        page = scim.get("/Groups", filter='displayName eq "SAME"').json()
    assert (page["totalResults"], page["itemsPerPage"]) == (3, 2)


def test_a_large_group_is_read_by_three_queries_and_no_instances(
    scim: ScimClient, connection: ScimConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = push(scim, "Large")
    fill(ScimGroup.objects.get(), many_people(connection, 1500))

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("a read made a model instance")

    monkeypatch.setattr(ScimMembership, "__init__", refuse)
    answers: list[Any] = []
    statements = sql_of(lambda: answers.append(scim.get(f"/Groups/{made['id']}").json()))
    assert len(answers[0]["members"]) == 1500
    assert len([sql for sql in statements if sql.startswith("SELECT")]) == 3


# People ------------------------------------------------------------------------------------------------------


def test_people_show_their_groups_direct_and_indirect(
    scim: ScimClient, pushed: dict[str, dict[str, Any]], three: list[str]
) -> None:
    top = push(scim, "Top", pushed["Both"]["id"], three[0])

    def entry(name: str, kind: str) -> dict[str, str]:
        group_id = (pushed | {"Top": top})[name]["id"]
        return {"value": group_id, "$ref": f"{BASE}/Groups/{group_id}", "display": name, "type": kind}

    def by_name(groups: list[dict[str, str]]) -> list[dict[str, str]]:
        return sorted(groups, key=lambda group: group["display"])

    ann, bob, cy = (scim.get(f"/Users/{scim_id}").json() for scim_id in three)
    assert by_name(ann["groups"]) == by_name(
        [entry("Both", "indirect"), entry("Staff", "direct"), entry("Top", "direct"), entry("Émigrés", "direct")]
    )
    assert by_name(bob["groups"]) == by_name(
        [entry("Both", "indirect"), entry("Staff", "direct"), entry("Top", "indirect")]
    )
    assert "groups" not in cy
    listed = {item["id"]: item for item in scim.get("/Users").json()["Resources"]}
    assert [listed[scim_id].get("groups") for scim_id in three] == [ann["groups"], bob["groups"], None]


def test_groups_are_not_the_clients_to_set_on_a_person(scim: ScimClient, pushed: Any, three: list[str]) -> None:
    cy = scim.get(f"/Users/{three[2]}").json()
    cy["groups"] = [{"value": pushed["Staff"]["id"]}]
    assert "groups" not in scim.put(f"/Users/{three[2]}", cy).json()
    response = scim.patch(f"/Users/{three[2]}", {"op": "add", "path": "groups", "value": cy["groups"]})
    assert (response.status_code, response.json()["scimType"]) == (400, "mutability")
    assert "groups" not in scim.get(f"/Users/{three[2]}").json()


def test_people_are_found_by_their_groups(scim: ScimClient, pushed: dict[str, Any], three: list[str]) -> None:
    """RFC 7643 section 4.1.2: ``groups`` holds indirect memberships too, so a filter on it finds by them."""
    ann, bob, cy = three
    staff, emigres, both = (pushed[name]["id"] for name in ("Staff", "Émigrés", "Both"))
    push(scim, "Top", both)
    for text, found in [
        (f'groups.value eq "{staff}"', [ann, bob]),
        (f'groups[value eq "{staff}"]', [ann, bob]),
        (f'groups eq "{staff}"', [ann, bob]),
        (f'groups.value eq "{both}"', [ann, bob]),
        (f'groups.value ne "{both}"', [cy]),
        (f'groups.value eq "{emigres}"', [ann]),
        (f'groups.value ne "{emigres}"', [bob, cy]),
        (f'groups[value ne "{staff}" and display ne "top" and display ne "both"]', [ann]),
        (f'groups[value eq "{both}" and display eq "top"]', []),
        (f'groups[value eq "{emigres}" or display eq "top"]', [ann, bob]),
        (f'groups[not (value eq "{staff}")]', [ann, bob]),
        ('groups.display eq "TOP"', [ann, bob]),
        ('groups.display eq "émigrés"', [ann]),
        ("groups pr", [ann, bob]),
        ("not (groups pr)", [cy]),
        (f'groups.value eq "{UNKNOWN}"', []),
        ('groups.value eq "nonsense"', []),
        ('groups.value ne "nonsense"', [ann, bob, cy]),
        (f'groups.value eq "{both}" and userName sw "b"', [bob]),
    ]:
        assert [item["id"] for item in scim.find(text)] == found, text


@pytest.mark.parametrize("text", ['groups.value co "a"', 'groups.type eq "direct"', 'groups.$ref eq "x"'])
def test_a_filter_on_groups_that_cannot_be_answered_is_refused(scim: ScimClient, text: str) -> None:
    response = scim.get("/Users", filter=text)
    assert (response.status_code, response.json()["scimType"]) == (400, "invalidFilter")


def test_another_connections_group_finds_nobody(neighbour_scim: ScimClient, pushed: dict[str, dict[str, Any]]) -> None:
    assert neighbour_scim.find(f'groups.value eq "{pushed["Staff"]["id"]}"') == []


# Discovery ---------------------------------------------------------------------------------------------------


def test_groups_are_discovered(scim: ScimClient) -> None:
    listed = {item["name"]: item for item in scim.get("/ResourceTypes").json()["Resources"]}
    assert listed["Group"]["endpoint"] == "/Groups"
    assert listed["Group"]["schema"] == urns.GROUP
    assert scim.get("/ResourceTypes/Group").json()["schema"] == urns.GROUP
    names = {attribute["name"] for attribute in scim.get(f"/Schemas/{urns.GROUP}").json()["attributes"]}
    assert names == {"displayName", "members"}
