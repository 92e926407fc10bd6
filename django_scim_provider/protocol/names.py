"""Attribute names as clients spell them (RFC 7644 section 3.10), and how to repeat a name in a message or log."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from .paths import MAX_PATH_LENGTH, AttributePath
from .schemas import BoundPath, ResourceType, Schema
from .tolerance import Tolerance

MAX_REPORTED: Final = 50
MAX_REPORTED_LENGTH: Final = 100

_PASSWORD: Final = re.compile(r"(?:^|[:.])\s*password\s*(?:$|[.\[])", re.IGNORECASE)
_SPEAKABLE: Final = re.compile(r"[A-Za-z0-9$_.:-]{1,100}")
_SELECTION: Final = re.compile(r"\[.*?(?:\](\.[A-Za-z0-9$_-]+))?\Z", re.DOTALL)
_BY_SERVER: Final = frozenset({"schemas", "id", "meta"})


def resolve(text: str, resource_type: ResourceType, tolerance: Tolerance) -> BoundPath | Schema | None:
    """Look up ``[URN:]name[.sub]`` in any case, or a schema by its URN alone; ``None`` when nothing is called that.

    Tolerated: ``urn:...:User.manager`` (dotted_keys), and ``manager`` where one extension has it and the core schema
    has not (bare_extension_names).
    """
    text = text.strip()
    if len(text) > MAX_PATH_LENGTH:
        return None
    if ":" in text:
        return _resolve_qualified(text, resource_type, tolerance)
    name, dot, sub = text.partition(".")
    path = AttributePath(None, name, sub if dot else None)
    return bind_name(path, resource_type=resource_type, tolerance=tolerance)


def bind_name(path: AttributePath, *, resource_type: ResourceType, tolerance: Tolerance) -> BoundPath | None:
    """What a path that was read means for a resource type; ``None`` when it has no such attribute."""
    if path.urn is None and tolerance.bare_extension_names and resource_type.attribute(path.name) is None:
        bound = [resource_type.bind(schema.id, path.name, path.sub) for schema in resource_type.extensions]
        found = [candidate for candidate in bound if candidate]
        return found[0] if len(found) == 1 else None
    return resource_type.bind(*path)


def _resolve_qualified(text: str, resource_type: ResourceType, tolerance: Tolerance) -> BoundPath | Schema | None:
    separators = ":." if tolerance.dotted_keys else ":"
    for schema in resource_type.schemas:
        if text[: len(schema.id)].lower() != schema.id.lower():
            continue
        rest = text[len(schema.id) :]
        if not rest:
            return schema
        name, dot, sub = rest[1:].partition(".")
        bound = resource_type.bind(schema.id, name, sub if dot else None) if rest[0] in separators else None
        if bound is not None:
            return bound
    return None


def server_owned(path: BoundPath) -> bool:
    """Whether only the server assigns what the path names: ``id``, ``meta``, ``schemas`` and all that is readOnly."""
    return path.attribute.read_only or path.target.read_only or (path.urn is None and path.attribute.name in _BY_SERVER)


def is_password(name: str) -> bool:
    """Whether a name means ``password``, which is accepted, dropped and never repeated."""
    return _PASSWORD.search(name.strip()) is not None


def spoken(name: str) -> str:
    """`` "name"`` for an error's detail, or nothing where the name is no plain one."""
    return f' "{name}"' if _SPEAKABLE.fullmatch(name) else ""


def report(names: Iterable[str]) -> tuple[str, ...]:
    """Names of a client for a log: sorted, printable, without filters and without ``password``, few and short."""
    plain = {
        _SELECTION.sub(r"\1", name[:MAX_PATH_LENGTH])[:MAX_REPORTED_LENGTH] for name in names if not is_password(name)
    }
    readable = {"".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in name) for name in plain}
    return tuple(sorted(readable)[:MAX_REPORTED])
