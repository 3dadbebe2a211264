"""The log of requests, in order of arrival.

An entry is added when its request has arrived completely, and updated when the response is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, overload

import attrs
import orjson

from cstar_async._types import JSON
from cstar_async._values.validation import validate_count
from cstar_async.errors import CStarError

MAX_REQUESTS: Final = 100_000
"""The default length of a log: more than a test sends, and a bound for a fake that runs for weeks."""


class Headers(Mapping[str, str]):
    """Headers by case-insensitive name. The last of a repeated header wins."""

    def __init__(self, items: Mapping[str, str]) -> None:
        self._by_lower = {name.lower(): (name, value) for name, value in items.items()}

    def __getitem__(self, name: str) -> str:
        return self._by_lower[name.lower()][1]

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._by_lower.values())

    def __len__(self) -> int:
        return len(self._by_lower)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._by_lower


@attrs.define(kw_only=True)
class ReceivedRequest:
    """A request that the fake received, and its outcome."""

    method: str
    path: str
    """As sent, percent-encoded, without the query."""
    query: Mapping[str, str] = attrs.field(factory=dict[str, str])
    """Decoded parameters by name; the last of a repeated one. `query_string` has all of them."""
    query_string: str = ""
    headers: Mapping[str, str] = attrs.field(factory=lambda: Headers({}), repr=False)
    body: bytes = attrs.field(default=b"", repr=False)
    address: str = ""
    """The IP address of the client."""
    at: float = 0.0
    """When it arrived: Unix time in seconds, by the clock of the fake."""
    operation: str | None = None
    """The id of its operation; None for a path or method that the document does not have."""
    status: int | None = None
    """The status of the response; None without a response so far, or if the connection was dropped."""
    unknown_parameters: tuple[str, ...] = ()
    """The query parameters that its operation does not have, such as a misspelt filter. The fake ignores them."""
    was_replayed: bool = False
    """Whether the response was a stored one, found by its idempotency key."""
    is_sample: bool = False
    """Whether the response was an example of the document, which no call can change."""

    @property
    def json(self) -> JSON:
        """The body as JSON; None without a body, or when it is not JSON."""
        try:
            value: JSON = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None
        return value

    @property
    def idempotency_key(self) -> str | None:
        """The header `Idempotency-Key`."""
        return self.headers.get("Idempotency-Key")


class RequestLog(Sequence[ReceivedRequest]):
    """The requests that a fake received, oldest first. Reads like a list.

    Args:
        max_entries: How many entries are kept, from 1; the oldest are dropped first.

    Raises:
        InvalidArgumentError: *max_entries* is no int from 1.
    """

    def __init__(self, max_entries: int = MAX_REQUESTS) -> None:
        self._max_entries = validate_count("max_requests", max_entries, 1)
        self._entries: list[ReceivedRequest] = []

    @overload
    def __getitem__(self, index: int) -> ReceivedRequest: ...
    @overload
    def __getitem__(self, index: slice) -> list[ReceivedRequest]: ...
    def __getitem__(self, index: int | slice) -> ReceivedRequest | list[ReceivedRequest]:
        return self._entries[index]

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"RequestLog({self._entries!r})"

    @property
    def last(self) -> ReceivedRequest:
        """The newest entry.

        Raises:
            CStarError: There is no entry.
        """
        if not self._entries:
            raise CStarError("the log has no entry, because no request was received")
        return self._entries[-1]

    def for_operation(self, operation: str) -> list[ReceivedRequest]:
        """Return the requests of an operation, oldest first.

        Args:
            operation: Its id, such as `create_ticket`.
        """
        return [entry for entry in self._entries if entry.operation == operation]

    def append(self, entry: ReceivedRequest) -> None:
        """Add an entry and drop the oldest if there are too many. The server calls this."""
        self._entries.append(entry)
        if len(self._entries) > self._max_entries:
            del self._entries[0]

    def clear(self) -> None:
        """Remove every entry."""
        self._entries.clear()
