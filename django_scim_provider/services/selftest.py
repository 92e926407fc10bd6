"""The provider's own life cycle through the host's adapter, in a transaction that is rolled back."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final
from uuid import uuid4

from django.core.exceptions import ImproperlyConfigured
from django.db import connections as databases
from django.db import transaction

from ..adapters import MapError, UserAdapter, get_model_adapters, get_user_adapter
from ..adapters.fields import PathError
from ..models import ScimConnection
from ..protocol.bulk import patch
from ..protocol.errors import NotFound, Uniqueness
from ..protocol.messages import ListQuery
from ..protocol.projection import Projection
from ..protocol.validation import clean_resource
from . import connections, search, selftest_records, specimen, sync, user_answers, users
from .context import Context
from .diagnosis import explain
from .findings import Finding, Status, different
from .rows import people


def check(connection: ScimConnection | None = None, *, tenant: str = "", portal: str = "") -> list[Finding]:
    """Try what an identity provider does with a person, and leave nothing behind.

    The host's ``save()`` and the receivers of its models run as they would. Nothing is committed, so ``on_commit``
    callbacks do not run, and the signals of this package are not sent.

    :param connection: whose tenant, portal and policies to use; without one, a new connection with the defaults.
    """
    try:
        connection = _stand_in(connection, tenant, portal)
        context = Context(connection)
        if not context.adapter.has_tenant(connection):
            remark = f"There is no organization “{connection.tenant}”. Name one that there is with --tenant."
            return [Finding("organization", Status.FAILED, (remark,))]
        found = [_existing_people(context)]
    except (ImproperlyConfigured, MapError, PathError) as error:
        return [Finding("attribute map", Status.FAILED, (f"{error} manage.py check says more.",))]
    if not databases[context.using].features.supports_transactions:
        remark = "The database has no transactions: to try would leave people behind."
        return [*found, Finding("life cycle", Status.SKIPPED, (remark,))]
    with transaction.atomic(using=context.using):
        if connection._state.adding:
            connection.save(using=context.using, force_insert=True)
        found += _LifeCycle(context).play()
        for adapter in get_model_adapters(connection.portal):
            found += selftest_records.play(context, adapter)
        transaction.set_rollback(True, using=context.using)
    return found


def _stand_in(connection: ScimConnection | None, tenant: str, portal: str) -> ScimConnection:
    if connection is None:
        policy = connections.default_existing_accounts(portal)
        tenant = tenant or get_user_adapter(portal).some_tenant()
        return ScimConnection(name=f"scim_check {uuid4()}", tenant=tenant, portal=portal, existing_accounts=policy)
    connection = copy.copy(connection)
    # Where SCIM leaves accounts alone, nothing of the host's would be tried.
    connection.on_create = ScimConnection.OnCreate.CREATE
    # What is held now has no bearing on what works.
    connection.guard = ScimConnection.Guard.OFF
    nothing, suspend = ScimConnection.OnDeactivate.NOTHING, ScimConnection.OnDeactivate.SUSPEND
    for field in ("on_deactivate", "on_delete"):
        if getattr(connection, field) == nothing:
            setattr(connection, field, suspend)
    return connection


def _existing_people(context: Context) -> Finding:
    found, _ = sync.preview(context)
    remarks = [
        *(f"“{name}” and another user name differ only in spelling. Rename one of them." for name in found.collisions),
        *(f"“{name}” is a user name that SCIM cannot carry. Change it." for name in found.unusable),
    ]
    more = found.left_out - len(remarks)
    if more:
        remarks.append(f"There are {more} more of these.")
    return Finding("existing people", Status.ADVICE if remarks else Status.OK, tuple(remarks))


_CREATE: Final = "create"
_DEACTIVATE: Final = "deactivate"
_DELETE: Final = "delete"


class _LifeCycle:
    """The steps, in order; each yields what is to be changed, and is undone on its own when it raises."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.adapter: UserAdapter = context.adapter
        self.projection = Projection.parse((), (), self.adapter.resource_type)
        self.found: list[Finding] = []
        self.broken: set[str] = set()
        self.user_name = specimen.new_name()
        self.id = ""
        self.answer: dict[str, Any] = {}
        self.sent: dict[str, Any] = {}
        """The resource as it should be shown, in canonical form."""

    def play(self) -> list[Finding]:
        self._step(_CREATE, self._create, needs="")
        self._step("find by userName", self._find)
        self._step("get", self._get)
        self._step("update by PUT", self._put)
        self._step("update by PATCH", self._patch)
        self._step("create a second person", self._second)
        self._step("create a person with a userName only", self._bare, verdict=Status.ADVICE)
        self._step(_DEACTIVATE, lambda: self._activate(False))
        self._step("the filter finds the inactive", self._find_inactive, needs=_DEACTIVATE)
        self._step("reactivate", lambda: self._activate(True), needs=_DEACTIVATE)
        self._step("rename", self._rename)
        self._step("a duplicate is refused", self._duplicate)
        self._step(_DELETE, self._delete)
        self._step("the name is free again", self._again, needs=_DELETE)
        return self.found

    def _step(
        self, step: str, work: Callable[[], Iterable[str]], *, needs: str = _CREATE, verdict: Status = Status.FAILED
    ) -> None:
        if needs in self.broken:
            self.broken.add(step)
            self.found.append(Finding(step, Status.SKIPPED))
            return
        before = self.user_name, self.sent
        try:
            with transaction.atomic(using=self.context.using):
                remarks = list(work())
        except Exception as error:  # noqa: BLE001 (whatever the host's code raises is what this is looking for)
            self.user_name, self.sent = before
            self.broken.add(step)
            remarks = explain(error, self.adapter)
        self.found.append(Finding(step, verdict if remarks else Status.OK, tuple(remarks)))

    # Steps -----------------------------------------------------------------------------------------------------

    def _create(self) -> Iterator[str]:
        body = self._body(self.user_name, 0)
        written = users.create_user(self.context, body)
        self.id, self.answer = written.id, user_answers.render(self.context, written, self.projection)
        yield from self._shows(self._clean(body))

    def _get(self) -> Iterator[str]:
        answer, read = self.answer, self._read()
        for name in sorted((answer.keys() | read.keys()) - {"meta"}):
            if answer.get(name) == read.get(name):
                continue
            yield (
                f"The answer to a write shows `{name}` as {answer.get(name)!r}, the next GET as {read.get(name)!r}: "
                "the database changes the value. Let the model's save() do that, or read it back there."
            )

    def _put(self) -> Iterator[str]:
        # Read, change, send back whole, with id and meta: what Okta does.
        body = {**self._read(), **self._body(self.user_name, 1)}
        users.replace_user(self.context, self.id, body)
        yield from self._shows(self._clean(body))

    def _patch(self) -> Iterator[str]:
        changes = list(specimen.values(self.adapter, 2))
        wanted = copy.deepcopy(self.sent)
        for path, value in changes:
            path.put(wanted, value)
        operations = [{"op": "replace", "path": path.key, "value": value} for path, value in changes]
        users.modify_user(self.context, self.id, patch(operations))
        yield from self._shows(wanted)

    def _second(self) -> Iterator[str]:
        users.create_user(self.context, self._body(specimen.new_name(), 0))
        yield from ()

    def _bare(self) -> Iterator[str]:
        body = {"schemas": [self.adapter.schema.id], "userName": specimen.new_name()}
        users.create_user(self.context, body)
        yield from ()

    def _activate(self, active: bool) -> Iterator[str]:
        users.modify_user(self.context, self.id, patch([{"op": "replace", "path": "active", "value": active}]))
        yield from self._shows({**self.sent, "active": active})
        yield from self._access(active)

    def _find_inactive(self) -> Iterator[str]:
        yield from self._find()
        if self._ids(f'active eq false and userName eq "{self.user_name}"') != [self.id]:
            yield (
                "A filter with active eq false does not find the person: what `get` and `set` make of the column is "
                "not what `lookup` finds in it."
            )

    def _rename(self) -> Iterator[str]:
        old_name, self.user_name = self.user_name, specimen.new_name()
        body = self._body(self.user_name, 2)
        users.replace_user(self.context, self.id, body)
        yield from self._shows(self._clean(body))
        yield from self._find()
        if self._ids(f'userName eq "{old_name}"'):
            yield f"After a rename the filter still finds the person as “{old_name}”."

    def _duplicate(self) -> Iterator[str]:
        try:
            users.create_user(self.context, self._body(self.user_name.swapcase(), 0))
        except Uniqueness:
            return
        yield "A second person was given the same userName in other letters."

    def _delete(self) -> Iterator[str]:
        users.delete_user(self.context, self.id)
        if self._ids(f'userName eq "{self.user_name}"'):
            yield "After DELETE the filter still finds the person."
        try:
            self._read()
        except NotFound:
            return
        yield "After DELETE the person can still be read."

    def _again(self) -> Iterator[str]:
        again = users.create_user(self.context, self._body(self.user_name, 0))
        if again.id == self.id:
            yield "Somebody new was given the id of the person who was deleted."

    # Looking ---------------------------------------------------------------------------------------------------

    def _body(self, user_name: str, variant: int) -> dict[str, Any]:
        return specimen.body(self.adapter, user_name, variant)

    def _clean(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return clean_resource(body, self.adapter.resource_type, tolerance=self.context.dialect.tolerance).document

    def _read(self) -> dict[str, Any]:
        return search.get_user(self.context, self.id, self.projection)

    def _ids(self, condition: str) -> list[str]:
        page = search.list_users(self.context, ListQuery(filter=condition), self.projection)
        return [resource["id"] for resource in page.resources]

    def _find(self) -> Iterator[str]:
        for spelling in (self.user_name, self.user_name.swapcase()):
            if self._ids(f'userName eq "{spelling}"') != [self.id]:
                yield f"The filter userName eq “{spelling}” does not find the person."

    def _shows(self, wanted: Mapping[str, Any]) -> Iterator[str]:
        """Tell which attributes are not shown as they were sent."""
        self.sent = dict(wanted)
        for key, (sent, answer) in different(wanted, self._read()).items():
            found = self.adapter.columns_of(key) or self.adapter.columns_of(key.rpartition(".")[0])
            columns = ", ".join(f"`{column}`" for column in sorted(found))
            yield (
                f"{key} was sent as {sent!r} and is shown as {answer!r}: `get` and `set` in the attribute map do not "
                f"undo each other, or the application stores something else in {columns or 'its columns'}."
            )

    def _access(self, active: bool) -> Iterator[str]:
        """Whether Django's own sign-in agrees. What other policies make of the account is the host's affair."""
        suspends = self.context.connection.on_deactivate == ScimConnection.OnDeactivate.SUSPEND
        if not suspends or self.adapter.multi_tenant or self.adapter.soft_deletes:
            return
        accounts = self.adapter.model._base_manager.using(self.context.using)
        account = accounts.get(pk__in=people(self.context).filter(scim_id=self.id).values("user"))
        may_sign_in = bool(getattr(account, "is_active", True))
        if may_sign_in != active:
            yield (
                f"After active: {str(active).lower()} the account has is_active = {may_sign_in}, which decides whether "
                'Django lets the person sign in. Map "active" to is_active, or make is_active a property of the column '
                "that it is mapped to."
            )
