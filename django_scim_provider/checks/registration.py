"""What ``AppConfig.ready`` registers."""

from __future__ import annotations

from django.core.checks import Tags, register

from .attribute_map import check_attribute_map
from .base import TAG
from .databases import check_database, check_one_database
from .deployment import check_deployment
from .groups import check_group_adapters, check_roles
from .lock import check_lock
from .memberships import check_memberships
from .paths import check_dotted_paths
from .resource_types import check_model_adapters, check_resource_types
from .schemas import check_schemas
from .settings import check_settings
from .urlconf import check_urlconf
from .user_model import check_sign_in, check_user_model


def register_all() -> None:
    """Register every check, all of them under the tag ``scim_provider``."""
    register(check_settings, TAG)
    register(check_dotted_paths, TAG)
    register(check_attribute_map, TAG)
    register(check_schemas, TAG)
    register(check_resource_types, TAG)
    register(check_model_adapters, TAG, Tags.models)
    register(check_user_model, TAG, Tags.models)
    register(check_memberships, TAG, Tags.models)
    register(check_sign_in, TAG, Tags.security)
    register(check_roles, TAG, Tags.models)
    register(check_group_adapters, TAG, Tags.models)
    # Tags.database is for checks that connect, and they are left out unless --database is given.
    register(check_database, TAG)
    register(check_one_database, TAG)
    register(check_urlconf, TAG, Tags.urls)
    register(check_deployment, TAG, Tags.security, deploy=True)
    register(check_lock, TAG, Tags.security, deploy=True)
