"""Streams of items, split into their items. Without I/O."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cstar_async import ConnectionFailedError, DecodeError, ResponseTooLargeError
from cstar_async._protocol.sse import ServerSentEvent
from cstar_async._types import UntypedJSON
from cstar_async.files._item_decoders import ITEM_TYPES, LINE_TYPES, ItemDecoder, item_decoder

EVENTS = "text/event-stream"
LINES = "application/jsonl"


def same(value: UntypedJSON) -> UntypedJSON:
    """Return a value as it is."""
    return value


def decoder(content_type: str, max_size: int | None = None, convert: Any = same) -> ItemDecoder[Any]:
    """Return the decoder of a content type."""
    return item_decoder({"Content-Type": content_type}, convert, max_size)


def items_of(decoder: ItemDecoder[Any], *chunks: bytes) -> list[Any]:
    """Return the items of a whole body."""
    found = [item for chunk in chunks for item in decoder.feed(chunk)]
    return [decoder.decode(item) for item in [*found, *(() if decoder.is_done else decoder.end())]]


FORMS: dict[str, bytes] = {
    EVENTS: b'data: {"a": 1}\n\nevent: x\ndata: "\xc3\xb6"\n\ndata: 3\n\n',
    f"{EVENTS}; charset=utf-8": b': comment\ndata: {"a":\ndata: 1}\r\n\r\ndata: "\\u00f6"\n\ndata: 3\n\n',
    LINES: b'{"a": 1}\n"\xc3\xb6"\n3',
    "application/x-ndjson": b'\n{"a": 1}\r\n\r\n"\xc3\xb6"\n \n3\n',
    " Application/JSON-Seq ;a=b": b'\x1e{"a":\n1}\n\x1e"\xc3\xb6"\n\x1e3\n',
}


@pytest.mark.parametrize("content_type", FORMS)
def test_items_are_the_same_wherever_the_body_is_cut(content_type: str) -> None:
    """In every form; empty lines are no items."""
    body = FORMS[content_type]
    for size in range(1, len(body) + 1):
        chunks = [body[at : at + size] for at in range(0, len(body), size)]
        assert [{"a": 1}, "ö", 3] == items_of(decoder(content_type), *chunks)


def test_every_type_of_lines_is_accepted() -> None:
    """And each is asked for."""
    for content_type in LINE_TYPES[:-1]:
        assert [1, 2] == items_of(decoder(content_type), b"1\n2")
    assert ["text/event-stream", *LINE_TYPES] == ITEM_TYPES.split(", ")


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "application/json"}, {"Content-Type": "text/plain; text/event-stream"}])
def test_another_type_is_refused(headers: dict[str, str]) -> None:
    """The error names what is read."""
    with pytest.raises(DecodeError) as caught:
        item_decoder(headers, same, None)
    message = "the response must be server-sent events or JSON lines; its content type is another"
    assert (message, 200) == (caught.value.message, caught.value.status)


def test_without_a_conversion_events_stay_events() -> None:
    """And values of lines stay JSON; the end that servers write is an event like the others."""
    events = items_of(decoder(EVENTS, None, None), b"event: a\nid: 1\ndata: x\n\ndata: [DONE]\n\n")
    assert [ServerSentEvent("x", "a", "1"), ServerSentEvent("[DONE]", "", "")] == events
    assert [{"a": 1}] == items_of(decoder(LINES, None, None), b'{"a": 1}')


def test_values_are_converted() -> None:
    """Each by itself."""
    assert ["1", "[2]"] == items_of(decoder(LINES, None, json.dumps), b"1\n[2]\n")
    assert ["1", "[2]"] == items_of(decoder(EVENTS, None, json.dumps), b"data: 1\n\ndata: [2]\n\n")


@pytest.mark.parametrize("end", [b"data: [DONE]\n\n", b"data: [DONE]\n", b"data: [DONE]"])
def test_stream_ends_where_the_server_says_so(end: bytes) -> None:
    """With or without the empty line; what follows is not read."""
    stream = decoder(EVENTS)
    assert not stream.is_done
    found = stream.feed(b"data: 1\n\n" + end)
    assert [1] == [stream.decode(item) for item in found]
    assert end.endswith(b"\n\n") == stream.is_done
    assert [] == stream.end()
    assert [1] == items_of(decoder(EVENTS), b"data: 1\n\n" + end + (b"data: 2\n\n" if end.endswith(b"\n\n") else b""))


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (EVENTS, b"data: 1\n\ndata: 2\n"),
        (EVENTS, b"data: 1\n\ndata: 2"),
        (EVENTS, b"data: 1\n\nda"),
        (LINES, b'1\n{"a":'),
        (LINES, b'1\n"'),
    ],
)
def test_stream_that_ends_inside_an_item_is_an_error(content_type: str, body: bytes) -> None:
    """It is that of a connection that broke."""
    stream = decoder(content_type)
    assert [1] == [stream.decode(item) for item in stream.feed(body)]
    with pytest.raises(ConnectionFailedError, match=r"^the stream ended in the middle of an item$"):
        stream.end()


@pytest.mark.parametrize(("content_type", "body"), [(EVENTS, b"data: {]\n\ndata: 2\n\n"), (LINES, b"{]\n2\n")])
def test_item_that_is_no_json_is_an_error_of_its_own(content_type: str, body: bytes) -> None:
    """The next one can be read."""
    stream = decoder(content_type)
    first, second = stream.feed(body)
    with pytest.raises(DecodeError) as caught:
        stream.decode(first)
    assert ("an item of the stream is not JSON", 200, None) == (caught.value.message, caught.value.status, caught.value.__cause__)
    assert 2 == stream.decode(second)


SIZED: dict[str, tuple[bytes, bytes]] = {
    EVENTS: (b"data: ", b"\n\n"),
    LINES: (b"", b"\n"),
    "application/json-seq": (b"\x1e", b"\x1e"),
}


@pytest.mark.parametrize("content_type", SIZED)
@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_item_of_the_maximum_size_is_accepted_and_a_larger_one_is_not(content_type: str, chunk: int) -> None:
    """In one piece and in many."""
    begin, end = SIZED[content_type]
    for size, is_accepted in ((50, True), (51, False), (500, False)):
        value = b'"' + b"x" * (size - 2) + b'"'
        body = begin + value + end
        stream = decoder(content_type, 50)

        def read(stream: ItemDecoder[Any] = stream, body: bytes = body) -> list[Any]:
            return items_of(stream, *(body[at : at + chunk] for at in range(0, len(body), chunk)))

        if is_accepted:
            assert [json.loads(value)] == read()
        else:
            with pytest.raises(ResponseTooLargeError) as caught:
                read()
            text = "an item of the stream is larger than 50 bytes; raise max_response_size to accept it"
            assert text == str(caught.value)


def test_items_before_a_line_that_is_too_long_are_returned() -> None:
    """The error comes with the next chunk, and at the end."""
    for then in (lambda stream: stream.feed(b"x"), lambda stream: stream.end()):
        stream = decoder(LINES, 10)
        assert [1] == [stream.decode(item) for item in stream.feed(b"1\n" + b"x" * 11)]
        with pytest.raises(ResponseTooLargeError):
            then(stream)


def test_item_after_an_event_that_is_too_large_is_returned() -> None:
    """Only its own item is lost."""
    stream = decoder(EVENTS, 10)
    large, small = stream.feed(b"data: " + b"x" * 11 + b"\n\ndata: 1\n\n")
    with pytest.raises(ResponseTooLargeError):
        stream.decode(large)
    assert 1 == stream.decode(small)


@pytest.mark.parametrize("content_type", SIZED)
def test_without_a_maximum_every_size_is_accepted(content_type: str) -> None:
    """Also in pieces."""
    begin, end = SIZED[content_type]
    body = begin + b'"' + b"x" * 10_000 + b'"' + end
    assert ["x" * 10_000] == items_of(decoder(content_type), *(body[at : at + 999] for at in range(0, len(body), 999)))


def test_chunks_of_bytes_are_items() -> None:
    """As they arrive."""
    assert [b"a", b"bc"] == items_of(ItemDecoder(), b"a", b"bc")
    assert not ItemDecoder().is_done
