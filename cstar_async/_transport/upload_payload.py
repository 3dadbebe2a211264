"""Give a body with files to aiohttp."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from aiohttp import Payload
from aiohttp.abc import AbstractStreamWriter

from cstar_async._protocol.messages import Upload


class UploadPayload(Payload):
    """A body that aiohttp sends in pieces. *on_progress* is called after each one."""

    def __init__(self, upload: Upload, on_progress: Callable[[], None]) -> None:
        super().__init__(upload)
        self._upload = upload
        self._size = upload.size
        self._on_progress = on_progress

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Write the body."""

        async def write(piece: bytes | memoryview) -> None:
            await writer.write(cast("bytes", piece))
            self._on_progress()

        await self._upload.write(write)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:  # noqa: ARG002  # the signature is aiohttp's
        """Refuse to return the body as a str; aiohttp does not need it."""
        raise TypeError("a body with files is not decoded")
