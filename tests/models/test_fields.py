"""KeyField compares code points and DocumentField keeps documents, whatever the database and its collation."""

from __future__ import annotations

import unicodedata
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from django_scim_provider.models import ScimConnection, ScimUser
from django_scim_provider.models.fields import binary_collation

pytestmark = pytest.mark.django_db

NFC, NFD = "Jos\u00e9", "Jose\u0301"
UNEQUAL = {
    "case": ("alice", "Alice"),
    "accent": ("jose", "josé"),
    "composition": (NFC, NFD),
    "trailing space": ("alice", "alice "),
    "trailing tab": ("alice", "alice\t"),
    "leading space": ("alice", " alice"),
    "sharp s": ("straße", "strasse"),
    "capital sharp s": ("straße", "STRASSE"),
    "dotless i": ("ı", "i"),
    "dotted capital i": ("İ", "I"),
    "ligature": ("ﬁona", "fiona"),
    "kelvin sign": ("\u212a", "k"),
    "full width": ("ａ", "a"),
    "homoglyph": ("alice", "аlice"),
    "zero width": ("alice", "al\u200bice"),
    "emoji": ("😀", "😁"),
    "final sigma": ("ς", "σ"),
    "kana": ("は", "ぱ"),
    "empty": ("", " "),
}


def make(connection: ScimConnection, key: str, **fields: Any) -> ScimUser:
    moment = timezone.now()
    return ScimUser.objects.create(
        connection=connection,
        scope="/",
        user_name=key,
        user_name_key=key,
        created_at=moment,
        modified_at=moment,
        **fields,
    )


@pytest.mark.parametrize("pair", UNEQUAL.values(), ids=UNEQUAL)
def test_unique_constraint_tells_values_apart_that_a_collation_takes_for_one(
    connection: ScimConnection, pair: tuple[str, str]
) -> None:
    for key in pair:
        make(connection, key)

    assert set(ScimUser.objects.values_list("user_name_key", flat=True)) == set(pair)


@pytest.mark.parametrize("pair", UNEQUAL.values(), ids=UNEQUAL)
def test_exact_look_up_finds_that_value_and_no_other(connection: ScimConnection, pair: tuple[str, str]) -> None:
    rows = {key: make(connection, key) for key in pair}

    for key, row in rows.items():
        assert list(ScimUser.objects.filter(user_name_key=key)) == [row]
        assert list(ScimUser.objects.filter(user_name_key__in={key})) == [row]
        assert ScimUser.objects.exclude(user_name_key=key).count() == 1


@pytest.mark.parametrize("key", ["alice", NFC, NFD, "straße", "alice ", "😀", "x" * 254])
def test_equal_value_meets_the_unique_constraint(connection: ScimConnection, key: str) -> None:
    make(connection, key)

    with pytest.raises(IntegrityError), transaction.atomic():
        make(connection, key)
    assert ScimUser.objects.count() == 1


def test_order_is_that_of_code_points(connection: ScimConnection) -> None:
    keys = sorted(
        {unicodedata.normalize("NFC", key) for pair in UNEQUAL.values() for key in pair} | {"Z", "a", "_", "10", "9"}
    )
    for key in reversed(keys):
        make(connection, key)

    assert list(ScimUser.objects.order_by("user_name_key").values_list("user_name_key", flat=True)) == keys
    assert list(ScimUser.objects.filter(user_name_key__gt="a").values_list("user_name_key", flat=True)) == [
        key for key in reversed(keys) if key > "a"
    ]


def test_longest_characters_fit_up_to_the_length_of_the_column(connection: ScimConnection) -> None:
    row = make(connection, "😀" * 254)

    row.refresh_from_db()
    assert row.user_name_key == "😀" * 254


@pytest.mark.parametrize(
    ("vendor", "mariadb", "collation"),
    [
        ("postgresql", False, "C"),
        ("mysql", True, "utf8mb4_nopad_bin"),
        ("mysql", False, "utf8mb4_0900_bin"),
        ("sqlite", False, "BINARY"),
        ("oracle", False, None),
    ],
)
def test_collation_is_chosen_by_database(vendor: str, mariadb: bool, collation: str | None) -> None:
    database: Any = SimpleNamespace(vendor=vendor, mysql_is_mariadb=mariadb)

    assert binary_collation(database) == collation


def test_columns_have_the_collation_in_the_database_under_test() -> None:
    with connection.cursor() as cursor:
        described = connection.introspection.get_table_description(cursor, ScimUser._meta.db_table)
    collations = {column.name: column.collation for column in described}

    # SQLite does not always tell its default, which is BINARY.
    expected = {binary_collation(connection)} | ({None} if connection.vendor == "sqlite" else set())
    assert {collations[name] for name in ("scope", "user_name_key", "external_id")} <= expected


DOCUMENTS: dict[str, Any] = {
    "empty": {},
    "nested": {"name": {"givenName": "A", "familyName": "B"}, "emails": [{"value": "a@x", "primary": True}]},
    "unicode": {"displayName": "Ünï 日本 😀 é e\u0301 \u2028", "schlüssel": ["ß"]},
    "quotes": {"a": "\"'\\/", "b'\"": "%s %(x)s {0} $1", "a.b": "x"},
    "controls": {"a": "tab\tline\nreturn\r"},
    "numbers": {"min": -(2**63), "max": 2**63 - 1, "zero": 0, "tenth": 0.1, "negative": -1.5, "small": 1e-7},
    "constants": {"true": True, "false": False, "null": None, "text": "true", "digits": "0123", "list": [None, []]},
    "long": {"a": "x" * 65_536},
    "order": {"z": 1, "a": 2},
}


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
def test_document_comes_back_as_it_was_stored(connection: ScimConnection, document: dict[str, Any]) -> None:
    row = make(connection, "alice", attributes=document)

    row.refresh_from_db()
    assert row.attributes == document
    assert ScimUser.objects.values_list("attributes", flat=True).get() == document
    assert ScimUser.objects.values("connection__name", "attributes").get()["attributes"] == document


def test_document_that_is_changed_is_stored_anew(connection: ScimConnection) -> None:
    row = make(connection, "alice", attributes={"a": 1})
    row.attributes = {"b": [2]}
    row.save(update_fields=["attributes"])

    assert ScimUser.objects.get().attributes == {"b": [2]}


def test_rows_without_a_document_have_one_of_their_own(connection: ScimConnection) -> None:
    first, second = make(connection, "alice"), make(connection, "bob")
    first.attributes["a"] = 1

    assert second.attributes == {}
