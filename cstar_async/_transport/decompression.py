"""Decompress response bodies.

aiohttp can do it, but it accepts a truncated gzip body as complete, and checks its checksum after it has returned the data. Half an
export must not look like a whole one, so a body is accepted only if it is complete.
"""

from __future__ import annotations

import zlib
from typing import Final

from cstar_async.errors import ResponseTooLargeError

ACCEPT_ENCODING: Final = "gzip, deflate"
"""Header value for the encodings that `decompress` supports."""

_GZIP: Final = 16 + zlib.MAX_WBITS
_MAX_ENCODINGS: Final = 5
"""Encodings of one body. Each costs the time for a body of the maximum size."""
_FIRST_PIECE: Final = 512
"""Bytes that are decompressed first of each stream. zlib copies what it does not use, and thousands of streams may follow."""
_LAST_PIECE: Final = 65536


def decompress(body: bytes, encoding: str, max_size: int | None) -> bytes:
    """Decompress a body with the encodings of its `Content-Encoding` header, the last one first, in linear time.

    An empty body stays empty: a response without content can have the header, too.

    Raises:
        ValueError: The body is broken or truncated, or an encoding is not supported.
        ResponseTooLargeError: The body is larger than *max_size* bytes, after any of its encodings. None: no limit.
    """
    names = [name for part in encoding.lower().split(",") if (name := part.strip()) not in {"", "identity"}]
    if not body:
        return body
    if len(names) > _MAX_ENCODINGS:
        raise ValueError("it has too many content encodings")
    for name in reversed(names):
        match name:
            case "gzip" | "x-gzip":
                body = _inflate(body, _GZIP, max_size)
            case "deflate":
                # Some servers leave out the zlib header that the standard requires.
                has_header = body[:1] and body[0] & 0x0F == 8
                body = _inflate(body, zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS, max_size)
            case _:
                raise ValueError("its content encoding is not supported")
    return body


def too_large(max_size: int) -> ResponseTooLargeError:
    """Return the error for a body of more bytes than the client accepts."""
    return ResponseTooLargeError(f"the response is larger than {max_size} bytes; raise max_response_size to accept it")


def _inflate(compressed: bytes, wbits: int, max_size: int | None) -> bytes:
    """Decompress one or more consecutive streams."""
    result, left, position = bytearray(), memoryview(compressed), 0
    while position < len(compressed) or position == 0:
        stream, piece_size = zlib.decompressobj(wbits), _FIRST_PIECE
        while not stream.eof:
            piece = left[position : position + piece_size]
            if not piece:
                raise ValueError("it is truncated")
            try:
                result += stream.decompress(piece, 0 if max_size is None else max_size - len(result) + 1)
            except zlib.error as error:
                raise ValueError("it is broken") from error
            if max_size is not None and len(result) > max_size:
                raise too_large(max_size)
            position += len(piece) - len(stream.unused_data)
            piece_size = min(2 * piece_size, _LAST_PIECE)
    return bytes(result)
