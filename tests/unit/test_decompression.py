"""Decompression of response bodies."""

from __future__ import annotations

import gzip
import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cstar_async import ResponseTooLargeError
from cstar_async._transport.decompression import StreamDecompressor, decompress

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


LARGE = b"".join(bytes(size) + TEXT for size in (65536, 1, 200_000, 65536 - len(TEXT)))
ENCODERS = {
    "gzip": lambda body: gzip.compress(body[: len(body) // 3]) + gzip.compress(body[len(body) // 3 :]),
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
}


@given(
    st.sampled_from([TEXT, LARGE, b"x", bytes(65536), bytes(65537)]),
    st.lists(st.sampled_from(sorted(ENCODERS)), max_size=3),
    st.data(),
)
def test_body_is_decompressed_as_it_arrives(body: bytes, encodings: list[str], data: st.DataObject) -> None:
    """Whatever the chunks, in pieces of limited size; and one without its last byte is refused."""
    compressed = body
    for encoding in encodings:
        compressed = ENCODERS[encoding](compressed)
    step = data.draw(st.sampled_from([max(len(compressed) // 50, 1), 1000, 65536, len(compressed)]))
    stream = StreamDecompressor(", ".join(encodings))

    pieces = [piece for at in range(0, len(compressed), step) for piece in stream.feed(compressed[at : at + step])]
    stream.end()

    assert body == b"".join(pieces)
    assert all(pieces)
    assert not encodings or max(map(len, pieces)) <= 65536
    if encodings:
        stream = StreamDecompressor(", ".join(encodings))
        list(stream.feed(compressed[:-1]))
        with pytest.raises(ValueError, match="truncated"):
            stream.end()


def test_every_size_is_decompressed() -> None:
    """Also where the last bytes of the input give more than one piece."""
    for size in [*range(65_530, 65_810, 3), *range(131_070, 131_350, 7)]:
        bare = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
        assert bytes(size) == decompress(bare.compress(bytes(size)) + bare.flush(), "deflate", None)


def test_maximum_size_is_that_of_the_body() -> None:
    """After each of its encodings."""
    for size in (10, 65_536, 70_000, 200_000):
        body = gzip.compress(bytes(size))
        assert bytes(size) == decompress(body, "gzip", size)
        with pytest.raises(ResponseTooLargeError) as caught:
            decompress(body, "gzip", size - 1)
        assert f"the response is larger than {size - 1} bytes; raise max_response_size to accept it" == str(caught.value)
    with pytest.raises(ResponseTooLargeError):
        decompress(gzip.compress(gzip.compress(random.Random(1).randbytes(1000))), "gzip, gzip", 900)


def test_number_of_encodings_is_limited() -> None:
    """Each costs the time for a body."""
    body = TEXT
    for _ in range(5):
        body = gzip.compress(body)
    assert TEXT == decompress(body, ", ".join(["gzip"] * 5), None)
    for read in (lambda encoding: list(StreamDecompressor(encoding).feed(body)), lambda encoding: decompress(body, encoding, None)):
        with pytest.raises(ValueError, match=r"^it has too many content encodings$"):
            read(", ".join(["gzip"] * 6))
        with pytest.raises(ValueError, match=r"^its content encoding is not supported$"):
            read("gzip, br")


def test_body_that_is_not_complete_is_refused() -> None:
    """Empty is only the whole body."""
    assert b"" == decompress(b"", "gzip", None)
    StreamDecompressor("gzip").end()
    for encoding in ("gzip, gzip", "deflate, gzip"):
        with pytest.raises(ValueError, match=r"^it is truncated$"):
            decompress(gzip.compress(b""), encoding, None)
    with pytest.raises(ValueError, match=r"^it is broken$"):
        decompress(b"abcdef", "gzip", None)
    stream = StreamDecompressor("gzip")
    list(stream.feed(gzip.compress(TEXT)[:-1]))
    with pytest.raises(ValueError, match=r"^it is truncated$"):
        stream.end()
