"""A compiled filter finds the groups whom the in-memory evaluator finds, on every database."""

from __future__ import annotations

import os
import random
from typing import Any

import pytest

from django_scim_provider.adapters.group_query import compile_group_filter, compile_group_sort
from django_scim_provider.models import ScimGroup
from django_scim_provider.protocol import filters
from django_scim_provider.protocol.errors import InvalidFilter, InvalidValue
from django_scim_provider.protocol.filters import Element
from django_scim_provider.protocol.projection import Projection
from django_scim_provider.protocol.schemas import BoundPath
from django_scim_provider.services import groups, kinds, search
from django_scim_provider.services.context import Context
from django_scim_provider.services.group_rows import groups as group_rows
from group_support import UNKNOWN, group_body, provision

pytestmark = pytest.mark.django_db

NAMES = [
    "Staff",
    "staff 2",
    "Straße",
    "STRASSE",
    "İx",
    "éa",
    "e\u0301b",
    "日本",
    "a_b",
    "Bo%",
    "O'Neil",
    "C\\d",
    '"q"',
    "x ",
    " x",
]
GROUPS = 40
FILTERS = int(os.environ.get("SCIM_FILTERS", "600"))


@pytest.fixture
def corpus(context: Context) -> list[dict[str, Any]]:
    """Groups of all kinds: with and without people, groups, names, ids of the client."""
    dice = random.Random(11)
    people = [str(row.scim_id) for row in provision(context, *(f"p{number}" for number in range(6)))]
    made: list[str] = []
    for number in range(GROUPS):
        chosen = dice.sample(people, dice.randint(0, 3)) + dice.sample(made, min(len(made), dice.choice([0, 0, 1])))
        body = group_body(f"{dice.choice(NAMES)}{number}")
        body["members"] = [
            {"value": member} | ({"display": dice.choice(NAMES)} if dice.random() < 0.4 else {}) for member in chosen
        ]
        if dice.random() < 0.6:
            body["externalId"] = dice.choice(NAMES) + str(number % 5)
        made.append(groups.create_group(context, body).id)
    everything = Projection.parse((), (), context.group_adapter.resource_type)
    return [search.get_resource(kinds.Groups(context), scim_id, everything) for scim_id in made]


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


class Dice:
    """Random filters about things that exist."""

    def __init__(self, seed: int, corpus: list[dict[str, Any]]) -> None:
        self.random = random.Random(seed)
        members = [member["value"] for group in corpus for member in group["members"]]
        self.ids = [*members, *(group["id"] for group in corpus[:5]), UNKNOWN, "nonsense"]
        self.times = [group["meta"]["created"] for group in corpus]

    def text(self) -> str:
        word = self.random.choice(NAMES) + self.random.choice(["", "1", "7"])
        cut = self.random.randint(0, len(word))
        return self.random.choice([word, word[:cut], word[cut:], word.swapcase()])

    def on_member(self, depth: int = 0) -> str:
        kind = self.random.random()
        if kind < 0.4 or depth > 1:
            return f'value {self.random.choice(["eq", "ne"])} "{self.random.choice(self.ids)}"'
        if kind < 0.6:
            return f'type {self.random.choice(["eq", "ne"])} "{self.random.choice(["User", "group", "Device"])}"'
        if kind < 0.7:
            return f"{self.random.choice(['value', 'type', 'display', '$ref'])} pr"
        if kind < 0.8:
            return f"not ({self.on_member(depth + 1)})"
        return f"{self.on_member(depth + 1)} {self.random.choice(['and', 'or'])} {self.on_member(depth + 1)}"

    def filter(self, depth: int = 0) -> str:
        kind = self.random.random()
        if depth > 2 or kind < 0.3:
            attribute = self.random.choice(["displayName", "externalId"])
            operator = self.random.choice(["eq", "ne", "co", "sw", "ew", "pr", "gt", "ge", "lt", "le"])
            return f"{attribute} pr" if operator == "pr" else f"{attribute} {operator} {_quoted(self.text())}"
        if kind < 0.45:
            return f"members[{self.on_member()}]"
        if kind < 0.55:
            return f"members.{self.on_member(2)}"
        if kind < 0.62:
            return self.random.choice(["members pr", "members.display pr", "members.type pr", "id pr", "meta pr"])
        if kind < 0.7:
            operator = self.random.choice(["eq", "ne", "gt", "ge", "lt", "le"])
            return (
                f'meta.{self.random.choice(["created", "lastModified"])} {operator} "{self.random.choice(self.times)}"'
            )
        if kind < 0.75:
            return f'id {self.random.choice(["eq", "ne"])} "{self.random.choice(self.ids)}"'
        if kind < 0.82:
            return f"not ({self.filter(depth + 1)})"
        return f"({self.filter(depth + 1)}) {self.random.choice(['and', 'or'])} ({self.filter(depth + 1)})"


def test_the_database_and_the_evaluator_find_the_same_groups(context: Context, corpus: list[dict[str, Any]]) -> None:
    resource_type, dice, found_some = context.group_adapter.resource_type, Dice(5, corpus), 0
    for _ in range(FILTERS):
        text = dice.filter()
        node = filters.parse_filter(text, resource_type)
        expected = {group["id"] for group in corpus if filters.matches(node, group)}
        rows = group_rows(context).filter(compile_group_filter(node))
        found = {str(scim_id) for scim_id in rows.values_list("scim_id", flat=True)}
        assert found == expected, f"{text}: {[group for group in corpus if group['id'] in found ^ expected][:2]}"
        assert rows.count() == len(found), text
        found_some += 0 < len(found) < len(corpus)
    assert found_some > FILTERS / 3, "the corpus and the filters must have something to do with each other"


@pytest.mark.parametrize(
    "text",
    [
        'members.display eq "x"',
        'members.value co "x"',
        'members[display co "x"]',
        'members[$ref eq "x"]',
        'members[value sw "x"]',
        'id co "x"',
        'meta.location eq "x"',
        'meta.version eq "x"',
    ],
)
def test_what_cannot_be_answered_is_refused_and_never_left_out(context: Context, text: str) -> None:
    for whole in (text, f"displayName pr and {text}", f"displayName pr or {text}", f"not ({text})"):
        with pytest.raises(InvalidFilter):
            compile_group_filter(filters.parse_filter(whole, context.group_adapter.resource_type))


def test_sorting_is_by_columns_of_ours(context: Context, corpus: list[dict[str, Any]]) -> None:
    resource_type = context.group_adapter.resource_type
    path = resource_type.bind(None, "displayName")
    assert path is not None
    found = ScimGroup.objects.order_by(compile_group_sort(path)).values_list("display_name_key", flat=True)
    assert list(found) == sorted(found)
    members = resource_type.bind(None, "members")
    assert isinstance(members, BoundPath)
    with pytest.raises(InvalidValue):
        compile_group_sort(members)


def test_brackets_in_brackets_are_refused(context: Context) -> None:
    """The parser lets none through; whoever builds a filter by hand must not have one left out."""
    node = filters.parse_filter("members[value pr]", context.group_adapter.resource_type)
    assert isinstance(node, Element)
    with pytest.raises(InvalidFilter):
        compile_group_filter(Element(node.path, node))
