"""Bytes of a hostile server: whatever they are, memory and time stay in proportion to their size and to the limit."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cstar_async._protocol.error_responses import parse_error
from cstar_async._protocol.messages import RawResponse
from cstar_async._transport.decompression import decompress
from cstar_async.errors import ResponseTooLargeError
from tests.costs import takes_linear_time

LIMIT = 200_000
MEMBERS = st.lists(st.tuples(st.sampled_from([b"", b"a", b"0123456789"]), st.integers(0, 200_000)), min_size=1, max_size=4)
HOSTILE = st.text(st.characters(categories=None) | st.sampled_from("\n\r\x00\x1b\u2028\u202e@ _"), max_size=300)


def compress(members: list[tuple[bytes, int]], layers: int) -> bytes:
    """Return gzip members, compressed again for each further layer."""
    body = b"".join(gzip.compress(unit * count, 1) for unit, count in members)
    for _ in range(layers - 1):
        body = gzip.compress(body, 1)
    return body


@given(MEMBERS, st.integers(1, 3), st.integers(0, 5))
@example([(b"0123456789", 200_000)], 3, 0)
@example([(b"", 0)], 1, 1)
def test_decompression_holds_no_more_than_the_limit(members: list[tuple[bytes, int]], layers: int, missing: int) -> None:
    """A body is returned whole, refused as broken, or refused as too large."""
    body = compress(members, layers)
    body = body[: len(body) - missing]
    size = sum(len(unit) * count for unit, count in members)
    tracemalloc.start()
    try:
        assert len(decompress(body, ", ".join(["gzip"] * layers), LIMIT)) == size <= LIMIT
        assert missing == 0
    except ResponseTooLargeError:
        assert size > LIMIT or len(compress(members, 1)) > LIMIT
    except ValueError:
        assert missing > 0
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 4 * (LIMIT + len(body)) + 300_000


@pytest.mark.no_cover
@pytest.mark.parametrize("layer", [gzip.compress, zlib.compress])
@pytest.mark.parametrize("content", [b"", b"a"])
def test_many_streams_take_linear_time(layer: type, content: bytes) -> None:
    """Eight times as many take at most some twenty times as long."""
    member: bytes = layer(content)
    encoding = "gzip" if layer is gzip.compress else "deflate"
    assert takes_linear_time(lambda count: decompress(member * count, encoding, None), 2_000)


@given(
    st.binary(max_size=200) | st.builds(lambda text: b'{"error": {"message": "' + text.encode("utf-8", "surrogatepass"), HOSTILE)
)
@example(rb'{"error": {"message": "\ud83c\u001b[2J\n", "code": "\u2028", "param": "\udf89", "request_id": "a\u0000b"}}')
def test_an_error_is_printable_whatever_its_body_is(body: bytes) -> None:
    """And of the class of its status."""
    error = parse_error(RawResponse(404, {}, body), 0.0)
    assert (error.status, str(error).isprintable(), len(str(error)) <= 2000) == (404, True, True)
    assert all(line.isprintable() for line in error.report().split("\n"))


@given(HOSTILE, st.sampled_from(["message", "code", "param", "type", "doc_url", "request_id"]))
def test_an_attribute_of_an_error_is_printable(value: str, name: str) -> None:
    """Control characters, line ends and what cannot be encoded are replaced."""
    body = b'{"error": {"%s": %s}}' % (name.encode(), ascii_json(value))
    error = parse_error(RawResponse(500, {}, body), 0.0)
    found = getattr(error, name)
    assert found is None or (found.isprintable() and len(found.encode()) <= 8000)


def ascii_json(value: str) -> bytes:
    """Return a JSON string with escapes, half surrogate pairs included."""
    units = value.encode("utf-16-be", "surrogatepass").hex()
    return b'"' + "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4)).encode() + b'"'
