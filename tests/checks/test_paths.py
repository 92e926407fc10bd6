from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from checks.wiring import MODULE, Wire, ids
from django_scim_provider.adapters import ResourceAdapter, UserAdapter
from django_scim_provider.checks.paths import check_dotted_paths
from django_scim_provider.dialects import Dialect

STOCK = "django_scim_provider.adapters.UserAdapter"


@pytest.fixture
def names(host: ModuleType) -> ModuleType:
    """What the host's module holds."""

    class Picky(UserAdapter):
        def __init__(self, portal: str, more: int) -> None:
            super().__init__(portal)

    class Authentication:
        def authenticate(self, request: object) -> None: ...

    host.Adapter = type("Adapter", (UserAdapter,), {})
    host.Other = type("Other", (ResourceAdapter,), {})
    host.Picky = Picky
    host.instance = UserAdapter()
    host.dialect = Dialect("okta")
    host.Dialect = Dialect
    host.Authentication = Authentication
    host.Nothing = type("Nothing", (), {})
    host.allow = lambda connection: None
    host.allow_all = lambda: None
    host.allow_by_plan = lambda connection, plan="free": plan
    host.number = 5
    return host


def test_the_defaults_are_right(wire: Wire) -> None:
    wire()
    assert ids(check_dotted_paths()) == []


@pytest.mark.usefixtures("names")
def test_paths_that_lead_to_the_right_things_are_right(wire: Wire) -> None:
    wire(
        ADAPTERS={"User": f"{MODULE}.Adapter"},
        PORTALS={"store": {"ADAPTERS": {"User": STOCK}}, "device": {}},
        DIALECTS={"okta": f"{MODULE}.dialect"},
        AUTHENTICATION=[
            f"{MODULE}.Authentication",
            "django_scim_provider.api.authentication.BearerAuthentication",
            "django_scim_provider.api.authentication.BasicAuthentication",
        ],
        IS_ALLOWED=f"{MODULE}.allow",
    )
    assert ids(check_dotted_paths()) == []


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("nowhere.at.all", ["E010"]),
        (f"{MODULE}.Missing", ["E010"]),
        ("word", ["E010"]),
        ("", ["E010"]),
        (None, ["E010"]),
        (UserAdapter, ["E010"]),
        (f"{MODULE}.Nothing", ["E011"]),
        (f"{MODULE}.Other", ["E011"]),
        (f"{MODULE}.instance", ["E011"]),
        (f"{MODULE}.number", ["E011"]),
        (f"{MODULE}.Picky", ["E012"]),
    ],
)
@pytest.mark.usefixtures("names")
def test_the_path_of_an_adapter_is_looked_at(wire: Wire, path: Any, expected: list[str]) -> None:
    wire(ADAPTERS={"User": path})
    assert ids(check_dotted_paths()) == expected
    wire(PORTALS={"store": {"ADAPTERS": {"User": path}}})
    messages = check_dotted_paths()
    assert ids(messages) == expected
    assert "PORTALS['store']['ADAPTERS']['User']" in messages[0].msg


@pytest.mark.parametrize(
    "statement", ["import nowhere_to_be_found", "1 / 0", "def broken(:", "raise RuntimeError('no')"]
)
def test_a_module_that_raises_when_it_is_imported_is_reported(
    wire: Wire, statement: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_adapters.py").write_text(statement)
    monkeypatch.syspath_prepend(tmp_path)
    wire(ADAPTERS={"User": "broken_adapters.Adapter"})
    assert ids(check_dotted_paths()) == ["E010"]


@pytest.mark.parametrize("name", ["user", "Users", 5])
@pytest.mark.usefixtures("names")
def test_an_adapter_for_what_no_endpoint_serves_is_reported(wire: Wire, name: Any) -> None:
    wire(ADAPTERS={name: f"{MODULE}.Other"})
    assert "E011" not in ids(check_dotted_paths())
    assert "W014" in ids(check_dotted_paths())


@pytest.mark.parametrize("key", ["", "a/b", "x" * 51, 5])
def test_the_key_of_a_portal_is_looked_at(wire: Wire, key: Any) -> None:
    wire(PORTALS={key: {"ADAPTERS": {"User": STOCK}}})
    assert ids(check_dotted_paths()) == ["E015"]


@pytest.mark.parametrize("portal", [STOCK, {"User": STOCK}, {"ADAPTERS": STOCK}, None])
def test_the_form_of_a_portal_is_looked_at(wire: Wire, portal: Any) -> None:
    wire(PORTALS={"store": portal})
    assert ids(check_dotted_paths()) == ["E016"]


@pytest.mark.parametrize(
    ("key", "path", "expected"),
    [
        ("okta", "nowhere.dialect", ["E010"]),
        ("okta", f"{MODULE}.Dialect", ["E017"]),
        ("okta", f"{MODULE}.number", ["E017"]),
        ("Okta", f"{MODULE}.dialect", ["W018"]),
        ("azure", f"{MODULE}.number", ["W018", "E017"]),
    ],
)
@pytest.mark.usefixtures("names")
def test_the_path_of_a_dialect_is_looked_at(wire: Wire, key: str, path: str, expected: list[str]) -> None:
    wire(DIALECTS={key: path})
    assert ids(check_dotted_paths()) == expected


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        ([], ["E019"]),
        (["nowhere.Authentication"], ["E010"]),
        ([f"{MODULE}.Nothing"], ["E019"]),
        ([f"{MODULE}.number"], ["E019"]),
        (["rest_framework.authentication.SessionAuthentication"], ["E019"]),
        # The toolkit is not in INSTALLED_APPS here.
        (["django_scim_provider.api.oauth2.OAuth2Authentication"], ["E130"]),
        ("text", []),
    ],
)
@pytest.mark.usefixtures("names")
def test_the_paths_of_authentication_classes_are_looked_at(wire: Wire, paths: Any, expected: list[str]) -> None:
    wire(AUTHENTICATION=paths)
    assert ids(check_dotted_paths()) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("nowhere.allow", ["E010"]),
        (f"{MODULE}.allow_all", ["E009"]),
        (f"{MODULE}.number", ["E009"]),
        (f"{MODULE}.allow_by_plan", []),
        ("builtins.dict", []),  # in C, without a signature
        (5, []),
    ],
)
@pytest.mark.usefixtures("names")
def test_the_path_of_is_allowed_is_looked_at(wire: Wire, path: Any, expected: list[str]) -> None:
    wire(IS_ALLOWED=path)
    assert ids(check_dotted_paths()) == expected
