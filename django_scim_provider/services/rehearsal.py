"""What an identity provider will ask, asked here through the mounted views, and everything it wrote undone."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from functools import partial
from typing import Any, Final, NamedTuple

from django.db import connections as databases
from django.db import transaction
from django.utils.translation import gettext as _

from ..models import ScimConnection
from ..protocol.bulk import patch
from ..protocol.urns import GROUP
from ..protocol.validation import clean_resource
from . import guard, specimen, tokens
from .context import Context
from .findings import Status, different
from .habits import PUT, habits_of
from .in_process import Answer, InProcessClient, Site, address_in
from .troubles import explain

_LIFE: Final = timedelta(minutes=5)


class Asked(NamedTuple):
    """One thing that the provider asks, and how it went."""

    step: str
    request: str
    """Method and path, as a developer would look for it in a log; empty where nothing was asked."""
    status: Status
    remarks: tuple[str, ...] = ()
    """What went wrong and what to change."""
    milliseconds: int | None = None


class Refused(Exception):
    """The answer is not what was to be expected."""

    def __init__(self, *remarks: str) -> None:
        super().__init__(*remarks)
        self.remarks = remarks


def rehearse(context: Context, site: Site) -> list[Asked]:
    """Play the part of the connection's provider, with a credential that exists for nobody else.

    The connection counts as enabled meanwhile. Its policies hold, the code of the application runs as for a real
    person, and nothing is committed: callbacks ``on_commit`` do not run, signals of this package are not sent.
    """
    using, connection = context.using, context.connection
    if not databases[using].features.supports_transactions:
        remark = _("The database has no transactions: to try would leave people behind.")
        return [Asked(_("Transactions"), "", Status.SKIPPED, (remark,))]
    with transaction.atomic(using=using):
        guard.lock(context)
        ScimConnection.objects.using(using).filter(pk=connection.pk).update(
            enabled=True, on_create=ScimConnection.OnCreate.CREATE, guard=ScimConnection.Guard.OFF
        )
        token = tokens.issue(context, name="rehearsal", life=_LIFE).text
        address = address_in(connection.ip_allowlist, site.address)
        client = InProcessClient(site._replace(address=address), token)
        found = _Rehearsal(context, client).play()
        transaction.set_rollback(True, using=using)
    return found


_SIGN_IN: Final = "sign in"
_LOOK: Final = "look"
_CREATE: Final = "create"
_GROUP: Final = "group"


class _Rehearsal:
    """The steps in order; what needs one that failed is skipped."""

    def __init__(self, context: Context, client: InProcessClient) -> None:
        self.context = context
        self.client = client
        self.adapter = context.adapter
        self.habits = habits_of(context.connection.provider)
        self.found: list[Asked] = []
        self.broken: set[str] = set()
        self.user_name = specimen.new_name()
        self.group_name = f"Scim-{secrets.token_hex(4)}"
        self.person = self.group = ""
        self.request = ""
        self.milliseconds: int | None = None

    def play(self) -> list[Asked]:
        habits = self.habits
        self._step(_("The test of the connection: list people"), self._probe, key=_SIGN_IN, needs="")
        if habits.pushes_groups:
            self._step(_("The test of the connection: list groups"), self._probe_groups)
        for path in habits.discovers:
            self._step(_("Read what this service can do"), partial(self._ask, 200, "GET", path))
        self._step(_("Look for a person who is not here yet"), lambda: self._look(()), key=_LOOK)
        self._step(_("Create a person"), self._create, key=_CREATE, needs=_LOOK)
        self._step(_("Find the person again"), lambda: self._look((self.person,)), needs=_CREATE)
        self._step(_("Read the person"), self._read, needs=_CREATE)
        self._step(_("Change name and profile"), self._update, needs=_CREATE)
        if habits.pushes_groups:
            self._step(_("Create a group"), self._create_group, key=_GROUP, needs=_CREATE)
            self._step(_("Put the person into the group"), lambda: self._member(True), needs=_GROUP)
            self._step(_("Take the person out of the group"), lambda: self._member(False), needs=_GROUP)
            self._step(_("Delete the group"), lambda: self._delete(f"/Groups/{self.group}"), needs=_GROUP)
        self._step(_("Deactivate the person"), lambda: self._activate(False), needs=_CREATE)
        self._step(_("Find the person while inactive"), lambda: self._look((self.person,)), needs=_CREATE)
        self._step(_("Activate the person again"), lambda: self._activate(True), needs=_CREATE)
        if habits.deletes:
            self._step(_("Delete the person"), lambda: self._delete(f"/Users/{self.person}"), needs=_CREATE)
        return self.found

    def _step(self, step: str, work: Callable[[], Any], *, key: str = "", needs: str = _SIGN_IN) -> None:
        self.request, self.milliseconds = "", None
        if needs in self.broken:
            self.broken.add(key or step)
            self.found.append(Asked(step, "", Status.SKIPPED))
            return
        try:
            work()
        except Refused as refused:
            self.broken.add(key or step)
            self.found.append(Asked(step, self.request, Status.FAILED, refused.remarks, self.milliseconds))
        else:
            self.found.append(Asked(step, self.request, Status.OK, (), self.milliseconds))

    def _ask(self, expected: int | Iterable[int], method: str, path: str, body: Any = None, **query: str) -> Answer:
        """
        :raises Refused: the status is another, or something in front of SCIM answered.
        """
        shown = "&".join(f"{name}={value}" for name, value in query.items())
        self.request = f"{method} {path}{'?' if shown else ''}{shown}"
        answer = self.client.ask(method, path, body, **query)
        self.milliseconds = answer.milliseconds
        statuses = (expected,) if isinstance(expected, int) else tuple(expected)
        if answer.status not in statuses or not answer.is_scim:
            raise Refused(*explain(answer))
        return answer

    # Steps -----------------------------------------------------------------------------------------------------

    def _probe(self) -> None:
        self._ask(200, "GET", "/Users", **self.habits.people_query())

    def _probe_groups(self) -> None:
        self._ask(200, "GET", "/Groups", **self.habits.group_query())

    def _look(self, expected: tuple[str, ...]) -> None:
        query = {"filter": f'userName eq "{self.user_name}"'}
        if self.habits.paged_lookup:
            query |= {"startIndex": "1", "count": "100"}
        answer = self._ask(200, "GET", "/Users", **query)
        found = tuple(resource["id"] for resource in answer.document["Resources"])
        if found != expected:
            raise Refused(
                _(
                    "The filter by userName does not find the person, so the identity provider would create them "
                    "again. Look at “userName” in the attribute map, and for middleware that keeps answers."
                )
            )

    def _create(self) -> None:
        body = specimen.body(self.adapter, self.user_name, 0)
        answer = self._ask(201, "POST", "/Users", body)
        self.person = answer.document["id"]
        self._shows(body, answer)

    def _read(self) -> dict[str, Any]:
        document: dict[str, Any] = self._ask(200, "GET", f"/Users/{self.person}").document
        return document

    def _update(self) -> None:
        wanted = specimen.body(self.adapter, self.user_name, 1)
        if self.habits.update == PUT:
            body = {**self._read(), **wanted}
        else:
            body = self._patch(*((path.key, value) for path, value in specimen.values(self.adapter, 1)))
        self._ask((200, 204), self.habits.update, f"/Users/{self.person}", body)
        answered = self.request
        self._shows(wanted, self._ask(200, "GET", f"/Users/{self.person}"))
        self.request = answered

    def _activate(self, active: bool) -> None:
        if self.habits.update == PUT:
            body = {**self._read(), "active": active}
        else:
            body = self._patch(("active", str(active) if self.habits.capitals else active))
        self._ask((200, 204), self.habits.update, f"/Users/{self.person}", body)
        answered = self.request
        shown = self._read().get("active")
        self.request = answered
        ignored = self.context.connection.on_deactivate == ScimConnection.OnDeactivate.NOTHING
        if shown is not active and not ignored:
            raise Refused(
                _("The change was accepted, but the person is shown as before. Look at “active” in the attribute map.")
            )

    def _create_group(self) -> None:
        body = {"schemas": [GROUP], "displayName": self.group_name, "members": []}
        self.group = self._ask(201, "POST", "/Groups", body).document["id"]

    def _member(self, belongs: bool) -> None:
        members = [{"value": self.person}]
        if self.habits.update_group == PUT:
            body: dict[str, Any] = {"schemas": [GROUP], "displayName": self.group_name}
            body["members"] = members if belongs else []
        elif belongs:
            body = self._patch(("members", members), op="add")
        elif self.habits.capitals:
            body = self._patch(("members", members), op="remove")
        else:
            body = patch([{"op": "remove", "path": f'members[value eq "{self.person}"]'}])
        self._ask((200, 204), self.habits.update_group, f"/Groups/{self.group}", body)

    def _delete(self, path: str) -> None:
        self._ask(204, "DELETE", path)
        answered = self.request
        self._ask(404, "GET", path)
        self.request = answered

    # -----------------------------------------------------------------------------------------------------------

    def _patch(self, *changes: tuple[str, Any], op: str = "replace") -> dict[str, Any]:
        op = op.capitalize() if self.habits.capitals else op
        return patch([{"op": op, "path": path, "value": value} for path, value in changes])

    def _shows(self, sent: Mapping[str, Any], answer: Answer) -> None:
        """
        :raises Refused: an attribute is not shown as it was sent.
        """
        tolerance = self.context.dialect.tolerance
        wanted = clean_resource(sent, self.adapter.resource_type, tolerance=tolerance).document
        remarks = list(self._differences(wanted, answer.document))
        if remarks:
            raise Refused(*remarks)

    @staticmethod
    def _differences(wanted: Mapping[str, Any], shown: Mapping[str, Any]) -> Iterator[str]:
        for name, (sent, found) in different(wanted, shown).items():
            yield _(
                "“%(attribute)s” was sent as %(sent)s and is shown as %(shown)s: the identity provider would send it "
                "again and again. Look at its entry in the attribute map."
            ) % {"attribute": name, "sent": repr(sent), "shown": repr(found)}
