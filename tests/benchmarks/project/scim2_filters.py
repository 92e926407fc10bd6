"""Filters of django-scim2 on more columns than its defaults; its adapters import them, so that they stand alone."""

from __future__ import annotations

from django_scim.filters import GroupFilterQuery, UserFilterQuery


class UserFilter(UserFilterQuery):
    attr_map = UserFilterQuery.attr_map | {("externalId", None, None): "scim_external_id"}


class GroupFilter(GroupFilterQuery):
    attr_map = {("displayName", None, None): "name"}
