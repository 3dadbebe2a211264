"""Decompression of response bodies."""

from __future__ import annotations

import gzip
import zlib

import pytest

from cstar_async._transport.decompression import decompress

TEXT = b'{"success": true, "data": {"id": "tkt_1"}}' * 5
BARE = zlib.compressobj(wbits=-zlib.MAX_WBITS)
COMPRESSED = {
    "gzip": gzip.compress(TEXT),
    "x-gzip": gzip.compress(TEXT),
    "GZip ": gzip.compress(TEXT[:20]) + gzip.compress(TEXT[20:]),
    "deflate": zlib.compress(TEXT),
    " deflate": BARE.compress(TEXT) + BARE.flush(),
    "identity": TEXT,
    "": TEXT,
    "deflate, gzip": gzip.compress(zlib.compress(TEXT)),
}


@pytest.mark.parametrize(("encoding", "body"), COMPRESSED.items(), ids=COMPRESSED)
def test_complete_body_is_decompressed(encoding: str, body: bytes) -> None:
    """From every supported encoding, and from several at once."""
    assert TEXT == decompress(body, encoding, None)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", " deflate"])
def test_body_truncated_at_any_byte_is_refused(encoding: str) -> None:
    """However little is missing."""
    body = COMPRESSED[encoding]
    for length in range(1, len(body)):
        with pytest.raises(ValueError, match=r"truncated|broken"):
            decompress(body[:length], encoding, None)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_flipped_bit_never_changes_the_body(encoding: str) -> None:
    """The body is refused, unless the bit has no effect, like those of the time in a gzip header."""
    body = COMPRESSED[encoding]
    for position in range(8 * len(body)):
        broken = bytearray(body)
        broken[position // 8] ^= 1 << position % 8
        try:
            assert TEXT == decompress(bytes(broken), encoding, None)
        except ValueError:
            continue


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip;q=1", "aes128gcm"])
def test_unsupported_encoding_is_refused(encoding: str) -> None:
    """It is not in `Accept-Encoding`."""
    with pytest.raises(ValueError, match="not supported"):
        decompress(TEXT, encoding, None)
