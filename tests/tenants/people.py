"""People of organizations, seen past SCIM, and what their identity providers ask."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model

from conftest import ScimClient
from django_scim_provider.models import ScimUser
from hosts.tenants.models import Membership, Organization

BOB = "bob@example.com"


def account(user_name: str = BOB) -> Any:
    return get_user_model().all_objects.get(username=user_name)


def sign_up(user_name: str = BOB, *slugs: str, **fields: Any) -> Any:
    """An account that the host made, and its memberships."""
    user = get_user_model().objects.create_user(user_name, user_name, **{"first_name": "Robert", **fields})
    for slug in slugs:
        Membership.objects.create(user=user, organization=Organization.objects.get(slug=slug))
    return user


def verify(slug: str, domain: str = "example.com") -> None:
    Organization.objects.filter(slug=slug).update(domain=domain)


def memberships(user_name: str = BOB) -> dict[str, tuple[bool, str]]:
    """By organization: whether the person is active there, and their level."""
    rows = Membership.objects.filter(user__username=user_name)
    return {row.organization.slug: (row.is_active, row.level) for row in rows.select_related("organization")}


def replace(scim: ScimClient, resource: dict[str, Any], /, **values: Any) -> dict[str, Any]:
    """PATCH without a path; returns the resource."""
    response = scim.patch(f"/Users/{resource['id']}", {"op": "replace", "value": values})
    assert response.status_code == 200, response.content
    return response.json()


def show(scim: ScimClient, resource: dict[str, Any]) -> dict[str, Any]:
    response = scim.get(f"/Users/{resource['id']}")
    assert response.status_code == 200
    return response.json()


def names(scim: ScimClient, condition: str | None = None) -> list[str]:
    response = scim.get("/Users", **({"filter": condition} if condition else {}))
    assert response.status_code == 200, response.content
    return sorted(found["userName"] for found in response.json()["Resources"])


def row(resource: dict[str, Any]) -> ScimUser:
    return ScimUser.objects.get(scim_id=resource["id"])
