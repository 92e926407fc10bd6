"""Which pages there are: one for each identity provider, and every one on the index of its section."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from django_scim_provider.admin.guides import GUIDES, UNLISTED
from django_scim_provider.dialects.complaints import COMPLAINTS
from test_docs import DOCS

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
