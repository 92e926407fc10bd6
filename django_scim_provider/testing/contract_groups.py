"""Groups, the teams and roles that they mean, and the project's own resource types."""

from __future__ import annotations

from typing import Any, Final

from django.contrib.auth.models import Group

from ..adapters import GroupRoles, get_group_adapter, get_model_adapters
from ..models import ScimGroup
from ..protocol.urns import GROUP
from ..services import role_mappings, selftest_records
from ..services.findings import Status
from .contract_base import ContractCase, Person

_NAME: Final = "Contract group"
_RENAMED: Final = "Contract group, renamed"


class GroupsContract(ContractCase):
    """One test for each thing that a group can mean."""

    def group(self, *members: Person) -> str:
        """The address of a new group."""
        body = {"schemas": [GROUP], "displayName": _NAME, "members": self._values(*members)}
        answer = self.accepted(self.scim.post("/Groups", body), "POST of a group").json()
        return f"/Groups/{answer['id']}"

    @staticmethod
    def _values(*members: Person) -> list[dict[str, str]]:
        return [{"value": member.id} for member in members]

    def test_members_come_and_go(self) -> None:
        anna, bob = self.person(), self.person(1)
        url = self.group(anna)
        self._must_hold(url, "POST", anna)
        add = {"op": "add", "path": "members", "value": self._values(bob)}
        self.accepted(self.scim.patch(url, add), "PATCH that adds a member")
        self._must_hold(url, "PATCH add", anna, bob)
        remove = {"op": "remove", "path": f'members[value eq "{anna.id}"]'}
        self.accepted(self.scim.patch(url, remove), "PATCH that removes a member")
        self._must_hold(url, "PATCH remove", bob)
        replace = {"op": "replace", "path": "members", "value": self._values(anna)}
        self.accepted(self.scim.patch(url, replace), "PATCH that replaces the members")
        self._must_hold(url, "PATCH replace", anna)
        body = {"schemas": [GROUP], "displayName": _NAME, "members": self._values(anna, bob)}
        self.accepted(self.scim.put(url, body), "PUT of a group")
        self._must_hold(url, "PUT", anna, bob)
        self.accepted(self.scim.delete(anna.url), "DELETE of a member")
        self._must_hold(url, "DELETE of a member", bob)

    def _must_hold(self, url: str, what: str, *members: Person) -> None:
        shown = self.accepted(self.scim.get(url), "GET of a group").json().get("members", [])
        wanted = {member.id for member in members}
        self.require({item["value"] for item in shown} == wanted, f"After {what} the group shows other members.")
        for member in members:
            groups = {f"/Groups/{group['value']}" for group in self.read(member).get("groups", [])}
            self.require(url in groups, f"After {what} a member does not show the group among its groups.")
        self._must_be_in_the_team(url, what, *members)

    def _must_be_in_the_team(self, url: str, what: str, *members: Person) -> None:
        adapter = get_group_adapter(self.portal)
        if adapter.team_members is None:
            return
        key = ScimGroup.objects.using(self.context.using).get(scim_id=url.rpartition("/")[2]).team_key
        found = {str(pk) for pk in adapter.members(str(key), self.context.using)}
        self.require(
            found == {str(self.account(member).pk) for member in members},
            f"After {what} the team in `{adapter.team_members}` has other members than the group: look at "
            "new_member(), `member_team` and `member_user`, and at what save() of the model does.",
        )

    def test_a_group_is_renamed_and_deleted_and_its_name_is_free(self) -> None:
        url = self.group()
        self._must_be_a_team(_NAME, True)
        rename = {"op": "replace", "path": "displayName", "value": _RENAMED}
        self.accepted(self.scim.patch(url, rename), "PATCH of displayName")
        shown = self.accepted(self.scim.get(url), "GET of a group").json()["displayName"]
        self.require(shown == _RENAMED, f"A group that was renamed {_RENAMED!r} is shown as {shown!r}.")
        self._must_be_a_team(_RENAMED, True)
        self.accepted(self.scim.delete(url), "DELETE of a group")
        self.refused(self.scim.get(url), "GET of a deleted group", 404)
        self._must_be_a_team(_RENAMED, False)
        self.group()

    def _must_be_a_team(self, name: str, is_there: bool) -> None:
        adapter = get_group_adapter(self.portal)
        if adapter.team_model is None:
            return
        teams = adapter.team_model._base_manager.using(self.context.using)
        self.require(
            teams.filter(**{adapter.team_name: name}).exists() is is_there,
            f"There is {'no' if is_there else 'still a'} team called {name!r} in `{adapter.team}`: look at "
            "new_team() and `team_name`, and at what save() and delete() of the model do.",
        )

    def test_a_mapped_group_gives_and_takes_its_role(self) -> None:
        backend = self.adapter.roles
        if isinstance(backend, GroupRoles):
            Group.objects.using(self.context.using).get_or_create(name=_NAME)
        default = backend.unassigned(self.connection)
        roles = [role.key for role in backend.assignable(self.connection) if role.key not in default]
        if not roles:
            self.skipTest("The adapter has no roles that a group could be mapped to.")
        role, person = roles[0], self.person()
        role_mappings.save_mapping(self.context, _NAME, role)
        url = self.group(person)
        self._must_have_role(person, role, True)
        self.accepted(self.scim.patch(url, {"op": "remove", "path": "members"}), "PATCH that removes the members")
        self._must_have_role(person, role, False)

    def _must_have_role(self, person: Person, role: str, wanted: bool) -> None:
        pk = self.account(person).pk
        held = self.adapter.roles.held([pk], self.connection, self.context.using).get(pk, frozenset())
        self.require(
            (role in held) is wanted,
            f"A person who {'joined' if wanted else 'left'} a group that is mapped to the role {role!r} holds "
            f"{sorted(held)!r}: {'give' if wanted else 'take'}() and held() of the role backend do not agree.",
        )

    def test_resource_types_of_the_project_work(self) -> None:
        found: list[Any] = []
        for adapter in get_model_adapters(self.portal):
            found += selftest_records.play(self.context, adapter)
        self.report(
            f"{finding.step}: {remark}"
            for finding in found
            if finding.status is Status.FAILED
            for remark in finding.remarks
        )
