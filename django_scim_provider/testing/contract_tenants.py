"""Nobody but the connection that manages a person sees the person."""

from __future__ import annotations

from ..protocol.urns import GROUP
from ..services.context import Context
from .client import ScimClient
from .contract_base import ContractCase, Person


class TenantsContract(ContractCase):
    """One test for each way to another's people."""

    def _neighbour(self) -> tuple[Context, ScimClient]:
        """Another connection: of another tenant where there are many, else of the same site."""
        if self.adapter.multi_tenant and not self.other_tenant:
            self.fail(
                "The adapter is for many tenants: name a second organization in `other_tenant`, and make its rows in "
                "make_tenant(), so that this test can see that neither finds the other's people."
            )
        context, token = self.connect("neighbour", self.other_tenant)
        return context, ScimClient(token, raise_request_exception=True)

    def test_people_of_another_connection_are_nobody(self) -> None:
        mine = self.person()
        before = self.read(mine)
        _, neighbour = self._neighbour()
        group = neighbour.post("/Groups", {"schemas": [GROUP], "displayName": "Neighbours"}).json()
        why = "which is another connection's: start every query of the adapter from get_queryset(connection)"
        for method, body in (("GET", None), ("PUT", self.body(0, mine.user_name)), ("DELETE", None)):
            self.refused(neighbour.request(method, mine.url, body), f"{method} of a person, {why},", 404)
        change = {"op": "replace", "path": "active", "value": False}
        self.refused(neighbour.patch(mine.url, change), f"PATCH of a person, {why},", 404)
        self.require(neighbour.find(mine.named) == [], f"A filter finds a person, {why}.")
        listed = [resource["id"] for resource in neighbour.get("/Users").json()["Resources"]]
        self.require(mine.id not in listed, f"GET /Users shows a person, {why}.")
        neighbour.patch(f"/Groups/{group['id']}", {"op": "add", "path": "members", "value": [{"value": mine.id}]})
        members = neighbour.get(f"/Groups/{group['id']}").json().get("members", [])
        self.require(members == [], f"A group can have a person as a member, {why}.")
        self.require(self.read(mine) == before, f"A refused request changed a person, {why}.")

    def test_each_tenant_has_its_own_people(self) -> None:
        if not self.adapter.multi_tenant:
            self.skipTest("The adapter is for one tenant.")
        mine = self.person()
        context, _ = self._neighbour()
        self._must_be_in_scope(mine, context, False)
        self._must_be_in_scope(mine, self.context, True)
        self.require(
            self.adapter.scope(self.connection) != self.adapter.scope(context.connection),
            "scope() of the adapter is the same for two tenants: each needs names of its own.",
        )

    def _must_be_in_scope(self, person: Person, context: Context, wanted: bool) -> None:
        account = self.account(person)
        people = self.adapter.get_queryset(context.connection).using(context.using)
        live = self.adapter.is_live(account, context.connection)
        tenant = context.connection.tenant
        self.require(
            people.filter(pk=account.pk).exists() is wanted,
            f"get_queryset() of the adapter {'leaves out' if wanted else 'shows'} a person made for the organization "
            f"'{self.connection.tenant}' when it is asked for '{tenant}': filter by connection.tenant, and set it in "
            "new_instance().",
        )
        self.require(
            live is wanted or not self.adapter.shares_accounts,
            f"is_live() of the adapter is {live} for a person made for '{self.connection.tenant}' when it is asked for "
            f"'{tenant}'.",
        )
