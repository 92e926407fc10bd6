"""What the checks share."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import update_wrapper
from typing import Any, Final, NamedTuple, TypeVar

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.db import models
from django.utils.module_loading import import_string

from ..adapters import GroupAdapter, ModelAdapter, ResourceAdapter, UserAdapter
from ..conf import SETTING

TAG: Final = "scim_provider"
Check = Callable[..., list[CheckMessage]]
F = TypeVar("F", bound=Callable[..., Any])
A = TypeVar("A", bound=ResourceAdapter)


def check(function: Callable[[], Iterable[CheckMessage]]) -> Check:
    """Make a check of a function without arguments; whatever it raises becomes a message too."""

    def run(app_configs: Sequence[AppConfig] | None = None, **kwargs: Any) -> list[CheckMessage]:
        if app_configs is not None and all(config.label != TAG for config in app_configs):
            return []
        try:
            return list(function())
        except Exception as error:  # noqa: BLE001 (what a host's code raises is not ours to know)
            return [
                Error(
                    f"{function.__name__} could not finish: {described(error)}",
                    hint="Put right what the other messages name first; then look at what raises this.",
                    id="scim_provider.E099",
                )
            ]

    return _named_after(function, run)


def check_adapters(function: Callable[[UserAdapter], Iterable[CheckMessage]]) -> Check:
    """Make a check of a function of one adapter for people, called for each class that the settings name, once."""
    return _check_each(function, user_adapters)


def check_mapped(function: Callable[[ResourceAdapter], Iterable[CheckMessage]]) -> Check:
    """The same for every adapter that has an attribute map: those for people and the host's own resource types."""
    return _check_each(function, lambda: [*user_adapters(), *model_adapters()])


def check_groups(function: Callable[[GroupAdapter], Iterable[CheckMessage]]) -> Check:
    """The same for adapters for groups."""
    return _check_each(function, group_adapters)


def check_models(function: Callable[[ModelAdapter], Iterable[CheckMessage]]) -> Check:
    """The same for the host's own resource types."""
    return _check_each(function, model_adapters)


def _check_each(function: Callable[[Any], Iterable[CheckMessage]], adapters: Callable[[], Iterable[Any]]) -> Check:
    def run() -> Iterable[CheckMessage]:
        for adapter in adapters():
            try:
                yield from list(function(adapter))
            except Exception as error:  # noqa: BLE001 (see above)
                yield Error(
                    f"The adapter raises an exception when it is looked at: {described(error)}",
                    hint="Adapters are made and asked for model and attributes without a request and without queries.",
                    obj=name_of(adapter),
                    id="scim_provider.E013",
                )

    return check(_named_after(function, run))


def _named_after(function: Callable[..., Any], run: F) -> F:
    update_wrapper(run, function)
    # Django asks for the signature, which must be the wrapper's own.
    del run.__wrapped__  # type: ignore[attr-defined]
    return run


def described(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def name_of(adapter: object) -> str:
    """The dotted path of a class, or of an object's: where in the host's code a message points."""
    found = adapter if isinstance(adapter, type) else type(adapter)
    return f"{found.__module__}.{found.__qualname__}"


def near(wrong: str, known: Iterable[str]) -> str:
    """``Did you mean ...?`` and a space, or nothing where no known name is near."""
    found = difflib.get_close_matches(wrong, sorted(known), n=3, cutoff=0.6)
    return f"Did you mean {' or '.join(repr(name) for name in found)}? " if found else ""


def configured() -> Mapping[str, Any]:
    """The setting as it stands; nothing where it is no dictionary, which ``check_settings`` reports."""
    values = getattr(settings, SETTING, None)
    return values if isinstance(values, Mapping) else {}


def mapping(values: object, key: str) -> Mapping[Any, Any]:
    """A key's dictionary; empty where it is none, which ``check_settings`` reports."""
    found = values.get(key, {}) if isinstance(values, Mapping) else {}
    return found if isinstance(found, Mapping) else {}


class Loaded(NamedTuple):
    """What a dotted path leads to, or why it leads nowhere."""

    found: Any
    problem: str


def load(path: object) -> Loaded:
    if not isinstance(path, str):
        return Loaded(None, "it is not a text.")
    try:
        return Loaded(import_string(path), "")
    except Exception as error:  # noqa: BLE001 (the host's module may raise anything when it is imported)
        return Loaded(None, described(error))


class Entry(NamedTuple):
    """One dotted path to an adapter in the settings."""

    place: str
    """Where it stands, for a message."""
    name: object
    path: object


def adapter_entries() -> list[Entry]:
    """Every adapter that the settings name, as it stands there."""
    values = configured()
    found = [Entry(f"ADAPTERS[{name!r}]", name, path) for name, path in mapping(values, "ADAPTERS").items()]
    for portal, own in mapping(values, "PORTALS").items():
        entries = mapping(own, "ADAPTERS").items()
        found += [Entry(f"PORTALS[{portal!r}]['ADAPTERS'][{name!r}]", name, path) for name, path in entries]
    return found


def user_adapters() -> list[UserAdapter]:
    return _instances("User", UserAdapter)


def group_adapters() -> list[GroupAdapter]:
    return _instances("Group", GroupAdapter)


def _instances(name: str, stock: type[A]) -> list[A]:
    """An instance of each adapter of a name that can be had; the others are reported by ``check_dotted_paths``."""
    general = mapping(configured(), "ADAPTERS").get(name, name_of(stock))
    portals = mapping(configured(), "PORTALS").items()
    paths = [("", general), *((portal, mapping(own, "ADAPTERS").get(name, general)) for portal, own in portals)]
    found: dict[type[A], A] = {}
    for portal, path in paths:
        adapter_class = load(path).found
        if isinstance(adapter_class, type) and issubclass(adapter_class, stock) and adapter_class not in found:
            adapter = instance(adapter_class, portal).found
            if adapter is not None:
                found[adapter_class] = adapter
    return list(found.values())


def model_adapters() -> list[ModelAdapter]:
    """An instance of each adapter of the host's own resource types that can be had; others are reported elsewhere."""
    loaded = dict.fromkeys(load(path).found for _, _, path in adapter_entries())
    classes = [one for one in loaded if isinstance(one, type) and issubclass(one, ModelAdapter)]
    found = [instance(one).found for one in classes if not model_problem(one)]
    return [adapter for adapter in found if adapter is not None]


def model_problem(adapter_class: type[ModelAdapter]) -> str:
    """Why an adapter's ``model`` is none; empty where it is one."""
    model = adapter_class.model
    if isinstance(model, str):
        try:
            apps.get_model(model)
        except (LookupError, ValueError) as error:
            return str(error)
        return ""
    return "" if isinstance(model, type) and issubclass(model, models.Model) else "it is not a model."


def instance(adapter_class: Callable[[Any], Any], portal: object = "") -> Loaded:
    try:
        return Loaded(adapter_class(portal), "")
    except Exception as error:  # noqa: BLE001 (see load)
        return Loaded(None, described(error))
