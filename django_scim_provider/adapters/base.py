"""What follows from an attribute map: what is shown, what the filter index holds, what is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, Final

from django.db import models
from django.db.models import Q

from ..models import ScimConnection
from ..protocol.schemas import BoundPath
from .attribute_map import MappedModel
from .attributes import Attr
from .index import Indexed, elements
from .saving import save_columns
from .value_keys import value_key

LEFT_ALONE: Final = "#left alone"
"""In a stored document, beside the attributes, none of which can have this name: the client deactivated or deleted the
person, and the account was left as it is. ``active`` is then shown as sent."""


class ResourceAdapter(MappedModel):
    """Maps one SCIM resource type to one model of the host.

    ``attributes`` is the whole declaration: schema, reading, writing, filtering, sorting and the system checks
    follow from it. Keys are attribute paths (``"name.givenName"``, ``f"{ENTERPRISE_USER}:department"``); values are
    columns or ``Attr`` objects.
    """

    # Reading -----------------------------------------------------------------------------------------------

    def shown(self, sent: Mapping[str, Any], columns: Mapping[str, Any] | None) -> dict[str, Any]:
        """The resource to show: the form last sent, with the host's value wherever that says something else.

        :param sent: the document last sent; empty where nothing ever was: then all that the columns say is shown. An
            attribute that is ``None`` in it was taken away, and stays away whatever its column says.
        :param columns: the host's column values by look-up path, or ``None`` where there is no live counterpart.
        :returns: a new canonical document; its inner objects may be shared with ``sent``.
        """
        document = dict(sent) if self.keep_unmapped else self._implemented(sent)
        as_sent = [name for name, value in sent.items() if value is None]
        for name in as_sent:
            document.pop(name, None)
        if LEFT_ALONE in sent:
            document.pop(LEFT_ALONE, None)
            as_sent.append("active")
        if columns is None:
            return document
        for path, attr, column in self._comparisons:
            if sent and column is not None and attr.set(path.read(sent)) == columns[column]:  # type: ignore[misc]
                continue
            if path.attribute.name in as_sent or (not attr.writes and path.read(sent) is not None):
                continue
            stored = tuple(columns[field] for field in attr.fields)
            # An attribute that was taken away stays away while the column says no more than its default does.
            if not sent or not attr.writes or not attr.agrees(attr.to_host(path, sent), stored):
                path.put(document, attr.from_host(path, stored))
        return document

    @cached_property
    def _comparisons(self) -> tuple[tuple[BoundPath, Attr, str | None], ...]:
        """The map, and the column where equal values are all that it takes for the form sent to stand."""
        return tuple((path, attr, attr.fields[0] if attr.is_plain else None) for path, attr, *_ in self.mapping)

    def _implemented(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """A document without what /Schemas does not list: kept once, before ``keep_unmapped`` was taken back."""
        kept: dict[str, Any] = {name: document[name] for name in ("userName", "externalId") if name in document}
        for path in self._all_paths:
            value = path.read(document)
            if value is not None:
                path.put(kept, value)
        return kept

    def remembered(
        self, document: Mapping[str, Any], *, shown: Mapping[str, Any], sent: Mapping[str, Any]
    ) -> dict[str, Any]:
        """What is stored of a document: all but what only the columns say of attributes that are never written.

        Stored, that would pass for what was sent, and would not follow its column any more.

        :param shown: the document as it was shown before.
        :param sent: what was stored before.
        """
        kept = dict(document)
        for path, attr, *_ in self.mapping:
            if not attr.writes and path.read(sent) is None and path.read(kept) == path.read(shown):
                path.put(kept, None)
        if LEFT_ALONE in sent and document.get("active") is not True:
            kept[LEFT_ALONE] = True
        return kept

    def read_columns(self, instance: models.Model) -> dict[str, Any]:
        """The column values of an instance, as ``shown`` takes them."""
        return {path.path: path.read(instance) for path in self._host_paths}

    def index(
        self, document: Mapping[str, Any], *, live: bool, sent: Mapping[str, Any] | None = None
    ) -> dict[tuple[str, int], Indexed]:
        """The rows of the filter index for a document as shown, by attribute and position.

        :param live: whether the host's columns answer for the mapped single attributes.
        :param sent: what is stored of the document; the same without it.
        """
        rows: dict[tuple[str, int], Indexed] = {}
        paths = [(path, document) for path in (self._indexed_paths if live else self._all_paths)]
        if live:
            paths += [(path, document if sent is None else sent) for path in self._sent_paths]
            if LEFT_ALONE in (sent or ()):
                rows["active", 0] = Indexed("", None, "false")
        for path, source in paths:
            value = path.read(source)
            if value is None:
                continue
            if path.attribute.multi_valued:
                rows.update(elements(path, value))
            else:
                rows[path.key, 0] = Indexed("", None, value_key(path, value))
        return rows

    # Writing -----------------------------------------------------------------------------------------------

    def write_columns(self, document: Mapping[str, Any], *, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The column values that a document asks for, cleaned, by look-up path.

        :param before: the document as it was shown; columns for which it asked the same are left out, so that a
            change of one attribute never touches the column of another.
        :raises InvalidValue: a column cannot hold what the document says.
        """
        values: dict[str, Any] = {}
        for path, attr, columns, _ in self.mapping:
            if not attr.writes:
                continue
            wanted = attr.to_host(path, document)
            if before is not None and wanted == attr.to_host(path, before):
                continue
            for column, value in zip(columns, wanted, strict=True):
                values[column.path] = column.clean(value, path.key)
        return values

    def _save(self, instance: Any, columns: Mapping[str, Any], using: str, *, extra: Iterable[str] = ()) -> None:
        """See ``save_columns``; columns of the map, by look-up path."""
        save_columns(instance, ((self.column(name), value) for name, value in columns.items()), using, extra=extra)

    def live_condition(self, connection: ScimConnection) -> Q | None:
        """What makes a host row live, seen from our row (``user__...``); ``None``: its being there."""
        return None
