"""A group with thousands of members is never held as a whole: it is written to a file, which is sent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from tempfile import TemporaryFile
from typing import Any, BinaryIO

import orjson
from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import FileResponse

from ..services.member_rows import Pieces


class LargeResponse(FileResponse):
    """Sent by the server itself where it can; under ASGI read off the event loop, of which Django would warn."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        file: Any = self.file_to_stream
        while block := await sync_to_async(file.read)(self.block_size):
            yield block


def is_large(resource: Mapping[str, Any]) -> bool:
    """Whether a resource has a value that comes in pieces."""
    return any(isinstance(value, Pieces) for value in resource.values())


def written_out(resource: Mapping[str, Any]) -> BinaryIO:
    """The JSON of a resource in a file that is gone when it is closed, in ``FILE_UPLOAD_TEMP_DIR``.

    All of it is there before the first byte is sent: where the database fails half-way, the answer is still an error.
    """
    file = TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR)  # noqa: SIM115 (the response closes it)
    try:
        for number, (name, value) in enumerate(resource.items()):
            file.write((b"," if number else b"{") + orjson.dumps(name) + b":")
            if not isinstance(value, Pieces):
                file.write(orjson.dumps(value))
                continue
            for place, piece in enumerate(value):
                file.write((b"," if place else b"[") + orjson.dumps(piece)[1:-1])
            file.write(b"]")
        file.write(b"}")
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file
