"""The floor: what a Django developer would write by hand for a few requests, without SCIM's rules.

One look-up of the token, one query with the groups by a subquery, ``JsonResponse``. No filter language, no content
negotiation, no projection, no events, no other host than the stock one.
"""

from __future__ import annotations

import re
from typing import Any

from django.db.models import Aggregate, JSONField, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path

from django_scim_provider.models import ScimMembership, ScimToken, ScimUser
from django_scim_provider.models.token_format import digest
from django_scim_provider.protocol import urns

COLUMNS = (
    "scim_id", "external_id", "created_at", "modified_at",
    "user__username", "user__first_name", "user__last_name", "user__email", "user__is_active",
)  # fmt: skip


class JsonArray(Aggregate):
    function = "JSON_GROUP_ARRAY"
    output_field = JSONField()

    def as_postgresql(self, compiler: Any, connection: Any) -> Any:
        return self.as_sql(compiler, connection, function="JSONB_AGG")

    def as_mysql(self, compiler: Any, connection: Any) -> Any:
        return self.as_sql(compiler, connection, function="JSON_ARRAYAGG")


def _people(request: HttpRequest) -> QuerySet[ScimUser]:
    text = request.headers["Authorization"].removeprefix("Bearer ")
    key_id = text.removeprefix("djscim_")[:12]
    token = ScimToken.objects.select_related("connection").get(key_id=key_id)
    if token.digest != digest(text) or not token.is_live() or not token.connection.enabled:
        raise PermissionError
    groups = ScimMembership.objects.filter(scim_user=OuterRef("pk")).order_by().values("scim_user")
    return ScimUser.objects.filter(connection=token.connection_id, alive=True).annotate(
        groups=Subquery(groups.annotate(names=JsonArray("group__display_name")).values("names"))
    )


def _resource(row: dict[str, Any], request: HttpRequest) -> dict[str, Any]:
    return {
        "schemas": [urns.USER],
        "id": str(row["scim_id"]),
        "externalId": row["external_id"],
        "userName": row["user__username"],
        "name": {"givenName": row["user__first_name"], "familyName": row["user__last_name"]},
        "emails": [{"value": row["user__email"], "type": "work", "primary": True}],
        "active": row["user__is_active"],
        "groups": [{"display": name} for name in row["groups"] or ()],
        "meta": {
            "resourceType": "User",
            "created": row["created_at"].isoformat(),
            "lastModified": row["modified_at"].isoformat(),
            "location": request.build_absolute_uri(f"/bare/Users/{row['scim_id']}"),
        },
    }


def user(request: HttpRequest, scim_id: str) -> HttpResponse:
    return JsonResponse(_resource(_people(request).values(*COLUMNS, "groups").get(scim_id=scim_id), request))


def users(request: HttpRequest) -> HttpResponse:
    people = _people(request)
    named = re.fullmatch(r'userName eq "([^"]+)"', request.GET.get("filter", ""))
    start, count = int(request.GET.get("startIndex", 1)) - 1, int(request.GET.get("count", 100))
    if named:
        people = people.filter(user_name_key=named[1].lower())
        total = None
    else:
        total = people.count()
    rows = people.order_by("pk").values(*COLUMNS, "groups")[start : start + count]
    resources = [_resource(row, request) for row in rows]
    return JsonResponse(
        {
            "schemas": [urns.LIST_RESPONSE],
            "totalResults": len(resources) if total is None else total,
            "startIndex": start + 1,
            "itemsPerPage": len(resources),
            "Resources": resources,
        }
    )


urlpatterns = [
    path("scim/v2/", include("django_scim_provider.urls")),
    path("bare/Users", users),
    path("bare/Users/<str:scim_id>", user),
]
