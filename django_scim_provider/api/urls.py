from __future__ import annotations

from typing import Final

from django.urls import re_path

from ..services.verbs import GROUPS, USERS
from . import bulk, discovery, me, search, views

ENDPOINT: Final = r"(?P<endpoint>[A-Za-z][A-Za-z0-9_-]*)"
# A trailing slash is allowed everywhere and never redirected: a redirected POST loses its body.
urlpatterns = [
    re_path(r"^Users/?\Z", views.ResourcesView.as_view(verbs=USERS), name="users"),
    re_path(r"^Users/\.search/?\Z", search.SearchView.as_view(verbs=USERS), name="users-search"),
    re_path(r"^Users/(?P<scim_id>[^/]+)/?\Z", views.OneResourceView.as_view(verbs=USERS), name="user"),
    re_path(r"^Groups/?\Z", views.ResourcesView.as_view(verbs=GROUPS), name="groups"),
    re_path(r"^Groups/\.search/?\Z", search.SearchView.as_view(verbs=GROUPS), name="groups-search"),
    re_path(r"^Groups/(?P<scim_id>[^/]+)/?\Z", views.OneResourceView.as_view(verbs=GROUPS), name="group"),
    re_path(r"^Roles/?\Z", views.RolesView.as_view(), name="roles"),
    re_path(r"^Roles/(?P<key>.+?)/?\Z", views.RoleView.as_view(), name="role"),
    re_path(r"^ServiceProviderConfig/?\Z", discovery.ServiceProviderConfigView.as_view(), name="config"),
    # Its names in SCIM 1.1 and in Microsoft's test collection; apart, since alternatives cannot be reversed.
    re_path(
        r"^(?:ServiceProviderConfigs|serviceConfiguration)/?\Z",
        discovery.ServiceProviderConfigView.as_view(),
        name="config-elsewhere",
    ),
    re_path(r"^ResourceTypes/?\Z", discovery.ResourceTypesView.as_view(), name="resource-types"),
    re_path(r"^ResourceTypes/(?P<name>[^/]+)/?\Z", discovery.ResourceTypeView.as_view(), name="resource-type"),
    re_path(r"^Schemas/?\Z", discovery.SchemasView.as_view(), name="schemas"),
    re_path(r"^Schemas/(?P<urn>[^/]+)/?\Z", discovery.SchemaView.as_view(), name="schema"),
    re_path(r"^\Z", search.RootView.as_view(), name="root"),
    re_path(r"^\.search/?\Z", search.RootSearchView.as_view(), name="search"),
    re_path(r"^Bulk/?\Z", bulk.BulkView.as_view(), name="bulk"),
    re_path(r"^Me/?\Z", me.MeView.as_view(), name="me"),
    # Whatever the host serves besides; what that is the settings say when they are asked.
    re_path(rf"^{ENDPOINT}/?\Z", views.RecordsView.as_view(), name="records"),
    re_path(rf"^{ENDPOINT}/\.search/?\Z", search.RecordsSearchView.as_view(), name="records-search"),
    re_path(rf"^{ENDPOINT}/(?P<scim_id>[^/]+)/?\Z", views.RecordView.as_view(), name="record"),
    re_path(r"", views.UnknownView.as_view(), name="unknown"),
]
