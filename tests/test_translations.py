"""Every word of ours can be translated, and German is: complete, compiled, and on the pages."""

from __future__ import annotations

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils.translation import override
from django.utils.translation.template import templatize

import django_scim_provider
from admin.browser import Browser, superuser, text, url
from django_scim_provider.models import ScimConnection
from django_scim_provider.services import audit
from django_scim_provider.services.context import Context
from factories import ConnectionFactory

PACKAGE = Path(django_scim_provider.__file__).parent
CATALOG = PACKAGE / "locale" / "de" / "LC_MESSAGES" / "django.po"
FUNCTIONS = {"_", "gettext", "gettext_lazy", "ngettext"}
Entry = tuple[str, ...]
"""A msgid, and its plural if it has one."""


def in_code(source: str) -> Iterator[Entry]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS:
            arguments = node.args[: 2 if node.func.id == "ngettext" else 1]
            assert all(isinstance(one, ast.Constant) for one in arguments), ast.unparse(node)
            yield tuple(one.value for one in arguments)  # type: ignore[attr-defined]


def in_template(source: str) -> Iterator[Entry]:
    for call in re.finditer(r"""(?:gettext|_)\((u?(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'))""", templatize(source)):
        yield (ast.literal_eval(call[1]),)


def used() -> set[Entry]:
    found: set[Entry] = set()
    for path in PACKAGE.rglob("*.py"):
        if "migrations" not in path.parts:
            found.update(in_code(path.read_text()))
    for path in PACKAGE.rglob("*.html"):
        found.update(in_template(path.read_text()))
    return found


def catalog() -> dict[Entry, tuple[str, ...]]:
    """The .po file; every value is as long as its key."""
    entries: dict[Entry, tuple[str, ...]] = {}
    for block in CATALOG.read_text().split("\n\n"):
        texts: dict[str, str] = {}
        name = ""
        for line in block.splitlines():
            word, _, rest = line.partition('"')
            if line.startswith("#"):
                assert "fuzzy" not in line
                assert not line.startswith("#~"), "left over"
            else:
                name = word.strip() or name
                texts[name] = texts.get(name, "") + ast.literal_eval(f'"{rest}')
        key = tuple(texts[name] for name in ("msgid", "msgid_plural") if name in texts)
        entries[key] = tuple(texts[name] for name in texts if name.startswith("msgstr"))
    del entries[("",)]
    return entries


def test_the_catalog_has_every_text_and_no_other() -> None:
    ours, theirs = used(), set(catalog())
    assert ours - theirs == set(), "manage.py makemessages, then translate: CONTRIBUTING.rst"
    assert theirs - ours == set()


def test_every_text_is_translated_with_its_placeholders() -> None:
    for key, values in catalog().items():
        assert len(values) == len(key), key
        for value in values:
            assert value.strip(), key
            names = set(re.findall(r"%\(\w+\)s", value))
            assert names in [set(re.findall(r"%\(\w+\)s", text)) for text in key], key


def test_the_compiled_catalog_is_that_of_the_text() -> None:
    with CATALOG.with_suffix(".mo").open("rb") as file:
        compiled: dict[Any, str] = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    del compiled[""]
    expected: dict[Any, str] = {}
    for key, values in catalog().items():
        expected |= {key[0]: values[0]} if len(key) == 1 else {(key[0], n): value for n, value in enumerate(values)}
    assert compiled == expected


def test_no_template_says_anything_that_cannot_be_translated() -> None:
    said = re.compile(
        r"{#.*?#}|<code>.*?</code>|{% blocktranslate.*?{% endblocktranslate %}|{% block (?:bodyclass|coltype) %}.*?{% endblock %}|{%.*?%}|{{.*?}}|<[^<>]*>|&\w+;",
        re.DOTALL,
    )
    for path in (PACKAGE / "templates").rglob("*.html"):
        left = set(re.findall(r"[A-Za-z]{2,}", said.sub(" ", path.read_text())))
        assert left <= {"CSV", "JSON", "Lines"}, path


@pytest.fixture
def _no_language_stays() -> Iterator[None]:
    """The middleware of a request in this thread leaves its language behind."""
    with override("en"):
        yield


@pytest.mark.django_db
@pytest.mark.usefixtures("_no_language_stays")
@pytest.mark.parametrize("page", ["changelist", "add", "change", "test", "people", "groups", "policies", "removals",
                                  "events", "issue", "disable", "history"])  # fmt: skip
def test_a_german_reader_finds_german(page: str) -> None:
    reader: Browser = superuser()
    connection = ConnectionFactory()
    audit.record(Context(connection, key_id="A" * 12), audit.Action.CREATE, label="alice")
    with override("de"):
        address = url(page) if page in ("changelist", "add") else url(page, connection.pk)
    body = text(reader.client.get(address, headers={"Accept-Language": "de"}))
    content = re.sub(r"<[^<>]*>", "\n", body[body.index('id="content"') :])
    lines = {line.strip() for line in content.splitlines()}
    english = {key[0] for key, values in catalog().items() if key[0] != values[0]}
    assert lines & english == set()
    german = {value for values in catalog().values() for value in values}
    assert len(lines & german) >= 2 or page == "history"


@pytest.mark.django_db
@pytest.mark.usefixtures("_no_language_stays")
def test_an_event_is_a_german_sentence() -> None:
    reader = superuser()
    connection = ScimConnection.objects.get(pk=ConnectionFactory().pk)
    audit.record(Context(connection, key_id="A" * 12), audit.Action.CREATE, label="alice")
    body = text(reader.client.get(url("events", connection.pk), headers={"Accept-Language": "de"}))
    assert "Okta hat alice angelegt." in body
