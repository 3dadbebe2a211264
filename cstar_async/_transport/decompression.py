"""Decompress response bodies, as a whole or as they arrive.

aiohttp can do it, but it accepts a truncated gzip body as complete, and leaves a body with several encodings as it is. Half an
export must not look like a whole one, so the end of a body is accepted only if it is complete.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
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
    for decoder in _decoders(encoding) if body else ():
        result = bytearray()
        for piece in decoder.feed(body):
            result += piece
            if max_size is not None and len(result) > max_size:
                raise too_large(max_size)
        decoder.end()
        body = bytes(result)
    return body


class StreamDecompressor:
    """Decompress a body as it arrives, in pieces of limited size.

    Args:
        encoding: Its `Content-Encoding` header.
    """

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding
        self._decoders: list[_Decoder] | None = None

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield what a chunk contains. Raises a `ValueError` if it is broken, or its encoding is not supported."""
        if self._decoders is None:
            self._decoders = _decoders(self._encoding)
        pieces = iter((chunk,))
        for decoder in self._decoders:
            pieces = _feed_all(decoder, pieces)
        return pieces

    def end(self) -> None:
        """Check that the body ends here. Raises a `ValueError` if it is truncated."""
        for decoder in self._decoders or ():
            decoder.end()


def too_large(max_size: int) -> ResponseTooLargeError:
    """Return the error for a body of more bytes than the client accepts."""
    return ResponseTooLargeError(f"the response is larger than {max_size} bytes; raise max_response_size to accept it")


def _decoders(encoding: str) -> list[_Decoder]:
    """Return a decoder for each encoding, the last one first."""
    names = [name for part in encoding.lower().split(",") if (name := part.strip()) not in {"", "identity"}]
    if len(names) > _MAX_ENCODINGS:
        raise ValueError("it has too many content encodings")
    if not {"gzip", "x-gzip", "deflate"}.issuperset(names):
        raise ValueError("its content encoding is not supported")
    return [_Decoder(is_gzip=name != "deflate") for name in reversed(names)]


def _feed_all(decoder: _Decoder, pieces: Iterator[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        yield from decoder.feed(piece)


class _Decoder:
    """Decompress one encoding: one or more consecutive streams of zlib."""

    def __init__(self, *, is_gzip: bool) -> None:
        self._wbits = _GZIP if is_gzip else 0
        self._stream = zlib.decompressobj(_GZIP)
        self._is_begun, self._is_at_end = False, True
        self._piece_size = _FIRST_PIECE

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what the data contains, in pieces of limited size."""
        left, position = memoryview(data), 0
        while position < len(left):
            if not self._wbits:
                # Some servers leave out the zlib header that the standard requires.
                self._wbits = zlib.MAX_WBITS if left[0] & 0x0F == 8 else -zlib.MAX_WBITS
            if self._is_at_end:
                self._stream, self._piece_size, self._is_begun = zlib.decompressobj(self._wbits), _FIRST_PIECE, True
            piece = left[position : position + self._piece_size]
            yield from self._decompress(piece)
            self._is_at_end = self._stream.eof
            position += len(piece) - len(self._stream.unused_data)
            self._piece_size = min(2 * self._piece_size, _LAST_PIECE)

    def end(self) -> None:
        """Raise a `ValueError` unless the last stream has ended."""
        if not (self._is_begun and self._is_at_end):
            raise ValueError("it is truncated")

    def _decompress(self, piece: bytes | memoryview) -> Iterator[bytes]:
        size = _LAST_PIECE
        # After a full result, zlib may have more without any further byte. After its end, it returns nothing.
        while (piece or size == _LAST_PIECE) and not self._stream.eof:
            try:
                result = self._stream.decompress(piece, _LAST_PIECE)
            except zlib.error as error:
                raise ValueError("it is broken") from error
            size = len(result)
            if result:
                yield result
            piece = self._stream.unconsumed_tail
