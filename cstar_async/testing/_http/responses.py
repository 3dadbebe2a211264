"""What the fake says: answers as values, the envelopes of good ones and the error object of bad ones.

The forms are those of the API reference, sections "Envelopes", "Pagination" and "Errors". This room knows no state and no socket.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from math import ceil
from typing import Final, Literal, Protocol, TypeAlias

import attrs
import orjson

from cstar_async._types import JSON, UntypedJSON
from cstar_async.testing._errors import APIFailure

PaginationLocation: TypeAlias = Literal["top", "meta"]
"""Where `pagination` stands: beside `data` (the documented place), or in `meta`."""

PaginationShape: TypeAlias = Literal["hasMore", "totalPages"]
"""Which field tells that more pages follow."""

JSON_CONTENT: Final = "application/json"
STREAM_CONTENT: Final = "text/event-stream"

_ERROR_PAGE: Final = "https://www.cstar.help/developers/errors"


class Stream(Protocol):
    """A body that comes bit by bit, for as long as somebody takes it."""

    @property
    def is_broken(self) -> bool:
        """Whether the connection is to be broken now, in the place of a good end."""
        ...

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    def close(self) -> None:
        """End it; may be called twice."""
        ...


@attrs.frozen(kw_only=True)
class ServerResponse:
    """An answer, finished but for a stream."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str])
    content_type: str = JSON_CONTENT
    stream: Stream | None = None
    """What follows in the place of the body."""


@attrs.frozen
class PagePosition:
    """Which page of how many objects an answer holds."""

    total: int
    page: int
    page_size: int

    def to_dict(self, shape: PaginationShape) -> dict[str, JSON]:
        """The `pagination` object."""
        pages = ceil(self.total / self.page_size) if self.page_size else 0
        if shape == "totalPages":
            return {"page": self.page, "pageSize": self.page_size, "total": self.total, "totalPages": pages}
        return {"total": self.total, "page": self.page, "pageSize": self.page_size, "hasMore": self.page < pages}


@attrs.frozen
class HandlerResult:
    """What an operation came to, before it is wrapped."""

    data: UntypedJSON
    position: PagePosition | None = None
    text_type: str | None = None
    """The content type of data that is a text and goes out bare; None: it is JSON and goes out in an envelope."""
    stream: Stream | None = None
    """What goes out in the place of data."""


@attrs.frozen
class Envelopes:
    """Wraps outcomes and refusals the way this fake was told to."""

    pagination_location: PaginationLocation = "top"
    shape: PaginationShape = "hasMore"

    def success(self, status: int, outcome: HandlerResult, *, request_id: str, at: str) -> ServerResponse:
        """The answer of an operation that went well.

        Args:
            status: The documented status of success.
            outcome: Its data.
            request_id: Goes into `meta.requestId`.
            at: Goes into `meta.timestamp`.
        """
        if outcome.stream is not None:
            headers = {"Cache-Control": "no-store"}
            return ServerResponse(status=status, headers=headers, content_type=STREAM_CONTENT, stream=outcome.stream)
        if outcome.text_type is not None:
            return ServerResponse(status=status, body=str(outcome.data).encode(), content_type=outcome.text_type)
        body: dict[str, UntypedJSON] = {"success": True, "data": outcome.data}
        meta: dict[str, UntypedJSON] = {"requestId": request_id, "timestamp": at}
        if outcome.position is not None:
            holder = body if self.pagination_location == "top" else meta
            holder["pagination"] = outcome.position.to_dict(self.shape)
        body["meta"] = meta
        return ServerResponse(status=status, body=orjson.dumps(body))

    def error(self, failure: APIFailure, *, request_id: str, at: str) -> ServerResponse:
        """The answer to a refused request."""
        error: dict[str, UntypedJSON] = {"type": failure.type, "code": failure.code, "message": failure.message}
        if failure.param is not None:
            error["param"] = failure.param
        error["doc_url"] = f"{_ERROR_PAGE}#{failure.code}"
        error["request_id"] = request_id
        body = {"success": False, "error": error, "meta": {"requestId": request_id, "timestamp": at}}
        return ServerResponse(status=failure.status, body=orjson.dumps(body), headers=failure.headers)
