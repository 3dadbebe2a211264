"""Server-sent events by the book."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cstar_async.webhooks._sse import ServerSentEvent, SSEParser


def read(*chunks: bytes) -> list[ServerSentEvent]:
    """The messages of a stream that arrives in pieces."""
    reader = SSEParser()
    return [message for chunk in chunks for message in reader.feed(chunk)]


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
        (b"id: 7\ndata: a\n\ndata: b\n\n", [("a", "", "7"), ("b", "", "7")]),
        (b"id: 7\ndata: a\n\nid\ndata: b\n\n", [("a", "", "7"), ("b", "", "")]),
        (b"id: a\0b\ndata: a\n\n", [("a", "", "")]),
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
def test_a_stream_is_read_as_the_standard_says(stream: bytes, messages: list[tuple[str, str, str]]) -> None:
    """Fields, comments, line ends, the mark of byte order, and text that is none."""
    assert [ServerSentEvent(*message) for message in messages] == read(stream)


def test_a_message_that_ends_with_cr_does_not_wait_for_more() -> None:
    """The line feed that may belong to it is passed over when it comes."""
    reader = SSEParser()
    assert [ServerSentEvent("a", "", "")] == reader.feed(b"data: a\r\r")
    assert [] == reader.feed(b"\n")
    assert [ServerSentEvent("b", "", "")] == reader.feed(b"data: b\n\n")


@pytest.mark.parametrize(
    ("text", "seconds"), [(b"1500", 1.5), (b"0", 0.0), (b"x", None), (b"-1", None), (b"", None), (b"9" * 20, None)]
)
def test_the_wait_that_the_server_asks_for_is_read(text: bytes, seconds: float | None) -> None:
    """Milliseconds, in ASCII digits only."""
    reader = SSEParser()
    reader.feed(b"retry: " + text + b"\n")
    assert reader.retry == seconds


def test_an_id_counts_when_its_message_is_whole() -> None:
    """A message that was cut off is asked for again."""
    reader = SSEParser("1")
    reader.feed(b"id: 2\ndata: a\n")
    assert reader.last_event_id == "1"
    reader.feed(b"\n")
    assert reader.last_event_id == "2"


def test_a_message_without_an_end_does_not_fill_the_memory() -> None:
    """Its data is dropped, in one line or in many, and the next message is parsed."""
    reader = SSEParser(max_size=100)
    for _ in range(50):
        assert [] == reader.feed(b"data: " + b"x" * 10 + b"\n")
    assert [ServerSentEvent(None, "", "")] == reader.feed(b"\ndata: ")
    for _ in range(50):
        assert [] == reader.feed(b"x" * 10)
    assert len(reader._line) < 200
    assert [ServerSentEvent(None, "", ""), ServerSentEvent("a", "", "")] == reader.feed(b"\n\ndata: a\n\n")


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
def test_how_a_stream_is_cut_makes_no_difference(lines: list[tuple[str, str, str]], cuts: list[int]) -> None:
    """Inside a character, inside a line end, anywhere."""
    stream = "".join("".join(line) for line in lines).encode() + b"\n\n"
    places = sorted({min(cut, len(stream)) for cut in cuts} | {0, len(stream)})
    assert read(stream) == read(*(stream[start:end] for start, end in itertools.pairwise(places)))


@given(st.lists(st.binary(max_size=20), max_size=10))
def test_no_bytes_can_break_the_reader(chunks: list[bytes]) -> None:
    """Whatever comes, it is read."""
    read(*chunks)
