"""Decompress response bodies.

aiohttp can do it, but it accepts a truncated gzip body as complete, and checks its checksum after it has returned the data. Half an
export must not look like a whole one, so a body is accepted only if it is complete.
"""

from __future__ import annotations

import zlib
from typing import Final

ACCEPT_ENCODING: Final = "gzip, deflate"
"""Header value for the encodings that `decompress` supports."""

_GZIP: Final = 16 + zlib.MAX_WBITS


def decompress(body: bytes, encoding: str) -> bytes:
    """Decompress a body with the encodings of its `Content-Encoding` header, the last one first, or raise a `ValueError`.

    An empty body stays empty: a response without content can have the header, too.
    """
    if not body:
        return body
    for name in reversed(encoding.lower().split(",")):
        match name.strip():
            case "" | "identity":
                pass
            case "gzip" | "x-gzip":
                body = _inflate(body, _GZIP)
            case "deflate":
                # Some servers leave out the zlib header that the standard requires.
                has_header = body[:1] and body[0] & 0x0F == 8
                body = _inflate(body, zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS)
            case _:
                raise ValueError("its content encoding is not supported")
    return body


def _inflate(compressed: bytes, wbits: int) -> bytes:
    """Decompress one or more consecutive streams."""
    result = b""
    while True:
        stream = zlib.decompressobj(wbits)
        try:
            result += stream.decompress(compressed)
        except zlib.error as error:
            raise ValueError("it is broken") from error
        if not stream.eof:
            raise ValueError("it is truncated")
        compressed = stream.unused_data
        if not compressed:
            return result
