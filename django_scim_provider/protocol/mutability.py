"""What may change once it is set, and what a PUT leaves alone (RFC 7644 section 3.5.1, RFC 7643 section 7)."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import Any

from .errors import Mutability
from .keys import fold
from .schemas import Attribute, BoundPath, ResourceType


def replaced(before: Mapping[str, Any], wanted: Mapping[str, Any], resource_type: ResourceType) -> dict[str, Any]:
    """The document that a PUT comes to.

    Two kinds of attributes stay when the body leaves them out: immutable ones, and those that no answer shows unless
    asked (returned ``request`` or ``never``, writeOnly), so that a client can send back the body that it has just read.

    :param before: the canonical document as it is.
    :param wanted: the body, cleaned.
    :raises Mutability: an immutable attribute has a value already, and another is sent.
    """
    result = dict(wanted)
    for path in _singles(resource_type):
        old = path.read(before)
        if old is None or (path.sub is not None and path._replace(sub=None).read(wanted) is None):
            continue
        new, immutable = path.read(result), path.target.mutability == "immutable"
        if immutable and new is not None:
            refuse_change(old, new, path.target, path.key)
        if immutable or (new is None and (path.target.is_hidden or path.target.returned == "request")):
            path.put(result, old)
    return result


def refuse_change(old: Any, new: Any, attribute: Attribute, name: str) -> None:
    """
    :raises Mutability: the value of an immutable attribute that is set differs; in more than letters' case, unless
        the attribute is caseExact.
    """
    if _comparable(old, attribute) != _comparable(new, attribute):
        raise Mutability(f"{name} cannot be changed once it is set.")


def _singles(resource_type: ResourceType) -> Iterator[BoundPath]:
    """Every attribute, and the sub-attributes of those that have one value."""
    for path in resource_type.paths():
        yield path
        if not path.attribute.multi_valued:
            for sub in path.attribute.sub_attributes:
                yield path._replace(sub=sub)


def _comparable(value: Any, attribute: Attribute) -> Hashable:
    """What equal values share: the order of a list and the case of letters do not count."""
    if isinstance(value, list):
        return frozenset(_comparable(item, attribute) for item in value)
    if isinstance(value, dict):
        subs = {sub.name: sub for sub in attribute.sub_attributes}
        return frozenset((name, _comparable(part, subs[name])) for name, part in value.items() if name in subs)
    if isinstance(value, str) and not attribute.case_exact and attribute.type == "string":
        return fold(value)
    key: Hashable = value
    return key
