"""Paths from the host's user model to a column: ``email``, ``profile__department``, ``metadata__cost_center``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from django.core.exceptions import FieldDoesNotExist, ObjectDoesNotExist, ValidationError
from django.db import models

from ..protocol.errors import InvalidValue


class PathError(ValueError):
    """The path does not lead to a column; the text says where it breaks."""


@dataclass(frozen=True)
class HostPath:
    """A column of the user model, or of a model in a one-to-one relation to it, or a key in a JSON column."""

    model: type[models.Model]
    path: str

    @cached_property
    def _resolved(self) -> tuple[tuple[str, ...], models.Field[Any, Any], tuple[str, ...]]:
        model = self.model
        relations: list[str] = []
        names = self.path.split("__")
        for index, name in enumerate(names):
            try:
                field = model._meta.get_field(name)
            except FieldDoesNotExist:
                raise PathError(f"{model.__name__} has no field '{name}'.") from None
            if field.is_relation and index < len(names) - 1:
                relations.append(name)
                model = cast("type[models.Model]", field.related_model)
                continue
            if not isinstance(field, models.Field):
                raise PathError(f"'{name}' of {model.__name__} is a relation, not a column.")
            keys = tuple(names[index + 1 :])
            if keys and not isinstance(field, models.JSONField):
                raise PathError(f"'{name}' of {model.__name__} is not a JSON field, so '{keys[0]}' leads nowhere.")
            return tuple(relations), field, keys
        raise PathError(f"'{self.path}' ends in a relation, not a column.")  # pragma: no cover (the loop returns)

    @property
    def field(self) -> models.Field[Any, Any]:
        """The model field at the end.

        :raises PathError: the path does not lead to a column.
        """
        return self._resolved[1]

    @property
    def relations(self) -> tuple[str, ...]:
        """The relations to follow from the user to the column's row; none for a column of the user's own."""
        return self._resolved[0]

    def rows(self, instance: models.Model) -> Iterator[models.Model]:
        """The rows on the way to the column, the user's own left out; all of them are there after ``write``."""
        row = instance
        for name in self.relations:
            row = getattr(row, name)
            yield row

    @property
    def is_json_key(self) -> bool:
        return bool(self._resolved[2])

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that lead from a JSON column to the value; none for other columns."""
        return self._resolved[2]

    @property
    def stored_in(self) -> str:
        """The path of the column itself: for a key in a JSON column, that of the column."""
        return "__".join(self.path.split("__")[: -len(self.keys)]) if self.keys else self.path

    def within(self, value: Any) -> Any:
        """What the path means of the column's value: for a key in a JSON column, what the key has."""
        for key in self.keys:
            value = value.get(key) if isinstance(value, dict) else None
        return value

    @property
    def is_writable(self) -> bool:
        """Whether a write touches this user alone: every relation on the way is one-to-one."""
        model = self.model
        for name in self._resolved[0]:
            field = model._meta.get_field(name)
            if not field.one_to_one:
                return False
            model = cast("type[models.Model]", field.related_model)
        return True

    def read(self, instance: models.Model) -> Any:
        """The column's value on an instance; ``None`` where a related row is missing. May query a relation once."""
        relations, field, _ = self._resolved
        value: Any = instance
        for name in relations:
            try:
                value = getattr(value, name)
            except ObjectDoesNotExist:
                return None
            if value is None:
                return None
        return self.within(getattr(value, field.attname))

    def write(self, instance: models.Model, value: Any) -> tuple[models.Model, str]:
        """Assign, without saving; returns the instance to save (the user, or a related row) and its field's name."""
        relations, field, keys = self._resolved
        owner = instance
        for name in relations:
            owner = self._related(owner, name)
        if keys:
            held = getattr(owner, field.attname)
            document = dict(held) if isinstance(held, dict) else {}
            setattr(owner, field.attname, document)
            for key in keys[:-1]:
                inner = document.get(key)
                document[key] = document = dict(inner) if isinstance(inner, dict) else {}
            if value is None:
                document.pop(keys[-1], None)
            else:
                document[keys[-1]] = value
        else:
            setattr(owner, field.attname, value)
        return owner, field.name

    @staticmethod
    def _related(owner: models.Model, name: str) -> models.Model:
        try:
            related = getattr(owner, name)
        except ObjectDoesNotExist:
            related = None
        if related is None:
            relation = owner._meta.get_field(name)
            related = cast("type[models.Model]", relation.related_model)()
            # Either side sets both caches, so that the new row is found again from the user.
            setattr(owner, name, related)
        return cast("models.Model", related)

    def clean(self, value: Any, label: str) -> Any:
        """The value as the column takes it: its type, its length; unassigned is NULL, or "" where NULL is not allowed.

        :param label: the SCIM attribute, for the error's text.
        :raises InvalidValue: the column cannot hold the value.
        """
        field = self.field
        if self.is_json_key:
            return value
        if value is None and not field.null and isinstance(field, models.CharField | models.TextField):
            return ""
        if value is None:
            if field.null:
                return None
            if field.has_default():
                return field.get_default()
            if isinstance(field, models.BooleanField):
                return False
            raise InvalidValue(f"{label} is needed here and cannot be cleared.")
        try:
            value = field.to_python(value)
            if isinstance(field, models.IntegerField | models.DecimalField):
                # Range and digits: past them databases raise whatever they like, or round.
                field.run_validators(value)
        except ValidationError:
            raise InvalidValue(f"The value of {label} does not fit.") from None
        if isinstance(value, str) and field.max_length is not None and len(value) > field.max_length:
            raise InvalidValue(f"{label} may have at most {field.max_length} characters here.")
        return value
