"""/Bulk (RFC 7644 section 3.7)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse

from api.helpers import NO_SUCH_ID, dump, host_of, is_error, with_setting
from conftest import MOUNT, ScimClient, person
from django_scim_provider.models import ScimConnection, ScimEvent, ScimGroup, ScimUser
from django_scim_provider.protocol import urns
from factories import HostUserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.hosts]

BASE = f"http://testserver{MOUNT}"
MANAGER = {"manager": {"value": "bulkId:boss"}}


def send(scim: ScimClient, *operations: Any, **more: Any) -> HttpResponse:
    return scim.post("/Bulk", {"schemas": [urns.BULK_REQUEST], "Operations": list(operations), **more})


def bulk(scim: ScimClient, *operations: Any, **more: Any) -> list[dict[str, Any]]:
    response = send(scim, *operations, **more)
    assert response.status_code == 200, response.content
    body = response.json()
    assert body["schemas"] == [urns.BULK_RESPONSE]
    results: list[dict[str, Any]] = body["Operations"]
    for result in results:
        failed = int(result["status"]) >= 400
        assert failed == ("response" in result)
        if failed:
            assert result["response"]["schemas"] == [urns.ERROR]
            assert result["response"]["status"] == result["status"]
    return results


def statuses(results: list[dict[str, Any]]) -> list[str]:
    return [result["status"] for result in results]


def user(bulk_id: str, **attributes: Any) -> dict[str, Any]:
    data = person(f"{bulk_id}@example.com", **attributes)
    return {"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": data}


def group(bulk_id: str, *members: str, **attributes: Any) -> dict[str, Any]:
    listed = [{"value": f"bulkId:{member}"} for member in members]
    data = {"schemas": [urns.GROUP], "displayName": bulk_id, "members": listed, **attributes}
    return {"method": "POST", "path": "/Groups", "bulkId": bulk_id, "data": data}


def patch(path: str, *operations: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"method": "PATCH", "path": path, "data": {"schemas": [urns.PATCH_OP], "Operations": operations}, **more}


def read(scim: ScimClient, result: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = scim.get(result["location"].removeprefix(BASE)).json()
    return found


def test_every_method_does_what_it_does_alone(scim: ScimClient) -> None:
    ann, bob, carol = (scim.create(f"{name}@example.com") for name in ("ann", "bob", "carol"))
    results = bulk(
        scim,
        user("new", title="Fresh"),
        {
            "method": "put",
            "path": f"Users/{ann['id']}",
            "data": {**ann, "title": "Boss"},
            "version": ann["meta"]["version"],
        },
        patch(f"/Users/{bob['id']}/", {"op": "add", "path": "title", "value": "Chief"}, bulkId="mine"),
        {"method": "DELETE", "path": f"/Users/{carol['id']}"},
        group("staff", "new"),
    )

    new, changed, patched, deleted, staff = results
    assert statuses(results) == ["201", "200", "200", "204", "201"]
    assert [result["method"] for result in results] == ["POST", "PUT", "PATCH", "DELETE", "POST"]
    assert [result.get("bulkId") for result in results] == ["new", None, "mine", None, "staff"]
    assert changed["location"] == f"{BASE}/Users/{ann['id']}"
    assert deleted["location"] == f"{BASE}/Users/{carol['id']}"
    assert "version" not in deleted
    for result, title in ((new, "Fresh"), (changed, "Boss"), (patched, "Chief")):
        shown = read(scim, result)
        assert (shown["title"], shown["id"] in result["location"]) == (title, True)
    assert changed["version"] == read(scim, changed)["meta"]["version"] != ann["meta"]["version"]
    assert staff["version"] == read(scim, staff)["meta"]["version"]
    assert [member["value"] for member in read(scim, staff)["members"]] == [read(scim, new)["id"]]
    assert scim.get(f"/Users/{carol['id']}").status_code == 404
    events = ScimEvent.objects.filter(outcome="success").order_by("pk").values_list("action", flat=True)
    assert [*events[len(events) - 5 :]] == ["create", "replace", "modify", "delete", "create"]


def test_references_are_resolved_in_any_order_and_across_types(scim: ScimClient) -> None:
    existing = scim.post("/Groups", {"schemas": [urns.GROUP], "displayName": "Existing"}).json()
    results = bulk(
        scim,
        patch(f"/Groups/{existing['id']}", {"op": "add", "path": "members", "value": [{"value": "bulkId:boss"}]}),
        group("inner", "clerk", "boss"),
        patch("/Users/bulkId:clerk", {"op": "replace", "path": "title", "value": "Clerk"}),
        group("outer", "inner"),
        user("clerk", **{urns.ENTERPRISE_USER: MANAGER}),
        user("boss"),
        {"method": "DELETE", "path": "/Groups/bulkId:outer"},
    )

    assert statuses(results) == ["200", "201", "200", "201", "201", "201", "204"]
    clerk, boss = read(scim, results[4]), read(scim, results[5])
    assert clerk[urns.ENTERPRISE_USER]["manager"]["value"] == boss["id"]
    assert clerk["title"] == "Clerk"
    assert {member["value"] for member in read(scim, results[1])["members"]} == {clerk["id"], boss["id"]}
    assert {entry["display"] for entry in boss["groups"]} == {"Existing", "inner"}
    assert results[2]["location"] == results[4]["location"]


def test_without_references_operations_run_in_the_order_sent(scim: ScimClient) -> None:
    ann = scim.create("ann@example.com")
    results = bulk(
        scim,
        {"method": "DELETE", "path": f"/Users/{ann['id']}"},
        user("ann", title="Second"),
        group("staff", "ann"),
        {"method": "DELETE", "path": f"/Users/{ann['id']}"},
    )
    assert statuses(results) == ["204", "201", "201", "404"]
    assert results[3]["location"] == f"{BASE}/Users/{ann['id']}"


def test_a_change_with_the_bulk_id_of_the_post_that_it_refers_to_is_no_circle(scim: ScimClient) -> None:
    ann = scim.create("ann@example.com")
    manager = {urns.ENTERPRISE_USER: {"manager": {"value": "bulkId:boss"}}}
    put = {
        "method": "PUT",
        "path": f"/Users/{ann['id']}",
        "bulkId": "boss",
        "data": person("ann@example.com", **manager),
    }
    results = bulk(scim, put, user("boss"))
    assert statuses(results) == ["200", "201"]
    assert results[0]["location"] == f"{BASE}/Users/{ann['id']}"
    boss = read(scim, results[1])
    assert read(scim, results[0])[urns.ENTERPRISE_USER]["manager"]["value"] == boss["id"]
    assert scim.get("/Users").json()["totalResults"] == 2


def test_a_method_that_there_is_not_is_not_told_as_an_empty_one(scim: ScimClient) -> None:
    (result,) = bulk(scim, {"method": "GET", "path": "/Users", "bulkId": "x"})
    assert (result["status"], result["bulkId"]) == ("400", "x")
    assert "method" not in result


def test_circles_are_resolved_where_they_can_be(scim: ScimClient) -> None:
    results = bulk(
        scim,
        user("own", **{urns.ENTERPRISE_USER: {"department": "Engines", "manager": {"value": "bulkId:own"}}}),
        user("boss", **{urns.ENTERPRISE_USER: {"manager": {"value": "bulkId:deputy"}}}),
        user("deputy", **{urns.ENTERPRISE_USER: MANAGER}),
    )
    assert statuses(results) == ["201", "201", "201"]
    own, boss, deputy = (read(scim, result) for result in results)
    assert own[urns.ENTERPRISE_USER] == {"department": "Engines", "manager": {"value": own["id"]}}
    assert boss[urns.ENTERPRISE_USER]["manager"]["value"] == deputy["id"]
    assert deputy[urns.ENTERPRISE_USER]["manager"]["value"] == boss["id"]
    assert [result["version"] for result in results] == [shown["meta"]["version"] for shown in (own, boss, deputy)]

    # An attribute by its whole name.
    whole = user("chief", **{f"{urns.ENTERPRISE_USER}:manager": {"value": "bulkId:vice"}})
    results = bulk(scim, whole, user("vice", **{urns.ENTERPRISE_USER: {"manager": {"value": "bulkId:chief"}}}))
    assert statuses(results) == ["201", "201"]
    chief, vice = (read(scim, result) for result in results)
    assert chief[urns.ENTERPRISE_USER]["manager"]["value"] == vice["id"]
    assert vice[urns.ENTERPRISE_USER]["manager"]["value"] == chief["id"]

    before = dump(events=False)
    results = bulk(scim, group("one", "two"), group("two", "one", "clerk"), user("clerk"), group("self", "self"))
    assert statuses(results) == ["409", "409", "201", "409"]
    assert "circle" in results[0]["response"]["detail"]
    assert ScimGroup.objects.count() == 0
    assert dump(events=False).keys() == before.keys()
    refused = ScimEvent.objects.filter(outcome="refused", status=409, resource_type="Group")
    assert refused.count() == 3
    assert not ScimEvent.objects.filter(action="create", outcome="success", resource_type="Group").exists()

    # One that fails for a reason of its own keeps it; the others were not made either.
    taken = user("boss", **{urns.ENTERPRISE_USER: {"manager": {"value": "bulkId:other"}}})
    results = bulk(scim, user("other", **{urns.ENTERPRISE_USER: MANAGER}), taken)
    assert [result["response"].get("scimType") for result in results] == [None, "uniqueness"]
    assert statuses(results) == ["409", "409"]
    assert not ScimUser.objects.filter(user_name="other@example.com").exists()


def test_each_operation_fails_by_itself_with_its_own_error(scim: ScimClient, second_scim: ScimClient) -> None:
    ann, foreign = scim.create("ann@example.com"), second_scim.create("foreign@example.com")
    before = dump(events=False)
    post, path = {"method": "POST", "data": person("x@example.com")}, f"/Users/{ann['id']}"
    cases: list[tuple[Any, str, str | None]] = [
        (user("ann"), "409", "uniqueness"),
        ({**user("a"), "data": {"schemas": [urns.USER]}}, "400", "invalidValue"),
        ({**post, "path": "/Users"}, "400", "invalidValue"),
        ({**post, "path": "/Users", "bulkId": ""}, "400", "invalidValue"),
        ({**post, "path": "/Users", "bulkId": 5}, "400", "invalidValue"),
        ({**post, "path": "/Users", "bulkId": "x" * 256}, "400", "invalidValue"),
        ({**post, "path": "/Users", "bulkId": "v", "version": 'W/"1"'}, "400", "invalidValue"),
        (user("twice"), "400", "invalidValue"),
        (user("twice", userName="second@example.com"), "400", "invalidValue"),
        (group("g1", "twice"), "409", None),
        (group("g2", "nobody"), "400", "invalidValue"),
        (group("g3", "a"), "409", None),
        ({**post, "bulkId": "b", "path": path}, "405", None),
        ({**post, "bulkId": "c", "path": "/Bulk"}, "404", None),
        ({**post, "bulkId": "d", "path": "/Me"}, "404", None),
        ({**post, "bulkId": "e", "path": "/users"}, "404", None),
        ({**post, "bulkId": "f", "path": f"{BASE}/Users"}, "400", "invalidValue"),
        ({**post, "bulkId": "g", "path": "/Users?x=y"}, "400", "invalidValue"),
        ({**post, "bulkId": "h", "path": "/../Users"}, "404", None),
        ({**post, "bulkId": "h2", "path": "/v2/../Users"}, "400", "invalidValue"),
        ({**post, "bulkId": "i"}, "400", "invalidValue"),
        ({**post, "bulkId": "j", "path": ["/Users"]}, "400", "invalidValue"),
        ({"method": "POST", "path": "/Users", "bulkId": "k"}, "400", "invalidSyntax"),
        ({"method": "PUT", "path": path, "data": "x"}, "400", "invalidSyntax"),
        ({"method": "PUT", "path": path, "data": {}, "version": 1}, "400", "invalidValue"),
        ({"method": "PUT", "path": path, "data": ann, "version": 'W/"old"'}, "412", None),
        ({"method": "DELETE", "path": path, "version": 'W/"old"'}, "412", None),
        ({"method": "DELETE", "path": path, "version": "nonsense"}, "400", "invalidValue"),
        (patch(path, {"op": "remove", "path": "userName"}), "400", "mutability"),
        (patch("/Users/bulkId:twice", {"op": "remove", "path": "title"}), "409", None),
        (patch("/Users/bulkId:nobody", {"op": "remove", "path": "title"}), "400", "invalidValue"),
        ({"method": "DELETE", "path": "/Users"}, "405", None),
        ({"method": "DELETE", "path": f"/Users/{NO_SUCH_ID}"}, "404", None),
        ({"method": "DELETE", "path": f"/Users/{foreign['id']}"}, "404", None),
        ({"method": "DELETE", "path": "/Users/x%2F.."}, "404", None),
        ({"method": "GET", "path": path}, "400", "invalidSyntax"),
        ({"method": ["POST"], "path": path}, "400", "invalidSyntax"),
        ({}, "400", "invalidSyntax"),
    ]
    results = bulk(scim, *(operation for operation, _, _ in cases))

    got = [(result["status"], result["response"].get("scimType")) for result in results]
    for (operation, *wanted), one in zip(cases, got, strict=True):
        assert list(one) == wanted, operation
    assert dump(events=False) == before
    assert all("location" not in result for result in results if result.get("method") == "POST")
    assert [result.get("location") for result in results[25:27]] == [f"{BASE}{path}"] * 2
    assert not any("bulkId" in result.get("location", "") for result in results)
    by_alone = scim.delete(f"/Users/{foreign['id']}").json()
    assert results[33]["response"] == results[32]["response"] == by_alone
    assert ScimEvent.objects.filter(outcome="refused").count() == len(cases) + 1


def test_fail_on_errors_leaves_the_rest_undone_and_unmentioned(scim: ScimClient) -> None:
    bad = {"method": "DELETE", "path": f"/Users/{NO_SUCH_ID}"}
    assert statuses(bulk(scim, user("a"), bad, user("b"), failOnErrors=1)) == ["201", "404"]
    assert statuses(bulk(scim, bad, user("b"), bad, user("c"), failOnErrors=2)) == ["404", "201", "404"]
    assert statuses(bulk(scim, bad, user("c"), bad, user("d"), failOnErrors=3)) == ["404", "201", "404", "201"]
    # What is referred to comes first; the answer is in the order of the request all the same.
    results = bulk(scim, group("staff", "e"), bad, user("e"), user("f"), failOnErrors=1)
    assert [(result["method"], result.get("bulkId")) for result in results] == [
        ("POST", "staff"),
        ("DELETE", None),
        ("POST", "e"),
    ]
    assert {row.user_name[0] for row in ScimUser.objects.all()} == set("abcde")


def test_what_is_no_bulk_request_is_refused_as_a_whole(scim: ScimClient, anonymous: ScimClient) -> None:
    before = dump(events=False)
    good = user("ann")
    for body, scim_type in (
        ({}, "invalidSyntax"),
        ({"Operations": good}, "invalidSyntax"),
        ({"Operations": [good, "x"]}, "invalidSyntax"),
        ({"Operations": [good, [good]]}, "invalidSyntax"),
        ({"Operations": [good], "failOnErrors": 0}, "invalidValue"),
        ({"Operations": [good], "failOnErrors": "1"}, "invalidValue"),
        ({"Operations": [good], "failOnErrors": True}, "invalidValue"),
        (b"{", "invalidSyntax"),
    ):
        assert is_error(scim.post("/Bulk", body), 400, scim_type)
    assert is_error(scim.post("/Bulk", {"Operations": []}, content_type="text/plain"), 415)
    assert is_error(scim.get("/Bulk"), 405)
    assert is_error(send(anonymous, good), 401)
    assert dump(events=False) == before
    ScimConnection.objects.update(provider="strict")
    assert is_error(scim.post("/Bulk", {"Operations": [good]}), 400, "invalidSyntax")
    assert is_error(scim.post("/Bulk", {"Operations": [good], "schemas": urns.BULK_REQUEST}), 400, "invalidSyntax")
    assert not ScimUser.objects.exists()
    assert bulk(scim) == []
    assert statuses(bulk(scim, good)) == ["201"]


def test_limits_are_named_before_anything_is_done(scim: ScimClient) -> None:
    before = dump(events=False)
    with with_setting(BULK_MAX_OPERATIONS=2):
        config = scim.get("/ServiceProviderConfig").json()["bulk"]
        assert config == {"supported": True, "maxOperations": 2, "maxPayloadSize": 4 * 1024 * 1024}
        response = send(scim, user("a"), user("b"), "not even an operation")
        assert is_error(response, 413)
        assert "maxOperations (2)" in response.json()["detail"]
        assert is_error(scim.post("/Bulk", {"Operations": [1, 2, 3]}), 413)
        full = [user("a", emails=[{"value": f"{n}@example.com"} for n in range(5)]), {}]
        assert is_error(
            scim.post("/Bulk", {"schemas": [urns.PATCH_OP], "Operations": full, "x": full}, content_type="x/y"), 415
        )
        assert len(bulk(scim, {}, {"data": full})) == 2
    with with_setting(BULK_MAX_PAYLOAD_SIZE=100):
        response = scim.post("/Bulk", b"{" * 101)
        assert is_error(response, 413)
        assert "maxPayloadSize (100 " in response.json()["detail"]
        assert is_error(scim.post("/Bulk", b"{" * 100), 400, "invalidSyntax")
    assert dump(events=False) == before
    # Its limit is not that of other bodies.
    with with_setting(MAX_BODY_SIZE=100):
        assert statuses(bulk(scim, user("a"), user("b"))) == ["201", "201"]


def test_operations_count_for_the_rate_but_one_request_is_never_cut_in_two(scim: ScimClient) -> None:
    with with_setting(THROTTLE_RATE="5/d"):
        assert len(bulk(scim, *(user(f"u{number}") for number in range(8)))) == 8
        assert is_error(send(scim, user("more")), 429)
    with with_setting(THROTTLE_RATE=None):
        assert statuses(bulk(scim, user("more"), user("evenmore"))) == ["201", "201"]


def test_read_only_token_sends_no_bulk(connection: ScimConnection, issue_token: Callable[..., str]) -> None:
    assert is_error(send(ScimClient(issue_token(connection, scopes="read")), user("ann")), 403)
    assert not ScimUser.objects.exists()


def test_deactivation_in_bulk_is_deactivation(scim: ScimClient) -> None:
    ann, bob = scim.create("ann@example.com"), scim.create("bob@example.com")
    passwords = [host_of(one).password for one in (ann, bob)]
    results = bulk(
        scim,
        patch(f"/Users/{ann['id']}", {"op": "replace", "path": "active", "value": False}),
        {"method": "PUT", "path": f"/Users/{bob['id']}", "data": {**bob, "active": False}},
    )
    assert statuses(results) == ["200", "200"]
    alone = scim.create("carol@example.com")
    scim.patch(f"/Users/{alone['id']}", {"op": "replace", "path": "active", "value": False})
    for one, before in zip((ann, bob), passwords, strict=True):
        assert scim.get(f"/Users/{one['id']}").json()["active"] is False
        assert host_of(one).password != before


def test_a_person_scim_may_not_touch_stays_untouched_in_bulk(scim: ScimClient) -> None:
    HostUserFactory(name="root", is_superuser=True)
    before = dump(events=False)
    assert statuses(bulk(scim, user("root"))) == ["409"]
    assert dump(events=False) == before


def test_a_thousand_references_in_a_chain_exhaust_nothing(scim: ScimClient) -> None:
    chain = [patch(f"/Groups/bulkId:g{number}", {"op": "remove", "path": "externalId"}) for number in range(3)]
    operations = [{**group(f"g{number}", f"g{number + 1}"), "path": "/Nowhere"} for number in range(996)]
    results = bulk(scim, *chain, *operations, {**group("g996"), "path": "/Nowhere"})
    assert statuses(results) == ["409"] * 3 + ["404"] * 997
    assert len(json.dumps(results)) < 500_000
