from __future__ import annotations

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import UserAdmin

from django_scim_provider.lock import ScimManagedAdminMixin

from .models import Badge, Device, Membership, Organization, Team, TeamMembership

admin.site.unregister(get_user_model())


@admin.register(get_user_model())
class PersonAdmin(ScimManagedAdminMixin, UserAdmin):
    """Django's own, but for what an identity provider manages."""


class MembershipInline(admin.TabularInline):
    model = Membership
    autocomplete_fields = ("user",)
    extra = 0


@admin.register(Organization)
class OrganizationAdmin(admin.ModelAdmin):
    list_display = ("name", "slug", "verified_domain", "created_at")
    prepopulated_fields = {"slug": ("name",)}
    search_fields = ("name", "slug")
    inlines = (MembershipInline,)


@admin.register(Membership)
class MembershipAdmin(admin.ModelAdmin):
    list_display = ("user", "organization", "level", "is_active")
    list_filter = ("organization", "level", "is_active")
    list_select_related = ("user", "organization")
    autocomplete_fields = ("user", "organization")
    search_fields = ("user__username", "user__email")


class TeamMembershipInline(admin.TabularInline):
    model = TeamMembership
    autocomplete_fields = ("user",)
    extra = 0


@admin.register(Team)
class TeamAdmin(admin.ModelAdmin):
    list_display = ("name", "organization")
    list_filter = ("organization",)
    list_select_related = ("organization",)
    autocomplete_fields = ("organization",)
    search_fields = ("name",)
    inlines = (TeamMembershipInline,)


@admin.register(Badge)
class BadgeAdmin(admin.ModelAdmin):
    list_display = ("user", "number", "floor")
    list_select_related = ("user",)
    autocomplete_fields = ("user",)
    search_fields = ("number", "user__username")


@admin.register(Device)
class DeviceAdmin(admin.ModelAdmin):
    list_display = ("name", "serial", "organization", "in_use")
    list_filter = ("organization", "in_use")
    list_select_related = ("organization",)
    autocomplete_fields = ("organization",)
    search_fields = ("name", "serial")
