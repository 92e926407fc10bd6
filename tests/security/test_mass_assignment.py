"""T3: no column that the map does not name is written, whatever a client calls it and however it says so."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.exceptions import FieldDoesNotExist
from django.db import models

from api.helpers import has_column, host_of
from conftest import ScimClient, person
from django_scim_provider.adapters import get_user_adapter
from django_scim_provider.models import ScimConnection, ScimUser
from django_scim_provider.protocol import urns
from factories import ConnectionFactory

pytestmark = [pytest.mark.django_db, pytest.mark.hosts]

STOCK = settings.AUTH_USER_MODEL == "auth.User"
"""Where the whole matrix is gone through; the other hosts' columns are tried in bulk."""
CELLS = 1_000 if STOCK else 400
ANN = "ann@example.com"
KNOWN = ("is_staff", "is_superuser", "password", "last_login", "date_joined", "id", "deleted_at", "freed_values")
OURS = ("pk", "scim_id", "scope", "connection", "connection_id", "origin", "alive", "tenant", "organization", "level")
OTHERS = ("_state", "__class__", "save", "roles", "permissions", "memberships", "role", "is_admin", "user")
_fresh = itertools.count()


def names() -> list[str]:
    """Every column and relation of the host's users, of our row, and names that mean something in Python."""
    meta = get_user_model()._meta
    found = {field.name for field in meta.get_fields()} | {field.attname for field in meta.concrete_fields}
    # What SCIM calls "active" is an attribute: what it does is the policies' affair, and tested there.
    return sorted((found | {*OURS, *OTHERS}) - {"is_active", "email", "active"} - {*_mapped()})


def _mapped() -> set[str]:
    return {column.partition("__")[0] for column in get_user_adapter().columns}


def _evil(name: str) -> Any:
    """What somebody would like to see in a column."""
    try:
        field = get_user_model()._meta.get_field(name)
    except FieldDoesNotExist:
        return "1"
    if isinstance(field, models.BooleanField):
        return True
    if isinstance(field, models.DateTimeField):
        return "2001-01-01T00:00:00Z"
    return [1] if field.is_relation else "evil"


def _patch(*operations: dict[str, Any]) -> dict[str, Any]:
    return {"schemas": [urns.PATCH_OP], "Operations": list(operations)}


def shapes(name: str, value: Any, path: str) -> Iterator[tuple[str, str, Any]]:
    """The ways in which a client could try to write a column: method, path, body."""

    def fresh(**attributes: Any) -> dict[str, Any]:
        return person(f"new{next(_fresh)}@example.com", **attributes)

    yield "POST", "/Users", fresh(**{name: value})
    yield "POST", "/Users", fresh(**{f"{urns.USER}:{name}": value, urns.USER: {name: value}})
    yield "POST", "/Users", fresh(**{urns.ENTERPRISE_USER: {name: value}})
    yield "PUT", path, person(ANN, **{name: value})
    yield "PUT", path, person(ANN, **{urns.ENTERPRISE_USER: {name: value}, f"user.{name}": value})
    for operation in (
        {"op": "replace", "path": name, "value": value},
        {"op": "add", "path": name, "value": value},
        {"op": "remove", "path": name},
        {"op": "replace", "value": {name: value}},
        {"op": "add", "value": {name.upper(): value, f"user.{name}": value, f"user__{name}": value}},
        {"op": "replace", "path": f"name.{name}", "value": value},
        {"op": "replace", "path": f"user.{name}", "value": value},
        {"op": "replace", "path": f"{urns.USER}:{name}", "value": value},
        {"op": "add", "path": f"{urns.ENTERPRISE_USER}:{name}", "value": value},
        {"op": "add", "value": {urns.USER: {name: value}, urns.ENTERPRISE_USER: {name: value}}},
        {"op": "add", "path": f"urn:example:2.0:User:{name}", "value": value},
        {"op": "add", "path": f"emails[{name} eq true].{name}", "value": value},
    ):
        yield "PATCH", path, _patch(operation)


def bulk(name: str, value: Any, path: str) -> list[dict[str, Any]]:
    """The same shapes as operations of one bulk request."""
    return [
        {"method": method, "path": where, "data": data, "bulkId": f"{name}{number}"}
        for number, (method, where, data) in enumerate(shapes(name, value, path))
    ]


def _columns(resource: dict[str, Any], fields: list[str]) -> tuple[Any, ...]:
    """The columns of the person's account, and of our row."""
    users = get_user_model()._base_manager.filter(scim_users__scim_id=resource["id"])
    ours = ("pk", "scim_id", "scope", "connection", "origin", "alive", "user")
    return users.values_list(*fields, *(f"scim_users__{name}" for name in ours)).get()


def test_columns_that_the_map_does_not_name_are_out_of_reach(scim: ScimClient, connection: ScimConnection) -> None:
    Group.objects.create(pk=1, name="admins")
    other = ConnectionFactory(name="Other", tenant=connection.tenant)
    ann = scim.create(ANN)
    path = f"/Users/{ann['id']}"
    fields = [
        field.attname
        for field in get_user_model()._meta.concrete_fields
        if field.name not in _mapped() and not getattr(field, "auto_now", False)
    ]
    assert {name for name in KNOWN if has_column(name)} <= {*fields}
    before, cells, statuses = _columns(ann, fields), 0, set()
    for name in names():
        value = _evil(name)
        for method, where, body in shapes(name, value, path) if STOCK else ():
            response = scim.request(method, where, body)
            assert response.status_code in (200, 201, 400, 403), (method, body, response.content)
            assert _columns(ann, fields) == before, (method, body)
            statuses.add(response.status_code)
            cells += 1
        operations = bulk(name, value, path)
        response = scim.post("/Bulk", {"schemas": [urns.BULK_REQUEST], "Operations": operations})
        assert response.status_code == 200
        assert len(response.json()["Operations"]) == len(operations)
        assert _columns(ann, fields) == before, name
        user = host_of(ann)
        assert (user.groups.count(), user.user_permissions.count()) == (0, 0), name
        cells += len(operations)
    assert cells >= CELLS, cells
    assert {200, 201, 400} <= statuses or not STOCK
    # Those who were created on the way have nothing that nobody gave them.
    made = get_user_model()._base_manager.filter(pk__in=ScimUser.objects.exclude(user_name=ANN).values("user"))
    assert made.count() > len(names())
    assert not made.filter(is_superuser=True).exists()
    assert not made.filter(groups__isnull=False).exists()
    assert not made.filter(user_permissions__isnull=False).exists()
    assert not any(user.is_staff or user.has_usable_password() or user.last_login for user in made)
    assert not ScimUser.objects.filter(connection=other).exists()
