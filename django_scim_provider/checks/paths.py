"""Dotted paths in the settings: that each leads somewhere, and to the right kind of thing."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 (Django's name for it)

from ..adapters import GroupAdapter, ModelAdapter, ResourceAdapter, UserAdapter
from ..conf import SETTING
from ..dialects import Dialect
from ..models import ScimConnection
from .base import Loaded, adapter_entries, check, configured, instance, load, mapping, model_problem, near

OAUTH2: Final = "django_scim_provider.api.oauth2."
SERVED: Final = ("User", "Group")
"""Resource types that have an endpoint of their own, and adapters of one kind."""


@check
def check_dotted_paths() -> Iterator[CheckMessage]:
    for place, name, path in adapter_entries():
        yield from _adapter(place, name, path)
    yield from _portals()
    yield from _dialects()
    yield from _authentication()
    yield from _is_allowed()


def _unloadable(place: str, path: object, loaded: Loaded) -> Error:
    return Error(
        f"{SETTING}: {place} is {path!r}, which cannot be imported: {loaded.problem}",
        hint="Write the dotted path of a module that imports without an error, and of a name in it.",
        id="scim_provider.E010",
    )


def _adapter(place: str, name: object, path: object) -> Iterator[CheckMessage]:
    loaded = load(path)
    is_model = isinstance(loaded.found, type) and issubclass(loaded.found, ModelAdapter)
    if name not in SERVED and not is_model:
        yield Warning(
            f"{SETTING}: {place} is not used, since no endpoint serves {name!r}.",
            hint=f"{near(str(name), SERVED)}RFC 7643 has {' and '.join(SERVED)}; for a resource type of your own name "
            "a subclass of django_scim_provider.adapters.ModelAdapter.",
            id="scim_provider.W014",
        )
    if loaded.problem:
        yield _unloadable(place, path, loaded)
        return
    wanted = {"User": UserAdapter, "Group": GroupAdapter}.get(str(name), ResourceAdapter)
    if not (isinstance(loaded.found, type) and issubclass(loaded.found, wanted)):
        yield Error(
            f"{SETTING}: {place} is {path!r}, which is no subclass of {wanted.__name__}.",
            hint=f"Name a class that inherits from django_scim_provider.adapters.{wanted.__name__}, not an instance.",
            id="scim_provider.E011",
        )
        return
    made = instance(loaded.found)
    if made.problem and not (issubclass(loaded.found, ModelAdapter) and model_problem(loaded.found)):
        yield Error(
            f"{SETTING}: {place} is {path!r}, which cannot be instantiated: {made.problem}",
            hint="An adapter is made with the portal's key as its only argument, ('' for none); it needs no __init__.",
            id="scim_provider.E012",
        )


def _portals() -> Iterator[CheckMessage]:
    longest: Any = ScimConnection._meta.get_field("portal").max_length
    for key, own in mapping(configured(), "PORTALS").items():
        if not isinstance(key, str) or not key or "/" in key or len(key) > longest:
            yield Error(
                f"{SETTING}: {key!r} cannot be the key of a portal.",
                hint=f"Use a text of at most {longest} characters without a slash, which separates portal and tenant.",
                id="scim_provider.E015",
            )
        well_formed = isinstance(own, Mapping) and not own.keys() - {"ADAPTERS"}
        if not well_formed or not isinstance(own.get("ADAPTERS", {}), Mapping):
            yield Error(
                f"{SETTING}: PORTALS[{key!r}] must be a dictionary with the key 'ADAPTERS' alone.",
                hint='Write {"ADAPTERS": {"User": "dotted.path.of.the.Adapter"}}.',
                id="scim_provider.E016",
            )


def _dialects() -> Iterator[CheckMessage]:
    providers = ScimConnection.Provider.values
    for key, path in mapping(configured(), "DIALECTS").items():
        if key not in providers:
            yield Warning(
                f"{SETTING}: DIALECTS[{key!r}] is not used, since no connection can have that provider.",
                hint=f"{near(str(key), providers)}Providers are: {', '.join(providers)}.",
                id="scim_provider.W018",
            )
        loaded = load(path)
        if loaded.problem:
            yield _unloadable(f"DIALECTS[{key!r}]", path, loaded)
        elif not isinstance(loaded.found, Dialect):
            yield Error(
                f"{SETTING}: DIALECTS[{key!r}] is {path!r}, which is not a Dialect.",
                hint='Name an object made by django_scim_provider.dialects.Dialect("name", tolerance), not a class.',
                id="scim_provider.E017",
            )


def _authentication() -> Iterator[CheckMessage]:
    paths = configured().get("AUTHENTICATION")
    if paths is None or not isinstance(paths, list | tuple):
        return
    if not paths:
        yield Error(
            f"{SETTING}: AUTHENTICATION is empty, so every request is answered 401.",
            hint="Leave the key out for bearer tokens.",
            id="scim_provider.E019",
        )
    for path in paths:
        loaded = load(path)
        if loaded.problem and str(path).startswith(OAUTH2):
            yield Error(
                f"{SETTING}: AUTHENTICATION names {path!r}, but there is no OAuth server: {loaded.problem}",
                hint="Install django-scim-provider[oauth2] and add 'oauth2_provider' to INSTALLED_APPS.",
                id="scim_provider.E130",
            )
        elif loaded.problem:
            yield _unloadable("AUTHENTICATION", path, loaded)
        elif not (isinstance(loaded.found, type) and callable(getattr(loaded.found, "authenticate", None))):
            yield Error(
                f"{SETTING}: AUTHENTICATION names {path!r}, which is not an authentication class.",
                hint="Name a class with a method authenticate(request), as REST framework has them.",
                id="scim_provider.E019",
            )
        elif loaded.found.__module__.partition(".")[0] == "rest_framework":
            yield Error(
                f"{SETTING}: AUTHENTICATION names {path!r}, which finds a user and not a connection.",
                hint="REST framework's own classes let any user of the site in; a class for SCIM sets request.auth "
                "to a services.tokens.Presented, as BearerAuthentication does.",
                id="scim_provider.E019",
            )
        elif hasattr(loaded.found, "check"):
            yield from loaded.found.check()


def _is_allowed() -> Iterator[CheckMessage]:
    path = configured().get("IS_ALLOWED") or None
    if not isinstance(path, str):
        return
    loaded = load(path)
    if loaded.problem:
        yield _unloadable("IS_ALLOWED", path, loaded)
    elif not _takes_one_argument(loaded.found):
        yield Error(
            f"{SETTING}: IS_ALLOWED is {path!r}, which cannot be called with a connection.",
            hint="Name a function of one argument that returns None, or the reason why SCIM is not allowed.",
            id="scim_provider.E009",
        )


def _takes_one_argument(function: Any) -> bool:
    try:
        inspect.signature(function).bind(None)
    except TypeError:
        return False
    except ValueError:  # a function in C without a signature
        return callable(function)
    return True
