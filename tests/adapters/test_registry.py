"""Which adapter the settings name, for which portal."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from django_scim_provider.adapters import ResourceAdapter, UserAdapter, get_adapter, get_user_adapter
from django_scim_provider.adapters.registry import adapter_paths


class First(UserAdapter):
    pass


class Second(UserAdapter):
    pass


class Device(ResourceAdapter):
    pass


NOT_A_CLASS = First()


def configured(**settings: Any) -> Any:
    return override_settings(SCIM_PROVIDER=settings)


def test_stock_project_needs_no_setting() -> None:
    with configured():
        assert type(get_user_adapter()) is UserAdapter
        assert get_user_adapter().portal == ""


def test_setting_names_the_adapter(module: str) -> None:
    with configured(ADAPTERS={"User": f"{module}.First"}):
        assert type(get_user_adapter()) is First


def test_adapter_is_made_once(module: str) -> None:
    with configured(ADAPTERS={"User": f"{module}.First"}):
        assert get_user_adapter() is get_user_adapter() is get_adapter("User", "")


def test_change_of_the_setting_is_seen_at_once(module: str) -> None:
    with configured(ADAPTERS={"User": f"{module}.First"}):
        assert type(get_user_adapter()) is First
        with configured(ADAPTERS={"User": f"{module}.Second"}):
            assert type(get_user_adapter()) is Second
        assert type(get_user_adapter()) is First
    assert type(get_user_adapter()) not in (First, Second)


def test_change_of_another_setting_keeps_the_adapter(module: str) -> None:
    with configured(ADAPTERS={"User": f"{module}.First"}):
        adapter = get_user_adapter()
        with override_settings(LANGUAGE_CODE="de"):
            assert get_user_adapter() is adapter


def test_portal_has_its_own_adapter_and_shares_the_others(module: str) -> None:
    with configured(
        ADAPTERS={"User": f"{module}.First", "Device": f"{module}.Device"},
        PORTALS={"store": {"ADAPTERS": {"User": f"{module}.Second"}}, "plain": {}},
    ):
        store, plain = get_user_adapter("store"), get_user_adapter("plain")

        assert (type(store), store.portal) == (Second, "store")
        assert (type(plain), plain.portal) == (First, "plain")
        assert type(get_user_adapter()) is First
        assert type(get_adapter("Device", "store")) is Device
        assert adapter_paths("store")["User"].endswith(".Second")
        assert adapter_paths("unheard of") == adapter_paths()


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nowhere.Adapter", "cannot import 'nowhere.Adapter'"),
        ("django_scim_provider.adapters.Nothing", "cannot import"),
        ("nodots", "cannot import 'nodots'"),
        ("", "cannot import ''"),
        ("django.contrib.auth.models.User", "is not an adapter class"),
        ("django.utils.timezone.now", "is not an adapter class"),
    ],
)
def test_setting_that_names_no_adapter_is_said_to_be_wrong(path: str, message: str) -> None:
    with configured(ADAPTERS={"User": path}), pytest.raises(ImproperlyConfigured, match=message):
        get_user_adapter()


def test_instance_is_no_adapter_class(module: str) -> None:
    with (
        configured(ADAPTERS={"User": f"{module}.NOT_A_CLASS"}),
        pytest.raises(ImproperlyConfigured, match="not an adapter"),
    ):
        get_user_adapter()


def test_adapter_of_another_kind_does_not_do_for_people(module: str) -> None:
    with (
        configured(ADAPTERS={"User": f"{module}.Device"}),
        pytest.raises(ImproperlyConfigured, match="must be a subclass of UserAdapter"),
    ):
        get_user_adapter()


def test_resource_type_that_nobody_mapped_has_no_adapter() -> None:
    with configured(), pytest.raises(ImproperlyConfigured, match="cannot import 'None'"):
        get_adapter("Toaster")


@pytest.fixture
def module() -> str:
    """The dotted path of this module."""
    return __name__
