"""A host that is wired as a test says, without a database."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from django.apps.registry import Apps
from django.contrib.auth.models import AbstractBaseUser
from django.db import models
from django.test.utils import isolate_apps

from checks.wiring import APP_LABEL, MODULE, Wire
from django_scim_provider.adapters import UserAdapter


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module that settings can name as ``host_under_test``."""
    module = ModuleType(MODULE)
    monkeypatch.setitem(sys.modules, MODULE, module)
    return module


@pytest.fixture
def wire(settings: Any, host: ModuleType) -> Wire:
    """Sets ``SCIM_PROVIDER`` to the keys given; ``adapter`` is a class for people."""

    def wire(*, adapter: type[UserAdapter] | None = None, **keys: Any) -> None:
        if adapter is not None:
            adapter.__module__ = MODULE
            setattr(host, adapter.__name__, adapter)
            keys["ADAPTERS"] = {"User": f"{MODULE}.{adapter.__name__}"}
        settings.SCIM_PROVIDER = keys

    return wire


@pytest.fixture
def map_attributes(wire: Wire) -> Callable[..., None]:
    """Wires an adapter whose map is that of ``UserAdapter`` with the entries given; ``None`` takes one away."""

    def map_attributes(entries: dict[Any, Any], **names: Any) -> None:
        entire = UserAdapter.attributes | entries
        kept = {key: entry for key, entry in entire.items() if entry is not None}
        wire(adapter=type("Adapter", (UserAdapter,), {"attributes": kept, **names}))

    return map_attributes


@pytest.fixture
def isolated() -> Iterator[Apps]:
    """Models made in a test are known to nobody else."""
    with isolate_apps("django.contrib.humanize") as apps:
        yield apps


@pytest.fixture
def make_user_model(isolated: Apps, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> Callable[..., type[models.Model]]:
    """Makes a user model of the fields given and wires an adapter to it.

    Fields that are not given are those of a well-made e-mail user.
    """
    numbers = itertools.count()

    def make(
        entries: dict[str, Any] | None = None,
        *,
        bases: tuple[type, ...] = (AbstractBaseUser,),
        adapter: dict[str, Any] | None = None,
        **names: Any,
    ) -> type[models.Model]:
        meta = names.pop("Meta", type("Meta", (), {}))
        meta.app_label = APP_LABEL
        content = {
            "__module__": __name__,
            "email": models.EmailField(unique=True),
            "is_active": models.BooleanField(default=True),
            "is_superuser": models.BooleanField(default=False),
            "USERNAME_FIELD": "email",
            "Meta": meta,
        }
        content = {name: value for name, value in (content | names).items() if value is not None}
        model: type[models.Model] = type(f"Member{next(numbers)}", bases, content)
        monkeypatch.setattr("django_scim_provider.checks.user_model.get_user_model", lambda: model)
        attributes = {"userName": "email", "active": "is_active"} | (entries or {})
        attributes = {key: entry for key, entry in attributes.items() if entry is not None}
        wire(
            adapter=type(
                "Adapter",
                (UserAdapter,),
                {"attributes": attributes, "model": property(lambda self: model), **(adapter or {})},
            )
        )
        return model

    return make
