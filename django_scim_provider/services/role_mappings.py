"""Which group means which role: mappings made by an administrator, before or after the group arrives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.db.models import QuerySet

from ..models import ConnectionGuard, GroupRoleMapping, ScimGroup
from ..protocol.errors import InvalidValue, NotFound, Uniqueness
from ..protocol.keys import fold
from . import audit, guard, roles
from .context import Context
from .group_rows import groups
from .role_changes import Change, Wish
from .roles import members_below
from .transactions import run

SETTING: Final = "role mapping"
"""What events about mappings name as changed."""
MAPPED: Final = "mapped"
UNMAPPED: Final = "unmapped"
PRIORITY: Final = "priority "
"""What such an event says in its detail; the number follows."""


def mappings(context: Context) -> QuerySet[GroupRoleMapping]:
    """A connection's mappings, the ones that win first."""
    return _mappings(context).select_related("group").order_by("-priority", "group_name_key", "pk")


def is_pushed(context: Context, group_name: str) -> bool:
    """Whether there is a group of this name yet."""
    return bool(_named(context, fold(group_name)).exists())


def check_role(context: Context, role: str) -> None:
    """Refuse a role that does not exist or that would make somebody a superuser or staff.

    :raises InvalidValue: it may not be mapped.
    """
    backend = context.adapter.roles
    if backend.is_privileged(role):
        raise InvalidValue(f"The role {role} is privileged: no identity provider may grant it.")
    if role not in {known.key for known in backend.choices(context.connection)}:
        raise InvalidValue(f"There is no role {role} in the application.")


def save_mapping(context: Context, group_name: str, role: str, *, priority: int = 0) -> GroupRoleMapping:
    """Map a group, pushed already or still to come, to a role, and give it to the members there are.

    :raises InvalidValue: see ``check_role``.
    """
    return _write(context, group_name, role, priority, lambda found: None)


def add_mapping(context: Context, group_name: str, role: str, *, priority: int = 0) -> GroupRoleMapping:
    """The same for a mapping that is not there yet.

    :raises InvalidValue: see ``check_role``.
    :raises Uniqueness: the group is mapped to the role already.
    """

    def refuse(found: QuerySet[GroupRoleMapping]) -> None:
        if found.exists():
            raise Uniqueness("The group is mapped to this role already.")

    return _write(context, group_name, role, priority, refuse)


def _write(
    context: Context, group_name: str, role: str, priority: int, check: Callable[[QuerySet[GroupRoleMapping]], None]
) -> GroupRoleMapping:
    """:param check: is shown the mapping that is there, under the lock."""
    check_role(context, role)
    key = fold(group_name)

    def work() -> GroupRoleMapping:
        locked = guard.lock(context)
        group = _named(context, key).first()
        same = {"group": group} if group is not None else {"group": None, "group_name_key": key}
        found = _mappings(context).filter(role=role, **same)
        check(found)
        before = found.values_list("priority", flat=True).first()
        roles.note(context, locked)
        mapping, _ = _mappings(context).update_or_create(
            connection_id=context.connection.pk,
            role=role,
            **same,
            defaults={"group_name": group_name, "group_name_key": key, "priority": priority},
        )
        if before != priority:
            _record(context, mapping, MAPPED if before is None else f"{PRIORITY}{priority}")
        if group is not None:
            roles.recompute(context, locked, members_below(context, [group.pk]))
        return mapping

    return run(work, context.using)


def set_priority(context: Context, mapping: GroupRoleMapping, priority: int) -> GroupRoleMapping:
    """Say anew which of several mappings wins where a person holds one role; returns the mapping as it is now.

    :raises NotFound: somebody removed it meanwhile.
    """

    def work() -> GroupRoleMapping:
        locked = guard.lock(context)
        found = _mappings(context).filter(pk=mapping.pk).first()
        if found is None:
            raise NotFound
        if found.priority != priority:
            found.priority = priority
            found.save(using=context.using, update_fields=["priority"])
            _record(context, found, f"{PRIORITY}{priority}")
            if found.group_id is not None:
                roles.recompute(context, locked, members_below(context, [found.group_id]))
        return found

    return run(work, context.using)


def delete_mapping(context: Context, mapping: GroupRoleMapping) -> None:
    """Remove a mapping; the roles that only it gave go with it."""

    def work() -> None:
        locked = guard.lock(context)
        # Read afresh: the group may have come or gone since the page with the button was shown.
        group = _mappings(context).filter(pk=mapping.pk).values_list("group_id", flat=True).first()
        affected = members_below(context, [group]) if group is not None else set()
        _record(context, mapping, UNMAPPED)
        _mappings(context).filter(pk=mapping.pk).delete()
        roles.recompute(context, locked, affected)

    run(work, context.using)


def _record(context: Context, mapping: GroupRoleMapping, what: str) -> None:
    audit.record(context, audit.Action.CONFIGURE, label=str(mapping), detail=what, changed=[SETTING])


def preview(context: Context, group_name: str, role: str, *, priority: int = 0) -> list[Change]:
    """Who would gain and lose what if this mapping were saved; writes nothing.

    :raises InvalidValue: see ``check_role``.
    """
    check_role(context, role)
    group = _named(context, fold(group_name)).values_list("pk", flat=True).first()
    if group is None:
        return []
    return _planned(context, group, role, [Wish(group, role, priority)])


def preview_priority(context: Context, mapping: GroupRoleMapping, priority: int) -> list[Change]:
    """Who would gain and lose what if this mapping had that priority; writes nothing."""
    if mapping.group_id is None:
        return []
    return _planned(context, mapping.group_id, mapping.role, [Wish(mapping.group_id, mapping.role, priority)])


def preview_removal(context: Context, mapping: GroupRoleMapping) -> list[Change]:
    """Who would gain and lose what without this mapping; writes nothing."""
    return [] if mapping.group_id is None else _planned(context, mapping.group_id, mapping.role, [])


def _planned(context: Context, group: int, role: str, instead: list[Wish]) -> list[Change]:
    others = [wish for wish in roles.wishes(context) if (wish.group, wish.role) != (group, role)]
    changes = roles.plan(context, [*others, *instead], members_below(context, [group]))
    return [change for change in changes if change.gains or change.loses]


def bind(context: Context, locked: ConnectionGuard, group: ScimGroup) -> bool:
    """Tie mappings made by name to the group that now has it; returns whether there were any.

    Of several for one role the highest stays, since a group is mapped to a role once.
    """
    if not locked.has_roles:
        return False
    waiting = list(_mappings(context).filter(group=None, group_name_key=group.display_name_key))
    if not waiting:
        return False
    bound = set(_mappings(context).filter(group=group).values_list("role", flat=True))
    for mapping in waiting:
        if mapping.role in bound:
            mapping.delete(using=context.using)
            continue
        bound.add(mapping.role)
        mapping.group = group
        mapping.save(using=context.using, update_fields=["group"])
    return True


def follow_rename(context: Context, locked: ConnectionGuard, group: ScimGroup) -> None:
    """A mapping follows its group's row, and so does the name it shows; mappings that waited for the name join it."""
    if not locked.has_roles:
        return
    _mappings(context).filter(group=group).update(group_name=group.display_name, group_name_key=group.display_name_key)
    if bind(context, locked, group):
        roles.recompute(context, locked, members_below(context, [group.pk]))


def _mappings(context: Context) -> QuerySet[GroupRoleMapping]:
    return GroupRoleMapping.objects.using(context.using).filter(connection_id=context.connection.pk)


def _named(context: Context, key: str) -> Any:
    return groups(context).filter(display_name_key=key).order_by("pk")
