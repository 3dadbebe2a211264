"""What bytes of the other side cost, whatever they are: time and memory in proportion to their size."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cstar_async import CStarError, DecodeError
from cstar_async._model.codec import decode_items
from cstar_async._protocol.envelope import as_object, parse_envelope, timestamp_of
from cstar_async._protocol.error_responses import parse_error
from cstar_async._protocol.headers import parse_rate_limit, parse_retry_after
from cstar_async._protocol.messages import RawResponse
from cstar_async._protocol.paging import Origin, cursor_position, cursor_request, link_header, parse_page, parse_page_info
from cstar_async._protocol.sse import SSEParser
from cstar_async._transport.decompression import StreamDecompressor, decompress
from cstar_async._values.redaction import redact
from cstar_async.files._item_decoders import ItemDecoder, item_decoder
from cstar_async.models import Ticket
from cstar_async.pagination import Paging
from cstar_async.webhooks import construct_event, sign, verify_signature
from tests.costs import peak_memory, takes_linear_time

SECRET = "whsec_a"
SIZE = 4000
"""Bytes of the smaller one of two bodies."""


def parse_error_body(body: bytes) -> None:
    """Make an error, and everything that is shown of it."""
    error = parse_error(RawResponse(400, {}, body), 0.0)
    assert str(error).isprintable()
    assert error.report()


def read_page(body: bytes) -> None:
    """Parse a page of a list, and decode its items."""
    envelope = parse_envelope(RawResponse(200, {}, body))
    items = envelope["data"]
    parse_page_info(envelope, len(items) if isinstance(items, list) else 0)
    timestamp_of(envelope)
    as_object(envelope.get("meta"))
    if isinstance(items, list):
        repr(decode_items(Ticket, items))


def read_delivery(body: bytes) -> None:
    """Verify a delivery and parse its event."""
    repr(construct_event(body, sign(body, SECRET), SECRET))


def read_signature(body: bytes) -> None:
    """Refuse a header."""
    verify_signature(b"{}", body.decode("latin-1"), SECRET)


def read_headers(body: bytes) -> None:
    """Parse the headers that the client reads."""
    text = body.decode("latin-1")
    parse_retry_after({"Retry-After": text, "Date": text}, 0.0)
    parse_rate_limit({"X-RateLimit-Limit": text, "X-RateLimit-Remaining": text, "X-RateLimit-Reset": text})
    parse_error_body(b"")
    redact(text)


def read_stream(body: bytes) -> None:
    """Parse an event stream that arrives in pieces of three sizes."""
    for size in (63, 1000, len(body)):
        parser = SSEParser(max_size=len(body) // 2 + 1)
        for at in range(0, len(body), size):
            for message in parser.feed(body[at : at + size]):
                assert len(message.data) <= len(body)


def inflate(body: bytes) -> None:
    """Decompress a body up to its own size, as a whole and as it arrives."""
    for encoding in ("gzip", "deflate", "gzip, deflate, gzip"):
        with suppress(ValueError, CStarError):
            decompress(body, encoding, len(body))
        stream, size = StreamDecompressor(encoding), 0
        with suppress(ValueError):
            for at in range(0, len(body), 1000):
                for piece in stream.feed(body[at : at + 1000]):
                    size += len(piece)
                    if size > len(body):
                        return


def read_items(body: bytes) -> None:
    """Decode the items of each kind of stream, which arrive in pieces."""
    for content_type in ("text/event-stream", "application/jsonl", "application/json-seq"):
        decoder = item_decoder({"Content-Type": content_type}, lambda value: None, len(body) // 2 + 1)
        with suppress(CStarError):
            for at in range(0, len(body), 250):
                read_each(decoder, decoder.feed(body[at : at + 250]))
            read_each(decoder, decoder.end())


def read_each(decoder: ItemDecoder[None], items: list[Any]) -> None:
    """Decode items; one that cannot be decoded does not end the stream."""
    for item in items:
        with suppress(DecodeError):
            decoder.decode(item)


CURSORS = Paging(kind="cursor", parameter="cursor", items="data", next="error.message")
ORIGIN = Origin("127.0.0.1", "/api/v1/things", "status=open&tag=a", "key=a")


def follow_cursor(body: bytes) -> None:
    """Find the next page in a body and in a header, and build the request for it."""
    text = body.decode("latin-1")
    response = RawResponse(200, {"Link": f"<{text}>; rel=next, {text}"}, body)
    with suppress(CStarError):
        parse_page(CURSORS, response, 100)
    for following in (f"/a?{text}", f"https://127.0.0.1/{text}", *link_header(response.headers).values()):
        if following:
            with suppress(CStarError):
                cursor_request(cursor_position(CURSORS, following, ORIGIN), ORIGIN.filters, "size=100")


CONSUMERS: dict[Callable[[bytes], None], int] = {
    parse_error_body: 60,
    read_page: 160,  # a model for each pair of braces
    read_delivery: 60,
    read_signature: 80,
    read_headers: 30,
    read_stream: 60,
    inflate: 12,
    read_items: 60,
    follow_cursor: 300,  # each parameter of a query is decoded
}
"""How many bytes of memory each takes at most for a byte."""
ENOUGH = 300_000
"""Bytes of memory that do not depend on the size."""

BEGINNINGS = st.sampled_from(
    [
        b"",
        b"{",
        b'{"error": {"message": "',
        b'{"error": ',
        b'{"data": [',
        b'{"type": "',
        b"data: ",
        b"id: ",
        b"t=1,v1=",
        b'<a>; rel="',
        b"\x1f\x8b\x08\0",
    ]
)
UNITS = st.lists(
    st.sampled_from(
        [
            *(
                b"{",
                b"[",
                b"}",
                b"]",
                b",",
                b":",
                b'"',
                b"\\",
                b"0",
                b"9",
                b"-",
                b"e",
                b".",
                b" ",
                b"\t",
                b"\n",
                b"\r",
                b"\r\n",
                b"\0",
            ),
            *(
                b"\xff",
                b"\xe2\x80\xa8",
                b"\\ud83c",
                b"\\ud83c\\udf89",
                b"\\u0000",
                b"null",
                b"true",
                b"NaN",
                b"{},",
                b"[],",
                b'{"":0},',
            ),
            *(
                b'{"a":',
                b'{"id":"a"},',
                b"data:",
                b"data: x\n",
                b"data:xx\n",
                b"\x1e",
                b"a ",
                b";rel=",
                b"<",
                b">",
                b"&a=",
                b"?",
                b"/",
                b"id:",
                b"event:",
                b"retry:",
                b":\n",
                b"t=",
                b"v1=",
                b"=",
                b"a",
                b"A",
            ),
            *(
                b"sk_",
                b"Bearer ",
                b"@",
                b"%",
                b"2026-03-01T",
                b"\x1f\x8b\x08\0\0\0\0\0\0\xff\x03\0\0\0\0\0\0\0\0\0",
                b"\x78\x9c\x03\0\0\0\0\x01",
            ),
        ]
    ),
    min_size=1,
    max_size=4,
).map(b"".join)
ENDS = st.sampled_from([b"", b'"}}', b"]}", b"}]}", b'"}', b"\n\n", b"\x1e", b"\0"])


@pytest.mark.no_cover
@pytest.mark.parametrize("consume", CONSUMERS, ids=lambda consume: consume.__name__)
@given(BEGINNINGS, UNITS, ENDS)
@example(b'{"data": [', b"{},", b"{}]}")
@example(b'{"error": {"message": "', b"A", b'"}}')
@example(b'{"error": {"message": "', b"\\ud83c", b'"}}')
@example(b'{"error": {"message": "', b"@", b'"}}')
@example(b"", b"data:\n", b"\n\n")
@example(b"", b"data:xx\n", b"\n\n")
@example(b'<a>; rel="', b"a ", b'"')
@example(b"", b"{}\n", b"")
@example(b'{"error": {"message": "/?', b"&a=%2f", b'"}}')
@example(b"", b"[", b"")
@example(b"", b"\x1f\x8b\x08\0\0\0\0\0\0\xff\x03\0\0\0\0\0\0\0\0\0", b"")
@example(b"t=1,v1=", b",v1=a", b"")
@settings(max_examples=60)
def test_cost_is_in_proportion_to_the_size(consume: Callable[[bytes], None], beginning: bytes, unit: bytes, end: bytes) -> None:
    """Eight times the bytes take at most some eight times the time, and a byte takes a limited number of bytes of memory."""

    def run(size: int) -> None:
        body = beginning + unit * (size // len(unit)) + end
        with suppress(CStarError):
            consume(body)

    assert peak_memory(lambda: run(8 * SIZE)) < CONSUMERS[consume] * 8 * SIZE + ENOUGH
    assert takes_linear_time(run, SIZE)
