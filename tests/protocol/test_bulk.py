"""Reading bulk requests: references, and data in two steps where they make a circle."""

from __future__ import annotations

from django_scim_provider.protocol import urns
from django_scim_provider.protocol.bulk import parse_bulk, references, resolved, split

DATA = {
    "displayName": "bulkIdea: no reference",
    "members": [{"value": "bulkId:a", "type": "User"}, {"value": "known"}, {"value": "bulkId:b"}],
    "manager": {"value": "bulkId:a", "displayName": "A"},
    urns.ENTERPRISE_USER: {"department": "x", "manager": {"value": "bulkId:b"}},
}


def test_references_are_found_wherever_they_are_a_whole_string() -> None:
    assert sorted(references(DATA)) == ["a", "a", "b", "b"]
    assert list(references({"x": "see bulkId:a", "bulkId:a": 1, "y": ["/Users/bulkId:a", None, True]})) == []
    assert list(references({"x": [["bulkId:"], "bulkId:bulkId:a"]})) == ["", "bulkId:a"]


def test_references_become_ids_and_what_is_unknown_stays() -> None:
    assert resolved(DATA, {"a": "1"}) == {
        **DATA,
        "members": [{"value": "1", "type": "User"}, {"value": "known"}, {"value": "bulkId:b"}],
        "manager": {"value": "1", "displayName": "A"},
    }
    assert list(references(resolved(DATA, {"a": "1", "b": "bulkId:a"}))) == ["a", "a"], "ids are not looked up again"


EXTENSIONS = {urns.ENTERPRISE_USER.lower()}


def test_data_is_split_at_what_is_made_later() -> None:
    first = split(DATA, frozenset("b"), EXTENSIONS)
    assert first.now == {
        **DATA,
        "members": [{"value": "bulkId:a", "type": "User"}, {"value": "known"}],
        urns.ENTERPRISE_USER: {"department": "x"},
    }
    assert first.later == [
        {"op": "add", "path": "members", "value": [{"value": "bulkId:b"}]},
        {"op": "add", "path": f"{urns.ENTERPRISE_USER}:manager", "value": {"value": "bulkId:b"}},
    ]
    assert "members" not in repr(first)
    whole = {f"{urns.ENTERPRISE_USER}:manager": {"value": "bulkId:b"}}
    assert split(whole, frozenset("b"), EXTENSIONS).later == first.later[1:], "the whole name of an attribute"
    assert split({urns.ENTERPRISE_USER.upper(): DATA[urns.ENTERPRISE_USER]}, frozenset("b"), EXTENSIONS).now == {
        urns.ENTERPRISE_USER.upper(): {"department": "x"}
    }
    both = split(DATA, frozenset("ab"), EXTENSIONS)
    assert both.now == {
        "displayName": DATA["displayName"],
        "members": [{"value": "known"}],
        urns.ENTERPRISE_USER: {"department": "x"},
    }


def test_data_is_in_no_repr() -> None:
    body = {"Operations": [{"method": "POST", "path": "/Users", "bulkId": "x", "data": {"password": "hunter2"}}]}
    request = parse_bulk(body, max_operations=1)
    assert request.operations[0].data == {"password": "hunter2"}
    assert "hunter2" not in repr(request)
