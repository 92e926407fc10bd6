"""docs/reference/quirks.csv: each deviation that a provider needs, and the recording that goes wrong without it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import fields, replace

import pytest
from django.db import transaction

from corpus.player import HERE, Player, Recording, recordings
from django_scim_provider.dialects import DIALECTS, Dialect, get_dialect
from django_scim_provider.protocol.tolerance import Tolerance
from factories import ConnectionFactory
from test_conformance import TESTS, read

TABLE = read(TESTS.parent / "docs" / "reference" / "quirks.csv")
NEEDED = [(row["Quirk"], Recording(HERE / f"{name}.json")) for row in TABLE for name in row["Recordings"].split()]
SWITCHES = [field.name for field in fields(Tolerance)]
QUIRKS = [*SWITCHES, "lists_roles"]
SUITES = "suites"
"""Whose recordings are no provider's."""

Passes = Callable[[Recording, Dialect], bool]


@pytest.fixture
def passes(db: None, issue_token: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> Passes:
    def play(recording: Recording, dialect: Dialect) -> bool:
        connection = ConnectionFactory(provider="generic", **recording.content.get("connection", {}))
        with monkeypatch.context() as patched:
            patched.setitem(DIALECTS, "generic", dialect)
            try:
                Player(recording, connection, issue_token(connection)).play()
            except AssertionError:
                return False
        return True

    return play


def _without(quirk: str, recording: Recording) -> Dialect:
    """The dialect that the recording belongs to, less one quirk."""
    own = get_dialect(recording.dialects[0])
    if quirk in SWITCHES:
        return replace(own, tolerance=replace(own.tolerance, **{quirk: False}))
    return replace(own, **{quirk: False})


@pytest.mark.parametrize(("quirk", "recording"), NEEDED, ids=str)
def test_the_recording_needs_the_quirk(quirk: str, recording: Recording, passes: Passes) -> None:
    """``test_corpus`` plays it with the quirk."""
    assert not passes(recording, _without(quirk, recording))


@pytest.mark.parametrize("recording", sorted({recording for _, recording in NEEDED}, key=str), ids=str)
def test_the_strict_dialect_treats_it_otherwise(recording: Recording, passes: Passes) -> None:
    assert not passes(recording, get_dialect("strict"))


def test_every_quirk_is_needed_by_somebody() -> None:
    assert {quirk for quirk, _ in NEEDED} == set(QUIRKS)


@pytest.mark.parametrize(
    "recording",
    [each for each in recordings() if each.idp not in {needing.idp for _, needing in NEEDED}],
    ids=str,
)
def test_the_other_providers_need_no_quirk_at_all(recording: Recording, passes: Passes) -> None:
    assert passes(recording, get_dialect("strict"))


@pytest.mark.skipif("SCIM_SOAK" not in os.environ, reason="every recording without each quirk takes minutes")
def test_no_need_of_a_provider_is_missing(passes: Passes) -> None:
    missing = []
    for recording in recordings():
        own = get_dialect(recording.dialects[0])
        listed = {quirk for quirk, needing in NEEDED if needing.idp == recording.idp}
        for quirk in SWITCHES:
            if getattr(own.tolerance, quirk) and quirk not in listed and recording.idp != SUITES:
                with transaction.atomic():
                    if not passes(recording, _without(quirk, recording)):
                        missing.append(f"{recording}: {quirk}")
                    transaction.set_rollback(True)
    assert not missing
