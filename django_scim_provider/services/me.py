"""The resource of whoever presents a credential of their own (RFC 7644 section 3.11)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from ..protocol.errors import Forbidden, NotFound
from .context import Context
from .rows import people

REFUSAL: Final = "People may not change this of themselves here."


def own_id(context: Context) -> str:
    """The id of the resource that stands for the host user behind the credential.

    :raises NotFound: the connection manages no such person.
    """
    own = people(context).filter(user_id=context.actor.pk).values_list("scim_id", flat=True).first()
    if own is None:
        raise NotFound("Nobody behind this credential is managed here.")
    return own


def refuse_others(
    context: Context, changed: Iterable[str], shown: Mapping[str, Any], wanted: Mapping[str, Any]
) -> None:
    """Keep a change to what its caller may change; of an extension, each attribute counts for itself.

    :raises Forbidden: something else would change.
    """
    allowed = context.may_change
    if allowed is None:
        return
    for name in changed:
        if name in allowed:
            continue
        if ":" not in name:
            raise Forbidden(REFUSAL)
        before, after = shown.get(name, {}), wanted.get(name, {})
        parts = (part for part in before.keys() | after.keys() if before.get(part) != after.get(part))
        if any(f"{name}:{part}" not in allowed for part in parts):
            raise Forbidden(REFUSAL)
