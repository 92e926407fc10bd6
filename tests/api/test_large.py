"""Answers too large to be held, as a server takes them; what is in them is in ``test_groups_read.py``."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from errno import EIO, ENOSPC
from io import BytesIO
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.test import override_settings

from django_scim_provider.api import large
from django_scim_provider.api.large import LargeResponse, is_large, written_out
from django_scim_provider.protocol.errors import Unavailable


class Numbers:
    """Pieces that come from no database."""

    def __iter__(self) -> Iterator[list[dict[str, Any]]]:
        yield [{"value": "é"}, {"value": '"'}]
        yield [{"value": number} for number in range(10_000)]


class Torn(Numbers):
    """Half-way a fault of the operating system, by its number."""

    def __init__(self, errno: int) -> None:
        self.errno = errno

    def __iter__(self) -> Iterator[list[dict[str, Any]]]:
        yield from super().__iter__()
        raise OSError(self.errno, os.strerror(self.errno))


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


def test_middleware_that_looks_at_every_answer_sees_all_of_it_and_leaves_it_there(resource: dict[str, Any]) -> None:
    with written_out(resource) as file:
        response = LargeResponse(file)
        assert response.content == response.content == response.getvalue() == orjson.dumps(WHOLE)


@pytest.mark.parametrize("is_async", [False, True])
def test_the_event_loop_gets_what_middleware_made_of_it(resource: dict[str, Any], is_async: bool) -> None:
    async def in_async(blocks: Iterator[bytes]) -> AsyncIterator[bytes]:
        for block in blocks:
            yield block.upper()

    async def receive(response: LargeResponse) -> bytes:
        return b"".join([block async for block in response])

    with written_out(resource) as file:
        response = LargeResponse(file)
        blocks = response.streaming_content
        response.streaming_content = in_async(blocks) if is_async else map(bytes.upper, blocks)
        assert asyncio.run(receive(response)) == orjson.dumps(WHOLE).upper()


def test_the_file_is_where_uploads_are_and_gone_afterwards(resource: dict[str, Any], tmp_path: Path) -> None:
    with override_settings(FILE_UPLOAD_TEMP_DIR=str(tmp_path)), written_out(resource) as file:
        assert not isinstance(file, BytesIO)
    assert not list(tmp_path.iterdir())


def test_where_no_file_can_be_made_it_is_held_in_memory(
    resource: dict[str, Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As in a container whose root is read-only."""
    with override_settings(FILE_UPLOAD_TEMP_DIR=str(tmp_path / "absent")), written_out(resource) as file:
        assert LargeResponse(file).getvalue() == orjson.dumps(WHOLE)
    assert "FILE_UPLOAD_TEMP_DIR cannot be used" in caplog.text


def test_a_fault_in_the_middle_leaves_no_file_open(resource: dict[str, Any]) -> None:
    """An open one would be a warning, and warnings are errors."""

    with pytest.raises(OSError, match="Input/output"):
        written_out(resource | {"members": Torn(EIO)})


def test_a_disk_that_is_full_is_503(resource: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(Unavailable):
        written_out(resource | {"members": Torn(ENOSPC)})
    assert "no room for a large SCIM answer" in caplog.text
