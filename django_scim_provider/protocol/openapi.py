"""The endpoints as an OpenAPI 3.1 document, from the same schemas that serve them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import chain, count
from typing import Any, Final

from . import urns
from .bulk import METHODS
from .schemas import COMMON_ATTRIBUTES, Attribute, ResourceType, Schema

_PLAIN: Final[dict[str, dict[str, Any]]] = {
    "string": {"type": "string"},
    "reference": {"type": "string"},
    "boolean": {"type": "boolean"},
    "integer": {"type": "integer", "format": "int64"},
    "decimal": {"type": "number"},
    "dateTime": {"type": "string", "format": "date-time"},
    "binary": {"type": "string", "contentEncoding": "base64"},
}
_QUERY: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "filter": ("Which resources to find (RFC 7644 section 3.4.2.2).", {"type": "string"}),
    "sortBy": ("The attribute to sort by.", {"type": "string"}),
    "sortOrder": ("", {"type": "string", "enum": ["ascending", "descending"]}),
    "startIndex": ("The first result, from 1.", {"type": "integer", "minimum": 1}),
    "count": ("How many results at most.", {"type": "integer", "minimum": 0}),
}
_CURSOR: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "cursor": (
        "The page to go on with, empty for the first; in place of startIndex (RFC 9865).",
        {"type": "string", "examples": [""]},
    ),
}
_SHOWN: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "attributes": ("What to show, separated by commas.", {"type": "string"}),
    "excludedAttributes": ("What not to show, separated by commas.", {"type": "string"}),
}
_OBJECT: Final = {"type": "object"}
_HTTP: Final = {"httpbasic": "basic", "httpdigest": "digest", "oauth2": "bearer", "oauthbearertoken": "bearer"}
"""Types of authentication schemes (RFC 7643 section 5) by which OpenAPI knows a scheme of HTTP."""
_NO_KEY: Final = re.compile(r"[^A-Za-z0-9._-]+")
"""What the key of a component has not."""


def openapi_document(
    resource_types: Iterable[ResourceType],
    *,
    title: str,
    version: str,
    base_url: str,
    authentication_schemes: Iterable[Mapping[str, Any]],
) -> dict[str, Any]:
    """Describe what a client of these resource types can send and what it gets.

    :param authentication_schemes: as in /ServiceProviderConfig.
    """
    schemes = _security(authentication_schemes)
    security: list[dict[str, Any]] = [{name: []} for name in schemes]
    paths: dict[str, Any] = _root()
    components: dict[str, Any] = {
        "Error": _error(),
        "PatchOp": _patch(),
        "ListResponse": _list(_OBJECT),
        "SearchRequest": _search(),
        "BulkRequest": _bulk_request(),
        "BulkResponse": _bulk_response(),
    }
    for item in resource_types:
        components |= _components(item)
        paths |= _paths(item)
    for name, what in (
        ("ServiceProviderConfig", "What is supported."),
        ("ResourceTypes", "The kinds of resources."),
        ("Schemas", "Their attributes."),
    ):
        paths[f"/{name}"] = {"get": {**_operation("Discovery", what, 200, _OBJECT), "security": [{}, *security]}}
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "description": "SCIM 2.0 (RFC 7643, RFC 7644)."},
        "servers": [{"url": base_url}],
        "security": security,
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": schemes,
        },
    }


def _security(schemes: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The schemes of /ServiceProviderConfig by their keys here; those that look alike are one."""
    found: dict[str, dict[str, Any]] = {}
    for key, described in map(_scheme, schemes):
        keys = chain([key], (f"{key}-{number}" for number in count(2)))
        found[next(free for free in keys if found.get(free, described) == described)] = described
    return found


def _scheme(scheme: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The key that a scheme would have, and what it is; an access token is sent as any other bearer token is.

    What a host says of its own may lack any part.
    """
    kind = _HTTP.get(str(scheme.get("type")))
    if kind is not None:
        return kind, {"type": "http", "scheme": kind}
    described = {"type": "apiKey", "in": "header", "name": "Authorization"}
    if "description" in scheme:
        described["description"] = str(scheme["description"])
    return _NO_KEY.sub("-", str(scheme.get("name", ""))).strip("-") or "custom", described


def _components(item: ResourceType) -> dict[str, Any]:
    properties = {
        attribute.name: _value(attribute, writing=False)
        for attribute in (*COMMON_ATTRIBUTES, *item.schema.attributes)
        if not attribute.is_hidden
    }
    properties |= {extension.id: _object(extension.attributes) for extension in item.extensions}
    shown = {"type": "object", "properties": properties, "required": ["schemas", "id"]}
    return {
        f"{item.name}Resource": shown,
        f"{item.name}Input": _input(item),
        f"{item.name}List": _list({"$ref": f"#/components/schemas/{item.name}Resource"}),
    }


def _input(item: ResourceType) -> dict[str, Any]:
    """What a POST or PUT sends."""
    properties: dict[str, Any] = {
        "schemas": {"type": "array", "items": {"type": "string"}, "examples": [[item.schema.id]]},
        "externalId": {"type": "string"},
    }
    required = ["schemas"]
    for attribute in item.schema.attributes:
        if not attribute.read_only:
            properties[attribute.name] = _value(attribute, writing=True)
            required += [attribute.name] * attribute.required
    for extension in item.extensions:
        properties[extension.id] = _written(extension)
        required += [extension.id] * (extension.id in item.required_extensions)
    return {"type": "object", "properties": properties, "required": required}


def _written(schema: Schema) -> dict[str, Any]:
    writable = [attribute for attribute in schema.attributes if not attribute.read_only]
    return _object(writable, writing=True, required=[item.name for item in writable if item.required])


def _object(attributes: Iterable[Attribute], *, writing: bool = False, required: Iterable[str] = ()) -> dict[str, Any]:
    kept = [item for item in attributes if not (item.read_only if writing else item.is_hidden)]
    properties = {item.name: _value(item, writing=writing) for item in kept}
    return {"type": "object", "properties": properties, "required": [*required]}


def _value(attribute: Attribute, *, writing: bool) -> dict[str, Any]:
    if attribute.type == "complex":
        needed = [sub.name for sub in attribute.sub_attributes if writing and sub.required]
        found = _object(attribute.sub_attributes, writing=writing, required=needed)
    else:
        found = dict(_PLAIN[attribute.type])
        if attribute.canonical_values:
            found["examples"] = list(attribute.canonical_values)
    if attribute.multi_valued:
        found = {"type": "array", "items": found}
    if attribute.description:
        found["description"] = attribute.description
    for flag, value in (("readOnly", attribute.read_only), ("writeOnly", attribute.is_hidden)):
        if value:
            found[flag] = True
    return found


def _root() -> dict[str, Any]:
    """What is of no resource type: searches through all of them, and many operations at once."""
    everywhere = ("All", "Find in all resource types.", 200, "ListResponse")
    find = _operation(*everywhere, parameters=_parameters(_QUERY | _SHOWN))
    search = _operation(*everywhere, body="SearchRequest")
    bulk = _operation("Bulk", "Carry out many operations.", 200, "BulkResponse", body="BulkRequest")
    return {"/": {"get": find}, "/.search": {"post": search}, "/Bulk": {"post": bulk}}


def _paths(item: ResourceType) -> dict[str, Any]:
    name, found, shown = item.name, f"{item.name}List", _parameters(_SHOWN)
    scim_id = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    matches = [_header("If-Match", "Versions to change."), _header("If-None-Match", "Versions to leave alone.")]
    one, sent = f"{name}Resource", f"{name}Input"
    changes = {
        "get": _operation(name, "Read.", 200, one, parameters=[*shown, matches[1]]),
        "put": _operation(name, "Replace.", 200, one, body=sent, parameters=[*shown, *matches]),
        "patch": _operation(name, "Change in parts.", 200, one, body="PatchOp", parameters=[*shown, *matches]),
    }
    paths: dict[str, Any] = {
        item.endpoint: {
            "get": _operation(name, "Find.", 200, found, parameters=_parameters(_QUERY | _CURSOR | _SHOWN)),
            "post": _operation(name, "Create.", 201, one, body=sent, parameters=shown),
        },
        f"{item.endpoint}/.search": {"post": _operation(name, "Find.", 200, found, body="SearchRequest")},
        f"{item.endpoint}/{{id}}": {
            "parameters": [scim_id],
            **changes,
            "delete": _operation(name, "Delete.", 204, None, parameters=matches),
        },
    }
    if item.endpoint == "/Users":
        paths["/Me"] = {"description": "The caller's own resource, for credentials that are one person's.", **changes}
    return paths


def _operation(
    tag: str, summary: str, status: int, answer: Any, *, body: str | None = None, parameters: Any = ()
) -> dict[str, Any]:
    done: dict[str, Any] = {"description": "Done."}
    if answer is not None:
        done |= _content(answer)
    operation: dict[str, Any] = {
        "tags": [tag],
        "summary": summary,
        "responses": {str(status): done, "default": {"description": "Why not.", **_content("Error")}},
    }
    if parameters:
        operation["parameters"] = [*parameters]
    if body:
        operation["requestBody"] = {"required": True, **_content(body)}
    if status == 200 and any(item["name"] == "If-None-Match" for item in parameters):
        operation["responses"]["304"] = {"description": "The client has this version."}
    if body == "PatchOp":
        operation["responses"]["204"] = {"description": "Done; too large to be shown."}
    return operation


def _content(schema: Any) -> dict[str, Any]:
    found = {"$ref": f"#/components/schemas/{schema}"} if isinstance(schema, str) else schema
    return {"content": {urns.MEDIA_TYPE: {"schema": found}}}


def _parameters(named: dict[str, tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "query", "description": description, "schema": schema}
        for name, (description, schema) in named.items()
    ]


def _header(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "description": description, "schema": {"type": "string"}}


def _list(resource: dict[str, Any]) -> dict[str, Any]:
    numbers = {name: {"type": "integer", "minimum": 0} for name in ("totalResults", "startIndex", "itemsPerPage")}
    return {
        "type": "object",
        "properties": {
            "schemas": {"const": [urns.LIST_RESPONSE]},
            **numbers,
            "nextCursor": {"type": "string", "description": "Of pages by cursor; missing on the last."},
            "Resources": {"type": "array", "items": resource},
        },
        "required": ["schemas", "totalResults", "Resources"],
    }


def _error() -> dict[str, Any]:
    texts = {name: {"type": "string"} for name in ("status", "scimType", "detail")}
    return {
        "type": "object",
        "properties": {"schemas": {"const": [urns.ERROR]}, **texts},
        "required": ["schemas", "status"],
    }


def _patch() -> dict[str, Any]:
    operation = {
        "type": "object",
        "properties": {
            "op": {"type": "string", "enum": ["add", "remove", "replace"]},
            "path": {"type": "string"},
            "value": {},
        },
        "required": ["op"],
    }
    return _message(urns.PATCH_OP, Operations={"type": "array", "items": operation, "minItems": 1})


def _message(urn: str, **properties: Any) -> dict[str, Any]:
    """What all of it is needed of."""
    return {
        "type": "object",
        "properties": {"schemas": {"const": [urn]}, **properties},
        "required": ["schemas", *properties],
    }


def _search() -> dict[str, Any]:
    """The parameters of a list as JSON (RFC 7644 section 3.4.3)."""
    found = _message(urns.SEARCH_REQUEST)
    for name, (description, schema) in (_QUERY | _CURSOR | _SHOWN).items():
        sent = {"type": "array", "items": {"type": "string"}} if name in _SHOWN else schema
        found["properties"][name] = {**sent, "description": description}
    return found


def _bulk_request() -> dict[str, Any]:
    texts = {name: {"type": "string"} for name in ("bulkId", "version")}
    path = {"type": "string", "pattern": "^/[^/?#]+(/[^/?#]+)?$", "examples": ["/Users", "/Users/bulkId:ada"]}
    operation = {
        "type": "object",
        "properties": {"method": {"enum": [*METHODS]}, "path": path, **texts, "data": _OBJECT},
        "required": ["method", "path"],
    }
    found = _message(urns.BULK_REQUEST, Operations={"type": "array", "items": operation})
    found["properties"]["failOnErrors"] = {"type": "integer", "minimum": 1}
    return found


def _bulk_response() -> dict[str, Any]:
    texts = {name: {"type": "string"} for name in ("method", "bulkId", "location", "version", "status")}
    result = {
        "type": "object",
        "properties": {**texts, "response": {"$ref": "#/components/schemas/Error"}},
        "required": ["method", "status"],
    }
    return _message(urns.BULK_RESPONSE, Operations={"type": "array", "items": result})
