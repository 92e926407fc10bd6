from __future__ import annotations

import contextlib
import itertools
import os
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from django_scim_provider.protocol import urns
from django_scim_provider.protocol.core_schemas import ENTERPRISE_USER, USER
from django_scim_provider.protocol.errors import InvalidFilter
from django_scim_provider.protocol.filter_evaluation import is_primary
from django_scim_provider.protocol.filters import (
    And,
    Compare,
    Element,
    Filter,
    Limits,
    Not,
    Or,
    Present,
    conjuncts,
    matches,
    matches_value,
    parse_filter,
    parse_value_filter,
    to_text,
)
from django_scim_provider.protocol.schemas import Attribute, BoundPath, ResourceType, Schema
from django_scim_provider.protocol.tolerance import LENIENT, STRICT

EVERYTHING = Schema(
    "urn:example:Everything",
    "Everything",
    "",
    (
        Attribute("exact", case_exact=True),
        Attribute("level", type="integer"),
        Attribute("weight", type="decimal"),
        Attribute("online", type="boolean"),
        Attribute("seen", type="dateTime"),
        Attribute("key", type="binary"),
        Attribute("home", type="reference"),
        Attribute("tags", multi_valued=True),
        Attribute("numbers", type="integer", multi_valued=True),
    ),
)
CORE = USER.only(("userName", "name", "title", "active", "emails", "groups", "x509Certificates"))
RESOURCE_TYPE = ResourceType("User", "/Users", "", CORE, (ENTERPRISE_USER, EVERYTHING))
WIDE = Limits(length=10**6, terms=10**4, depth=100)
PATHS = [
    BoundPath(bound.urn, bound.attribute, sub)
    for bound in itertools.chain(RESOURCE_TYPE.paths(), [RESOURCE_TYPE.bind(None, "meta")])
    if bound
    for sub in (None, *bound.attribute.sub_attributes)
]
SIMPLE = [path for path in PATHS if path.target.type != "complex"]
# What a value does not say is nothing, but for its mark as the primary one.
STATED = [path for path in SIMPLE if not is_primary(path)]
EMAILS = next(path for path in PATHS if path.key == "emails")
COMPLEX = [path for path in PATHS if path.attribute.type == "complex" and path.sub is None]

# What a filter can hold: no NUL, no half of a surrogate pair. Few values come often, so that filters match at times.
texts = st.one_of(
    st.sampled_from(["", "a", "A", "b"]),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8),
)
minutes = st.integers(0, 3)
values: dict[str, st.SearchStrategy[Any]] = {
    "string": texts,
    "reference": texts,
    "binary": texts,
    "boolean": st.booleans(),
    "integer": st.one_of(st.integers(-2, 2), st.integers(-(2**63), 2**63 - 1)),
    "decimal": st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30, places=8),
    "dateTime": st.one_of(
        minutes.map(lambda minute: datetime(2020, 1, 1, 0, minute, tzinfo=UTC)), st.datetimes(timezones=st.just(UTC))
    ),
}
OPERATORS = {
    "string": ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"],
    "reference": ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"],
    "binary": ["eq", "ne"],
    "boolean": ["eq", "ne"],
    "integer": ["eq", "ne", "gt", "ge", "lt", "le"],
    "decimal": ["eq", "ne", "gt", "ge", "lt", "le"],
    "dateTime": ["eq", "ne", "gt", "ge", "lt", "le"],
}


def comparisons(paths: list[BoundPath]) -> st.SearchStrategy[Compare]:
    return st.sampled_from(paths).flatmap(
        lambda path: st.builds(
            Compare, st.just(path), st.sampled_from(OPERATORS[path.target.type]), values[path.target.type]
        )
    )


def chain(kind: type[And] | type[Or], operands: list[Filter]) -> Filter:
    flat: list[Filter] = []
    for operand in operands:
        flat += operand.operands if isinstance(operand, kind) else (operand,)
    return kind(tuple(flat))


def trees(leaves: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    def extend(children: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
        several = st.lists(children, min_size=2, max_size=4)
        return st.one_of(
            st.builds(Not, children),
            several.map(lambda operands: chain(And, operands)),
            several.map(lambda operands: chain(Or, operands)),
        )

    return st.recursive(leaves, extend, max_leaves=12)


def inside(path: BoundPath) -> st.SearchStrategy[Filter]:
    subs = [path._replace(sub=sub) for sub in path.attribute.sub_attributes]
    return trees(st.one_of(comparisons(subs), st.sampled_from(subs).map(Present)))


elements = st.sampled_from(COMPLEX).flatmap(lambda path: st.builds(Element, st.just(path), inside(path)))
filters = trees(st.one_of(comparisons(SIMPLE), st.sampled_from(PATHS).map(Present), elements))


def stored(attribute: Attribute) -> st.SearchStrategy[Any]:
    """A value that a document may have there."""
    if attribute.type == "complex":
        single: st.SearchStrategy[Any] = st.fixed_dictionaries(
            {}, optional={sub.name: stored(sub) for sub in attribute.sub_attributes}
        )
    elif attribute.type == "dateTime":
        single = minutes.map(lambda minute: f"2020-01-01T00:0{minute}:00Z")
    elif attribute.type in ("boolean", "integer"):
        single = st.booleans() if attribute.type == "boolean" else st.integers(-2, 2)
    elif attribute.type == "decimal":
        single = st.one_of(st.integers(-2, 2), st.floats(allow_nan=False, allow_infinity=False))
    else:
        single = texts
    return st.lists(single, max_size=3) if attribute.multi_valued else single


def container(attributes: tuple[Attribute, ...]) -> dict[str, st.SearchStrategy[Any]]:
    return {attribute.name: stored(attribute) for attribute in attributes}


documents = st.fixed_dictionaries(
    {},
    optional={
        **container(CORE.attributes),
        **{
            schema.id: st.fixed_dictionaries({}, optional=container(schema.attributes))
            for schema in RESOURCE_TYPE.extensions
        },
    },
)

# A busy machine is not a failure; test_filters.py has the tests of time.
unhurried = settings(deadline=None, max_examples=100 if os.environ.get("SCIM_SOAK") else 50)


@unhurried
@given(filters)
def test_every_tree_survives_being_written_and_read(node: Filter) -> None:
    assert parse_filter(to_text(node), RESOURCE_TYPE, tolerance=STRICT, limits=WIDE) == node


@unhurried
@given(st.sampled_from(COMPLEX).flatmap(lambda path: st.tuples(st.just(path), inside(path))))
def test_every_value_filter_survives_being_written_and_read(pair: tuple[BoundPath, Filter]) -> None:
    path, node = pair
    text = to_text(Element(path, node)).removeprefix(path.key)[1:-1]
    assert parse_value_filter(text, path, tolerance=STRICT, limits=WIDE) == node


@unhurried
@given(filters)
def test_strict_and_lenient_read_canonical_text_alike(node: Filter) -> None:
    assert parse_filter(to_text(node), RESOURCE_TYPE, tolerance=LENIENT, limits=WIDE) == node


@unhurried
@given(filters, documents)
def test_not_is_the_complement(node: Filter, document: dict[str, Any]) -> None:
    assert matches(Not(node), document) is not matches(node, document)


@unhurried
@given(comparisons(STATED), documents)
def test_ne_is_the_complement_of_eq(node: Compare, document: dict[str, Any]) -> None:
    equal, unequal = (Compare(node.path, operator, node.value) for operator in ("eq", "ne"))
    assert matches(equal, document) is not matches(unequal, document)
    if matches(equal, document):
        assert matches(Present(node.path), document)


@unhurried
@given(st.lists(filters, min_size=2, max_size=4), documents)
def test_and_is_all_and_or_is_any(nodes: list[Filter], document: dict[str, Any]) -> None:
    verdicts = [matches(node, document) for node in nodes]
    assert matches(And(tuple(nodes)), document) is all(verdicts)
    assert matches(Or(tuple(nodes)), document) is any(verdicts)


@unhurried
@given(comparisons(STATED), documents)
def test_only_ne_matches_an_absent_value(node: Compare, document: dict[str, Any]) -> None:
    if not matches(Present(node.path), document):
        assert matches(node, document) is (node.operator == "ne")


@unhurried
@given(elements, documents)
def test_brackets_match_when_one_present_element_does(node: Element, document: dict[str, Any]) -> None:
    value = node.path.read(document)
    present = [
        element
        for element in (value if isinstance(value, list) else [value])
        if element and any(part not in (None, "") for part in element.values())
    ]
    expected = any(matches_value(node.filter, node.path.attribute, element) for element in present)
    assert matches(node, document) is expected


@unhurried
@given(elements, documents)
def test_what_a_filter_demands_holds_where_it_matches(node: Element, document: dict[str, Any]) -> None:
    for demand in conjuncts(node.filter):
        if matches(node, document):
            assert matches(demand, document)


NOISE = st.text(max_size=60)
FRAGMENTS = st.lists(
    st.sampled_from(
        [
            "userName", "emails", "emails.value", "name", "active", "meta.created", "manager", "tags", "level", "type",
            "value", "urn:example:Everything:level", f"{urns.USER}:emails", "eq", "NE", "co", "gt", "pr", "and", "OR",
            "not", "(", ")", "[", "]", "].value", "].", '"a"', '"', "\\", '"\\u12"', "true", "null", "5", "1e9999",
            "alice@example.com", "2020-01-01", ".", ":", "$ref", "\u2028", "\ufeff", "é",
        ]
    ),
    max_size=25,
)  # fmt: skip


@settings(deadline=None, max_examples=500)
@given(
    st.one_of(NOISE, FRAGMENTS.map(" ".join), FRAGMENTS.map("".join), st.text('ae.: "\\()[]$urn-10', max_size=80)),
    st.sampled_from([LENIENT, STRICT]),
)
def test_no_text_raises_anything_but_invalid_filter(text: str, tolerance: Any) -> None:
    for read in (
        lambda: parse_filter(text, RESOURCE_TYPE, tolerance=tolerance),
        lambda: parse_value_filter(text, EMAILS, tolerance=tolerance),
        lambda: parse_filter(f"emails[{text}].value pr", RESOURCE_TYPE, tolerance=tolerance),
    ):
        with contextlib.suppress(InvalidFilter):
            assert to_text(read())


@unhurried
@given(filters, st.data())
def test_a_damaged_filter_is_read_or_refused(node: Filter, data: st.DataObject) -> None:
    text = to_text(node)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 3)))
    damaged = text[:start] + data.draw(st.sampled_from(["", " ", "(", ")", "[", "]", '"', ".", "\\"])) + text[end:]
    try:
        parsed = parse_filter(damaged, RESOURCE_TYPE, limits=WIDE)
    except InvalidFilter:
        return
    assert parse_filter(to_text(parsed), RESOURCE_TYPE, limits=WIDE) == parsed


@unhurried
@given(st.text('ab"\\u0 []()', max_size=30))
def test_what_stands_in_a_quoted_value_is_never_syntax(value: str) -> None:
    path = RESOURCE_TYPE.bind(None, "userName")
    assert path
    node = Compare(path, "eq", value)
    assert parse_filter(f"not ({to_text(node)}) or title pr", RESOURCE_TYPE).operands[0] == Not(node)  # type: ignore[union-attr]
