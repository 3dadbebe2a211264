"""Server-sent events, read by the book (WHATWG HTML, "Server-sent events"): bytes in, messages out."""

from __future__ import annotations

import codecs
import re
from typing import Final

import attrs

MAX_MESSAGE_LENGTH: Final = 1024 * 1024
"""Characters of a message beyond which it is dropped, so that a stream gone wrong cannot fill the memory."""

_LINE_END: Final = re.compile(r"\r\n|\n|\r")


@attrs.frozen
class ServerSentEvent:
    """One message of a stream."""

    data: str
    """Its lines of data, joined."""
    event: str
    """Its type; empty where it names none."""
    last_event_id: str
    """The last id that the stream named, in this message or before."""


class SSEParser:
    """Puts messages together from the pieces in which they arrive. Make one for each connection.

    Args:
        last_event_id: The last id of the connection before.
        retry: The wait that the server asked for in the connections before.
    """

    def __init__(self, last_event_id: str = "", retry: float | None = None) -> None:
        self.last_event_id = last_event_id
        """The last id that the stream named."""
        self.retry = retry
        """Seconds that the server asks to wait before connecting again."""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._is_first = True
        self._after_cr = False
        self._text = ""
        self._id = last_event_id
        self._event = ""
        self._data: list[str] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """Read a piece of the stream, and give the messages that it ended."""
        text = self._decoder.decode(chunk)
        if self._is_first and text:
            self._is_first = False
            text = text.removeprefix("\ufeff")
        if text:
            if self._after_cr:
                text = text.removeprefix("\n")  # the second half of a CRLF that came in two pieces
            self._after_cr = text.endswith("\r")
        *lines, rest = _LINE_END.split(self._text + text)
        # Of a line that is too long already, only its beginning is kept: enough to know that it is dropped.
        self._text = rest[: MAX_MESSAGE_LENGTH + 16]
        return [message for line in lines if (message := self._read_line(line)) is not None]

    def _read_line(self, line: str) -> ServerSentEvent | None:
        """Take a line in; an empty one ends a message."""
        if not line:
            return self._end_message()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._size += len(value) + 1
            if self._size <= MAX_MESSAGE_LENGTH:
                self._data.append(value)
        elif name == "event":
            self._event = value
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isascii() and value.isdigit() and len(value) < 16:
            self.retry = int(value) / 1000
        return None

    def _end_message(self) -> ServerSentEvent | None:
        self.last_event_id = self._id
        data, event, size = self._data, self._event, self._size
        self._data, self._event, self._size = [], "", 0
        if not data or size > MAX_MESSAGE_LENGTH:
            return None
        return ServerSentEvent("\n".join(data), event, self._id)
