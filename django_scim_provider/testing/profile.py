"""A person's attributes as a flat map from PATCH path to value, and the documents that it stands for."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from ..protocol.urns import ENTERPRISE_USER

Profile = Mapping[str, Any]
"""Path to value; an empty text is an attribute that is not set."""

WORK_EMAIL: Final = 'emails[type eq "work"].value'
MOBILE: Final = 'phoneNumbers[type eq "mobile"].value'
DEPARTMENT: Final = f"{ENTERPRISE_USER}:department"
EMPLOYEE_NUMBER: Final = f"{ENTERPRISE_USER}:employeeNumber"
MANAGER: Final = f"{ENTERPRISE_USER}:manager"

_ELEMENT: Final = re.compile(r'(\w+)\[type eq "(\w+)"\]\.(\w+)')


def look(resource: Mapping[str, Any], path: str) -> Any:
    """What a resource says at a path; ``None`` where it says nothing."""
    found: Any = resource
    for step in _steps(path):
        if isinstance(step, tuple):
            name, kind = step
            elements = found.get(name)
            found = next((e for e in _objects(elements) if str(e.get("type")).lower() == kind), None)
        else:
            found = found.get(step)
        if not isinstance(found, Mapping):
            break
    return found


def put(resource: dict[str, Any], path: str, value: Any) -> None:
    """Set what a path leads to, in place; an empty text is set as such, but makes no element of a list."""
    *way, last = _steps(path)
    target = resource
    for step in way:
        if isinstance(step, tuple):
            name, kind = step
            # What a client left out comes back as an absent list.
            elements = target.setdefault(name, [])
            element = next((e for e in elements if e.get("type") == kind), None)
            if not value:
                target[name] = [e for e in elements if e is not element]
                return
            if element is None:
                elements.append(element := {"type": kind, "primary": not elements})
            target = element
        else:
            target = target.setdefault(step, {})
    target[str(last)] = value


def document(profile: Profile) -> dict[str, Any]:
    """The resource that has these values, and nothing for those that are empty."""
    resource: dict[str, Any] = {}
    for path, value in profile.items():
        if value != "":
            put(resource, path, value)
    return resource


def changed(old: Profile, new: Profile) -> dict[str, Any]:
    """What of ``new`` differs."""
    return {path: value for path, value in new.items() if old.get(path, "") != value}


def _steps(path: str) -> list[str | tuple[str, str]]:
    steps: list[str | tuple[str, str]] = []
    if path.startswith(f"{ENTERPRISE_USER}:"):
        steps, path = [ENTERPRISE_USER], path.removeprefix(f"{ENTERPRISE_USER}:")
    if path == "manager":
        return [*steps, "manager", "value"]
    match = _ELEMENT.fullmatch(path)
    return [*steps, (match[1], match[2]), match[3]] if match else [*steps, *path.split(".")]


def _objects(elements: Any) -> list[Mapping[str, Any]]:
    return [element for element in elements or () if isinstance(element, Mapping)]


def text(value: str) -> str:
    """A value as a filter has it."""
    return json.dumps(value, ensure_ascii=False)
