"""One event in words: the request, what came of it, what changed and what followed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from ..adapters import UserAdapter, get_group_adapter, get_model_adapters, get_user_adapter
from ..models import ScimEvent, ScimOAuthClient, ScimRemoval, ScimToken
from ..services.connections import CONNECTION
from ..services.context import Context
from . import words
from .sentences import field_label

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

RELATED: Final = 5
_ONE_REQUEST: Final = timedelta(seconds=2)
"""How far apart the rows are that one request writes."""
_REQUESTS: Final = {
    ScimEvent.Action.CREATE: "POST",
    ScimEvent.Action.REPLACE: "PUT",
    ScimEvent.Action.MODIFY: "PATCH",
    ScimEvent.Action.DELETE: "DELETE",
    ScimEvent.Action.READ: "GET",
}
_AT_ENDPOINTS: Final = {*_REQUESTS, ScimEvent.Action.AUTHENTICATE}
_FOLLOWED: Final[dict[str, StrOrPromise]] = {
    ScimRemoval.Kind.DEACTIVATE: gettext_lazy("The person cannot sign in any more; every session of theirs has ended."),
    ScimRemoval.Kind.DELETE: gettext_lazy("The person left SCIM, their access ended, and the user name is free again."),
    ScimRemoval.Kind.LEAVE: gettext_lazy("The person lost a role."),
}


def story(event: ScimEvent) -> dict[str, Any]:
    """What the page of an event says, beside its sentence."""
    return {
        "event": event,
        "request_facts": list(_request(event)),
        "outcome_facts": list(_outcome(event)),
        "changed": [_change(event, name) for name in event.changed],
        "keeps_values": bool(event.values),
        "warned": event.warnings,
        "followed": list(_followed(event)),
    }


def related(event: ScimEvent, events: QuerySet[ScimEvent]) -> QuerySet[ScimEvent]:
    """The last others about the same person or group."""
    if not event.resource_id:
        return events.none()
    same = events.filter(resource_type=event.resource_type, resource_id=event.resource_id)
    return same.exclude(pk=event.pk).order_by("-pk")[:RELATED]


def _request(event: ScimEvent) -> Any:
    yield _("When"), words.moment(event.at), ""
    if event.actor is not None:
        is_own = _is_request(event)
        how = _("with a credential of their own") if is_own else _("an administrator of this application")
        yield _("Who"), event.actor.get_username(), how
    elif event.key_id:
        yield _("Who"), event.connection_name, _token(event)
    if event.remote_addr:
        yield _("From"), event.remote_addr, ""
    method = _REQUESTS.get(ScimEvent.Action(event.action)) if event.key_id else None
    if method:
        yield _("Request"), f"{method} {_path(event)}".strip(), ""
    if event.duration_ms is not None:
        yield _("Took"), _("%(count)s ms") % {"count": words.number(event.duration_ms)}, ""
    if event.count > 1:
        yield _("Asked"), ngettext("%(count)s time", "%(count)s times", event.count) % {"count": event.count}, ""


def _is_request(event: ScimEvent) -> bool:
    """Whether something came in at an endpoint; with an actor, it was by way of ``/Me``."""
    return event.action in _AT_ENDPOINTS and event.resource_type != CONNECTION


def _path(event: ScimEvent) -> str:
    """Empty for a resource type that is no longer there."""
    portal = event.connection.portal if event.connection else ""
    adapters = (get_user_adapter(portal), get_group_adapter(portal), *get_model_adapters(portal))
    endpoint = next((adapter.endpoint for adapter in adapters if adapter.name == event.resource_type), "")
    return f"{endpoint}/{event.resource_id}" if endpoint and event.resource_id else endpoint


def _token(event: ScimEvent) -> str:
    using = event._state.db
    token = ScimToken.objects.using(using).filter(key_id=event.key_id).first()
    if token is not None:
        name = f"{token.starts_with} ({token.name})" if token.name else token.starts_with
        return _("with the token %(token)s") % {"token": name}
    client = ScimOAuthClient.objects.using(using).filter(key_id=event.key_id).first()
    if client is not None:
        return _("as the OAuth client %(client)s") % {"client": client}
    return _("with the key %(key)s: a token or an OAuth client that is gone") % {"key": event.key_id}


def _outcome(event: ScimEvent) -> Any:
    yield _("Outcome"), event.get_outcome_display(), ""
    if event.status is not None:
        kind = f"{event.status} {event.scim_type}".strip()
        yield _("Answer"), kind, "" if event.outcome == ScimEvent.Outcome.SUCCESS else _meaning(event)
    if event.detail:
        yield _("In words"), event.detail, ""


def _meaning(event: ScimEvent) -> str:
    """What to do about a refusal, where its status says so."""
    status = event.status or 0
    is_person = event.resource_type in ("", UserAdapter.name)
    if status == 401:
        return _("The token is wrong, ended, or missing. Give the identity provider a valid one.")
    if status == 404 and is_person:
        return _("The identity provider knows somebody whom this application does not. Let it import people again.")
    if status == 409 and is_person:
        return _("Somebody else has this name already. Let the identity provider match people by user name.")
    if status == 409:
        return _("Another one has this value already. Correct it at the identity provider.")
    if status == 429:
        return _("The identity provider is to ask again later.")
    if status >= 500:
        return _("The application failed. Its log says why; the identity provider will try again.")
    return _("Nothing was changed. Correct it at the identity provider, then it will ask again.")


def _change(event: ScimEvent, name: str) -> dict[str, Any]:
    kept = (event.values or {}).get(name)
    before, after = kept if isinstance(kept, list) and len(kept) == 2 else (None, kept)
    label = field_label(name) if event.action == ScimEvent.Action.CONFIGURE else name
    return {"name": label, "before": before, "after": after}


def _followed(event: ScimEvent) -> Any:
    """What became of the account, as far as it was kept to be undone."""
    if event.connection is None or event.outcome != ScimEvent.Outcome.SUCCESS:
        return
    context = Context(event.connection)
    if event.resource_type != context.adapter.name:
        return
    removals = ScimRemoval.objects.using(event._state.db).filter(
        connection=event.connection,
        scim_user__scim_id=event.resource_id,
        at__range=(event.at - _ONE_REQUEST, event.at + _ONE_REQUEST),
    )
    roles = context.adapter.roles
    for removal in removals:
        yield _FOLLOWED[removal.kind]
        if removal.roles:
            labels = {role.key: role.label for role in roles.choices(event.connection)}
            held = ", ".join(labels.get(role, role) for role in removal.roles)
            yield _("Roles held before: %(roles)s.") % {"roles": held}
        if removal.group_ids:
            count = len(removal.group_ids)
            text = ngettext("Member of %(count)s group before.", "Member of %(count)s groups before.", count)
            yield text % {"count": words.number(count)}
        undone = words.moment(removal.undone_at)
        if undone is not None:
            yield _("It was undone %(when)s.") % {"when": undone.words}
