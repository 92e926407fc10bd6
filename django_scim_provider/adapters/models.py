"""Resource types of the host's own, on any of its models."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import models

from ..models import ScimConnection
from ..protocol.errors import InvalidValue
from ..protocol.schemas import Attribute, ResourceType, Schema
from .base import ResourceAdapter
from .fields import HostPath


class ModelAdapter(ResourceAdapter):
    """A resource type of your own on a model of your own, served like people and groups, without a view.

    Name the class in ``SCIM_PROVIDER["ADAPTERS"]`` under the resource type's name. What the map does not name is
    accepted, ignored and not in ``/Schemas``; an entry that does not write is read-only there.

    .. code-block:: python

        class DeviceAdapter(ModelAdapter):
            name = "Device"
            endpoint = "/Devices"
            model = "inventory.Device"
            schema = Schema("urn:example:scim:schemas:Device", "Device", "A computer", (
                Attribute("serialNumber", required=True, uniqueness="server"),
            ))
            attributes = {"serialNumber": "serial"}
    """

    model: Any = ""
    """The host's model, as ``"app.Model"`` or the class."""
    keep_unmapped: ClassVar[bool] = False
    id_field: ClassVar[str] = "pk"
    """The column of ``id`` on the wire: unique, never changed, never used again."""
    created_field: ClassVar[str | None] = None
    """The ``DateTimeField`` of ``meta.created``, if there is one."""
    modified_field: ClassVar[str | None] = None
    """The ``DateTimeField`` of ``meta.lastModified``, if there is one."""

    def __init__(self, portal: str = "") -> None:
        super().__init__(portal)
        self.model = apps.get_model(self.model) if isinstance(self.model, str) else self.model

    @cached_property
    def resource_type(self) -> ResourceType:
        kept = super().resource_type
        shown = {mapped.path.key for mapped in self.mapping if not mapped.attr.writes}
        extensions = tuple(_protected(schema, shown, f"{schema.id}:") for schema in kept.extensions)
        return replace(kept, schema=_protected(kept.schema, shown, ""), extensions=extensions)

    @cached_property
    def id_column(self) -> models.Field[Any, Any]:
        """The field behind ``id``."""
        meta = self.model._meta
        found: models.Field[Any, Any] = meta.pk if self.id_field == "pk" else meta.get_field(self.id_field)
        return found

    def known_id(self, text: str) -> Any:
        """An id of the wire as the column has it, ``None`` where none of ours is spelled so."""
        if not text.isprintable():
            return None
        try:
            value = self.id_column.to_python(text)
        except ValidationError:
            return None
        return value if str(value) == text else None

    # Who is in scope ---------------------------------------------------------------------------------------

    def get_queryset(self, connection: ScimConnection) -> models.QuerySet[Any]:
        """The rows that a connection may see and change. Default: all that the default manager shows."""
        found: models.QuerySet[Any] = self.model._default_manager.all()
        return found

    def new_instance(self, connection: ScimConnection) -> Any:
        """A row, not saved yet, to be created; override it where one belongs to the connection's tenant."""
        return self.model()

    # Writing; called by services only ----------------------------------------------------------------------

    def write_columns(self, document: Mapping[str, Any], *, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """As for every adapter; the host fields' choices and validators judge the values as well."""
        values = super().write_columns(document, before=before)
        for path, _, columns, _ in self.mapping:
            for column in columns:
                if column.path in values:
                    _judge(column, values[column.path], path.key)
        return values

    def create(self, columns: Mapping[str, Any], connection: ScimConnection, using: str) -> Any:
        """Insert a row."""
        instance = self.new_instance(connection)
        self._save(instance, columns, using)
        return instance

    def update(self, instance: Any, columns: Mapping[str, Any], using: str) -> None:
        """Write columns, and nothing else."""
        self._save(instance, columns, using)

    def delete(self, instance: Any, using: str) -> None:
        """Remove the row."""
        instance.delete(using=using)


def _judge(column: HostPath, value: Any, label: str) -> None:
    field = column.field
    if column.is_json_key or field.is_relation or value in field.empty_values:
        return
    try:
        field.validate(value, None)
        field.run_validators(value)
    except ValidationError as error:
        raise InvalidValue(f"{label}: {' '.join(error.messages)}") from None


def _protected(schema: Schema, names: Collection[str], prefix: str) -> Schema:
    """A schema in which the attributes named are readOnly."""

    def protect(attribute: Attribute, name: str) -> Attribute:
        if name in names:
            return replace(attribute, mutability="readOnly", required=False)
        subs = tuple(protect(sub, f"{name}.{sub.name}") for sub in attribute.sub_attributes)
        return replace(attribute, sub_attributes=subs)

    return replace(schema, attributes=tuple(protect(item, f"{prefix}{item.name}") for item in schema.attributes))
