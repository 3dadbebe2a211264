"""Split the body of a stream into its items, in linear time and bounded memory."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, TypeVar

from cstar_async._protocol.headers import CONTENT_TYPE
from cstar_async._protocol.json_parser import parse_json
from cstar_async._protocol.sse import ServerSentEvent, SSEParser
from cstar_async._types import UntypedJSON
from cstar_async.errors import ConnectionFailedError, DecodeError, ResponseTooLargeError

T = TypeVar("T")

EVENT_STREAM: Final = "text/event-stream"
LINE_TYPES: Final = (
    "application/jsonl",
    "application/x-ndjson",
    "application/ndjson",
    "application/x-jsonlines",
    "application/json-lines",
    "application/jsonlines",
    "application/json-seq",
)
ITEM_TYPES: Final = ", ".join([EVENT_STREAM, *LINE_TYPES])
"""`Accept` for a stream of items of any form."""
_DONE: Final = "[DONE]"
"""The data of an event with which many servers end a stream of JSON."""


class ItemDecoder(Generic[T]):
    """Splits a body into items. Here each chunk is one. The errors of decoders have no status of their own."""

    is_done = False
    """Whether the stream has said that it ends here."""

    def feed(self, chunk: bytes) -> list[Any]:
        """Return the items that end in a chunk, not yet decoded."""
        return [chunk]

    def end(self) -> list[Any]:
        """Return the item at the end of the body. Raises `ConnectionFailedError` if the last item is not complete."""
        return []

    def decode(self, item: Any) -> T:
        """Return an item of `feed` or `end` in its final form."""
        final: T = item
        return final


class LineDecoder(ItemDecoder[T]):
    """Each line is a JSON value. An empty line is none."""

    def __init__(self, convert: Callable[[UntypedJSON], T], max_size: int | None, separator: bytes = b"\n") -> None:
        self._convert = convert
        self._max_size = max_size
        self._separator = separator
        self._rest = bytearray()

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the lines that end in a chunk. A line that is too long is an error at the next one, after those before it."""
        self._check_rest()
        *lines, rest = chunk.split(self._separator)
        if lines:
            lines[0] = bytes(self._rest) + lines[0]
            self._rest.clear()
        self._rest += rest
        return [line for line in lines if line.strip()]

    def end(self) -> list[bytes]:
        """Return the last line, which may have no end."""
        self._check_rest()
        line = bytes(self._rest)
        self._rest.clear()
        if not line.strip():
            return []
        try:
            parse_json(line)
        except ValueError:
            raise _cut() from None
        return [line]

    def _check_rest(self) -> None:
        if self._max_size is not None and len(self._rest) > self._max_size:
            raise _too_large(self._max_size)

    def decode(self, item: bytes) -> T:
        """Return a line as a value."""
        if self._max_size is not None and len(item) > self._max_size:
            raise _too_large(self._max_size)
        return self._convert(_parse(item))


class EventDecoder(ItemDecoder[T]):
    """Each server-sent event is an item: its JSON data, or the event itself if *convert* is None."""

    def __init__(self, convert: Callable[[UntypedJSON], T] | None, max_size: int | None) -> None:
        self._convert = convert
        self._max_size = max_size
        self._parser = SSEParser(max_size=sys.maxsize - 64 if max_size is None else max_size)

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """Return the events that end in a chunk."""
        return self._until_done(self._parser.feed(chunk))

    def end(self) -> list[ServerSentEvent]:
        """Return nothing: an event ends with an empty line, but the one that ends the stream need not."""
        if self._parser.is_inside_message and (self._until_done(self._parser.feed(b"\n\n")) or not self.is_done):
            raise _cut()
        return []

    def decode(self, item: ServerSentEvent) -> Any:
        """Return the data of an event, or the event."""
        if item.is_too_large:
            raise _too_large(self._max_size)
        return item if self._convert is None else self._convert(_parse(item.data.encode()))

    def _until_done(self, events: list[ServerSentEvent]) -> list[ServerSentEvent]:
        done = [number for number, event in enumerate(events) if event.data == _DONE] if self._convert is not None else []
        self.is_done = bool(done)
        return events[: done[0]] if done else events


def item_decoder(headers: Mapping[str, str], convert: Callable[[UntypedJSON], T] | None, max_size: int | None) -> ItemDecoder[Any]:
    """Return the decoder for the content type of a response. Raises `DecodeError` if it is no stream of items.

    *convert* makes an item of a JSON value; without it, server-sent events stay what they are. *max_size* is in bytes of one item.
    """
    content_type = headers.get(CONTENT_TYPE, "").partition(";")[0].strip().lower()
    if content_type == EVENT_STREAM:
        return EventDecoder(convert, max_size)
    if content_type in LINE_TYPES:
        separator = b"\x1e" if content_type == "application/json-seq" else b"\n"
        return LineDecoder(convert or (lambda value: value), max_size, separator)
    raise DecodeError("the response must be server-sent events or JSON lines; its content type is another", status=200)


def _parse(text: bytes) -> UntypedJSON:
    try:
        return parse_json(text)
    except ValueError:
        raise DecodeError("an item of the stream is not JSON", status=200) from None


def _cut() -> ConnectionFailedError:
    return ConnectionFailedError("the stream ended in the middle of an item")


def _too_large(max_size: int | None) -> ResponseTooLargeError:
    return ResponseTooLargeError(f"an item of the stream is larger than {max_size} bytes; raise max_response_size to accept it")
