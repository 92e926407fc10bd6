"""What is public has a place in the reference, and nothing else has (house rule: ``__all__`` and the page agree)."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Mapping
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from django_scim_provider import mixins
from django_scim_provider.conf import KEYS, app_settings
from django_scim_provider.models import ScimConnection
from django_scim_provider.protocol import errors
from django_scim_provider.protocol.tolerance import Tolerance

PACKAGE = "django_scim_provider"
REFERENCE = Path(__file__).resolve().parents[1] / "docs" / "reference"

PAGES = {
    "adapters": "adapters",
    "dialects": "dialects",
    "lock": "lock",
    "lock.rest": "lock",
    "models": "models",
    "sign_in": "sign_in",
    "signals": "signals",
    "testing": "testing",
    "testing.remote": "testing",
    "protocol.filters": "protocol",
    "protocol.patch": "protocol",
    "protocol.validation": "protocol",
    "testing.client": "contract",
    "testing.contract": "contract",
}
"""Module to page."""


def read(page: str) -> str:
    return (REFERENCE / f"{page}.rst").read_text(encoding="utf-8")


def described(page: str, module: str) -> list[str]:
    """The names of a module that a page describes."""
    directive = r"^\.\. (?:auto(?:class|data|exception|function)|(?:py:)?(?:class|data))::"
    return re.findall(rf"{directive} {PACKAGE}\.{re.escape(module)}\.(\w+)(?:\(.*\))?$", read(page), re.MULTILINE)


@pytest.mark.parametrize("module", PAGES)
def test_public_names_and_the_reference_agree(module: str) -> None:
    public = set(importlib.import_module(f"{PACKAGE}.{module}").__all__)
    names = described(PAGES[module], module)
    assert len(names) == len(set(names))
    if module == "models":
        # Those that nothing uses yet are named in a sentence.
        names += re.findall(r"``((?:Scim|Group|Role)\w+)``", read("models").rpartition("\n\n")[2])
    assert set(names) == public


def test_every_module_with_public_names_is_looked_at() -> None:
    root = Path(importlib.import_module(PACKAGE).__file__ or "").parent
    # The admin's classes are named for Django's discovery alone.
    found = {
        ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
        for path in root.rglob("*.py")
        if re.search(r"^__all__\b", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert found - {"admin"} == PAGES.keys()


def test_mixins_and_the_reference_agree() -> None:
    public = {
        name for name, item in vars(mixins).items() if inspect.isclass(item) and item.__module__ == mixins.__name__
    }
    assert set(described("mixins", "mixins")) == public


def test_the_page_of_the_protocol_shows_every_error() -> None:
    assert f".. automodule:: {PACKAGE}.protocol.errors\n   :members:\n" in read("protocol")
    made = [item for item in vars(errors).values() if inspect.isclass(item) and issubclass(item, errors.ScimError)]
    assert all(item.__doc__ for item in made)


def test_the_page_of_errors_knows_every_status_and_keyword() -> None:
    page = read("errors")
    made = [item for item in vars(errors).values() if inspect.isclass(item) and issubclass(item, errors.ScimError)]
    raised = {item for item in made if item.__name__ not in ("TooMany", "InvalidVersion")}
    assert {str(item.status) for item in raised} == set(re.findall(r"^   \* - (\d{3})$", page, re.MULTILINE))
    keywords = {item.scim_type for item in raised if item.scim_type}
    assert keywords == set(re.findall(r"^     - ``(\w+)``$", page, re.MULTILINE)) - {"scimType"}


def test_the_page_of_dialects_shows_every_tolerance() -> None:
    directive = rf"^   \.\. autoattribute:: {PACKAGE}\.protocol\.tolerance\.Tolerance\.(\w+)$"
    assert re.findall(directive, read("dialects"), re.MULTILINE) == [field.name for field in fields(Tolerance)]
    # An attribute without a docstring would leave an empty place on the page.
    source = inspect.getsource(Tolerance)
    described = re.findall(r'^    (\w+): bool = (?:True|False)\n    """', source, re.MULTILINE)
    assert described == [field.name for field in fields(Tolerance)]


def test_the_page_of_models_has_every_policy_and_choice() -> None:
    rows = dict(re.findall(r"^      \* - ``(\w+)``\n        - (.+(?:\n          .+)*)$", read("models"), re.MULTILINE))
    policies = {
        field.name: field for field in ScimConnection._meta.fields if field.choices and field.name != "provider"
    }
    assert rows.keys() == policies.keys()
    rows["on_delete"] = rows["on_deactivate"]  # which it refers to
    for name, field in policies.items():
        words = [word for word in re.findall(r"``(\w+)``", rows[name]) if word in dict(field.choices)]
        assert set(words) == dict(field.choices).keys(), name
        assert words[0] == field.default, name


# Settings --------------------------------------------------------------------------------------------------


def documented() -> Mapping[str, str]:
    """Key to the default that the page shows."""
    entries = re.findall(
        r"^\.\. confval:: (\w+)\n   :type: .+\n   :default: ``(.+)``\n", read("settings"), re.MULTILINE
    )
    assert len(entries) == len(dict(entries))
    return dict(entries)


def test_settings_and_the_reference_agree() -> None:
    assert documented().keys() == KEYS


@pytest.mark.parametrize("key", sorted(KEYS - {"REQUIRE_HTTPS"}))
def test_the_reference_shows_the_default(key: str) -> None:
    shown: Any = ast.literal_eval(documented()[key])
    with override_settings(SCIM_PROVIDER={}):
        default = getattr(app_settings, key)
    if isinstance(default, timedelta):
        default = default.days
    assert shown == (list(default) if isinstance(default, tuple) else default)


def test_pages_name_settings_that_exist() -> None:
    docs = REFERENCE.parent
    named = {name for page in docs.rglob("*.rst") for name in re.findall(r":confval:`(\w+)`", page.read_text("utf-8"))}
    assert named <= KEYS
