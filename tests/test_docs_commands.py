"""Every command that the documentation shows is run; what cannot be run is here, with the reason."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.template import engines

from test_docs import DOCS, PAGES, ROOT, TUTORIAL, blocks, commands

LANGUAGES = {
    "python": "compiled, and run where it is a model, an adapter or settings",
    "json": "read",
    "console": "run",
    "django": "compiled",
    "javascript": "not looked at: nothing here runs it",
    "nginx": "not looked at: nothing here runs it",
    "text": "a picture, what a program prints, or a crontab, whose commands are in a block before it",
}
NOT_RUN = {
    "python -m pip install ": "the network is not the suite's",
    "curl -i https://app.example.com/": "a site of the reader's",
    "curl https://app.example.com/": "a site of the reader's",
    "TOKEN=$(python manage.py scim_token issue ": "a shell's; other pages show the command inside, and it is run there",
    "python manage.py createapplication ": "django-oauth-toolkit's; tests/credentials/test_oauth.py makes the clients",
    "python manage.py scim_oauth ": "wants the toolkit; tests/credentials/test_oauth.py runs it",
    "python manage.py scim_simulate ": "makes a database for tests; tests/management/test_scim_simulate.py runs it",
    "make demo": "tests/test_example_project.py plays it",
    "make soak": "hours",
    "SCIM_": "as long as the number says",
    "python manage.py test": "tests/test_example_project.py runs the example project's suite",
    "pytest": "it is what runs here; tests/test_docs.py runs the tests that the page shows",
}
"""How a command begins that is not run here, and why."""
MANAGE = re.compile(r"^python manage\.py ")
SHOWN = [page for page in PAGES if page != TUTORIAL and blocks(page, "console")]
"""The tutorial is run as a whole, by a shell and against a server."""


def texts(page: Path) -> Iterator[str]:
    for block in blocks(page, "console"):
        for command in commands(block):
            yield command.text


@pytest.mark.django_db
@pytest.mark.parametrize("page", SHOWN, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_commands_of_a_page_work_one_after_the_other(
    page: Path, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.ROOT_URLCONF = "console.urls"  # with everything that a page may have told the reader to include
    for text in texts(page):
        if not text.startswith(tuple(NOT_RUN)):
            assert MANAGE.match(text), f"neither run nor accounted for: {text}"
            # What goes into a file goes to the screen here.
            call_command(*shlex.split(MANAGE.sub("", text).partition(" > ")[0]))


def test_the_crontab_has_the_commands_of_the_block_before_it() -> None:
    shown = blocks(DOCS / "howto" / "go-live.rst", "console", "text")
    place = [block.language for block in shown].index("text")
    console, crontab = shown[place - 1 : place + 1]
    nightly = [line.partition(" .venv/bin/")[2] for line in crontab.body.splitlines()]
    assert nightly == [command.text for command in commands(console)]


def test_nothing_is_accounted_for_that_is_not_shown() -> None:
    shown = [text for page in SHOWN for text in texts(page)]
    assert [beginning for beginning in NOT_RUN if not any(text.startswith(beginning) for text in shown)] == []


def test_blocks_are_in_languages_that_something_looks_at() -> None:
    found = {
        name for page in PAGES for name in re.findall(r"^ *\.\. code-block:: (\w+)$", page.read_text(), re.MULTILINE)
    }
    assert found == LANGUAGES.keys()


def template_blocks() -> list[Any]:
    return [
        pytest.param(block.body, id=str(page.relative_to(DOCS))) for page in PAGES for block in blocks(page, "django")
    ]


@pytest.mark.parametrize("source", template_blocks())
def test_templates_are_templates(source: str) -> None:
    engines["django"].from_string(source)
