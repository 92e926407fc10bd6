"""What holds for every PATCH, whatever is in it."""

from __future__ import annotations

import contextlib
import json
from copy import deepcopy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from django_scim_provider.protocol import core_schemas, urns
from django_scim_provider.protocol.errors import ScimError
from django_scim_provider.protocol.patch import apply_operations, parse_operations
from django_scim_provider.protocol.schemas import ResourceType
from django_scim_provider.protocol.tolerance import LENIENT, STRICT, Tolerance
from django_scim_provider.protocol.validation import clean_resource

U, E, P = urns.USER, urns.ENTERPRISE_USER, urns.PATCH_OP
USER = ResourceType("User", "/Users", "", core_schemas.USER, (core_schemas.ENTERPRISE_USER,))
GROUP = ResourceType("Group", "/Groups", "", core_schemas.GROUP)

WORDS = st.sampled_from(["work", "home", "a@b.c", "A@B.C", "x", "", "True", "false"])
ELEMENT = st.dictionaries(
    st.sampled_from(["value", "type", "display", "primary", "Value", "$ref", "odd"]),
    WORDS | st.booleans() | st.none(),
    max_size=3,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS | ELEMENT,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["userName", "name", "emails", "members", E, U, "name.givenName", "x"]), inner
        )
    ),
    max_leaves=6,
)
PATHS = st.sampled_from(
    [
        "userName", "title", "active", "name", "name.givenName", "emails", "emails.value", "emails.primary", "id",
        "groups", "schemas", "manager", f"{E}:manager", f"{E}:manager.value", E, U, f"{U}:name", "odd", "", "password",
        'emails[type eq "work"]', 'emails[type eq "work"].value', 'emails[type eq "home"].type', "emails[",
        "emails[primary eq true].primary", 'emails[value eq "x"].value', 'emails[type eq "work" or value pr].display',
        'emails[not (type eq "work")].type', 'emails[type eq "work" and primary eq true]', 'title[value eq "x"]',
        "members", 'members[value eq "x"]', 'members[value eq "x"].display',
    ]
) | st.text(max_size=6)  # fmt: skip
OPERATION = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "remove", "replace", "Add", "Remove", "Replace"])},
    optional={"path": PATHS, "value": JSON},
)
ANYTHING = OPERATION | st.dictionaries(st.sampled_from(["op", "path", "value", "OP"]), JSON, max_size=3) | JSON

EMAIL = st.fixed_dictionaries(
    {"value": st.sampled_from(["a@b.c", "x", "y"])},
    optional={"type": st.sampled_from(["work", "home"]), "display": st.just("D")},
)
DOCUMENT = st.fixed_dictionaries(
    {"userName": st.just("alice")},
    optional={
        "title": st.just("Dr"),
        "active": st.booleans(),
        "name": st.fixed_dictionaries({"givenName": st.just("A")}, optional={"familyName": st.just("B")}),
        "emails": st.lists(
            EMAIL, min_size=1, max_size=3, unique_by=lambda email: json.dumps(email, sort_keys=True)
        ).map(lambda emails: [{**emails[0], "primary": True}, *emails[1:]]),
        E: st.just({"department": "D", "manager": {"value": "m", "$ref": "../Users/m"}}),
    },
)


@given(st.lists(ANYTHING, max_size=4) | JSON, DOCUMENT, st.sampled_from([LENIENT, STRICT]), st.booleans())
def test_any_patch_is_applied_or_refused(
    operations: Any, document: dict[str, Any], tolerance: Tolerance, group: bool
) -> None:
    resource_type = GROUP if group else USER
    body = {"schemas": [P], "Operations": operations}
    before = deepcopy((body, document))
    with contextlib.suppress(ScimError):
        parsed = parse_operations(body, resource_type, tolerance=tolerance)
        patched = apply_operations(
            document, parsed.operations, resource_type, tolerance=tolerance, deferred={"members"} if group else ()
        )
        json.dumps([patched.document, sorted(patched.changed), parsed.ignored], allow_nan=False)
    assert (body, document) == before


@given(DOCUMENT, st.lists(OPERATION, max_size=3))
def test_a_patched_document_is_canonical(document: dict[str, Any], operations: list[Any]) -> None:
    with contextlib.suppress(ScimError):
        parsed = parse_operations({"Operations": operations}, USER)
        patched = apply_operations(document, parsed.operations, USER)
        assert clean_resource(patched.document, USER) == (patched.document, ())
        emails = patched.document.get("emails", [])
        assert sum(email.get("primary") is True for email in emails) <= 1


@given(DOCUMENT, OPERATION)
def test_one_operation_twice_is_one_operation(document: dict[str, Any], operation: Any) -> None:
    with contextlib.suppress(ScimError):
        parsed = parse_operations({"Operations": [operation]}, USER)
        once = apply_operations(document, parsed.operations, USER)
        twice = apply_operations(once.document, parsed.operations, USER)
        assert twice.document == once.document
        assert twice.changed == frozenset()


@given(DOCUMENT, DOCUMENT)
def test_replacing_every_attribute_makes_the_other_document(one: dict[str, Any], other: dict[str, Any]) -> None:
    absent = dict.fromkeys(name for name in one if name not in other)
    parts = {**dict.fromkeys(("givenName", "familyName")), **other["name"]} if "name" in other else None
    value = {**other, **absent, **({"name": parts} if parts else {})}
    parsed = parse_operations({"Operations": [{"op": "replace", "value": value}]}, USER)
    patched = apply_operations(one, parsed.operations, USER)
    assert patched.document == other
    assert bool(patched.changed) is (one != other)


@given(DOCUMENT, st.lists(OPERATION, max_size=4))
def test_what_changed_is_what_differs(document: dict[str, Any], operations: list[Any]) -> None:
    with contextlib.suppress(ScimError):
        parsed = parse_operations({"Operations": operations}, USER)
        patched = apply_operations(document, parsed.operations, USER)
        differing = {path.key for path in USER.paths() if path.read(document) != path.read(patched.document)}
        assert patched.changed == differing
