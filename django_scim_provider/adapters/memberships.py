"""People of many tenants: one account each, one row for every tenant that they belong to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, Final

from django.db import models, router
from django.db.models import Exists, OuterRef, Q

from ..mixins import SoftDeleteUserMixin
from ..models import ScimConnection, ScimUser, ScimValue
from ..protocol.errors import Forbidden
from ..protocol.keys import fold
from .attribute_map import Mapped
from .attributes import Attr
from .credentials import Ended
from .domains import on_domains
from .index import Indexed
from .roles import MembershipFieldRoles, NoRoles, RoleBackend
from .tenancy import Belonging, Standing, Tenancy
from .users import UserAdapter

KEPT: Final = "#kept"
"""The key, no attribute's name, in a stored document whose profile was not written to the account."""

_GONE: Final = "The account of this person was deleted in the application."
_NO_TENANT: Final = "The organization that this connection serves does not exist in the application."


class MembershipUserAdapter(UserAdapter):
    """People in a project with one table of accounts and a model that makes them members of organizations.

    ``active``, DELETE and roles act on the membership; the account is never shut, and no other tenant sees a change.

    .. code-block:: python

        class MemberAdapter(MembershipUserAdapter):
            membership = "orgs.Membership"      # foreign keys ``user`` and ``organization``
            tenant = "organization__slug"       # compared with the connection's tenant
            active = "is_active"                # leave it out where being a member is being active
            role = "level"
    """

    attributes: ClassVar[Mapping[str, str | Attr]] = {
        key: column for key, column in UserAdapter.attributes.items() if key != "active"
    }
    membership: ClassVar[str] = ""
    """The model that makes people members, as ``"app.Model"``."""
    member: ClassVar[str] = "user"
    """Its foreign key to the user model."""
    tenant: ClassVar[str] = ""
    """The look-up path from it to the unique key that a connection's ``tenant`` holds."""
    active: ClassVar[str | None] = None
    """Its boolean column for activity; ``None`` where a row that is there is active."""
    role: ClassVar[str | None] = None
    """Its column for the role; ``None`` where groups mean no roles. Give ``roles`` instead for more than a column."""
    privileged_roles: ClassVar[Collection[str]] = ()
    """Roles that no group may be mapped to."""

    multi_tenant = True
    shares_accounts = True
    deletes_accounts = False
    roles: ClassVar[RoleBackend] = NoRoles()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "roles" not in cls.__dict__ and "role" in cls.__dict__ and cls.role is not None:
            privileged = cls.privileged_roles
            cls.roles = MembershipFieldRoles(
                cls.membership, cls.role, user=cls.member, tenant=cls.tenant, privileged=privileged
            )

    @cached_property
    def tenancy(self) -> Tenancy:
        return Tenancy(self.membership, self.member, self.tenant, self.active)

    @cached_property
    def mapping(self) -> tuple[Mapped, ...]:
        """The map; ``active`` is the membership's whatever it says, or one tenant could shut an account for all."""
        others = (self._bind(key, entry) for key, entry in self.attributes.items())
        return (*(one for one in others if one.path.key != "active"), self._bind("active", Belonging()))

    def _answers(self, mapped: Mapped) -> bool:
        return isinstance(mapped.attr, Belonging) or super()._answers(mapped)

    @property
    def watched_models(self) -> Sequence[tuple[type[models.Model] | str, str]]:
        return (*super().watched_models, (self.membership, self.member))

    # Who is in scope ---------------------------------------------------------------------------------------

    def is_protected(self, user: Any) -> bool:
        """Whether SCIM may only show the person; superusers and staff of the site are no tenant's to change."""
        return super().is_protected(user) or bool(getattr(user, "is_staff", False))

    def get_queryset(self, connection: ScimConnection) -> models.QuerySet[Any]:
        """The tenant's active members; whom of them a connection adopts is for its policy to say."""
        members = self.tenancy.members(connection).values(f"{self.member}_id")
        return super().get_queryset(connection).filter(pk__in=members)

    def tenants_of(self, user: Any, using: str) -> Collection[str] | None:
        is_ours = type(self).get_queryset is MembershipUserAdapter.get_queryset
        return self.tenancy.tenants_of(user, using) if is_ours else None

    def has_tenant(self, connection: ScimConnection) -> bool:
        return self.tenancy.column(connection) is not None

    def some_tenant(self) -> str:
        return self.tenancy.first()

    @cached_property
    def soft_deletes(self) -> bool:
        # Whoever leaves a tenant keeps the account, whatever the model could do with it.
        return False

    def live_condition(self, connection: ScimConnection) -> Q:
        """An active membership of the connection's tenant."""
        mine = self.tenancy.members(connection).filter(**{f"{self.member}_id": OuterRef("user_id")})
        live = Q(user__isnull=False) & Q(Exists(mine))
        return live & Q(user__deleted_at__isnull=True) if issubclass(self.model, SoftDeleteUserMixin) else live

    def answering_condition(self, connection: ScimConnection) -> Q:
        kept = ScimValue.objects.filter(scim_user=OuterRef("pk"), attribute=KEPT)
        return self.live_condition(connection) & ~Q(Exists(kept))

    def is_live(self, user: Any, connection: ScimConnection) -> bool:
        if user is None or getattr(user, "deleted_at", None) is not None:
            return False
        return any(self.tenancy.is_active(row) for row in self._standing(user, connection).here)

    def load_standing(self, users: Collection[Any], connection: ScimConnection, using: str) -> None:
        """Read what the tenant and others have of these accounts, in one statement; in a transaction, locked."""
        found = self.tenancy.read([user.pk for user in users], connection, self.scope(connection), using)
        for user in users:
            found[user.pk].hold(user, using)

    def writes_profile(self, user: Any, connection: ScimConnection) -> bool:
        """Whether the account's own columns may be written: it is this tenant's alone, or its address is."""
        return not self.is_shared(user, connection) or self._is_verified(user, connection)

    def account_columns(
        self,
        user: Any,
        wanted: Mapping[str, Any],
        connection: ScimConnection,
        *,
        before: Mapping[str, Any] | None = None,
        stored: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        # What was kept so far is written once it may be.
        columns = self.write_columns(wanted, before=None if KEPT in (stored or ()) else before)
        return columns if self.writes_profile(user, connection) else {}

    def noted(self, attributes: dict[str, Any], user: Any, connection: ScimConnection) -> dict[str, Any]:
        plain = {name: value for name, value in attributes.items() if name != KEPT}
        if self.writes_profile(user, connection):
            return plain
        columns = self.read_columns(user)
        says_so = all(
            attr.agrees(attr.to_host(path, plain), tuple(columns[field] for field in attr.fields))
            for path, attr, *_ in self.mapping
            if attr.writes and attr.fields
        )
        return plain if says_so else {**plain, KEPT: True}

    def may_join(self, user: Any, columns: Mapping[str, Any], connection: ScimConnection) -> bool:
        """Whether an account from outside may become a member: the address asked for is its own, and verified here."""
        addresses = self.columns_of("emails", "userName")
        same = all(
            fold(str(columns[path.path] or "")) == fold(str(path.read(user) or ""))
            for path in self._host_paths
            if path.path in addresses and path.path in columns
        )
        return same and not self.is_live(user, connection) and self._is_verified(user, connection)

    def may_free(self, user: Any, connection: ScimConnection) -> bool:
        """Whether the names of an account that this scope removed may go to somebody else: nobody else uses it."""
        return self._is_own(user, connection) and not self.is_shared(user, connection)

    # Reading -----------------------------------------------------------------------------------------------

    def shown(self, sent: Mapping[str, Any], columns: Mapping[str, Any] | None) -> dict[str, Any]:
        if KEPT not in sent:
            document = super().shown(sent, columns)
            if sent and "active" not in sent:
                # Taken away from somebody active: it stays away while they are what it is by default.
                if columns is None:
                    document["active"] = False
                else:
                    document.pop("active", None)
            return document
        document = super().shown({name: value for name, value in sent.items() if name != KEPT}, None)
        if columns is not None and "active" in document:
            document["active"] = True
        return document

    def remembered(
        self, document: Mapping[str, Any], *, shown: Mapping[str, Any], sent: Mapping[str, Any]
    ) -> dict[str, Any]:
        kept = super().remembered(document, shown=shown, sent=sent)
        return {**kept, KEPT: True} if KEPT in sent else kept

    def index(
        self, document: Mapping[str, Any], *, live: bool, sent: Mapping[str, Any] | None = None
    ) -> dict[tuple[str, int], Indexed]:
        if KEPT not in (sent or ()):
            return super().index(document, live=live, sent=sent)
        return {**super().index(document, live=False), (KEPT, 0): Indexed("", None, "true")}

    # Writing; called by services only ----------------------------------------------------------------------

    def new_membership(self, user: Any, connection: ScimConnection) -> Any:
        """A membership, not saved yet; override it where one needs more than user and tenant.

        :raises Forbidden: there is no such tenant.
        """
        column = self.tenancy.column(connection)
        if column is None:
            raise Forbidden(_NO_TENANT)
        name, value = column
        return self.tenancy.model(**{self.member: user, name: value})

    def admit(self, user: Any, connection: ScimConnection, using: str) -> None:
        Standing(connection, [], [], is_managed_elsewhere=False).hold(user, using)
        self._enter(user, connection, using)

    def join(self, user: Any, connection: ScimConnection, using: str) -> None:
        """Make an account a member, without anything that an earlier membership had."""
        self.load_standing([user], connection, using)
        self.activate(user, using)
        held = self.roles.held([user.pk], connection, using).get(user.pk, ())
        for role in held:
            self.roles.take(role, [user.pk], connection, using)

    def tenant_credentials(self, user: Any, connection: ScimConnection) -> Mapping[str, models.QuerySet[Any]]:
        """Rows that let the person in to the connection's tenant, by name: deleted when their membership ends."""
        return {}

    def end_credentials(self, user: Any, connection: ScimConnection, using: str) -> Ended:
        """End what lets the person in to this tenant; everything, where the account is for this tenant alone."""
        if self._is_alone(user, connection):
            return super().end_credentials(user, connection, using)
        return self.end_tokens(user, connection, using)

    def end_tokens(self, user: Any, connection: ScimConnection, using: str) -> dict[str, int | None]:
        rows = self.tenant_credentials(user, connection).items()
        ended: dict[str, int | None] = {name: found.using(using).delete()[0] for name, found in rows}
        if self._is_alone(user, connection):
            ended = super().end_tokens(user, connection, using) | ended
        return ended

    def credentials_left(self, users: Collection[Any], connection: ScimConnection) -> Iterable[tuple[Any, str]]:
        for user in users:
            for name, found in self.tenant_credentials(user, connection).items():
                if found.using(user._state.db).exists():
                    yield user.pk, name
        yield from super().credentials_left([user for user in users if self._is_alone(user, connection)], connection)

    def suspend(self, user: Any, using: str) -> None:
        """End the membership; the account stays as it is, for whoever else uses it."""
        if self.active is None:
            self.remove(user, using)
            return
        for row in Standing.of(user).here:
            self.tenancy.set_active(row, False, using)

    def remove(self, user: Any, using: str) -> None:
        """Delete the membership, and the role with it."""
        standing = Standing.of(user)
        for row in standing.here:
            row.delete(using=using)
        standing.here = []

    def delete(self, user: Any, using: str) -> None:
        """Delete the membership: an account may be somebody's in another tenant."""
        self.remove(user, using)

    def activate(self, user: Any, using: str) -> None:
        """Make the person a member again.

        :raises Forbidden: the account was deleted in the application.
        """
        standing = Standing.of(user)
        if getattr(user, "deleted_at", None) is not None:
            raise Forbidden(_GONE)
        if not standing.here:
            self._enter(user, standing.connection, using)
        else:
            self.tenancy.set_active(standing.here[0], True, using)

    def is_new_member(self, user: Any) -> bool:
        return Standing.of(user).is_new

    def membership_of(self, user: Any, connection: ScimConnection) -> Any:
        """The row that makes the person a member of the connection's tenant, or ``None``: for hooks of your own."""
        return next(iter(self._standing(user, connection).here), None)

    # Inside ------------------------------------------------------------------------------------------------

    def _enter(self, user: Any, connection: ScimConnection, using: str) -> None:
        row = self.new_membership(user, connection)
        row.save(using=using, force_insert=True)
        standing = Standing.of(user)
        standing.here, standing.is_new = [row], True

    def _standing(self, user: Any, connection: ScimConnection) -> Standing:
        held = Standing.held_by(user)
        if held is not None and held.connection.pk == connection.pk:
            return held
        using = user._state.db or router.db_for_write(self.tenancy.model)
        return self.tenancy.read([user.pk], connection, self.scope(connection), using)[user.pk]

    def is_shared(self, user: Any, connection: ScimConnection) -> bool:
        """Whether another tenant has the account too, or had it and may have it again."""
        standing = self._standing(user, connection)
        if standing.is_managed_elsewhere is None:
            others = ScimUser.objects.using(user._state.db).filter(user=user.pk, alive=True)
            standing.is_managed_elsewhere = others.exclude(scope=self.scope(connection)).exists()
        return bool(standing.elsewhere) or standing.is_managed_elsewhere

    def _is_verified(self, user: Any, connection: ScimConnection) -> bool:
        domains = frozenset(domain.lower() for domain in self.verified_domains(connection))
        return bool(domains) and on_domains(super().shown({}, self.read_columns(user)), domains)

    def _is_alone(self, user: Any, connection: ScimConnection) -> bool:
        """Whether this scope made the account, and no other tenant lets the person in."""
        elsewhere = self._standing(user, connection).elsewhere
        return not any(self.tenancy.is_active(row) for row in elsewhere) and self._is_own(user, connection)

    def _is_own(self, user: Any, connection: ScimConnection) -> bool:
        """Whether this scope made the account, and nobody else before it."""
        standing = self._standing(user, connection)
        if standing.is_own is None:
            first = ScimUser.objects.using(user._state.db).filter(user=user.pk).order_by("pk")
            made = first.values_list("origin", "scope").first()
            standing.is_own = made == (ScimUser.Origin.CREATED, self.scope(connection))
        return standing.is_own
