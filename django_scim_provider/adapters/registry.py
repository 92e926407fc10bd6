"""The adapters that the settings name, one instance per portal and resource type."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.utils.module_loading import import_string

from ..conf import app_settings
from .base import ResourceAdapter
from .groups import GroupAdapter
from .models import ModelAdapter
from .users import UserAdapter


def adapter_paths(portal: str = "") -> dict[str, str]:
    """Resource type name to dotted path, a portal's own entries over the general ones."""
    own = app_settings.PORTALS.get(portal, {}).get("ADAPTERS", {}) if portal else {}
    return {**app_settings.ADAPTERS, **own}


@lru_cache(maxsize=64)
def get_adapter(name: str, portal: str = "") -> ResourceAdapter:
    """The adapter of a resource type.

    :raises ImproperlyConfigured: the setting names nothing that is an adapter; ``manage.py check`` says so earlier.
    """
    path = adapter_paths(portal).get(name)
    try:
        adapter_class = import_string(path or "")
    except ImportError as error:
        raise ImproperlyConfigured(f"SCIM_PROVIDER['ADAPTERS']['{name}']: cannot import '{path}'.") from error
    if not (isinstance(adapter_class, type) and issubclass(adapter_class, ResourceAdapter)):
        raise ImproperlyConfigured(f"SCIM_PROVIDER['ADAPTERS']['{name}']: '{path}' is not an adapter class.")
    return adapter_class(portal)


def get_user_adapter(portal: str = "") -> UserAdapter:
    """The adapter for people.

    :raises ImproperlyConfigured: see ``get_adapter``; or it is not a ``UserAdapter``.
    """
    adapter = get_adapter("User", portal)
    if not isinstance(adapter, UserAdapter):
        raise ImproperlyConfigured("SCIM_PROVIDER['ADAPTERS']['User'] must be a subclass of UserAdapter.")
    return adapter


def get_group_adapter(portal: str = "") -> GroupAdapter:
    """The adapter for groups.

    :raises ImproperlyConfigured: see ``get_adapter``; or it is not a ``GroupAdapter``.
    """
    adapter = get_adapter("Group", portal)
    if not isinstance(adapter, GroupAdapter):
        raise ImproperlyConfigured("SCIM_PROVIDER['ADAPTERS']['Group'] must be a subclass of GroupAdapter.")
    return adapter


@lru_cache(maxsize=64)
def get_model_adapters(portal: str = "") -> tuple[ModelAdapter, ...]:
    """The adapters of the host's own resource types, in the order of the setting.

    :raises ImproperlyConfigured: see ``get_adapter``.
    """
    names = [name for name in adapter_paths(portal) if name not in ("User", "Group")]
    adapters = (get_adapter(name, portal) for name in names)
    return tuple(adapter for adapter in adapters if isinstance(adapter, ModelAdapter))


@receiver(setting_changed)
def _forget(*, setting: str, **kwargs: Any) -> None:
    if setting in ("SCIM_PROVIDER", "AUTH_USER_MODEL"):
        get_adapter.cache_clear()
        get_model_adapters.cache_clear()
