"""The parser of server-sent events, compared with the standard."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cstar_async._protocol.sse import ServerSentEvent, SSEParser
from tests.costs import takes_linear_time


def parse(*chunks: bytes) -> list[ServerSentEvent]:
    """Return the messages of a stream that is received in chunks."""
    parser = SSEParser()
    return [message for chunk in chunks for message in parser.feed(chunk)]


@pytest.mark.parametrize(
    ("stream", "messages"),
    [
        (b"data: a\n\n", [("a", "", "")]),
        (b"data:a\n\n", [("a", "", "")]),
        (b"data:  a\n\n", [(" a", "", "")]),
        (b"data: a\ndata: b\n\n", [("a\nb", "", "")]),
        (b"data\n\n", [("", "", "")]),
        (b"data\ndata\n\n", [("\n", "", "")]),
        (b"event: x\ndata: a\n\ndata: b\n\n", [("a", "x", ""), ("b", "", "")]),
        (b"id: 7\ndata: a\n\ndata: b\n\n", [("a", "", "7"), ("b", "", "")]),
        (b"id: 7\ndata: a\n\nid\ndata: b\n\n", [("a", "", "7"), ("b", "", "")]),
        (b"id: a\0b\ndata: a\n\n", [("a", "", "")]),
        (b"id: 7\nid: a\0b\ndata: a\n\n", [("a", "", "7")]),
        (b"id: 7\n\ndata: a\n\n", [("a", "", "")]),
        (b": a comment\n\ndata: a\n\n", [("a", "", "")]),
        (b"event: x\n\ndata: a\n\n", [("a", "", "")]),
        (b"other: x\ndata: a\n\n", [("a", "", "")]),
        (b"data: a", []),
        (b"data: a\n", []),
        (b"data: a\r\rdata: b\r\n\r\n", [("a", "", ""), ("b", "", "")]),
        (b"\xef\xbb\xbfdata: a\n\n", [("a", "", "")]),
        (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n", []),
        (b"data: \xff\n\n", [("\ufffd", "", "")]),
        ("data: \u2028\x85\x0b\n\n".encode(), [("\u2028\x85\x0b", "", "")]),
    ],
)
def test_a_stream_is_parsed_as_the_standard_defines(stream: bytes, messages: list[tuple[str, str, str]]) -> None:
    """Fields, comments, line ends, the byte order mark, and invalid UTF-8. Only an id counts for its own message alone."""
    assert [ServerSentEvent(*message) for message in messages] == parse(stream)


def test_a_carriage_return_ends_a_message_at_once() -> None:
    """A line feed that follows in the next chunk is ignored."""
    parser = SSEParser()
    assert [ServerSentEvent("a", "", "")] == parser.feed(b"data: a\r\r")
    assert [] == parser.feed(b"\n")
    assert [ServerSentEvent("b", "", "")] == parser.feed(b"data: b\n\n")


@pytest.mark.parametrize(
    ("text", "seconds"), [(b"1500", 1.5), (b"0", 0.0), (b"x", None), (b"-1", None), (b"", None), (b"9" * 20, None)]
)
def test_the_reconnection_time_is_parsed(text: bytes, seconds: float | None) -> None:
    """It is in milliseconds and has only ASCII digits."""
    parser = SSEParser()
    parser.feed(b"retry: " + text + b"\n")
    assert parser.retry == seconds


def test_an_id_counts_when_its_message_is_complete() -> None:
    """A truncated message is requested again."""
    parser = SSEParser("1")
    parser.feed(b"id: 2\ndata: a\n")
    assert parser.last_event_id == "1"
    parser.feed(b"\n")
    assert parser.last_event_id == "2"


@pytest.mark.parametrize("without_id", [b"data: b\n\n", b": comment\n\n", b"retry: 5\n\n", b"id: a\0b\ndata: b\n\n"])
def test_a_message_without_an_id_keeps_the_last_one(without_id: bytes) -> None:
    """The next connection continues after the last id. An empty id deletes it."""
    parser = SSEParser()
    parser.feed(b"id: 7\ndata: a\n\n" + without_id)
    assert parser.last_event_id == "7"
    parser.feed(b"id:\n\n")
    assert parser.last_event_id == ""


def test_a_long_line_takes_linear_time() -> None:
    """It arrives in pieces."""

    def parse(pieces: int) -> None:
        parser = SSEParser(max_size=10_000_000)
        for _ in range(pieces):
            parser.feed(b"data: x")
        assert parser.feed(b"\n\n")

    assert takes_linear_time(parse, 10_000)


def test_a_message_without_an_end_takes_limited_memory() -> None:
    """Only the beginning of its data is kept, in one line or in many, and the next message is parsed."""
    parser = SSEParser(max_size=100)
    for _ in range(50):
        assert [] == parser.feed(b"data: " + b"x" * 10 + b"\n")
    assert [ServerSentEvent("x" * 10, "", "", is_too_large=True)] == parser.feed(b"\ndata: ")
    for _ in range(500):
        assert [] == parser.feed(b"x" * 10)
    assert len(parser._line) < 200
    large, after = parser.feed(b"\n\ndata: a\n\n")
    assert (large.is_too_large, set(large.data), len(large.data) < 200) == (True, {"x"}, True)
    assert ServerSentEvent("a", "", "") == after


@given(
    lines=st.lists(
        st.tuples(
            st.sampled_from(["data: ", "id:", "event: ", ":", "", "data", "retry: "]),
            st.text(max_size=5),
            st.sampled_from(["\n", "\r", "\r\n"]),
        ),
        max_size=12,
    ),
    cuts=st.lists(st.integers(0, 200), max_size=8),
)
def test_chunk_borders_make_no_difference(lines: list[tuple[str, str, str]], cuts: list[int]) -> None:
    """They may be inside a character or a line end."""
    stream = "".join("".join(line) for line in lines).encode() + b"\n\n"
    borders = sorted({min(cut, len(stream)) for cut in cuts} | {0, len(stream)})
    assert parse(stream) == parse(*(stream[start:end] for start, end in itertools.pairwise(borders)))


@given(st.lists(st.binary(max_size=20), max_size=10))
def test_arbitrary_bytes_raise_nothing(chunks: list[bytes]) -> None:
    """Every stream can be parsed."""
    parse(*chunks)


@pytest.mark.parametrize(
    ("stream", "message"),
    [
        (b"event: a\xff\ndata: b\n\n", ServerSentEvent("b", "a\ufffd", "")),
        (b"id: a\xff\ndata: b\n\n", ServerSentEvent("b", "", "a\ufffd")),
        (b"id: " + b"x" * 255 + b"\ndata: b\n\n", ServerSentEvent("b", "", "x" * 255)),
        (b"id: " + b"x" * 256 + b"\ndata: b\n\n", ServerSentEvent("b", "", "")),
    ],
)
def test_type_and_id_are_text(stream: bytes, message: ServerSentEvent) -> None:
    """What is no UTF-8 is replaced. An id that is too long for a header is none."""
    assert [message] == parse(stream)


def test_parser_continues_a_connection() -> None:
    """With its id and its reconnection time. A line feed at the beginning is an empty line."""
    parser = SSEParser("7", 2.5)
    assert ("7", 2.5) == (parser.last_event_id, parser.retry)
    assert ("", None) == (SSEParser().last_event_id, SSEParser().retry)
    assert [ServerSentEvent("a", "", "")] == parser.feed(b"\ndata: a\n\n")
    parser.feed(b"retry: 999999999999999\nretry: 9999999999999999\n")
    assert 999999999999.999 == parser.retry


@pytest.mark.parametrize("size", [10, 11])
def test_data_of_the_maximum_size_is_kept(size: int) -> None:
    """In one line and in several, in one chunk and in many."""
    for lines in ([b"x" * size], [b"x" * 4, b"y" * (size - 5)], [b"", b"y" * (size - 1)]):
        for step in (1, 1000):
            parser = SSEParser(max_size=10)
            body = b"".join(b"data: %s\n" % line for line in lines) + b"\n"
            (message,) = [one for at in range(0, len(body), step) for one in parser.feed(body[at : at + step])]
            assert (size > 10) == message.is_too_large
            assert (lines[0] if size > 10 else b"\n".join(lines)).decode() == message.data


def test_beginning_of_large_data_is_kept() -> None:
    """A thousand bytes of its first line, and a byte order mark in it is part of it."""
    (message,) = SSEParser(max_size=5000).feed(b"data: " + b"x" * 4000 + b"\ndata: " + b"y" * 4000 + b"\n\n")
    assert ("x" * 1000, True) == (message.data, message.is_too_large)
    assert [ServerSentEvent("a", "", ""), ServerSentEvent("\ufeffb", "", "")] == parse(b"data: a\n\ndata: \xef\xbb\xbfb\n\n")
    assert [ServerSentEvent("a", "", "")] == parse(b"data: a\n\n\xef\xbb\xbfdata: b\n\n")
