"""The group adapter without a team of the host's; with one it is in tests/services/test_teams.py."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from django_scim_provider.adapters import GroupAdapter, get_group_adapter
from django_scim_provider.models import ScimConnection, ScimGroup
from django_scim_provider.protocol import urns


class Renamed(GroupAdapter):
    """A portal's own."""


def test_groups_are_rows_of_ours() -> None:
    with override_settings(SCIM_PROVIDER={}):
        adapter = get_group_adapter()
    assert type(adapter) is GroupAdapter
    assert adapter.model is ScimGroup
    assert adapter.team_model is None
    assert adapter.get_teams(ScimConnection()) is None
    assert adapter.members("1", "default") == []
    assert (adapter.resource_type.name, adapter.resource_type.endpoint, adapter.resource_type.schema.id) == (
        "Group",
        "/Groups",
        urns.GROUP,
    )


def test_nothing_is_carried_over_where_the_host_has_no_teams() -> None:
    adapter = GroupAdapter()
    adapter.rename_team("1", "Staff", "default")
    adapter.delete_team("1", "default")
    adapter.add_members("1", [1], "default")
    adapter.remove_members("1", [1], "default")


def test_a_portal_may_have_an_adapter_of_its_own() -> None:
    portals = {"store": {"ADAPTERS": {"Group": f"{__name__}.Renamed"}}}
    with override_settings(SCIM_PROVIDER={"PORTALS": portals}):
        assert type(get_group_adapter("store")) is Renamed
        assert type(get_group_adapter()) is GroupAdapter


def test_an_adapter_of_another_kind_is_refused() -> None:
    wrong = {"ADAPTERS": {"Group": "django_scim_provider.adapters.UserAdapter"}}
    with override_settings(SCIM_PROVIDER=wrong), pytest.raises(ImproperlyConfigured, match="GroupAdapter"):
        get_group_adapter()
