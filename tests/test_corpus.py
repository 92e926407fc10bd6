"""What identity providers send, replayed from ``tests/corpus``; its README says how a recording is written."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from corpus.player import HERE, KEYS, STEP_KEYS, Player, Recording, recordings
from django_scim_provider.dialects import get_dialect
from factories import ConnectionFactory

ALL = recordings()


def _dialects(recording: Recording) -> list[str]:
    """The generic dialect, so that a wrong choice of provider breaks nothing, and the provider's own if it has one."""
    chosen: list[str] | None = recording.content.get("dialects")
    if chosen is not None:
        return chosen
    own = recording.provider
    return ["generic"] if get_dialect(own) is get_dialect("generic") else ["generic", own]


PLAYED = [
    pytest.param(recording, dialect, id=f"{recording}-{dialect}")
    for recording in ALL
    for dialect in _dialects(recording)
]
MakePlayer = Callable[..., Player]


@pytest.fixture
def player(db: None, issue_token: Callable[..., str]) -> MakePlayer:
    def make(recording: Recording, provider: str, repeat: int = 1) -> Player:
        connection = ConnectionFactory(provider=provider, **recording.content.get("connection", {}))
        return Player(recording, connection, issue_token(connection), repeat)

    return make


@pytest.mark.hosts
@pytest.mark.parametrize(("recording", "dialect"), PLAYED)
def test_the_sequence_gets_what_its_provider_expects(recording: Recording, dialect: str, player: MakePlayer) -> None:
    player(recording, dialect).play()


@pytest.mark.parametrize(("recording", "dialect"), PLAYED)
def test_every_request_sent_twice_changes_nothing_more(recording: Recording, dialect: str, player: MakePlayer) -> None:
    """Providers send again what timed out: the state after each step is the same, and so is every later answer."""
    player(recording, dialect, repeat=2).play()


@pytest.mark.parametrize(
    "recording",
    [
        pytest.param(recording, id=str(recording))
        for recording in ALL
        if any("strict" in step for step in recording.steps)
    ],
)
def test_a_strict_connection_refuses_the_quirk_and_writes_nothing(recording: Recording, player: MakePlayer) -> None:
    assert player(recording, _dialects(recording)[-1]).play_strict()


@pytest.mark.parametrize("recording", [pytest.param(recording, id=str(recording)) for recording in ALL])
def test_the_recording_is_well_formed(recording: Recording) -> None:
    assert recording.content.keys() <= KEYS
    assert recording.content.keys() >= {"title", "why", "sources", "steps"}
    for step in recording.steps:
        assert step.keys() <= STEP_KEYS
        assert step.keys() >= {"why", "method", "path", "status"}
    known = set(re.findall(r"^   \* - ``([\w-]+)``", (HERE / "README.rst").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(recording.content["sources"]) <= known, "name the source in README.rst"
