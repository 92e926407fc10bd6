from __future__ import annotations

from typing import ClassVar

from django_scim_provider.adapters import ENTERPRISE_USER, Attr, UserAdapter


class AccountAdapter(UserAdapter):
    attributes: ClassVar = UserAdapter.attributes | {
        f"{ENTERPRISE_USER}:department": "profile__department",
        "nickName": Attr("profile__nick"),
        "title": "profile__job_title",
    }
    scope_models = ("profile_user.Profile",)
