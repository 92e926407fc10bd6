from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import QuerySet

from django_scim_provider.adapters import MembershipUserAdapter, UserAdapter
from django_scim_provider.models import ScimConnection
from hosts.tenants.models import Device, Key, Organization


class MemberAdapter(MembershipUserAdapter):
    membership = "tenants.Membership"
    tenant = "organization__slug"
    active = "is_active"
    role = "level"
    privileged_roles = ("owner",)

    def verified_domains(self, connection: ScimConnection) -> Iterable[str]:
        return Organization.objects.filter(slug=connection.tenant).exclude(domain="").values_list("domain", flat=True)

    def tenant_credentials(self, user: Any, connection: ScimConnection) -> Mapping[str, QuerySet[Any]]:
        return {"keys": Key.objects.filter(user=user, organization__slug=connection.tenant)}


class SeatAdapter(MembershipUserAdapter):
    """To have a seat is to be active; groups mean roles, none of them privileged."""

    membership = "tenants.Seat"
    member = "person"
    tenant = "tenant_key"
    role = "level"


class PlainAdapter(MembershipUserAdapter):
    """Without roles, and where a member is active."""

    membership = "tenants.Membership"
    tenant = "organization__slug"


class DashboardPeople(UserAdapter):
    only = {"kind": "dashboard"}


class StorePeople(UserAdapter):
    only = {"kind": "store"}

    def deactivate(self, user: Any, connection: ScimConnection, using: str) -> None:
        Device.objects.using(using).filter(user=user).update(policy="locked", user=None)
        self.suspend(user, using)


class TrustingAdapter(MemberAdapter):
    """Every domain is everybody's: for recordings whose providers find people who are there."""

    def verified_domains(self, connection: ScimConnection) -> Iterable[str]:
        addresses = get_user_model()._base_manager.values_list("email", flat=True)
        return {address.partition("@")[2] for address in addresses}
