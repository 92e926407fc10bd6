"""Who belongs to which tenant, by the rows of a membership model."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, cast

from django.apps import apps
from django.db import connections, models, router, transaction
from django.db.models import Exists, F, OuterRef, Q

from ..models import ScimConnection, ScimUser
from ..protocol.filters import Compare
from ..protocol.schemas import BoundPath
from .attributes import Attr
from .conditions import EVERYTHING, NOTHING
from .fields import HostPath
from .saving import save_columns

_HELD: Final = "_scim_provider_standing"


class Belonging(Attr):
    """``active``: whether the person is an active member. No column says so, but which row is there."""

    def __init__(self) -> None:
        super().__init__(())

    def from_host(self, path: BoundPath, values: tuple[Any, ...]) -> Any:
        return True  # asked only of somebody who is live

    def to_host(self, path: BoundPath, document: Mapping[str, Any]) -> tuple[Any, ...]:
        return ()

    def agrees(self, mapped: tuple[Any, ...], stored: tuple[Any, ...]) -> bool:
        return False

    def condition(self, compare: Compare, prefix: str) -> Q:
        return EVERYTHING if compare.value else NOTHING

    def present(self, prefix: str) -> Q:
        return EVERYTHING


@dataclass
class Standing:
    """What an account is to one tenant, as it was read with the account's lock."""

    connection: ScimConnection
    here: list[Any]
    """The rows that make the person a member of the tenant; one, unless the host allows more."""
    elsewhere: list[Any]
    """Those of other tenants."""
    is_managed_elsewhere: bool | None = None
    """Whether another scope's connection has the person; ``None`` where no row was there to say so."""
    is_own: bool | None = None
    """Whether the connection's scope made the account; ``None`` until it is asked."""
    is_new: bool = False
    """Whether the row here was made by the write under way."""

    def hold(self, user: Any, using: str) -> None:
        """Keep it on an instance, until the transaction ends: the host's code gets to see the instance then."""
        setattr(user, _HELD, self)
        if connections[using].in_atomic_block:
            transaction.on_commit(lambda: setattr(user, _HELD, None), using=using)

    @staticmethod
    def held_by(user: Any) -> Standing | None:
        return cast("Standing | None", getattr(user, _HELD, None))

    @staticmethod
    def of(user: Any) -> Standing:
        """What was read with the account's lock: whoever writes has it."""
        return cast("Standing", getattr(user, _HELD))


@dataclass(frozen=True)
class Tenancy:
    """How a model makes people members; the fields are those of ``MembershipUserAdapter``."""

    label: str
    member: str
    tenant: str
    active: str | None

    @cached_property
    def model(self) -> type[models.Model]:
        return apps.get_model(self.label)

    def members(self, connection: ScimConnection) -> models.QuerySet[Any]:
        """The active memberships of the connection's tenant."""
        rows = self.model._base_manager.filter(**{self.tenant: connection.tenant})
        return rows if self.active is None else rows.filter(**{self.active: True})

    def tenants_of(self, user: Any, using: str) -> set[str]:
        """The keys of the tenants that an account has any membership in."""
        rows = self.model._base_manager.using(using).filter(**{self.member: user})
        return {str(key) for key in rows.order_by().values_list(self.tenant, flat=True)}

    def is_active(self, row: Any) -> bool:
        return self.active is None or bool(getattr(row, self.active))

    def set_active(self, row: Any, active: bool, using: str) -> None:
        if self.active is not None:
            save_columns(row, [(HostPath(self.model, self.active), active)], using)

    def first(self) -> str:
        """The key of the first tenant there is; empty without one."""
        name, _, rest = self.tenant.partition("__")
        keys = (
            self._tenants(name).values_list(rest, flat=True)
            if rest
            else self.model._base_manager.values_list(name, flat=True)
        )
        return str(keys.order_by("pk").first() or "")

    def _tenants(self, name: str) -> models.QuerySet[Any]:
        model = cast("type[models.Model]", self.model._meta.get_field(name).related_model)
        return model._base_manager.using(router.db_for_write(model))

    def column(self, connection: ScimConnection) -> tuple[str, Any] | None:
        """The membership's own column that names the tenant, and its value; ``None`` without such a tenant."""
        name, _, rest = self.tenant.partition("__")
        if not rest:
            return (name, connection.tenant) if connection.tenant else None
        rows = self._tenants(name).filter(**{rest: connection.tenant})
        # Compared again here: the host's collation may take one key for another.
        found = (row for row in rows.annotate(_scim_tenant=F(rest)) if row._scim_tenant == connection.tenant)
        return next(((name, row) for row in found), None)

    def read(self, pks: Collection[Any], connection: ScimConnection, scope: str, using: str) -> dict[Any, Standing]:
        """What accounts are to the connection's tenant: one statement; in a transaction the rows are locked."""
        managed = ScimUser.objects.filter(user=OuterRef(f"{self.member}_id"), alive=True).exclude(scope=scope)
        rows = self.model._base_manager.using(using).filter(**{f"{self.member}__in": pks})
        rows = rows.annotate(_scim_tenant=F(self.tenant), _scim_managed=Exists(managed))
        database = connections[using]
        features = database.features
        # Of these rows alone: with the organization's, all writes of a tenant would wait for each other.
        if database.in_atomic_block and features.has_select_for_update_of >= features.has_select_for_update:
            rows = rows.select_for_update(of=("self",), no_key=features.has_select_for_no_key_update)
        found = {pk: Standing(connection, [], []) for pk in pks}
        for row in rows.order_by("pk"):
            standing = found[getattr(row, f"{self.member}_id")]
            (standing.here if row._scim_tenant == connection.tenant else standing.elsewhere).append(row)
            standing.is_managed_elsewhere = row._scim_managed
        return found
