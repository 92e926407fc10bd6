"""Writing groups (RFC 7644 sections 3.3, 3.5 and 3.6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from django.db.models import F

from .. import signals
from ..conf import app_settings
from ..models import ConnectionGuard, ScimConnection, ScimGroup, ScimMembership
from ..protocol import urns
from ..protocol.errors import InvalidValue, NotFound, Uniqueness
from ..protocol.etags import Match, weak
from ..protocol.keys import fold
from ..protocol.patch import Delta, apply_operations, parse_operations
from ..protocol.projection import Projection
from ..protocol.validation import clean_resource, require
from . import audit, group_rows, guard, membership, role_mappings, roles, teams
from .context import Context
from .group_rows import GroupRow, document, groups
from .kinds import resource_id
from .member_rows import has_more_members, members_of
from .membership import Members
from .removals import Departure
from .transactions import announce, now, run
from .updates import update

TAKEN: Final = "A group with this displayName exists already. Find it with a filter and update that one."
MAX_NAME_LENGTH: Final = 255
MAX_EXTERNAL_ID_LENGTH: Final = 255
DEFERRED: Final = frozenset({"members"})


class WrittenGroup(NamedTuple):
    """A group as a write left it."""

    id: str
    row: GroupRow
    is_patched: bool = False
    """Whether the answer may do without the group: a POST or PUT is answered with it, whatever its size."""

    @property
    def version(self) -> str:
        return weak(self.row.version)


def create_group(context: Context, body: Mapping[str, Any]) -> WrittenGroup:
    """POST /Groups.

    :raises Uniqueness: the connection has a group of that name, in any case.
    """
    cleaned = clean_resource(body, context.group_adapter.resource_type, tolerance=context.dialect.tolerance)
    require(cleaned.document, context.group_adapter.resource_type)
    wanted = dict(cleaned.document)
    delta = Delta(add=_listed(body, wanted) or ())

    def work() -> WrittenGroup:
        locked = guard.lock(context)
        group = ScimGroup(connection=context.connection, created_at=now(), **_named(context, wanted["displayName"]))
        group.external_id = _external_id(wanted)
        group.modified_at = group.created_at
        _refuse_taken(context, group)
        teams.create(context, group)
        group.save(using=context.using, force_insert=True)
        role_mappings.bind(context, locked, group)
        effect = _members(context, locked, group, delta)
        _record(context, group, audit.Action.CREATE, {*wanted, *effect.changed}, [*cleaned.ignored, *effect.warnings])
        announce(signals.group_created, context, group=group)
        return _written(context, group, audit.Action.CREATE)

    return run(work, context.using)


def replace_group(
    context: Context, scim_id: str, body: Mapping[str, Any], *, if_match: Match | None = None
) -> WrittenGroup:
    """PUT /Groups/{id}: the members become those listed; a body without ``members``, or null, leaves them as they are.

    Nobody leaves a group unless the request says so, and clients that page members leave the attribute out.

    :raises NotFound: no such group.
    :raises PreconditionFailed: it is not in the version that is asked for.
    :raises InvalidValue: ``members`` is given and names nobody; ``[]`` empties the group.
    """
    resource_type = context.group_adapter.resource_type
    cleaned = clean_resource(body, resource_type, tolerance=context.dialect.tolerance)
    require(cleaned.document, resource_type)
    wanted = dict(cleaned.document)
    listed = _listed(body, wanted)
    delta = Delta() if listed is None else Delta(replace=True, add=listed)
    return _change(context, scim_id, lambda _: (wanted, delta, cleaned.ignored), audit.Action.REPLACE, if_match)


def modify_group(
    context: Context, scim_id: str, body: Mapping[str, Any], *, if_match: Match | None = None
) -> WrittenGroup:
    """PATCH /Groups/{id}.

    :raises NotFound: no such group.
    :raises PreconditionFailed: it is not in the version that is asked for.
    """
    resource_type, tolerance = context.group_adapter.resource_type, context.dialect.tolerance
    parsed = parse_operations(
        body, resource_type, tolerance=tolerance, max_operations=app_settings.MAX_PATCH_OPERATIONS
    )

    def patched(shown: Mapping[str, Any]) -> tuple[dict[str, Any], Delta, tuple[str, ...]]:
        result = apply_operations(shown, parsed.operations, resource_type, tolerance=tolerance, deferred=DEFERRED)
        require(result.document, resource_type)
        return result.document, result.deltas.get("members", Delta()), parsed.ignored

    return _change(context, scim_id, patched, audit.Action.MODIFY, if_match)


def delete_group(context: Context, scim_id: str, *, if_match: Match | None = None) -> None:
    """DELETE /Groups/{id}: the people stay, the roles that only this group gave go.

    :raises NotFound: no such group.
    :raises PreconditionFailed: it is not in the version that is asked for.
    """

    def work() -> None:
        locked = guard.lock(context)
        group = _lock(context, scim_id, if_match)
        affected = roles.members_below(context, [group.pk]) if roles.matter(context, locked) else set()
        rows = ScimMembership.objects.using(context.using)
        parents = list(rows.filter(child=group).order_by("group_id").values_list("group_id", flat=True))
        groups(context).filter(pk__in=parents).update(version=F("version") + 1, modified_at=now())
        audit.record(
            context,
            audit.Action.DELETE,
            status=204,
            resource_type=context.group_adapter.name,
            resource_id=group.scim_id,
            label=group.display_name,
        )
        announce(signals.group_removed, context, group=group)
        teams.delete(context, group)
        group.delete(using=context.using)
        roles.recompute(context, locked, affected, Departure(group, ()))

    run(work, context.using)


def render(context: Context, written: WrittenGroup, projection: Projection) -> dict[str, Any] | None:
    """The answer to a write; ``None`` for a group too large to send back after every change that did not ask for it.

    No query where members are not asked for, one where they may be too many, and one for those that are shown.
    """
    members, pk = None, written.row.pk
    if projection.wants("members"):
        # With the parameter attributes the answer is 200, whatever it takes (RFC 7644 section 3.5.2).
        may_be_short = written.is_patched and projection.requested is None
        if may_be_short and has_more_members(pk, context, app_settings.GROUP_BODY_LIMIT):
            return None
        members = members_of([pk], context, is_nested=written.row.is_nested).get(pk, [])
    resource_type = context.group_adapter.resource_type
    return projection.apply(document(written.row, members, resource_type, context.base_url))


def _named(context: Context, name: str) -> dict[str, Any]:
    if len(name) > MAX_NAME_LENGTH:
        raise InvalidValue(f"displayName may have at most {MAX_NAME_LENGTH} characters.")
    key = fold(name)
    unique = context.connection.equal_group_names == ScimConnection.EqualGroupNames.REFUSE
    return {"display_name": name, "display_name_key": key, "unique_key": key if unique else None}


def _external_id(wanted: Mapping[str, Any]) -> str | None:
    value: str | None = wanted.get("externalId")
    if value is not None and len(value) > MAX_EXTERNAL_ID_LENGTH:
        raise InvalidValue(f"externalId may have at most {MAX_EXTERNAL_ID_LENGTH} characters.")
    return value


def _refuse_taken(context: Context, group: ScimGroup) -> None:
    """By name, not by unique key: groups from a time when equal names were allowed have none."""
    taken = groups(context).filter(display_name_key=group.display_name_key).exclude(pk=group.pk)
    if group.unique_key is not None and taken.exists():
        raise Uniqueness(TAKEN)


MEMBERS: Final = frozenset({"members", f"{urns.GROUP}:members".lower()})


def _listed(body: Mapping[str, Any], wanted: dict[str, Any]) -> tuple[dict[str, Any], ...] | None:
    """Take the members out of the body of a POST or PUT; ``None`` when it does not speak of them.

    :raises InvalidValue: they are given, yet nobody is named; or one has no ``value``.
    """
    elements: list[dict[str, Any]] = wanted.pop("members", [])
    if any("value" not in element for element in elements):
        raise InvalidValue("Each of the members needs a value.")
    if elements:
        return tuple(elements)
    given = [raw for name, raw in body.items() if name.lower() in MEMBERS and raw is not None]
    if any(raw != [] for raw in given):
        raise InvalidValue("members names nobody. To empty a group, send [].")
    return () if given else None


def _lock(context: Context, scim_id: str, if_match: Match | None) -> ScimGroup:
    group = group_rows.lock(context, resource_id(scim_id))
    if group is None:
        raise NotFound
    if if_match is not None:
        if_match.permit(weak(group.version))
    group.connection = context.connection
    return group


class _MemberEffect(NamedTuple):
    changed: frozenset[str]
    warnings: list[str]


def _members(context: Context, locked: ConnectionGuard, group: ScimGroup, delta: Delta) -> _MemberEffect:
    """Carry out a membership delta and what follows from it for roles."""
    if not delta:
        return _MemberEffect(frozenset(), [])
    members = membership.look_up(context, delta.add) if delta.add else Members({}, {}, [])
    warnings = membership.refuse_unknown(context, members, delta)
    effect = membership.change(context, locked, group, delta, members)
    teams.change(context, group, effect.joined, effect.left)
    if roles.matter(context, locked) and effect:
        affected = effect.joined | effect.left
        if effect.nested:
            affected |= roles.members_below(context, effect.nested)
        roles.recompute(context, locked, affected, Departure(group, effect.left))
    return _MemberEffect(frozenset({"members"}) if effect else frozenset(), warnings)


def _change(context: Context, scim_id: str, compute: Any, action: str, if_match: Match | None) -> WrittenGroup:
    """Work out the new group under its lock, and write the difference."""

    def work() -> WrittenGroup:
        locked = guard.lock(context)
        group = _lock(context, scim_id, if_match)
        shown = {"displayName": group.display_name}
        if group.external_id is not None:
            shown["externalId"] = group.external_id
        wanted, delta, ignored = compute(shown)
        changed = {name for name in shown.keys() | wanted.keys() if shown.get(name) != wanted.get(name)}
        effect = _members(context, locked, group, delta)
        changed |= effect.changed
        if changed:
            _save(context, group, wanted, changed)
        if "displayName" in changed:
            role_mappings.follow_rename(context, locked, group)
            teams.rename(context, group)
        _record(context, group, action, changed, [*ignored, *effect.warnings])
        if changed:
            announce(signals.group_updated, context, group=group, changed=frozenset(changed))
        return _written(context, group, action)

    return run(work, context.using)


def _save(context: Context, group: ScimGroup, wanted: Mapping[str, Any], changed: set[str]) -> None:
    group.version += 1
    group.modified_at = now()
    fields = ["version", "modified_at"]
    if "displayName" in changed:
        before = group.display_name_key
        names = _named(context, wanted["displayName"])
        for name, value in names.items():
            setattr(group, name, value)
        if group.display_name_key != before:
            _refuse_taken(context, group)
        fields += names
    if "externalId" in changed:
        group.external_id = _external_id(wanted)
        fields.append("external_id")
    update(group, fields, context.using)


def _record(context: Context, group: ScimGroup, action: str, changed: set[str], warnings: list[str]) -> None:
    audit.record(
        context,
        action,
        status=201 if action == audit.Action.CREATE else 200,
        resource_type=context.group_adapter.name,
        resource_id=group.scim_id,
        label=group.display_name,
        changed=changed,
        warnings=warnings,
    )


def _written(context: Context, group: ScimGroup, action: str) -> WrittenGroup:
    row = GroupRow(
        group.pk,
        group.scim_id,
        group.display_name,
        group.external_id,
        group.version,
        group.created_at,
        group.modified_at,
        context.connection.has_nested_groups,
    )
    return WrittenGroup(group.scim_id, row, is_patched=action == audit.Action.MODIFY)
