"""What identity providers send, replayed from ``tests/corpus``; its README says how a recording is written."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

import pytest

from corpus.player import HERE, KEYS, STEP_KEYS, Player, Recording, recordings
from factories import ConnectionFactory

SOAK = bool(os.environ.get("SCIM_SOAK"))
ALL = recordings()
MakePlayer = Callable[..., Player]


def _wrong(recording: Recording) -> list[str]:
    """What an administrator may have chosen by mistake; one of the dialects in turn, unless there is time for all."""
    others = recording.dialects[1:]
    if SOAK or len(others) < 2:
        return others
    # Whoever chooses nothing has the generic dialect.
    return ["generic"] if "generic" in others else [others[ALL.index(recording) % len(others)]]


@pytest.fixture
def player(db: None, issue_token: Callable[..., str]) -> MakePlayer:
    def make(recording: Recording, provider: str, repeat: int = 1) -> Player:
        connection = ConnectionFactory(provider=provider, **recording.content.get("connection", {}))
        return Player(recording, connection, issue_token(connection), repeat)

    return make


@pytest.mark.hosts
@pytest.mark.parametrize("recording", ALL, ids=str)
def test_the_sequence_gets_what_its_provider_expects(recording: Recording, player: MakePlayer) -> None:
    player(recording, recording.dialects[0]).play()


@pytest.mark.parametrize(
    ("recording", "dialect"),
    [
        pytest.param(recording, dialect, id=f"{recording}-{dialect}")
        for recording in ALL
        for dialect in _wrong(recording)
    ],
)
def test_a_wrong_choice_of_provider_breaks_nothing(recording: Recording, dialect: str, player: MakePlayer) -> None:
    player(recording, dialect).play()


@pytest.mark.parametrize("recording", ALL, ids=str)
def test_every_request_sent_twice_changes_nothing_more(recording: Recording, player: MakePlayer) -> None:
    """Providers send again what timed out: the state after each step is the same, and so is every later answer."""
    player(recording, recording.dialects[0], repeat=2).play()


@pytest.mark.parametrize(
    "recording", [recording for recording in ALL if any("strict" in step for step in recording.steps)], ids=str
)
def test_a_strict_connection_refuses_the_quirk_and_writes_nothing(recording: Recording, player: MakePlayer) -> None:
    assert player(recording, recording.dialects[0]).play_strict()


def test_recordings_are_well_formed() -> None:
    known = set(re.findall(r"^   \* - ``([\w-]+)``", (HERE / "README.rst").read_text(encoding="utf-8"), re.MULTILINE))
    for recording in ALL:
        assert recording.content.keys() <= KEYS, recording
        assert recording.content.keys() >= {"title", "why", "sources", "steps"}, recording
        assert set(recording.content["sources"]) <= known, f"{recording}: name the source in README.rst"
        for step in recording.steps:
            assert step.keys() <= STEP_KEYS, recording
            assert step.keys() >= {"why", "method", "path", "status"}, recording
