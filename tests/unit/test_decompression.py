"""Bodies that were packed for the way."""

from __future__ import annotations

import gzip
import zlib

import pytest

from cstar_async._transport.decompression import decompress

TEXT = b'{"success": true, "data": {"id": "tkt_1"}}' * 5
BARE = zlib.compressobj(wbits=-zlib.MAX_WBITS)
PACKED = {
    "gzip": gzip.compress(TEXT),
    "x-gzip": gzip.compress(TEXT),
    "GZip ": gzip.compress(TEXT[:20]) + gzip.compress(TEXT[20:]),
    "deflate": zlib.compress(TEXT),
    " deflate": BARE.compress(TEXT) + BARE.flush(),
    "identity": TEXT,
    "": TEXT,
    "deflate, gzip": gzip.compress(zlib.compress(TEXT)),
}


@pytest.mark.parametrize(("encoding", "body"), PACKED.items(), ids=PACKED)
def test_a_whole_body_is_unpacked(encoding: str, body: bytes) -> None:
    """Every known encoding, also several on top of each other, gives the text back."""
    assert TEXT == decompress(body, encoding)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", " deflate"])
def test_a_body_cut_at_any_byte_is_refused(encoding: str) -> None:
    """However little is missing, it is not taken for the whole."""
    body = PACKED[encoding]
    for length in range(len(body)):
        with pytest.raises(ValueError, match=r"cut short|broken"):
            decompress(body[:length], encoding)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_turned_bit_is_never_taken_for_the_text(encoding: str) -> None:
    """A broken body is refused, unless the bit says nothing of the text, as the time in a gzip head."""
    body = PACKED[encoding]
    for place in range(8 * len(body)):
        broken = bytearray(body)
        broken[place // 8] ^= 1 << place % 8
        try:
            assert TEXT == decompress(bytes(broken), encoding)
        except ValueError:
            continue


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip;q=1", "aes128gcm"])
def test_an_unknown_encoding_is_refused(encoding: str) -> None:
    """What was not asked for is no answer."""
    with pytest.raises(ValueError, match="not known"):
        decompress(TEXT, encoding)
