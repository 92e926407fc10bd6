"""A compiled filter finds the people whom the in-memory evaluator finds: on every database, under every host."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from django.contrib.auth import get_user_model

from conftest import person
from django_scim_provider.adapters import Attr, UserAdapter
from django_scim_provider.adapters.query import compile_filter
from django_scim_provider.protocol import filters
from django_scim_provider.protocol.errors import InvalidFilter
from django_scim_provider.protocol.projection import Projection
from django_scim_provider.protocol.urns import ENTERPRISE_USER
from django_scim_provider.services import search, sync, users
from django_scim_provider.services.context import Context
from django_scim_provider.services.rows import people
from factories import HostUserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.hosts]

ASCII = ["Anna", "anna", "Bo%", "a_b", "C\\d", "O'Neil", "x y", "Zoe"]
AWKWARD = [
    *ASCII,
    "Straße",
    "STRASSE",
    "éa",
    "e\u0301A",
    "İx",
    "ıX",
    "Ω",
    "ａb",
    "日本",
    "𝔘nicode",
    "ﬁn",
    "Ǆ",
    "a b ",
    "ß",
]
PEOPLE = 90
FILTERS = 700


@pytest.fixture
def corpus(context: Context) -> list[dict[str, Any]]:
    """People with every kind of value, some inactive, some deleted by the host, some known only to us."""
    dice = random.Random(20)
    for number in range(PEOPLE):
        body = person(f"User{number}+{dice.choice(ASCII[:2])}@Example.com", name=_name(dice))
        body["active"] = dice.random() < 0.7
        if dice.random() < 0.6:
            body["externalId"] = dice.choice(AWKWARD) + str(number % 7)
        for attribute in ("userType", "locale"):
            if dice.random() < 0.6:
                body[attribute] = dice.choice(AWKWARD)
        if dice.random() < 0.5:
            body[ENTERPRISE_USER] = {"division": dice.choice(AWKWARD), "department": dice.choice(ASCII)}
        body["emails"] = [
            {"value": f"{dice.choice(ASCII[:2])}{number}@{kind}.example", "type": kind}
            | {"work": {"primary": True}, "home": {"primary": False}}.get(kind, {})
            for kind in dice.sample(["work", "home", "other"], dice.randint(1, 3))
        ]
        if dice.random() < 0.4:
            body["addresses"] = [{"locality": dice.choice(AWKWARD), "region": dice.choice(ASCII), "type": "work"}]
        users.create_user(context, body)
    for name in ("Host1", "host2"):
        HostUserFactory(name=name, given=dice.choice(ASCII))
    context.connection.enabled = False
    sync.adopt(context)
    for user in get_user_model()._base_manager.order_by("pk")[10:14]:
        user.delete()
    rows = people(context).values_list("scim_id", flat=True)
    return [search.get_user(context, str(scim_id), _everything(context)) for scim_id in rows]


def _name(dice: random.Random) -> dict[str, str]:
    name = {"givenName": dice.choice(ASCII), "familyName": dice.choice(ASCII)}
    return name | ({"middleName": dice.choice(AWKWARD)} if dice.random() < 0.4 else {})


def _everything(context: Context) -> Projection:
    return Projection.parse((), (), context.adapter.resource_type)


def _text(dice: random.Random) -> str:
    word = dice.choice(AWKWARD if dice.random() < 0.5 else ASCII)
    cut = dice.randint(0, len(word))
    return dice.choice([word, word, word[:cut], word[cut:], word.swapcase()])


def _comparison(dice: random.Random, ascii_only: Callable[[str], bool]) -> str:
    attribute = dice.choice(
        [
            "userName", "externalId", "userType", "locale", "name.middleName", "name.givenName", "name.familyName",
            "displayName", "emails.value", "emails.type", "addresses.locality", f"{ENTERPRISE_USER}:division",
            f"{ENTERPRISE_USER}:department", "title",
        ]
    )  # fmt: skip
    operator = dice.choice(["eq", "ne", "co", "sw", "ew", "pr", "gt", "le"])
    if operator == "pr":
        return f"{attribute} pr"
    text = _text(dice)
    if ascii_only(attribute):
        text = text if text.isascii() else dice.choice(ASCII)
        # Order on the host's columns is the host's collation, which is not ours to promise.
        operator = "eq" if operator in ("gt", "le") else operator
    if attribute == "userName" and dice.random() < 0.5:
        text = f"user{dice.randint(0, PEOPLE)}+anna@example.com"
    return f"{attribute} {operator} {_quoted(text)}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


UNMARKED = ["emails[type pr and not (primary pr)]", "addresses[primary eq false]"]


def _filter(dice: random.Random, ascii_only: Callable[[str], bool], depth: int = 0) -> str:
    kind = dice.random()
    if depth > 2 or kind < 0.5:
        return _comparison(dice, ascii_only)
    if kind < 0.54:
        return f"emails.primary {dice.choice(['eq', 'ne'])} {dice.choice(['true', 'false'])}"
    if kind < 0.58:
        return f"active {dice.choice(['eq', 'ne'])} {dice.choice(['true', 'false'])}"
    if kind < 0.7:
        inner = f'type eq "{dice.choice(["work", "HOME"])}" and value co "{dice.choice(["a1", "work", "ANNA"])}"'
        negated = f'not (type eq "work") and primary {dice.choice(["eq", "ne"])} {dice.choice(["true", "false"])}'
        places = (
            f"addresses[locality eq {_quoted(dice.choice(AWKWARD))} and region sw {_quoted(dice.choice(ASCII)[0])}]"
        )
        return dice.choice([f"emails[{inner}]", f"emails[{negated}]", places, *UNMARKED])
    if kind < 0.78:
        return f"not ({_filter(dice, ascii_only, depth + 1)})"
    left, right = (_filter(dice, ascii_only, depth + 1) for _ in range(2))
    return f"({left}) {dice.choice(['and', 'or'])} ({right})"


def test_the_database_and_the_evaluator_find_the_same_people(context: Context, corpus: list[dict[str, Any]]) -> None:
    adapter, dice = context.adapter, random.Random(7)

    def on_host(attribute: str) -> bool:
        return attribute in adapter.by_key or attribute.startswith("name") or attribute == "displayName"

    found_some = 0
    for _ in range(FILTERS):
        text = _filter(dice, on_host)
        node = filters.parse_filter(text, adapter.resource_type)
        expected = {resource["id"] for resource in corpus if filters.matches(node, resource)}
        queryset = people(context).filter(compile_filter(node, adapter, context.connection))
        found = {str(scim_id) for scim_id in queryset.values_list("scim_id", flat=True)}
        assert found == expected, f"{text}: {[r for r in corpus if r['id'] in found ^ expected][:2]}"
        found_some += 0 < len(found) < len(corpus)
    assert found_some > FILTERS / 3, "the corpus and the filters must have something to do with each other"


@pytest.mark.parametrize(
    "text",
    [
        'x509Certificates.display eq "x"',
        'emails.display eq "x"',
        'photos[display eq "x"]',
        'meta.location eq "x"',
        'groups.display co "x"',
        'id co "x"',
    ],
)
def test_what_cannot_be_answered_is_refused_and_never_left_out(context: Context, text: str) -> None:
    node = filters.parse_filter(f"userName pr and {text}", context.adapter.resource_type)
    with pytest.raises(InvalidFilter):
        compile_filter(node, context.adapter, context.connection)


def test_a_display_name_of_a_value_is_not_in_the_index(context: Context) -> None:
    node = filters.parse_filter("emails.display pr", context.adapter.resource_type)
    with pytest.raises(InvalidFilter):
        compile_filter(node, context.adapter, context.connection)


def test_presence_schemas_and_brackets_on_one_value_find_people(context: Context) -> None:
    users.create_user(context, person("ann@example.com"))
    for text, number in {
        "emails pr": 1,
        f'schemas eq "{context.adapter.schema.id}"': 1,
        f'schemas ne "{context.adapter.schema.id}"': 0,
        'name[familyName eq "user"]': 1,
        'name[familyName eq "other"]': 0,
    }.items():
        node = filters.parse_filter(text, context.adapter.resource_type)
        assert people(context).filter(compile_filter(node, context.adapter, context.connection)).count() == number, text


class Mute(Attr):
    """A column that answers no filter."""

    def condition(self, compare: filters.Compare, prefix: str) -> None:
        return None


class MuteAdapter(UserAdapter):
    attributes: ClassVar[Any] = {"title": Mute("password")}


def test_what_no_parser_makes_is_refused_by_the_compiler_as_well(context: Context) -> None:
    resource_type = context.adapter.resource_type
    emails = resource_type.bind(None, "emails")
    assert emails is not None
    inner = filters.Element(emails, filters.Present(emails))
    with pytest.raises(InvalidFilter):
        compile_filter(filters.Element(emails, inner), context.adapter, context.connection)
    mute = MuteAdapter()
    with pytest.raises(InvalidFilter):
        compile_filter(filters.parse_filter('title eq "x"', mute.resource_type), mute, context.connection)
