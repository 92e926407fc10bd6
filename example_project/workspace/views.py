from __future__ import annotations

from collections import defaultdict

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from django_scim_provider.models import ScimUser

from .models import Organization, TeamMembership


def landing(request: HttpRequest) -> HttpResponse:
    mount = reverse("scim_provider:users").removesuffix("/Users")
    context = {"base_url": request.build_absolute_uri(mount), "organizations": _visible(request)}
    return render(request, "workspace/landing.html", context)


@login_required
def members(request: HttpRequest, slug: str) -> HttpResponse:
    """The members of an organization, for those who are among them and for the site's staff."""
    organization = get_object_or_404(_visible(request), slug=slug)
    rows = ScimUser.objects.filter(connection__tenant=slug, alive=True, user__isnull=False)
    managers = {row.user_id: row.connection for row in rows.select_related("connection")}
    teams = defaultdict(list)
    for link in TeamMembership.objects.filter(team__organization=organization).select_related("team"):
        teams[link.user_id].append(link.team.name)
    memberships = organization.memberships.select_related("user").order_by("user__last_name", "pk")
    found = [(one, sorted(teams[one.user_id]), managers.get(one.user_id)) for one in memberships]
    return render(request, "workspace/members.html", {"organization": organization, "members": found})


def _visible(request: HttpRequest) -> QuerySet[Organization]:
    """The organizations whose members somebody may see."""
    if not request.user.is_authenticated:
        return Organization.objects.none()
    if request.user.is_staff:
        return Organization.objects.all()
    return Organization.objects.filter(memberships__user=request.user, memberships__is_active=True)
