from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property, reduce
from operator import or_
from typing import Any, ClassVar

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from ..mixins import SoftDeleteUserMixin, freed_value
from ..models import ScimConnection
from ..protocol import core_schemas
from ..protocol.errors import Forbidden, InvalidValue
from ..protocol.keys import fold
from ..protocol.schemas import Schema
from . import credentials
from .attributes import Attr
from .base import ResourceAdapter
from .credentials import Ended
from .roles import GroupRoles, RoleBackend


class UserAdapter(ResourceAdapter):
    """People, on the project's user model; fits ``AbstractUser`` as it stands.

    For another model, subclass it, say in ``attributes`` where each SCIM attribute lives, and name the class in
    ``SCIM_PROVIDER["ADAPTERS"]["User"]``. ``manage.py check`` and ``manage.py scim_check`` tell what does not fit.
    """

    name = "User"
    endpoint = "/Users"
    description = "User account"
    schema: ClassVar[Schema] = core_schemas.USER
    extensions: ClassVar[tuple[Schema, ...]] = (core_schemas.ENTERPRISE_USER,)
    always_shown = frozenset({"userName", "groups"})
    attributes: ClassVar[Mapping[str, str | Attr]] = {
        "userName": "username",
        "name.givenName": "first_name",
        "name.familyName": "last_name",
        "emails": "email",
        "active": "is_active",
    }
    roles: ClassVar[RoleBackend] = GroupRoles()
    """What the identity provider's groups can be mapped to; Django's groups unless the host says otherwise."""

    validate_user_name: ClassVar[bool] = False
    """Whether the host field's own validators judge a userName; Django's refuses names that Entra ID really sends."""

    me_writable: ClassVar[Collection[str]] = ()
    """What people may change of themselves through ``/Me``: ``"displayName"``, ``f"{ENTERPRISE_USER}:division"``."""

    multi_tenant: ClassVar[bool] = False
    """Whether a connection's tenant limits which people it sees."""

    shares_accounts: ClassVar[bool] = False
    """Whether one account can belong to several tenants, so that no connection may adopt whoever is there."""

    deletes_accounts: ClassVar[bool] = True
    """Whether ``delete()`` removes the account's row."""

    only: ClassVar[Mapping[str, Any]] = {}
    """Column values that tell the people of this adapter from others in the same table: ``{"kind": "store"}``. Nobody
    else is in scope, and who is created has them."""

    rotate_password: ClassVar[bool] = True
    """Whether an end of access draws the unusable password anew, which ends every session, password reset link and, as
    ``CHECK_REVOKE_TOKEN`` of simplejwt has it, JSON web token. ``False`` keeps local passwords, and all of these."""

    scope_models: ClassVar[tuple[type[models.Model] | str, ...]] = ()
    """Further models (classes, or ``"app.Model"``) with a ``user`` whose saving changes what SCIM shows."""

    @property
    def model(self) -> type[models.Model]:
        return get_user_model()

    # Who is in scope ---------------------------------------------------------------------------------------

    def get_queryset(self, connection: ScimConnection) -> models.QuerySet[Any]:
        """The host's users whom this connection may manage. Default: everybody the default manager shows."""
        return self.model._default_manager.filter(**self.only)

    @property
    def watched_models(self) -> Sequence[tuple[type[models.Model] | str, str]]:
        """Models whose saving and deleting changes what SCIM shows, and the attribute that leads to the user."""
        return [(model, "user") for model in self.scope_models]

    def has_tenant(self, connection: ScimConnection) -> bool:
        """Whether the tenant that a connection names is there. May query."""
        return True

    def tenants_of(self, user: Any, using: str) -> Collection[str] | None:
        """The tenants in whose scope an account is; ``None`` where only each connection's queryset can tell.

        Spares an account that is saved a query for each connection of each other tenant.
        """
        return None

    def scope(self, connection: ScimConnection) -> str:
        """The population a connection belongs to; connections of one scope share it (one manager per person)."""
        return f"{connection.portal}/{connection.tenant if self.multi_tenant else ''}"

    def is_protected(self, user: Any) -> bool:
        """Whether SCIM may show the person and keep name and profile up to date, and nothing more."""
        return bool(getattr(user, "is_superuser", False))

    def verified_domains(self, connection: ScimConnection) -> Iterable[str]:
        """E-mail domains that the host has verified for the connection's tenant; never typed in by its owner."""
        return ()

    def administered_tenants(self, user: Any) -> Iterable[str] | None:
        """Tenants whose connections a person may administer; ``None`` is all. Default: all for staff, else none."""
        return None if getattr(user, "is_staff", False) else ()

    @property
    def has_own_scope(self) -> bool:
        """Whether a subclass says for itself which rows are live, so that no query may be kept for it."""
        return type(self).live_condition is not UserAdapter.live_condition

    @cached_property
    def soft_deletes(self) -> bool:
        """Whether the model marks people deleted instead of only suspending them."""
        return issubclass(self.model, SoftDeleteUserMixin)

    def live_condition(self, connection: ScimConnection) -> Q | None:
        if not (self.soft_deletes or self.only):
            return None
        deleted = {"user__deleted_at__isnull": True} if self.soft_deletes else {}
        return Q(user__isnull=False, **deleted, **{f"user__{column}": value for column, value in self.only.items()})

    def answering_condition(self, connection: ScimConnection) -> Q | None:
        """Whose filters the host's columns answer; those of the others are answered by what was sent."""
        return self.live_condition(connection)

    def is_live(self, user: Any, connection: ScimConnection) -> bool:
        """The same as ``live_condition`` on an instance."""
        if user is None or (self.soft_deletes and user.deleted_at is not None):
            return False
        return self._is_ours(user)

    def _is_ours(self, user: Any) -> bool:
        return all(getattr(user, column) == value for column, value in self.only.items())

    def load_standing(self, users: Collection[Any], connection: ScimConnection, using: str) -> None:
        """Read at once, and keep on the instances, what ``is_live`` and writing need to know beside the account."""

    def account_columns(
        self,
        user: Any,
        wanted: Mapping[str, Any],
        connection: ScimConnection,
        *,
        before: Mapping[str, Any] | None = None,
        stored: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """As ``write_columns``, as far as the account is the connection's to write.

        :param stored: what is stored of the document.
        """
        return self.write_columns(wanted, before=before)

    def noted(self, attributes: dict[str, Any], user: Any, connection: ScimConnection) -> dict[str, Any]:
        """What is stored of a document once the account is written."""
        return attributes

    def is_shared(self, user: Any, connection: ScimConnection) -> bool:
        """Whether another scope shows the account, too."""
        return False

    def may_free(self, user: Any, connection: ScimConnection) -> bool:
        """Whether somebody new may have the names of an account that this scope removed."""
        return self._is_ours(user)

    def some_tenant(self) -> str:
        """The key of any tenant that there is, to try things in."""
        return ""

    def is_active(self, user: Any, connection: ScimConnection) -> bool:
        """Whether the person is live, and active by the host's columns: somebody who may sign in."""
        if not self.is_live(user, connection) or not getattr(user, "is_active", True):
            return False
        mapped = "active" in self.by_key
        return not mapped or self.shown({}, self.read_columns(user)).get("active") is True

    # Writing; called by services only ----------------------------------------------------------------------

    @cached_property
    def user_name_columns(self) -> frozenset[str]:
        return self.columns_of("userName")

    @cached_property
    def guarded_columns(self) -> frozenset[str]:
        """Columns of a protected person that SCIM may not write."""
        return self.columns_of("userName", "emails", "active")

    @cached_property
    def unique_columns(self) -> tuple[str, ...]:
        """Columns of the user model that two people cannot share."""
        unique = (path.path for path in self._host_paths if path.path == path.field.name and path.field.unique)
        return tuple(dict.fromkeys([*self.user_name_columns, *unique]))

    @cached_property
    def unique_kept(self) -> frozenset[str]:
        """Single attributes without a column that their schema calls unique: two people of a scope cannot share one."""
        return frozenset(
            path.key
            for path in self._all_paths
            if path.target.uniqueness != "none" and not path.attribute.multi_valued and not self.has_column(path)
        )

    def taken(self, columns: Mapping[str, Any], using: str, *, exclude: Any = None, any_case: bool = False) -> Any:
        """A host user, live or not, who already has one of these unique values; ``None`` if there is none.

        :param any_case: also find the userName in another spelling; not answered from an index on most hosts.
        """
        conditions = []
        for name in self.unique_columns:
            value = columns.get(name)
            if not value:
                continue
            if name in self.user_name_columns:
                # Many hosts store names in lower case; both spellings are answered from the column's index.
                conditions.append(Q((f"{name}__in", {value, fold(value)})))
                if any_case:
                    conditions.append(Q((f"{name}__iexact", value)))
            else:
                conditions.append(Q((name, value)))
        if not conditions:
            return None
        found = self.model._base_manager.using(using).filter(reduce(or_, conditions))
        return found.exclude(pk=exclude).first()

    def check_user_name(self, columns: Mapping[str, Any]) -> None:
        """Let the host field's own validators judge the userName, where the adapter asks for it.

        :raises InvalidValue: they refuse it.
        """
        if not self.validate_user_name:
            return
        for column in self.user_name_columns:
            try:
                self.column(column).field.run_validators(columns.get(column))
            except ValidationError as error:
                raise InvalidValue(f"userName: {' '.join(error.messages)}") from None

    def new_instance(self, connection: ScimConnection) -> Any:
        """A user, not saved yet, to be created; override it where one needs more than the map writes."""
        return self.model(**self.only)

    def create(self, columns: Mapping[str, Any], connection: ScimConnection, using: str) -> Any:
        """Insert a host user that nobody can sign in to with a password."""
        user = self.new_instance(connection)
        if isinstance(user, AbstractBaseUser):
            user.set_unusable_password()
        self._save(user, columns, using)
        self.admit(user, connection, using)
        return user

    def admit(self, user: Any, connection: ScimConnection, using: str) -> None:
        """Make somebody just inserted belong to the connection's tenant."""

    def update(self, user: Any, columns: Mapping[str, Any], using: str) -> None:
        """Write columns, and nothing else."""
        self._save(user, columns, using)

    def end_credentials(self, user: Any, connection: ScimConnection, using: str) -> Ended:
        """End everything that was issued to a person: called in the transaction that ends their access, whatever the
        policy (except "do nothing"), and once more in the one that lets them in again.

        Extend it for what your site issues by itself (keys, personal tokens), and add to the result how many ended, by
        name: the event tells it.
        """
        ended: dict[str, int | None] = {}
        if self.rotate_password and isinstance(user, AbstractBaseUser):
            # A new random suffix each time: the session hash is made from it, on every session engine.
            user.set_unusable_password()
            self._save(user, {}, using, extra=["password"])
            ended = {"sessions": None, "password reset links": None}
        return ended | self.end_tokens(user, connection, using)

    def end_tokens(self, user: Any, connection: ScimConnection, using: str) -> dict[str, int | None]:
        """End what libraries issued to a person; done again when somebody inactive is said to be so again."""
        return credentials.end_all(user)

    def credentials_left(self, users: Collection[Any], connection: ScimConnection) -> Iterable[tuple[Any, str]]:
        """What ``end_credentials`` would end of these accounts, which are shut: primary keys and names, for
        ``scim_check --invariants``. Extend it together with ``end_credentials``; it reads only.
        """
        for user in users:
            # Drawn anew, the password is unusable: what was made from the old one does not verify any more.
            if self.rotate_password and isinstance(user, AbstractBaseUser) and user.has_usable_password():
                yield user.pk, "a password, and what it vouches for"
        yield from credentials.left([user.pk for user in users])

    def suspend(self, user: Any, using: str) -> None:
        """Shut the account; its credentials have ended by then."""
        self._save(user, self._active(False), using)

    def activate(self, user: Any, using: str) -> None:
        """Let the person sign in again; nothing that ended comes back.

        :raises Forbidden: the application has made them one of other people than these.
        """
        if not self._is_ours(user):
            raise Forbidden("This person is no longer one of those whom this connection serves.")
        if self.soft_deletes and user.deleted_at is not None:
            user.restore()
        self._save(user, self._active(True), using)

    def soft_delete(self, user: Any, using: str) -> None:
        """Mark deleted, free the user name and the address."""
        user.soft_delete()

    def delete(self, user: Any, using: str) -> None:
        """Remove the account for good."""
        user.delete(using=using)

    def remove(self, user: Any, using: str) -> None:
        """Take the person out of the tenant; by default a suspension, or a soft deletion where the model has one."""
        if self.soft_deletes:
            self.soft_delete(user, using)
        else:
            self.suspend(user, using)

    def is_new_member(self, user: Any) -> bool:
        """Whether the write under way made the person a member of the tenant, with no role yet."""
        return False

    def deactivate(self, user: Any, connection: ScimConnection, using: str) -> None:
        """The host's own procedure, run where the connection's policy says so; by default a suspension."""
        self.suspend(user, using)

    def free_names(self, user: Any, using: str) -> None:
        """Give up the unique values of somebody whom SCIM removed, because a new person needs them."""
        fields = {name: self.column(name).field for name in self.unique_columns}
        text = (models.CharField, models.TextField)
        freed = {name: freed_value(f.max_length) if isinstance(f, text) else None for name, f in fields.items()}
        self._save(user, freed, using)

    def _active(self, active: bool) -> dict[str, Any]:
        mapped = self.by_key.get("active")
        if mapped is None or not mapped.attr.writes:
            return {}
        return dict(zip(mapped.attr.fields, mapped.attr.to_host(mapped.path, {"active": active}), strict=True))
