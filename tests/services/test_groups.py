"""Writing groups: what the endpoints do not show."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError

from django_scim_provider.models import ScimEvent, ScimGroup, ScimMembership
from django_scim_provider.protocol.errors import InvalidValue, NotFound, Uniqueness
from django_scim_provider.protocol.projection import Projection
from django_scim_provider.services import groups, membership
from django_scim_provider.services.context import Context
from group_support import change, group_body, in_group, join, make_group, provision, remove, rename

pytestmark = pytest.mark.django_db


def everything(context: Context) -> Projection:
    return Projection.parse((), (), context.group_adapter.resource_type)


@pytest.mark.parametrize("scim_id", ["5b8e4f5e-3f6f-4c53-8f57-6a2d3d0b1c11", "nonsense"])
def test_a_group_that_is_not_there(context: Context, scim_id: str) -> None:
    for work in (
        lambda: groups.replace_group(context, scim_id, group_body("Staff")),
        lambda: groups.modify_group(context, scim_id, {"Operations": []}),
        lambda: groups.delete_group(context, scim_id),
    ):
        with pytest.raises(NotFound):
            work()


def test_only_a_patch_may_be_answered_without_the_group(context: Context, settings: Any) -> None:
    settings.SCIM_PROVIDER = {**settings.SCIM_PROVIDER, "GROUP_BODY_LIMIT": 1}
    ann, bob = provision(context, "ann", "bob")
    body = group_body("Staff", str(ann.scim_id), str(bob.scim_id))
    made = groups.create_group(context, body)
    put = groups.replace_group(context, made.id, body)
    patched = groups.modify_group(context, made.id, {"Operations": []})
    assert [written.is_patched for written in (made, put, patched)] == [False, False, True]
    for written, shown in ((made, True), (put, True), (patched, False)):
        document = groups.render(context, written, everything(context))
        assert (document is not None) is shown
    slim = Projection.parse((), ("members",), context.group_adapter.resource_type)
    document = groups.render(context, patched, slim)
    assert document is not None
    assert "members" not in document


def test_versions_rise_with_every_change_and_with_no_other_request(context: Context) -> None:
    ann, bob = provision(context, "ann", "bob")
    group = make_group(context, "Staff", ann)
    inner = make_group(context, "Inner")

    def version() -> int:
        group.refresh_from_db()
        return group.version

    assert version() == 1
    join(context, group, bob)
    assert version() == 2
    join(context, group, bob)
    assert version() == 2
    rename(context, group, "STAFF")
    assert version() == 3
    join(context, group, inner)
    assert version() == 4
    remove(context, inner)
    assert version() == 5
    change(context, group, {"op": "replace", "path": "externalId", "value": "e"})
    assert version() == 6


def test_a_race_that_the_constraint_decides_is_told_like_any_other(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_group(context, "Staff")
    monkeypatch.setattr(groups, "_refuse_taken", lambda context, group: None)
    with pytest.raises(Uniqueness) as caught:
        make_group(context, "staff")
    assert isinstance(caught.value.__cause__, IntegrityError)
    assert ScimGroup.objects.count() == 1


@pytest.mark.parametrize("step", ["look_up", "change"])
def test_a_write_that_fails_half_way_leaves_nothing(
    context: Context, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """T21: name, members and event stand or fall together."""
    ann, bob = provision(context, "ann", "bob")
    group = make_group(context, "Staff", ann)
    events = ScimEvent.objects.count()
    real = getattr(membership, step)

    def fail(*args: Any) -> Any:
        real(*args)
        raise RuntimeError("power cut")

    monkeypatch.setattr(membership, step, fail)
    with pytest.raises(RuntimeError):
        groups.replace_group(context, str(group.scim_id), group_body("Crew", str(bob.scim_id)))
    with pytest.raises(RuntimeError):
        make_group(context, "New", ann)
    group.refresh_from_db()
    assert (group.display_name, group.version, in_group(group.scim_id)) == ("Staff", 1, {str(ann.scim_id)})
    assert ScimGroup.objects.count() == ScimMembership.objects.count() == 1
    assert ScimEvent.objects.count() == events


def test_an_external_id_that_is_too_long_is_refused_on_every_database(context: Context) -> None:
    group = make_group(context, "Staff")
    with pytest.raises(InvalidValue, match="externalId"):
        groups.create_group(context, group_body("Crew", externalId="x" * 256))
    with pytest.raises(InvalidValue, match="externalId"):
        change(context, group, {"op": "replace", "path": "externalId", "value": "x" * 256})
    group.refresh_from_db()
    assert group.external_id is None
