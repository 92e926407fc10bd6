from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from checks.wiring import ids
from django_scim_provider.adapters import Attribute, Schema, UserAdapter
from django_scim_provider.checks.schemas import check_schemas
from hosts.inventory.scim import STAFF

URN = "urn:example:scim:schemas:extension:badge:2.0:User"


@pytest.fixture
def extend(map_attributes: Callable[..., None]) -> Callable[..., None]:
    """Wires an adapter whose extension has the attributes given."""

    def extend(*attributes: Attribute, urn: str = URN, **names: Any) -> None:
        extensions = (*UserAdapter.extensions, Schema(urn, "Badge", "", attributes))
        map_attributes({}, **{"extensions": extensions} | names)

    return extend


def test_the_schemas_of_the_suite_are_right(extend: Callable[..., None]) -> None:
    extend(extensions=(*UserAdapter.extensions, STAFF), required_extensions=(STAFF.id,))
    assert check_schemas() == []


@pytest.mark.parametrize(
    ("attribute", "told"),
    [
        (Attribute("2fa"), "'2fa' is no name"),
        (Attribute("door.code"), "'door.code' is no name"),
        (Attribute("passWord"), "'passWord': passwords are accepted and dropped"),
        (Attribute("NUMBER"), "'NUMBER' is there twice"),
        (Attribute("x", type="int"), "type of 'x' is 'int'. Did you mean 'integer'"),  # type: ignore[arg-type]
        (Attribute("x", mutability="readonly"), "mutability of 'x' is 'readonly'"),  # type: ignore[arg-type]
        (Attribute("x", returned="x"), "returned of 'x' is 'x'."),  # type: ignore[arg-type]
        (Attribute("x", uniqueness="unique"), "uniqueness of 'x' is 'unique'."),  # type: ignore[arg-type]
        (Attribute("x", required=True, mutability="readOnly"), "'x' is required and readOnly"),
        (Attribute("x", type="complex"), "'x' must have sub-attributes and the type complex, or neither."),
        (Attribute("x", sub_attributes=(Attribute("y"),)), "'x' must have sub-attributes and the type complex"),
        (
            Attribute("x", type="complex", sub_attributes=(Attribute("y", multi_valued=True),)),
            "'x.y' is a sub-attribute",
        ),
        (Attribute("x", type="complex", sub_attributes=(Attribute("y", type="complex"),)), "'x.y' is a sub-attribute"),
        (Attribute("x", type="complex", sub_attributes=(Attribute("y"), Attribute("Y"))), "'x.Y' is there twice"),
        (
            Attribute("x", type="complex", multi_valued=True, sub_attributes=(Attribute("primary"),)),
            "'x.primary' must be of type boolean",
        ),
    ],
)
def test_an_attribute_that_cannot_be_served_is_reported(
    extend: Callable[..., None], attribute: Attribute, told: str
) -> None:
    extend(Attribute("number"), attribute)
    (message,) = check_schemas()
    assert ids([message]) == ["E112"]
    assert message.msg.startswith(f"Badge: {told}")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"urn": "badge"}, "E111"),
        ({"urn": UserAdapter.schema.id}, "E111"),
        ({"extensions": ("urn:x:y",)}, "E110"),
        ({"schema": None}, "E110"),
        ({"required_extensions": ("urn:example:scim:schemas:extension:badge:User",)}, "E113"),
    ],
)
def test_a_schema_that_is_none_or_not_its_own_is_reported(
    extend: Callable[..., None], names: dict[str, Any], expected: str
) -> None:
    extend(Attribute("number"), **names)
    assert ids(check_schemas()) == [expected]


def test_a_core_schema_leaves_the_common_attributes_out(extend: Callable[..., None]) -> None:
    extend(schema=Schema(UserAdapter.schema.id, "Mine", "", (Attribute("userName"), Attribute("ID"))), extensions=())
    assert ids(check_schemas()) == ["E112"]
