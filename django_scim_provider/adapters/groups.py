from __future__ import annotations

from typing import ClassVar

from django.db import models

from ..models import ScimGroup
from ..protocol import core_schemas
from ..protocol.schemas import Schema
from .base import ResourceAdapter


class GroupAdapter(ResourceAdapter):
    """Groups as the identity provider pushes them: rows of ours. What they mean is a role backend's affair."""

    name = "Group"
    endpoint = "/Groups"
    description = "Group"
    schema: ClassVar[Schema] = core_schemas.GROUP

    @property
    def model(self) -> type[models.Model]:
        return ScimGroup
