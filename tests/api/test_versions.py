"""ETag, If-Match and If-None-Match (RFC 7644 section 3.14, RFC 7232)."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group

from api.helpers import NO_SUCH_ID, dump, host_of, is_error, statements
from conftest import ScimClient, person
from django_scim_provider.models import ScimConnection, ScimEvent, ScimGroup
from django_scim_provider.protocol import urns
from group_support import group_body, push

pytestmark = pytest.mark.django_db

OTHER = 'W/"0"'
TITLE = {"op": "replace", "path": "title", "value": "Boss"}


@pytest.fixture
def ann(scim: ScimClient) -> dict[str, Any]:
    return scim.create("ann@example.com", title="Clerk")


@pytest.fixture
def staff(scim: ScimClient, ann: dict[str, Any]) -> dict[str, Any]:
    return push(scim, "Staff", ann["id"])


def version(scim: ScimClient, path: str) -> str:
    """The resource's version, which every way of reading it shows."""
    response = scim.get(path)
    tag: str = response.headers["ETag"]
    assert tag.startswith('W/"')
    assert response.json()["meta"]["version"] == tag
    for query in ("attributes=id", "excludedAttributes=groups,members,meta", "attributes=meta.version"):
        shown = scim.get(f"{path}?{query}")
        assert shown.headers["ETag"] == tag, query
        assert shown.json().get("meta", {}).get("version", tag) == tag, query
    collection, _, scim_id = path.rpartition("/")
    for query in ("", "?excludedAttributes=groups,members"):
        listed = scim.get(collection + query).json()["Resources"]
        assert [item["meta"]["version"] for item in listed if item["id"] == scim_id] == [tag]
    return tag


def conditional(scim: ScimClient, method: str, path: str, body: Any = None, **headers: str) -> Any:
    if method == "PATCH" and body is not None:
        body = {"schemas": [urns.PATCH_OP], "Operations": [body]}
    return scim.request(method, path, body, headers={name.replace("_", "-"): text for name, text in headers.items()})


@pytest.mark.hosts
def test_answer_to_a_write_has_the_version_that_is_read_afterwards(scim: ScimClient) -> None:
    made = scim.post("/Users", person("Ann@Example.com", title="Clerk", emails=[{"value": "Ann@x.example"}]))
    path = f"/Users/{made.json()['id']}"
    seen = [version(scim, path)]
    assert made.headers["ETag"] == made.json()["meta"]["version"] == seen[0]
    for write in (
        lambda: scim.patch(path, TITLE),
        lambda: scim.patch(path, {"op": "replace", "path": "name.familyName", "value": "Other"}),
        lambda: scim.put(path, person("Ann2@Example.com", locale="en")),
        lambda: scim.patch(path, {"op": "replace", "path": "active", "value": False}),
        lambda: scim.patch(path, {"op": "replace", "path": "active", "value": True}),
    ):
        answer = write()
        assert answer.status_code == 200, answer.content
        seen.append(version(scim, path))
        assert answer.headers["ETag"] == answer.json()["meta"]["version"] == seen[-1]
    assert len(set(seen)) == len(seen)
    # Nothing changed, nothing new.
    assert scim.patch(path, {"op": "replace", "path": "locale", "value": "en"}).headers["ETag"] == seen[-1]


@pytest.mark.hosts
def test_what_the_host_changes_past_us_is_a_new_version(scim: ScimClient, ann: dict[str, Any]) -> None:
    path, user = f"/Users/{ann['id']}", host_of(ann)
    before = version(scim, path)
    column = "full_name" if hasattr(user, "full_name") else "last_name"
    type(user)._base_manager.filter(pk=user.pk).update(**{column: "Somebody Else"})
    after = version(scim, path)
    assert after != before
    assert is_error(conditional(scim, "PATCH", path, TITLE, If_Match=before), 412)
    assert conditional(scim, "PATCH", path, TITLE, If_Match=after).status_code == 200


def test_group_that_comes_goes_or_is_renamed_is_a_new_version_of_its_people(
    scim: ScimClient, ann: dict[str, Any]
) -> None:
    path = f"/Users/{ann['id']}"
    seen = [version(scim, path)]
    inner = f"/Groups/{push(scim, 'Inner', ann['id'])['id']}"
    seen.append(version(scim, path))
    scim.patch(inner, {"op": "replace", "path": "displayName", "value": "Core"})
    seen.append(version(scim, path))
    outer = f"/Groups/{push(scim, 'Outer', inner.rpartition('/')[2])['id']}"
    seen.append(version(scim, path))
    assert conditional(scim, "PATCH", path, TITLE, If_Match=seen[-2]).status_code == 412
    assert conditional(scim, "DELETE", path, If_Match=seen[-2]).status_code == 412
    scim.delete(outer)
    assert version(scim, path) == seen[2]
    scim.delete(inner)
    assert version(scim, path) == seen[0]


def test_group_is_a_new_version_whoever_comes_goes_or_is_deleted(scim: ScimClient, staff: dict[str, Any]) -> None:
    path, bob = f"/Groups/{staff['id']}", scim.create("bob@example.com")["id"]
    inner = push(scim, "Inner")["id"]
    seen = [version(scim, path)]
    for write in (
        lambda: scim.patch(path, {"op": "add", "path": "members", "value": [{"value": bob}, {"value": inner}]}),
        lambda: scim.patch(path, {"op": "replace", "path": "displayName", "value": "Crew"}),
        lambda: scim.patch(path, {"op": "add", "path": "members", "value": [{"value": bob, "display": "Bob"}]}),
        lambda: scim.put(path, group_body("Crew", bob, inner, externalId="1")),
        lambda: scim.delete(f"/Users/{bob}"),
        lambda: scim.delete(f"/Groups/{inner}"),
    ):
        answer = write()
        assert answer.status_code in (200, 204), answer.content
        tag = version(scim, path)
        if answer.status_code == 200:
            assert answer.headers["ETag"] == answer.json()["meta"]["version"] == tag
        seen.append(tag)
    # A display that is there already stays (RFC 7644 section 3.5.2.1): no change.
    assert seen[3] == seen[2]
    assert len(set(seen)) == len(seen) - 1
    assert scim.get(path).json()["members"] == []


@pytest.mark.parametrize("path", ["/Users/{ann}", "/Groups/{staff}", "/Roles/writer"])
def test_reader_who_has_the_version_is_told_so(
    scim: ScimClient, ann: dict[str, Any], staff: dict[str, Any], path: str
) -> None:
    Group.objects.create(name="writer")
    path = path.format(ann=ann["id"], staff=staff["id"])
    tag = version(scim, path)
    for header in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        for method in ("GET", "HEAD"):
            answer = conditional(scim, method, path, If_None_Match=header)
            assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", tag)
            assert answer.headers["Cache-Control"] == "no-store, private"
    shown = conditional(scim, "GET", path, If_None_Match=OTHER)
    assert (shown.status_code, shown.headers["ETag"]) == (200, tag)
    assert conditional(scim, "GET", path, If_Match=tag).json() == shown.json()
    assert is_error(conditional(scim, "GET", path, If_Match=OTHER), 412)
    assert is_error(conditional(scim, "GET", path, If_None_Match="1"), 400, "invalidValue")
    for collection in (path.rpartition("/")[0], "/ServiceProviderConfig"):
        assert conditional(scim, "GET", collection, If_None_Match="*").status_code == 200
    reads = statements(lambda: conditional(scim, "GET", path, If_None_Match=tag))
    assert not path.startswith("/Groups") or not any("membership" in line for line in reads)


@pytest.mark.parametrize("kind", ["Users", "Groups"])
def test_write_for_another_version_changes_nothing_and_is_written_down(
    scim: ScimClient, connection: ScimConnection, ann: dict[str, Any], staff: dict[str, Any], kind: str
) -> None:
    path = f"/Users/{ann['id']}" if kind == "Users" else f"/Groups/{staff['id']}"
    rename = {"op": "replace", "path": "displayName", "value": "New"}
    put = person("ann@example.com") if kind == "Users" else group_body("New")
    tag, before = version(scim, path), dump(events=False)
    failing = [
        {"If_Match": OTHER},
        {"If_None_Match": "*"},
        {"If_None_Match": tag},
        {"If_Match": tag, "If_None_Match": tag},
    ]
    for method, body in (("PATCH", rename), ("PUT", put), ("DELETE", None)):
        for headers in failing:
            ScimEvent.objects.all()._raw_delete("default")
            assert is_error(conditional(scim, method, path, body, **headers), 412)
            event = ScimEvent.objects.get()
            assert (event.outcome, event.status, event.resource_id) == ("refused", 412, path.rpartition("/")[2])
        assert is_error(conditional(scim, method, path, body, If_Match="1"), 400, "invalidValue")
        assert is_error(conditional(scim, method, f"/{kind}/{NO_SUCH_ID}", body, If_Match="*"), 404)
    assert dump(events=False) == before

    first = conditional(scim, "PATCH", path, rename, If_Match=f"{OTHER}, {tag}")
    assert first.status_code == 200
    assert is_error(conditional(scim, "PATCH", path, rename, If_Match=tag), 412)
    second = conditional(scim, "PUT", path, put, If_Match=first.headers["ETag"], If_None_Match=tag)
    assert second.status_code == 200
    assert conditional(scim, "PATCH", path, rename, If_Match="*").status_code == 200
    last = version(scim, path)
    assert conditional(scim, "DELETE", path, If_Match=last).status_code == 204
    assert is_error(conditional(scim, "DELETE", path, If_Match=last), 404)


def test_new_resource_has_no_version_to_be_conditional_on(scim: ScimClient) -> None:
    made = conditional(scim, "POST", "/Groups", group_body("Staff"), If_Match=OTHER, If_None_Match="*")
    assert made.status_code == 201
    assert ScimGroup.objects.get().version == 1


def test_condition_costs_a_write_one_statement_and_star_none(scim: ScimClient, ann: dict[str, Any]) -> None:
    path, titles = f"/Users/{ann['id']}", iter("abcd")

    def count(**headers: str) -> int:
        body = {"op": "replace", "path": "title", "value": next(titles)}
        return len(statements(lambda: conditional(scim, "PATCH", path, body, **headers)))

    count()
    plain = count()
    assert count(If_Match="*") == plain
    assert count(If_Match=version(scim, path)) == plain + 1
    group = push(scim, "Staff")
    path = f"/Groups/{group['id']}"
    rename = {"op": "replace", "path": "displayName", "value": "Crew"}
    before = statements(lambda: scim.patch(path, rename))
    rename["value"] = "Staff"
    tag = version(scim, path)
    assert len(statements(lambda: conditional(scim, "PATCH", path, rename, If_Match=tag))) == len(before)


def test_server_says_that_it_has_versions(scim: ScimClient) -> None:
    assert scim.get("/ServiceProviderConfig").json()["etag"] == {"supported": True}
