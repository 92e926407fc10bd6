from __future__ import annotations

from importlib import import_module

from django.apps import apps
from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path

from workspace.views import landing, members

urlpatterns = [
    path("", landing, name="landing"),
    path("login/", LoginView.as_view(template_name="workspace/login.html"), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("organizations/<slug:slug>/", members, name="members"),
    path("admin/", admin.site.urls),
    path("scim/v2/", include("django_scim_provider.urls")),
    path("api/scim/", include("django_scim_provider.console.urls")),
]

if apps.is_installed("oauth2_provider"):
    # RFC 8414 has the server's metadata at the root; included there as a whole, all of it would be.
    metadata = import_module("oauth2_provider.urls").metadata_urlpatterns
    urlpatterns += [path("o/", include("oauth2_provider.urls")), *metadata]
