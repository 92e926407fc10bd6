from __future__ import annotations

from typing import Any

from django import template

from ..lock import scim_managed_by as managed_by

register = template.Library()


@register.simple_tag
def scim_managed_by(user: Any) -> str:
    """Who manages an account, to show to its owner; empty where nobody does."""
    return managed_by(user)
