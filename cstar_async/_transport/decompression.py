"""What HTTP calls content encodings: bodies that were packed for the way.

aiohttp would unpack them by itself, but takes a gzip body that is cut short for a whole one and does not look at its checksum until
it has handed out what is wrong. Half an export must not pass for a whole one, so a body counts only if it is complete.
"""

from __future__ import annotations

import zlib
from typing import Final

ACCEPTED: Final = "gzip, deflate"
"""What a client can unpack, as the header `Accept-Encoding`."""

_GZIP: Final = 16 + zlib.MAX_WBITS


def decompress(body: bytes, encoding: str) -> bytes:
    """A body as it was before it was packed.

    Args:
        body: As it came.
        encoding: The header `Content-Encoding`; of several encodings the last was applied last.

    Raises:
        ValueError: The body is cut short, broken, or packed in a way that is not known.
    """
    for name in reversed(encoding.lower().split(",")):
        match name.strip():
            case "" | "identity":
                pass
            case "gzip" | "x-gzip":
                body = _inflate(body, _GZIP)
            case "deflate":
                # Some servers leave out the frame that the standard asks for.
                is_framed = body[:1] and body[0] & 0x0F == 8
                body = _inflate(body, zlib.MAX_WBITS if is_framed else -zlib.MAX_WBITS)
            case _:
                raise ValueError("the content encoding is not known")
    return body


def _inflate(packed: bytes, form: int) -> bytes:
    """Unpack one or more streams, one after the other."""
    unpacked = b""
    while True:
        stream = zlib.decompressobj(form)
        try:
            unpacked += stream.decompress(packed)
        except zlib.error as error:
            raise ValueError("the body is broken") from error
        if not stream.eof:
            raise ValueError("the body is cut short")
        packed = stream.unused_data
        if not packed:
            return unpacked
