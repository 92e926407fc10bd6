"""Which pages there are, and whether they have all that they are about: identity providers, the log, sections."""

from __future__ import annotations

import ast
import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import django_scim_provider
from django_scim_provider.admin.guides import GUIDES, UNLISTED
from django_scim_provider.dialects.complaints import COMPLAINTS
from test_docs import DOCS, blocks

PACKAGE = Path(django_scim_provider.__file__).parent
PROVIDERS = DOCS / "howto" / "identity-providers"
CORPUS = Path(__file__).parent / "corpus"
GUIDED = {str(provider): guide for provider, guide in GUIDES.items()} | UNLISTED


def test_ten_identity_providers_have_a_page() -> None:
    assert {page.stem for page in PROVIDERS.glob("*.rst")} - {"index"} == GUIDED.keys()
    assert len(GUIDED) >= 10


@pytest.mark.parametrize("provider", sorted(GUIDED))
def test_the_page_of_a_provider_shows_all_that_is_known_of_it(provider: str) -> None:
    known = {"steps": True, "attributes": GUIDED[provider].attributes, "recordings": (CORPUS / provider).is_dir()}
    known["complaints"] = any(complaint.provider == provider for complaint in COMPLAINTS)
    page = (PROVIDERS / f"{provider}.rst").read_text(encoding="utf-8")
    shown = re.findall(r"^\.\. scim-(\w+):: (\w+)$", page, re.MULTILINE)
    assert sorted(shown) == sorted((kind, provider) for kind, there in known.items() if there)
    created = re.findall(r'scim_connection create "[^"]+"(.*)$', page, re.MULTILINE)
    assert created == [f" --provider {provider}" if provider in GUIDES else ""]


def test_complaints_are_of_providers_with_a_page_and_said_once() -> None:
    assert {complaint.provider for complaint in COMPLAINTS} <= GUIDED.keys()
    said = [(complaint.provider, complaint.says) for complaint in COMPLAINTS]
    assert len(said) == len(set(said))
    assert all(all(complaint) for complaint in COMPLAINTS)


@pytest.mark.parametrize("index", sorted(DOCS.glob("*/index.rst")), ids=lambda index: index.parent.name)
def test_every_page_is_on_the_index_of_its_section(index: Path) -> None:
    text = index.read_text(encoding="utf-8")
    missing = [page.stem for page in index.parent.glob("*.rst") if page != index and f":doc:`{page.stem}`" not in text]
    assert missing == [], f"say in {index} what these pages are for"


LOGGING = DOCS / "howto" / "logging.rst"
RUN = """
import logging, logging.config
logging.getLogger("django").addHandler(logging.StreamHandler())  # as Django does for the mail to ADMINS
{block}
logging.config.dictConfig(LOGGING)
logging.getLogger("django_scim_provider").info("Attempt 1")
logging.getLogger("django.request").warning("Not Found: /scim/v2/Users/1")
logging.getLogger("django.request").error("Internal Server Error: /scim/v2/Users")
"""


def logged() -> Iterator[tuple[str, str]]:
    """The level and the text of each message of our logger, with "..." for what differs from case to case."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            if ast.unparse(node.func.value) == "logger":
                text = ast.literal_eval(node.args[0])
                level = {"exception": "error"}.get(node.func.attr, node.func.attr)
                yield level.upper(), re.sub(r"%[sd](: %s)?", "...", text)


def test_the_page_about_the_log_has_every_message() -> None:
    shown = re.findall(r"^   \* - ([A-Z]+)\n     - (.+)$", LOGGING.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(shown) == sorted(logged())
    assert all(level in logging.getLevelNamesMapping() for level, _ in shown)


def test_the_logging_of_the_page_prints_what_it_says() -> None:
    (block,) = blocks(LOGGING, "python")
    # In a process of its own: logging cannot be put back as it was.
    printed = subprocess.run(
        [sys.executable, "-c", RUN.format(block=block.body)], check=True, capture_output=True, text=True
    ).stderr.splitlines()
    ours, django = printed
    assert ours.endswith(" INFO django_scim_provider Attempt 1")
    assert django == "Internal Server Error: /scim/v2/Users"
