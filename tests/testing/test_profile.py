from __future__ import annotations

from typing import Any

import pytest

from django_scim_provider.protocol.urns import ENTERPRISE_USER
from django_scim_provider.testing.profile import DEPARTMENT, MANAGER, MOBILE, WORK_EMAIL, document, look, put

PROFILE = {
    "userName": "ann",
    "name.givenName": "Ann",
    WORK_EMAIL: "ann@example.com",
    MOBILE: "1",
    DEPARTMENT: "Sales",
    MANAGER: "m1",
    "active": False,
    "title": "",
}
RESOURCE = {
    "userName": "ann",
    "name": {"givenName": "Ann"},
    "emails": [{"type": "work", "primary": True, "value": "ann@example.com"}],
    "phoneNumbers": [{"type": "mobile", "primary": True, "value": "1"}],
    ENTERPRISE_USER: {"department": "Sales", "manager": {"value": "m1"}},
    "active": False,
}


def test_a_profile_and_its_document_say_the_same() -> None:
    assert document(PROFILE) == RESOURCE
    assert look(RESOURCE, "name") == {"givenName": "Ann"}
    assert {path: look(RESOURCE, path) for path in PROFILE} == {**PROFILE, "title": None}


@pytest.mark.parametrize(
    "resource",
    [
        {},
        {"emails": None},
        {"emails": ["x"]},
        {"emails": [{"type": "home", "value": "x"}]},
        {"emails": [{"value": "x"}]},
    ],
)
def test_what_is_not_there_is_nothing(resource: dict[str, Any]) -> None:
    assert look(resource, WORK_EMAIL) is None
    assert look(resource, "name.givenName") is None
    assert look(resource, MANAGER) is None


def test_put_changes_the_element_it_names_and_takes_it_out_when_it_is_empty() -> None:
    resource = {"emails": [{"type": "home", "value": "h"}, {"type": "work", "value": "w"}]}
    put(resource, WORK_EMAIL, "new")
    assert resource == {"emails": [{"type": "home", "value": "h"}, {"type": "work", "value": "new"}]}
    put(resource, WORK_EMAIL, "")
    put(resource, "title", "")
    assert resource == {"emails": [{"type": "home", "value": "h"}], "title": ""}
    put(resource, MOBILE, "")
    put(resource, WORK_EMAIL, "again")
    assert resource["emails"][1] == {"type": "work", "primary": False, "value": "again"}
    assert resource["phoneNumbers"] == []
