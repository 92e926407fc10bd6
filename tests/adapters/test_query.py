"""A compiled filter finds the people whom the in-memory evaluator finds: on every database, under every host."""

from __future__ import annotations

import os
import random
from typing import Any, ClassVar

import pytest
from django.contrib.auth import get_user_model
from django.db import connection as database

from conftest import person
from django_scim_provider.adapters import Attr, UserAdapter
from django_scim_provider.adapters.query import compile_filter
from django_scim_provider.protocol import filters
from django_scim_provider.protocol.errors import InvalidFilter
from django_scim_provider.protocol.projection import Projection
from django_scim_provider.protocol.urns import ENTERPRISE_USER
from django_scim_provider.services import groups, kinds, search, sync, users
from django_scim_provider.services.context import Context
from django_scim_provider.services.rows import people
from factories import HostUserFactory
from group_support import UNKNOWN, group_body

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
GROUPS = ["Staff", "Straße", "éa"]
FILTERS = int(os.environ.get("SCIM_FILTERS", "500"))
"""Set it to 5000 for the long run: 500 people then."""
PEOPLE = 90 if FILTERS < 5000 else 500
SEED = int(os.environ.get("SCIM_SEED", "7"))
NAMES = ["user", "Straße", "STRASSE", "éa", "e\u0301A", "Ωσς", "日本", "ａb", "o'neil", "a_b%"]
"""Beginnings of user names: what PRECIS accepts, and ASCII besides."""
PHOTOS = ["https://e.example/A.png", "https://e.example/a.png", "urn:x:É"]
DIVISION, DEPARTMENT, MANAGER = (f"{ENTERPRISE_USER}:{name}" for name in ("division", "department", "manager.value"))


@pytest.fixture
def corpus(context: Context) -> list[dict[str, Any]]:
    """People with every kind of value, in groups, some inactive, some deleted by the host, some known only to us."""
    dice = random.Random(20)
    created = [users.create_user(context, _body(dice, number)).id for number in range(PEOPLE)]
    inner = ""
    for name in GROUPS:
        # Each has the one before in it.
        inner = groups.create_group(
            context, group_body(name, *dice.sample(created, PEOPLE // 5), *filter(None, [inner]))
        ).id
    context.connection.refresh_from_db()
    for name in ("Host1", "host2"):
        HostUserFactory(name=name, given=dice.choice(ASCII))
    context.connection.enabled = False
    sync.adopt(context)
    for user in get_user_model()._base_manager.order_by("pk")[10:14]:
        user.delete()
    rows = people(context).values_list("scim_id", flat=True)
    return [search.get_user(context, str(scim_id), _everything(context)) for scim_id in rows]


def _body(dice: random.Random, number: int) -> dict[str, Any]:
    name = dice.choice(NAMES if dice.random() < 0.5 else NAMES[:1])
    body = person(f"{name}{number}+{dice.choice(ASCII[:2])}@Example.com", name=_name(dice))
    body["active"] = dice.random() < 0.7
    if dice.random() < 0.6:
        body["externalId"] = dice.choice(AWKWARD) + str(number % 7)
    for attribute in ("userType", "locale"):
        if dice.random() < 0.6:
            body[attribute] = dice.choice(AWKWARD)
    for attribute in ("nickName", "title"):
        if dice.random() < 0.5:
            body[attribute] = dice.choice(ASCII)
    if dice.random() < 0.5:
        body[ENTERPRISE_USER] = {"division": dice.choice(AWKWARD), "department": dice.choice(ASCII)}
        if dice.random() < 0.5:
            body[ENTERPRISE_USER]["manager"] = {"value": f"m{number % 5}"}
    body["emails"] = [
        {"value": f"{dice.choice(ASCII[:2])}{number}@{kind}.example", "type": kind}
        | {"work": {"primary": True}, "home": {"primary": False}}.get(kind, {})
        for kind in dice.sample(["work", "home", "other"], dice.randint(1, 3))
    ]
    if dice.random() < 0.4:
        body["addresses"] = [{"locality": dice.choice(AWKWARD), "region": dice.choice(ASCII), "type": "work"}]
        if dice.random() < 0.5:
            body["addresses"].append({"locality": dice.choice(AWKWARD), "primary": True})
    if dice.random() < 0.4:
        body["photos"] = [{"value": value} for value in dice.sample(PHOTOS, 2)]
    if dice.random() < 0.4:
        body["roles"] = [{"value": dice.choice(AWKWARD), "type": dice.choice(AWKWARD)} for _ in range(2)]
    return body


def _name(dice: random.Random) -> dict[str, str]:
    name = {"givenName": dice.choice(ASCII), "familyName": dice.choice(ASCII)}
    return name | ({"middleName": dice.choice(AWKWARD)} if dice.random() < 0.4 else {})


def _everything(context: Context) -> Projection:
    return Projection.parse((), (), context.adapter.resource_type)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


class Dice:
    """Random filters about what is there."""

    def __init__(self, seed: int, adapter: UserAdapter, corpus: list[dict[str, Any]]) -> None:
        self.random = random.Random(seed)
        self.adapter = adapter
        self.names = [resource["userName"] for resource in corpus]
        self.ids = [resource["id"] for resource in corpus[:5]] + [UNKNOWN, "nonsense"]
        self.times = [resource["meta"]["created"] for resource in corpus]
        self.groups = [*[group["value"] for resource in corpus for group in resource.get("groups", ())][:9], UNKNOWN]

    def on_host(self, attribute: str) -> bool:
        """Whether a column of the host's answers, in part at least: what is not ASCII it may compare otherwise."""
        return attribute in self.adapter.by_key or attribute.startswith("name.") or attribute == "displayName"

    def text(self) -> str:
        word = self.random.choice(AWKWARD if self.random.random() < 0.5 else ASCII)
        cut = self.random.randint(0, len(word))
        return self.random.choice([word, word, word[:cut], word[cut:], word.swapcase()])

    def comparison(self) -> str:
        attribute = self.random.choice(
            [
                "userName", "externalId", "userType", "locale", "nickName", "name.middleName", "name.givenName", "title",
                "name.familyName", "displayName", "emails.value", "emails", "emails.type", "addresses.locality", "photos",
                "roles.value", "roles.type", DIVISION, DEPARTMENT, MANAGER,
            ]
        )  # fmt: skip
        operator = self.random.choice(["eq", "ne", "co", "sw", "ew", "pr", "gt", "ge", "lt", "le"])
        if operator == "pr":
            return f"{attribute} pr"
        text = self.text()
        if self.on_host(attribute) and attribute != "userName":
            text = text if text.isascii() else self.random.choice(ASCII)
            # Order on the host's columns is the host's collation, which is not ours to promise.
            operator = operator if operator in ("eq", "ne", "co", "sw", "ew") else "eq"
        if attribute == "userName" and self.random.random() < 0.7:
            name = self.random.choice(self.names)
            cut = self.random.randint(0, 4)
            text = self.random.choice([name, name.upper(), name[:cut], name[cut:]])
        elif attribute == "photos":
            text = self.random.choice([*PHOTOS, "https", "É"])
        return f"{attribute} {operator} {_quoted(text)}"

    def other(self) -> str:
        """Booleans, times, ids, groups, schemas, presence."""
        either, order = self.random.choice(["eq", "ne"]), self.random.choice(["eq", "ne", "gt", "ge", "lt", "le"])
        return self.random.choice(
            [
                f"active {either} {self.random.choice(['true', 'false'])}",
                f'meta.{self.random.choice(["created", "lastModified"])} {order} "{self.random.choice(self.times)}"',
                f'id {either} "{self.random.choice(self.ids)}"',
                f'groups.value {either} "{self.random.choice(self.groups)}"',
                f"groups.display {either} {_quoted(self.random.choice(GROUPS).swapcase())}",
                f"groups[display {either} {_quoted(self.random.choice(GROUPS))}]",
                f'groups[not (value eq "{self.random.choice(self.groups)}") and display ne {_quoted(GROUPS[0])}]',
                f'meta.resourceType {either} "User"',
                f"{self.random.choice(['emails.type', 'roles.value', 'photos.value', 'addresses.locality'])} pr",
                f'schemas {either} "{ENTERPRISE_USER}"',
                f"emails.primary {either} {self.random.choice(['true', 'false'])}",
                f"{self.random.choice(['active', 'emails', 'addresses', 'roles.type', 'groups', 'name', 'id', 'meta'])} pr",
            ]
        )

    def element(self) -> str:
        quoted = _quoted(self.text())
        inner = f'type eq "{self.random.choice(["work", "HOME"])}" and value co "{self.random.choice(["a1", "work", "ANNA"])}"'
        negated = f'not (type eq "work") and primary {self.random.choice(["eq", "ne"])} {self.random.choice(["true", "false"])}'
        return self.random.choice(
            [
                f"emails[{inner}]",
                f"emails[{negated}]",
                f"addresses[locality eq {quoted} and region sw {_quoted(self.random.choice(ASCII)[0])}]",
                f"addresses[locality {self.random.choice(['ne', 'gt', 'ew', 'co'])} {quoted} or primary eq true]",
                "emails[type pr and not (primary pr)]",
                "addresses[primary eq false]",
                f"roles[value {self.random.choice(['eq', 'ne', 'sw', 'le'])} {quoted} and not (type co {quoted})]",
                f"roles[type {self.random.choice(['eq', 'ne', 'ew', 'ge'])} {quoted}]",
            ]
        )

    def filter(self, depth: int = 0) -> str:
        kind = self.random.random()
        if depth > 2 or kind < 0.4:
            return self.comparison()
        if kind < 0.55:
            return self.other()
        if kind < 0.68:
            return self.element()
        if kind < 0.76:
            return f"not ({self.filter(depth + 1)})"
        return f"({self.filter(depth + 1)}) {self.random.choice(['and', 'or'])} ({self.filter(depth + 1)})"


@pytest.mark.timeout(3600)
def test_the_database_and_the_evaluator_find_the_same_people(context: Context, corpus: list[dict[str, Any]]) -> None:
    if database.vendor == "postgresql":
        # Without figures about tables that this transaction fills it plans for far more rows, and compiles every plan.
        with database.cursor() as cursor:
            cursor.execute("ANALYZE")
    adapter, found_some, read = context.adapter, 0, Dice(SEED, context.adapter, corpus)
    for _ in range(FILTERS):
        text = read.filter()
        node = filters.parse_filter(text, adapter.resource_type)
        expected = {resource["id"] for resource in corpus if filters.matches(node, resource)}
        queryset = people(context).filter(kinds.Users(context).condition(node))
        found = {str(scim_id) for scim_id in queryset.values_list("scim_id", flat=True)}
        assert found == expected, f"{text}: {[r for r in corpus if r['id'] in found ^ expected][:2]}"
        found_some += 0 < len(found) < len(corpus)
    assert any(group["type"] == "indirect" for resource in corpus for group in resource.get("groups", ()))
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
    emails = context.adapter.resource_type.bind(None, "emails")
    assert emails is not None
    with pytest.raises(InvalidFilter):
        compile_filter(
            filters.Element(emails, filters.Element(emails, filters.Present(emails))),
            context.adapter,
            context.connection,
        )
    mute = MuteAdapter()
    with pytest.raises(InvalidFilter):
        compile_filter(filters.parse_filter('title eq "x"', mute.resource_type), mute, context.connection)
