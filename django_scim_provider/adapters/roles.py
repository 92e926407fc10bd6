"""What a group means in the application: the roles that its members hold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import models

from ..models import ScimConnection
from .fields import HostPath


class Role(NamedTuple):
    """Something a person can be in the application."""

    key: str
    label: str


class RoleBackend:
    """Gives and takes roles. A host's own needs ``choices``, ``held``, ``give`` and ``take``; ``holders`` too where it
    protects any.

    Users are named by primary key; every method is called inside the transaction of the write that caused it.
    """

    exclusive: ClassVar[bool] = False
    """Whether a person holds one role at a time: the mapping with the highest priority wins, ``give`` replaces."""

    protected: Collection[str] = ()
    """Roles that somebody active always keeps: SCIM may neither remove nor demote the last one."""

    def choices(self, connection: ScimConnection) -> Sequence[Role]:
        """The roles that may be mapped, lowest first where they have an order."""
        raise NotImplementedError

    def unassigned(self, connection: ScimConnection) -> frozenset[str]:
        """The role, if any, that a person has while ``held`` says none: giving it to them would change nothing."""
        return frozenset()

    def is_privileged(self, key: str) -> bool:
        """Whether the role makes somebody a superuser or staff; such a role cannot be mapped."""
        return False

    def assignable(self, connection: ScimConnection) -> list[Role]:
        """The choices that an identity provider may give."""
        return [role for role in self.choices(connection) if not self.is_privileged(role.key)]

    def held(self, users: Collection[Any], connection: ScimConnection, using: str) -> Mapping[Any, frozenset[str]]:
        """The roles that each of these users holds, however they came by them."""
        raise NotImplementedError

    def shown(self, users: Collection[Any], connection: ScimConnection, using: str) -> Mapping[Any, frozenset[str]]:
        """What each of these users is in the eyes of people: also the role that ``held`` counts as none."""
        return self.held(users, connection, using)

    def holders(self, role: str, connection: ScimConnection, using: str) -> Iterable[Any]:
        """Everybody who holds a role, managed by SCIM or not: a queryset of one column, or primary keys."""
        raise NotImplementedError

    def give(self, role: str, users: Collection[Any], connection: ScimConnection, using: str) -> None:
        """Give a role to users who do not hold it."""
        raise NotImplementedError

    def take(self, role: str, users: Collection[Any], connection: ScimConnection, using: str) -> None:
        """Take a role from users who hold it; not called where roles are exclusive, unless none follows."""
        raise NotImplementedError


class NoRoles(RoleBackend):
    """Groups mean nothing to the host."""

    def choices(self, connection: ScimConnection) -> Sequence[Role]:
        return ()

    def held(self, users: Collection[Any], connection: ScimConnection, using: str) -> Mapping[Any, frozenset[str]]:
        return {}

    def give(self, role: str, users: Collection[Any], connection: ScimConnection, using: str) -> None:
        """Nothing: the role was another backend's."""

    def take(self, role: str, users: Collection[Any], connection: ScimConnection, using: str) -> None:
        """Nothing, too."""


class GroupRoles(RoleBackend):
    """Roles are Django's groups, by name.

    :param protected: groups of which somebody active always stays a member.
    """

    def __init__(self, *, protected: Collection[str] = ()) -> None:
        self.protected = frozenset(protected)

    def choices(self, connection: ScimConnection) -> Sequence[Role]:
        return [Role(name, name) for name in Group.objects.order_by("name").values_list("name", flat=True)]

    def held(self, users: Collection[Any], connection: ScimConnection, using: str) -> Mapping[Any, frozenset[str]]:
        found: defaultdict[Any, set[str]] = defaultdict(set)
        model = get_user_model()
        rows = model._base_manager.using(using).filter(pk__in=users, groups__isnull=False)
        for pk, name in rows.values_list("pk", "groups__name"):
            found[pk].add(name)
        return {pk: frozenset(names) for pk, names in found.items()}

    def holders(self, role: str, connection: ScimConnection, using: str) -> Iterable[Any]:
        return get_user_model()._base_manager.using(using).filter(groups__name=role).values("pk")

    def give(self, role: str, users: Collection[Any], connection: ScimConnection, using: str) -> None:
        group = Group.objects.using(using).filter(name=role).first()
        if group is not None:
            _user_set(group).add(*users)

    def take(self, role: str, users: Collection[Any], connection: ScimConnection, using: str) -> None:
        group = Group.objects.using(using).filter(name=role).first()
        if group is not None:
            _user_set(group).remove(*users)


def _user_set(group: Group) -> Any:
    """The members, those whom the default manager hides among them: who was soft-deleted keeps no role."""
    return group.user_set(manager="_base_manager")


class ColumnRoles(RoleBackend):
    """What ``ChoiceRoles`` and ``MembershipFieldRoles`` share: one role in a column, saved row by row.

    The host's own ``save()`` and signals run, with ``update_fields``.
    """

    exclusive = True

    def __init__(
        self,
        order: Iterable[str] | None,
        empty: str | None,
        privileged: Collection[str],
        protected: Collection[str] | None,
    ) -> None:
        self._order = tuple(order) if order is not None else None
        self._empty = empty
        self.privileged = frozenset(privileged)
        self.protected = self.privileged if protected is None else frozenset(protected)

    @property
    def column(self) -> models.Field[Any, Any]:
        """The column that holds the role."""
        raise NotImplementedError

    def rows(self, users: Collection[Any], connection: ScimConnection, using: str) -> Iterable[tuple[Any, Any]]:
        """Users' primary keys and what the column holds."""
        raise NotImplementedError

    def assign(self, value: Any, users: Collection[Any], connection: ScimConnection, using: str) -> None:
        """Write the column for these users."""
        raise NotImplementedError

    def choices(self, connection: ScimConnection) -> Sequence[Role]:
        labels = {str(key): str(label) for key, label in self.column.flatchoices}
        keys = [key for key in labels if key] if self._order is None else self._order
        return [Role(key, labels.get(key, key)) for key in keys]

    def is_privileged(self, key: str) -> bool:
        return key in self.privileged

    def unassigned(self, connection: ScimConnection) -> frozenset[str]:
        nothing = self._nothing()
        return frozenset((str(nothing),)) if nothing else frozenset()

    def held(self, users: Collection[Any], connection: ScimConnection, using: str) -> Mapping[Any, frozenset[str]]:
        nothing = self._nothing()
        rows = self.rows(users, connection, using)
        return {user: frozenset((str(role),)) for user, role in rows if role and role != nothing}

    def shown(self, users: Collection[Any], connection: ScimConnection, using: str) -> Mapping[Any, frozenset[str]]:
        known = {role.key for role in self.choices(connection)}
        hidden = None if str(self._nothing()) in known else self._nothing()
        rows = self.rows(users, connection, using)
        return {user: frozenset((str(role),)) for user, role in rows if role and role != hidden}

    def give(self, role: str, users: Collection[Any], connection: ScimConnection, using: str) -> None:
        self.assign(role, users, connection, using)

    def take(self, role: str, users: Collection[Any], connection: ScimConnection, using: str) -> None:
        self.assign(self._nothing(), users, connection, using)

    def _nothing(self) -> Any:
        if self._empty is not None:
            return self._empty
        return self.column.get_default() or ("" if not self.column.null else None)


class ChoiceRoles(ColumnRoles):
    """One role in a column: of the user, or of a model in a one-to-one relation to it.

    :param field: the column, as a look-up path from the user model.
    :param order: the roles, lowest first; by default the field's choices in their order.
    :param empty: what the column holds when nobody gave a role; by default the field's default.
    :param privileged: roles that no group may be mapped to.
    :param protected: roles that somebody active always keeps; by default the privileged ones.
    """

    def __init__(
        self,
        field: str,
        *,
        order: Iterable[str] | None = None,
        empty: str | None = None,
        privileged: Collection[str] = (),
        protected: Collection[str] | None = None,
    ) -> None:
        super().__init__(order, empty, privileged, protected)
        self.field = field

    @property
    def column(self) -> models.Field[Any, Any]:
        return HostPath(get_user_model(), self.field).field

    def rows(self, users: Collection[Any], connection: ScimConnection, using: str) -> Iterable[tuple[Any, Any]]:
        return get_user_model()._base_manager.using(using).filter(pk__in=users).values_list("pk", self.field)

    def holders(self, role: str, connection: ScimConnection, using: str) -> Iterable[Any]:
        return get_user_model()._base_manager.using(using).filter(**{self.field: role}).values("pk")

    def assign(self, value: Any, users: Collection[Any], connection: ScimConnection, using: str) -> None:
        path = HostPath(get_user_model(), self.field)
        for user in get_user_model()._base_manager.using(using).filter(pk__in=users):
            owner, name = path.write(user, value)
            if owner._state.adding:
                owner.save(using=using, force_insert=True)
            else:
                owner.save(using=using, update_fields=[name])


class MembershipFieldRoles(ColumnRoles):
    """One role in a column of the row that makes a person a member of the connection's tenant.

    A person who has no such row gets no role.

    :param model: the membership model, as ``"app.Model"``.
    :param field: its column for the role.
    :param user: its foreign key to the user.
    :param tenant: the look-up path from it to what ``connection.tenant`` holds; ``None`` in a single-tenant site.
    :param order: the roles, lowest first; by default the field's choices in their order.
    :param empty: what the column holds when nobody gave a role; by default the field's default.
    :param privileged: roles that no group may be mapped to.
    :param protected: roles that somebody active always keeps; by default the privileged ones.
    """

    def __init__(
        self,
        model: str,
        field: str,
        *,
        user: str = "user",
        tenant: str | None = None,
        order: Iterable[str] | None = None,
        empty: str | None = None,
        privileged: Collection[str] = (),
        protected: Collection[str] | None = None,
    ) -> None:
        super().__init__(order, empty, privileged, protected)
        self._label = model
        self.field, self.user, self.tenant = field, user, tenant

    @property
    def model(self) -> type[models.Model]:
        return apps.get_model(self._label)

    @property
    def column(self) -> models.Field[Any, Any]:
        return HostPath(self.model, self.field).field

    def rows(self, users: Collection[Any], connection: ScimConnection, using: str) -> Iterable[tuple[Any, Any]]:
        return self._memberships(users, connection, using).values_list(f"{self.user}_id", self.field)

    def holders(self, role: str, connection: ScimConnection, using: str) -> Iterable[Any]:
        return self._here(connection, using).filter(**{self.field: role}).values(f"{self.user}_id")

    def assign(self, value: Any, users: Collection[Any], connection: ScimConnection, using: str) -> None:
        for membership in self._memberships(users, connection, using):
            setattr(membership, self.field, value)
            membership.save(using=using, update_fields=[self.field])

    def _memberships(self, users: Collection[Any], connection: ScimConnection, using: str) -> models.QuerySet[Any]:
        return self._here(connection, using).filter(**{f"{self.user}__in": users})

    def _here(self, connection: ScimConnection, using: str) -> models.QuerySet[Any]:
        rows = self.model._base_manager.using(using)
        return rows.filter(**{self.tenant: connection.tenant}) if self.tenant else rows.all()
