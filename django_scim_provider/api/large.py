"""A group with thousands of members is never held as a whole: it is written to a file, which is sent."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from errno import EDQUOT, ENOSPC
from io import BytesIO
from tempfile import TemporaryFile
from typing import Any, BinaryIO, cast

import orjson
from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import FileResponse

from ..protocol.errors import Unavailable
from ..services.member_rows import Pieces
from .exceptions import RETRY_AFTER

logger = logging.getLogger("django_scim_provider")


class LargeResponse(FileResponse):
    """Sent by the server itself where it can; under ASGI read off the event loop, of which Django would warn.

    :param file: what is sent, from where it stands.
    """

    def __init__(self, file: BinaryIO, **options: Any) -> None:
        super().__init__(file, **options)
        self.file = file

    @property
    def content(self) -> bytes:  # type: ignore[override] # Django's raises
        """All of it, for middleware that looks at what every answer says."""
        content = self.file.read()
        self.file.seek(0)
        return content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        # What middleware made of it, in place of the file.
        if self.is_async:
            async for each in cast("AsyncIterator[bytes]", self.streaming_content):
                yield each
            return
        blocks = iter(cast("Iterator[bytes]", self.streaming_content))
        following = sync_to_async(lambda: next(blocks, None))
        while (block := await following()) is not None:
            yield block


def is_large(resource: Mapping[str, Any]) -> bool:
    """Whether a resource has a value that comes in pieces."""
    return any(isinstance(value, Pieces) for value in resource.values())


def written_out(resource: Mapping[str, Any]) -> BinaryIO:
    """The JSON of a resource in a file that is gone when it is closed, in ``FILE_UPLOAD_TEMP_DIR``.

    All of it is there before the first byte is sent: where the database fails half-way, the answer is still an error.

    :raises Unavailable: the file does not fit on its disk.
    """
    file = _file()
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
    except BaseException as error:
        file.close()
        if isinstance(error, OSError) and error.errno in (ENOSPC, EDQUOT):
            logger.error("There is no room for a large SCIM answer in FILE_UPLOAD_TEMP_DIR.", exc_info=error)
            raise Unavailable(retry_after=RETRY_AFTER) from error
        raise
    return file


def _file() -> BinaryIO:
    """In memory where files cannot be written, as in a container whose root is read-only."""
    try:
        return TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR)
    except OSError as error:
        logger.warning("A large SCIM answer is held in memory, since FILE_UPLOAD_TEMP_DIR cannot be used: %s", error)
        return BytesIO()
