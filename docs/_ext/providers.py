"""What pages say of an identity provider and the panel knows already: steps, attributes, messages, recordings."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from django_scim_provider.admin.guides import GENERIC, GUIDES, UNLISTED, Guide
from django_scim_provider.dialects.complaints import COMPLAINTS, Complaint

CORPUS = Path(__file__).resolve().parents[2] / "tests" / "corpus"
PROVIDERS: dict[str, Guide] = {"generic": GENERIC, **GUIDES, **UNLISTED}


def text(words: object) -> str:
    """Plain text, none of it taken for markup."""
    return re.sub(r"([\\*`|_\[])", r"\\\1", str(words))


def table(widths: str, *rows: Iterable[str]) -> Iterator[str]:
    yield from (".. list-table::", "   :header-rows: 1", f"   :widths: {widths}", "")
    for row in rows:
        for number, cell in enumerate(row):
            yield f"   {' ' if number else '*'} - {cell}"
    yield ""


def steps(provider: str) -> Iterator[str]:
    guide = PROVIDERS[provider]
    labels = (("the base URL", guide.base_url_label), ("the token", guide.token_label))
    yield from table("30 70", ("Here", f"In {guide.name}"), *((here, text(theirs)) for here, theirs in labels))
    yield from (f"#. {text(step)}" for step in guide.steps)
    if guide.otherwise is not None:
        name, other = guide.otherwise
        yield from ("", f"{text(name)}:", "", *(f"#. {text(step)}" for step in other))


def attributes(provider: str) -> Iterator[str]:
    rows = [(f"``{theirs}``", f"``{ours}``") for theirs, ours in PROVIDERS[provider].attributes]
    yield from table("45 55", (f"In {PROVIDERS[provider].name}", "Attribute in SCIM"), *rows)


def complaints(provider: str) -> Iterator[str]:
    """Of one provider, or of all."""

    def row(one: Complaint) -> Iterator[str]:
        if not provider:
            yield f":doc:`/howto/identity-providers/{one.provider}`"
        yield from (f"``{one.says}``", text(one.cause), text(one.remedy))

    heads = ("Message", "Cause", "What to do here")
    found = [one for one in COMPLAINTS if provider in ("", one.provider)]
    yield from table(
        "28 32 40" if provider else "14 26 28 32", heads if provider else ("Provider", *heads), *map(row, found)
    )


def recordings(provider: str) -> Iterator[str]:
    files = sorted((CORPUS / provider).glob("*.json"))
    if not files:
        raise ValueError(f"No recordings of {provider}")
    found = [(path.stem, json.loads(path.read_text(encoding="utf-8"))) for path in files]
    rows = ((text(one["title"]), text(one["why"]), f"``{name}``") for name, one in found)
    yield from table("26 54 20", ("Situation", "What is particular about it", "Recording"), *rows)
