"""What happened, as a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.core.exceptions import FieldDoesNotExist
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from ..adapters import GroupAdapter, UserAdapter
from ..models import GroupRoleMapping, ScimConnection, ScimEvent
from ..services import lifecycle, role_mappings
from ..services.connections import CONNECTION
from . import words

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

Action = ScimEvent.Action
Outcome = ScimEvent.Outcome

_DONE: Final[dict[str, StrOrPromise]] = {
    Action.CREATE: gettext_lazy("%(who)s created %(what)s."),
    Action.REPLACE: gettext_lazy("%(who)s updated %(what)s."),
    Action.MODIFY: gettext_lazy("%(who)s updated %(what)s."),
    Action.DELETE: gettext_lazy("%(who)s removed %(what)s."),
    Action.READ: gettext_lazy("%(who)s read %(what)s."),
    Action.AUTHENTICATE: gettext_lazy("%(who)s connected."),
    Action.ADOPT: gettext_lazy("%(who)s put people under this connection's management: %(why)s"),
    Action.RELEASE: gettext_lazy("%(who)s ended this connection's management of people: %(why)s"),
    Action.ENABLE: gettext_lazy("%(who)s enabled SCIM."),
    Action.DISABLE: gettext_lazy("%(who)s disabled SCIM."),
    Action.TOKEN_ISSUE: gettext_lazy("%(who)s issued the token %(what)s"),
    Action.TOKEN_REVOKE: gettext_lazy("%(who)s revoked the token %(what)s"),
    Action.CLIENT_LINK: gettext_lazy("%(who)s linked the OAuth client %(what)s."),
    Action.CLIENT_UNLINK: gettext_lazy("%(who)s unlinked the OAuth client %(what)s."),
    Action.CONFIGURE: gettext_lazy("%(who)s changed the settings: %(changed)s."),
    Action.ALARM: gettext_lazy("%(who)s removed unusually many people: %(why)s"),
    Action.LET_PASS: gettext_lazy("%(who)s let removals pass for a day."),
    Action.ERASE: gettext_lazy("%(who)s erased the personal data of %(what)s."),
    Action.UNDO: gettext_lazy("%(who)s gave %(what)s back what a removal had taken away."),
}
_NOT_DONE: Final[dict[str, StrOrPromise]] = {
    Action.CREATE: gettext_lazy("%(who)s could not create %(what)s: %(why)s"),
    Action.REPLACE: gettext_lazy("%(who)s could not update %(what)s: %(why)s"),
    Action.MODIFY: gettext_lazy("%(who)s could not update %(what)s: %(why)s"),
    Action.DELETE: gettext_lazy("%(who)s could not remove %(what)s: %(why)s"),
    Action.READ: gettext_lazy("%(who)s asked for something that cannot be answered: %(why)s"),
    Action.AUTHENTICATE: gettext_lazy("%(who)s was turned away: %(why)s"),
    Action.ALARM: gettext_lazy("%(who)s asked to remove unusually many people, so further removals are held: %(why)s"),
}
_OTHERWISE: Final = gettext_lazy("%(who)s was refused: %(why)s")
_MAPPED: Final[dict[str, StrOrPromise]] = {
    role_mappings.MAPPED: gettext_lazy("%(who)s mapped %(what)s."),
    role_mappings.UNMAPPED: gettext_lazy("%(who)s removed the mapping %(what)s."),
}
_PRIORITY: Final = gettext_lazy("%(who)s changed the priority of %(what)s to %(priority)s.")
_ACTIVITY: Final[dict[str, StrOrPromise]] = {
    lifecycle.DEACTIVATED: gettext_lazy("%(who)s deactivated %(what)s."),
    lifecycle.ACTIVATED: gettext_lazy("%(who)s activated %(what)s."),
}
_CONNECTION_DELETED: Final = gettext_lazy("%(who)s deleted the connection %(what)s.")
CHANGES: Final = {Action.REPLACE, Action.MODIFY}
_NAMELESS: Final = {ScimConnection.Provider.GENERIC, ScimConnection.Provider.STRICT}


def sentence(event: ScimEvent) -> str:
    """One event in words; ``connection`` and ``actor`` should have been selected with it."""
    text = str(_template(event)) % {
        "who": _who(event),
        "what": _what(event),
        "why": event.detail or _("no reason given."),
        "changed": ", ".join(field_label(name) for name in event.changed),
        "priority": event.detail.removeprefix(role_mappings.PRIORITY),
    }
    if event.actor is None:
        # What we call somebody begins the sentence; a person's own name stays as it is written.
        text = text[:1].upper() + text[1:]
    if event.count > 1:
        times = ngettext("(%(count)s time)", "(%(count)s times)", event.count) % {"count": words.number(event.count)}
        text = f"{text} {times}"
    return text


def _template(event: ScimEvent) -> StrOrPromise:
    action, detail = event.action, event.detail
    if event.outcome != Outcome.SUCCESS:
        return _NOT_DONE.get(action, _OTHERWISE)
    if action == Action.DELETE and event.resource_type == CONNECTION:
        return _CONNECTION_DELETED
    if action == Action.CONFIGURE and role_mappings.SETTING in event.changed:
        # Events of earlier versions say no more than that.
        return _PRIORITY if detail.startswith(role_mappings.PRIORITY) else _MAPPED.get(detail, _DONE[action])
    if action in CHANGES and event.resource_type == UserAdapter.name:
        said = (text for start, text in _ACTIVITY.items() if detail.startswith(start))
        return next(said, _DONE[action])
    return _DONE[action]


def field_label(name: str) -> str:
    """What a setting of a connection is called."""
    if name == role_mappings.SETTING:
        return str(GroupRoleMapping._meta.verbose_name)
    try:
        return str(ScimConnection._meta.get_field(name).verbose_name)  # type: ignore[union-attr]
    except FieldDoesNotExist:
        return name


def _who(event: ScimEvent) -> str:
    if event.actor is not None:
        return str(event.actor.get_username())
    if event.action == Action.AUTHENTICATE and event.outcome != Outcome.SUCCESS:
        return _("A client")
    if not event.key_id:
        return _("a command on the server")
    if event.connection is not None and event.connection.provider not in _NAMELESS:
        return str(event.connection.get_provider_display())
    return _("the identity provider")


def _what(event: ScimEvent) -> str:
    if event.resource_type == GroupAdapter.name:
        return _("the group %(name)s") % {"name": event.label} if event.label else _("a group")
    if event.label:
        return event.label
    if event.resource_type in ("", UserAdapter.name):
        return _("a person")
    return _("an entry of the kind “%(kind)s”") % {"kind": event.resource_type}
