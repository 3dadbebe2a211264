"""A parser of server-sent events (WHATWG HTML, "Server-sent events")."""

from __future__ import annotations

from typing import Final, NamedTuple

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_MAX_BEGINNING: Final = 1000
_MAX_ID_SIZE: Final = 255
"""Bytes of an id. The next connection sends it in a header, which must not be refused for its length."""
_MAX_FIELD_NAME: Final = 16
"""Bytes that are read of a line beyond the maximum size, so that a value of this size still fits with its field name."""


class ServerSentEvent(NamedTuple):
    """One message: its data, and its own type and id, each empty if it has none.

    Of data larger than the maximum, only the beginning of the first line is kept.

    In the standard, a message without an id has that of the message before. Here it has none, because it is another event.
    """

    data: str
    event: str
    id: str
    is_too_large: bool = False


class SSEParser:
    """Parse the chunks of one connection into messages. The arguments continue the connection before; *max_size* is in bytes."""

    def __init__(self, last_event_id: str = "", retry: float | None = None, *, max_size: int = 1024 * 1024) -> None:
        self.last_event_id = last_event_id
        self.retry = retry
        self._max_size = max_size
        self._is_first_line = True
        self._after_cr = False
        self._line = bytearray()
        self._id: str | None = None
        self._event = ""
        self._data = bytearray()  # lines in a list would take many times their size
        self._data_size = 0

    @property
    def is_inside_message(self) -> bool:
        """Whether the last message has not ended yet."""
        return bool(self._line) or self._data_size > 0

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """Parse a chunk. Return the messages that end in it."""
        if not chunk:
            return []
        if self._after_cr:
            chunk = chunk.removeprefix(b"\n")  # the second half of a CRLF
        self._after_cr = chunk.endswith(b"\r")
        *lines, rest = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        if lines:
            lines[0] = bytes(self._line) + lines[0]
            self._line.clear()
        # Of a line that is too long, the beginning is enough to see that its message is too large.
        if len(self._line) <= self._max_size + _MAX_FIELD_NAME:
            self._line += rest
        return [message for line in lines if (message := self._parse_line(line)) is not None]

    def _parse_line(self, line: bytes) -> ServerSentEvent | None:
        if self._is_first_line:
            self._is_first_line = False
            line = line.removeprefix(_BYTE_ORDER_MARK)
        if not line:
            return self._end_message()
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data_size += len(value) + 1
            if self._data_size <= self._max_size + 1:
                self._data += value
                self._data += b"\n"
            elif not self._data:
                self._data += value[:_MAX_BEGINNING]
        elif name == b"event":
            self._event = value.decode("utf-8", "replace")
        elif name == b"id" and b"\0" not in value and len(value) <= _MAX_ID_SIZE:
            self._id = value.decode("utf-8", "replace")
        elif name == b"retry" and value.isdigit() and len(value) < 16:
            self.retry = int(value) / 1000
        return None

    def _end_message(self) -> ServerSentEvent | None:
        data, event, event_id, size = self._data, self._event, self._id, self._data_size
        self._data, self._event, self._id, self._data_size = bytearray(), "", None, 0
        if event_id is not None:
            self.last_event_id = event_id
        if size == 0:
            return None
        is_too_large = size > self._max_size + 1
        data = data[:_MAX_BEGINNING].partition(b"\n")[0] if is_too_large else data[:-1]
        return ServerSentEvent(data.decode("utf-8", "replace"), event, event_id or "", is_too_large)
