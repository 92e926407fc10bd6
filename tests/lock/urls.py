"""An admin site whose user admin has the mixin."""

from __future__ import annotations

from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import UserAdmin
from django.urls import path

from django_scim_provider.lock import ScimManagedAdminMixin


class People(ScimManagedAdminMixin, UserAdmin if hasattr(get_user_model(), "username") else ModelAdmin):
    pass


site = AdminSite()
site.register(get_user_model(), People)
urlpatterns = [path("admin/", site.urls)]
