"""What a PUT comes to, attribute by attribute (RFC 7644 section 3.5.1)."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from django_scim_provider.protocol.errors import Mutability
from django_scim_provider.protocol.mutability import replaced
from django_scim_provider.protocol.schemas import Attribute, ResourceType, Schema

X = "urn:example:schemas:Extra"
WIDGET = ResourceType(
    "Widget",
    "/Widgets",
    "",
    Schema("urn:example:schemas:Widget", "Widget", "", (
        Attribute("colour"),
        Attribute("serial", mutability="immutable"),
        Attribute("code", mutability="immutable", case_exact=True),
        Attribute("built", type="dateTime", mutability="immutable"),
        Attribute("labels", multi_valued=True, mutability="immutable"),
        Attribute("origin", type="complex", multi_valued=True, mutability="immutable", sub_attributes=(
            Attribute("value"), Attribute("lot", type="integer"),
        )),
        Attribute("owner", type="complex", sub_attributes=(
            Attribute("name"), Attribute("since", mutability="immutable"), Attribute("pin", returned="never"),
            Attribute("notes", returned="request"),
        )),
        Attribute("parts", type="complex", multi_valued=True, sub_attributes=(
            Attribute("value", mutability="immutable"), Attribute("key", returned="never"),
        )),
        Attribute("secret", returned="never"),
        Attribute("password2", mutability="writeOnly"),
        Attribute("history", returned="request"),
    )),
    (Schema(X, "Extra", "", (Attribute("badge", mutability="immutable"), Attribute("level"))),),
)  # fmt: skip

CASES: list[tuple[dict[str, Any], dict[str, Any], Any]] = [
    # What is omitted and was readable goes; what was not set is set.
    ({"colour": "red"}, {}, {}),
    ({"colour": "red"}, {"colour": "blue"}, {"colour": "blue"}),
    ({}, {"serial": "1", "secret": "s"}, {"serial": "1", "secret": "s"}),
    # Immutable: must match, and stays.
    ({"serial": "A1"}, {"serial": "A1"}, {"serial": "A1"}),
    ({"serial": "A1"}, {"serial": "a1"}, {"serial": "A1"}),
    ({"serial": "A1"}, {}, {"serial": "A1"}),
    ({"serial": "A1"}, {"serial": "A2"}, "serial cannot be changed"),
    ({"code": "A1"}, {"code": "a1"}, "code cannot be changed"),
    ({"built": "2011-05-13T04:42:34Z"}, {"built": "2011-05-13T04:42:34z"}, "built cannot be changed"),
    ({"labels": ["a", "b"]}, {"labels": ["B", "a"]}, {"labels": ["a", "b"]}),
    ({"labels": ["a", "b"]}, {"labels": ["a"]}, "labels cannot be changed"),
    ({"origin": [{"value": "x", "lot": 1}]}, {"origin": [{"lot": 1, "value": "X"}]}, {"origin": [{"value": "x", "lot": 1}]}),
    ({"origin": [{"value": "x", "lot": 1}]}, {"origin": [{"value": "x", "lot": 2}]}, "origin cannot be changed"),
    ({X: {"badge": "7", "level": "1"}}, {}, {X: {"badge": "7"}}),
    ({X: {"badge": "7"}}, {X: {"badge": "8"}}, f"{X}:badge cannot be changed"),
    # Sub-attributes: with their object, which may go as a whole.
    ({"owner": {"name": "n", "since": "s"}}, {"owner": {"name": "m"}}, {"owner": {"name": "m", "since": "s"}}),
    ({"owner": {"name": "n", "since": "s"}}, {"owner": {"since": "t"}}, r"owner\.since cannot be changed"),
    ({"owner": {"name": "n", "since": "s", "pin": "p"}}, {}, {}),
    ({"owner": {"pin": "p", "notes": "n"}}, {"owner": {"name": "m"}}, {"owner": {"name": "m", "pin": "p", "notes": "n"}}),
    # Elements come and go.
    ({"parts": [{"value": "a", "key": "k"}]}, {"parts": [{"value": "b"}]}, {"parts": [{"value": "b"}]}),
    # What the client has not been shown stays, unless it says otherwise.
    ({"secret": "s", "password2": "p", "history": "h"}, {}, {"secret": "s", "password2": "p", "history": "h"}),
    ({"secret": "s", "history": "h"}, {"secret": "t", "history": "i"}, {"secret": "t", "history": "i"}),
]  # fmt: skip


@pytest.mark.parametrize(("before", "wanted", "after"), CASES)
def test_replacement(before: dict[str, Any], wanted: dict[str, Any], after: Any) -> None:
    given = deepcopy((before, wanted))
    if isinstance(after, str):
        with pytest.raises(Mutability, match=after):
            replaced(before, wanted, WIDGET)
    else:
        assert replaced(before, wanted, WIDGET) == after
    assert (before, wanted) == given
