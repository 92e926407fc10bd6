"""The console as an OpenAPI 3.1 document, from the routes, declarations and serializers that serve it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from django.utils.encoding import force_str
from rest_framework import serializers
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from .. import __version__
from . import connections, errors, events, mappings, oauth_clients, people, removals, tokens
from .base import ConsoleView, Pages
from .operations import Operation, operation

_ONE: Final = "connections/{connection_id}"
ROUTES: Final[Sequence[tuple[str, type[ConsoleView], str]]] = (
    ("connections", connections.ConnectionsView, "connections"),
    ("connections/preview", connections.PreviewView, "preview"),
    (_ONE, connections.ConnectionView, "connection"),
    (f"{_ONE}/enable", connections.EnableView, "enable"),
    (f"{_ONE}/enable/preview", connections.EnablePreviewView, "enable-preview"),
    (f"{_ONE}/disable", connections.DisableView, "disable"),
    (f"{_ONE}/self-test", connections.SelfTestView, "self-test"),
    (f"{_ONE}/rehearsal", connections.RehearsalView, "rehearsal"),
    (f"{_ONE}/tokens", tokens.TokensView, "tokens"),
    (f"{_ONE}/tokens/{{token_id}}/rotate", tokens.RotateView, "rotate"),
    (f"{_ONE}/tokens/{{token_id}}/revoke", tokens.RevokeView, "revoke"),
    (f"{_ONE}/oauth-clients", oauth_clients.OAuthClientsView, "oauth-clients"),
    (f"{_ONE}/oauth-clients/{{link_id}}", oauth_clients.OAuthClientView, "oauth-client"),
    (f"{_ONE}/people", people.PeopleView, "people"),
    (f"{_ONE}/groups", mappings.GroupsView, "groups"),
    (f"{_ONE}/roles", mappings.RolesView, "roles"),
    (f"{_ONE}/mappings", mappings.MappingsView, "mappings"),
    (f"{_ONE}/mappings/preview", mappings.MappingPreviewView, "mapping-preview"),
    (f"{_ONE}/mappings/{{mapping_id}}", mappings.MappingView, "mapping"),
    (f"{_ONE}/mappings/{{mapping_id}}/preview", mappings.MappingRemovalView, "mapping-removal"),
    (f"{_ONE}/guard", removals.GuardView, "guard"),
    (f"{_ONE}/removals", removals.RemovalsView, "removals"),
    (f"{_ONE}/removals/held", removals.HeldView, "held"),
    (f"{_ONE}/removals/release", removals.ReleaseView, "release"),
    (f"{_ONE}/removals/undo", removals.UndoView, "undo"),
    (f"{_ONE}/events", events.EventsView, "events"),
)
"""Path, view and name; a trailing slash is allowed everywhere."""

_PLAIN: Final[tuple[tuple[type[serializers.Field[Any, Any, Any, Any]], dict[str, Any]], ...]] = (
    (serializers.UUIDField, {"type": "string", "format": "uuid"}),
    (serializers.DateTimeField, {"type": "string", "format": "date-time"}),
    (serializers.IntegerField, {"type": "integer"}),
    (serializers.BooleanField, {"type": "boolean"}),
    (serializers.JSONField, {}),
    (serializers.CharField, {"type": "string"}),
)
_LIMITS: Final = {"max_length": "maxLength", "min_value": "minimum", "max_value": "maximum"}


def document(*, title: str, base_url: str) -> dict[str, Any]:
    """Describe what a front end can send and what it gets. Who it is, the host's own authentication finds out."""
    components = _Components()
    paths = {f"/{path}": _path(path, view, components) for path, view, _name in ROUTES}
    words = [*errors.WORDS.values(), errors.ENTERPRISE_REQUIRED, errors.OTHER]
    components.found["Error"] = _object(
        {
            "error": {"type": "string", "enum": words},
            "detail": {"type": "string"},
            "fields": {"type": "object", "description": "Of validation: the messages about each field."},
        },
        ["error", "detail"],
    )
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": __version__},
        "servers": [{"url": base_url}],
        "paths": paths,
        "components": {"schemas": components.found},
    }


class OpenAPIView(ConsoleView):
    admits: Sequence[type[BasePermission]] = ()

    @operation("This document.")
    def get(self, request: Request) -> Response:
        mount = request._request.path.rstrip("/").rpartition("/")[0]
        return Response(self.document(title="SCIM console", base_url=request.build_absolute_uri(mount)))

    @staticmethod
    def document(*, title: str, base_url: str) -> dict[str, Any]:
        return document(title=title, base_url=base_url)


def _path(path: str, view: type[ConsoleView], components: _Components) -> dict[str, Any]:
    found: dict[str, Any] = {
        method: _operation(path, getattr(view, method).operation, components)
        for method in ("get", "post", "patch", "delete")
        if hasattr(view, method)
    }
    names = re.findall(r"{(\w+)}", path)
    if names:
        found["parameters"] = [_parameter(name, "path", {"type": "string"}, required=True) for name in names]
    return found


def _operation(path: str, declared: Operation, components: _Components) -> dict[str, Any]:
    done: dict[str, Any] = {"description": "Done."}
    if declared.answer is not None:
        answer = components.of(declared.answer())
        done |= _json(_page(answer) if declared.is_page else answer)
    found: dict[str, Any] = {
        "tags": [path.split("/")[2] if path.count("/") > 1 else "connections"],
        "summary": declared.summary,
        "responses": {str(declared.status): done, "default": {"description": "Why not.", **_json(_ref("Error"))}},
    }
    parameters = []
    if declared.query is not None:
        query: Any = declared.query()
        parameters += [_parameter(name, "query", components.of(field)) for name, field in query.fields.items()]
    if declared.is_page:
        most = {"type": "integer", "minimum": 1, "maximum": Pages.max_limit, "default": Pages.default_limit}
        parameters += [_parameter("limit", "query", most), _parameter("offset", "query", {"type": "integer"})]
    if declared.shows_secret:
        parameters.append(_parameter("Idempotency-Key", "header", {"type": "string"}))
    if parameters:
        found["parameters"] = parameters
    if declared.body is not None:
        found["requestBody"] = _json(components.of(declared.body()))
    return found


class _Components:
    """Serializers as schemas, each once."""

    def __init__(self) -> None:
        self.found: dict[str, Any] = {}

    def of(self, field: Any) -> dict[str, Any]:
        """The schema of a field; of a serializer a reference to it."""
        found = self._kind(field)
        if field.allow_null:
            found = {"oneOf": [found, {"type": "null"}]} if "$ref" in found else _nullable(found)
        text = force_str(field.help_text or "")
        return found | ({"description": text} if text else {})

    def _kind(self, field: Any) -> dict[str, Any]:
        if isinstance(field, serializers.ListSerializer | serializers.ListField):
            return {"type": "array", "items": self.of(field.child)}
        if isinstance(field, serializers.Serializer):
            return self._serializer(field)
        if isinstance(field, serializers.ChoiceField):
            return {"type": "string", "enum": [str(value) for value in field.choices]}
        found = dict(next(schema for kind, schema in _PLAIN if isinstance(field, kind)))
        limits = {word: getattr(field, name, None) for name, word in _LIMITS.items()}
        return found | {word: limit for word, limit in limits.items() if limit is not None}

    def _serializer(self, serializer: Any) -> dict[str, Any]:
        name = type(serializer).__name__.removesuffix("Serializer")
        if name not in self.found:
            is_sent = name.endswith("Body") or name == "Confirmed"
            fields = serializer.fields.items()
            required = [key for key, field in fields if field.required or not is_sent]
            self.found[name] = _object({key: self.of(field) for key, field in fields}, required)
            if is_sent:
                self.found[name]["additionalProperties"] = False
        return _ref(name)


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    return schema | {"type": [schema["type"], "null"]} if "type" in schema else schema


def _object(properties: dict[str, Any], required: Sequence[str]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


def _page(item: dict[str, Any]) -> dict[str, Any]:
    address = {"type": ["string", "null"], "format": "uri"}
    properties = {"count": {"type": "integer"}, "next": address, "previous": address}
    return _object({**properties, "results": {"type": "array", "items": item}}, [*properties, "results"])


def _parameter(name: str, place: str, schema: dict[str, Any], *, required: bool = False) -> dict[str, Any]:
    return {"name": name, "in": place, "schema": schema, "required": required}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}
