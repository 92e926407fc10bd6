"""Answers too large to be held, as a server takes them; what is in them is in ``test_groups_read.py``."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.test import override_settings

from django_scim_provider.api import large
from django_scim_provider.api.large import LargeResponse, is_large, written_out


class Numbers:
    """Pieces that come from no database."""

    def __iter__(self) -> Iterator[list[dict[str, Any]]]:
        yield [{"value": "é"}, {"value": '"'}]
        yield [{"value": number} for number in range(10_000)]


WHOLE = {"schemas": ["a"], "members": [member for piece in Numbers() for member in piece], "meta": {"x": None}}


@pytest.fixture
def resource(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setattr(large, "Pieces", Numbers)
    return WHOLE | {"members": Numbers()}


def test_only_what_comes_in_pieces_is_large(resource: dict[str, Any]) -> None:
    assert is_large(resource)
    assert not is_large(WHOLE)


def test_what_is_written_is_what_would_have_been_sent_at_once(resource: dict[str, Any]) -> None:
    with written_out(resource) as file:
        assert file.read() == orjson.dumps(WHOLE)


def test_the_event_loop_gets_it_block_by_block(resource: dict[str, Any]) -> None:
    async def receive(response: LargeResponse) -> list[bytes]:
        return [block async for block in response]

    with written_out(resource) as file:
        response = LargeResponse(file)
        blocks = asyncio.run(receive(response))
    assert b"".join(blocks) == orjson.dumps(WHOLE)
    assert max(map(len, blocks)) == response.block_size


def test_the_file_is_where_uploads_are_and_gone_afterwards(resource: dict[str, Any], tmp_path: Path) -> None:
    with override_settings(FILE_UPLOAD_TEMP_DIR=str(tmp_path / "absent")), pytest.raises(FileNotFoundError):
        written_out(resource)
    with override_settings(FILE_UPLOAD_TEMP_DIR=str(tmp_path)), written_out(resource):
        pass
    assert not list(tmp_path.iterdir())


def test_a_fault_in_the_middle_leaves_no_file_open(resource: dict[str, Any]) -> None:
    """An open one would be a warning, and warnings are errors."""

    def torn() -> Iterator[Any]:
        yield from Numbers()
        raise OSError("no space left on device")

    class Torn(Numbers):
        def __iter__(self) -> Iterator[list[dict[str, Any]]]:
            return torn()

    with pytest.raises(OSError, match="no space"):
        written_out(resource | {"members": Torn()})
