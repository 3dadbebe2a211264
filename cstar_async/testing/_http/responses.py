"""Responses as values, and the JSON envelopes of results and errors.

The formats are those of the API reference, sections "Envelopes", "Pagination" and "Errors".
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
"""The location of `pagination`: beside `data` (documented) or in `meta`."""

PaginationShape: TypeAlias = Literal["hasMore", "totalPages"]
"""The field that says whether more pages follow."""

JSON_CONTENT: Final = "application/json"
STREAM_CONTENT: Final = "text/event-stream"

_ERROR_PAGE: Final = "https://www.cstar.help/developers/errors"


class Stream(Protocol):
    """A response body that is sent as it is produced."""

    @property
    def is_broken(self) -> bool:
        """Whether to abort the connection now instead of ending the body."""
        ...

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    def close(self) -> None:
        """End the body. May be called twice."""
        ...


@attrs.frozen(kw_only=True)
class ServerResponse:
    """A response, complete but for a stream."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str])
    content_type: str = JSON_CONTENT
    stream: Stream | None = None
    """The body, if it is streamed."""


@attrs.frozen
class PagePosition:
    """Which page of how many objects a response has."""

    total: int
    page: int
    page_size: int

    def to_dict(self, shape: PaginationShape) -> dict[str, JSON]:
        """Return the `pagination` object."""
        pages = ceil(self.total / self.page_size) if self.page_size else 0
        if shape == "totalPages":
            return {"page": self.page, "pageSize": self.page_size, "total": self.total, "totalPages": pages}
        return {"total": self.total, "page": self.page, "pageSize": self.page_size, "hasMore": self.page < pages}


@attrs.frozen
class HandlerResult:
    """The result of an operation, before it is put into an envelope."""

    data: UntypedJSON
    position: PagePosition | None = None
    text_type: str | None = None
    """The content type of data that is sent as it is, a str or bytes; None: JSON in an envelope."""
    stream: Stream | None = None
    """The body that is streamed instead of data."""
    has_envelope: bool = True
    """Whether data is put into an envelope. False: it is the whole body."""


@attrs.frozen
class Envelopes:
    """Puts results and failures into envelopes of the configured format."""

    pagination_location: PaginationLocation = "top"
    shape: PaginationShape = "hasMore"

    def success(self, status: int, outcome: HandlerResult, *, request_id: str, at: str) -> ServerResponse:
        """Return the response of a successful operation.

        Args:
            status: The documented status of success.
            outcome: The result.
            request_id: The value of `meta.requestId`.
            at: The value of `meta.timestamp`.
        """
        if outcome.stream is not None:
            headers = {"Cache-Control": "no-store"}
            return ServerResponse(status=status, headers=headers, content_type=STREAM_CONTENT, stream=outcome.stream)
        if outcome.text_type is not None:
            content: UntypedJSON = outcome.data
            body_bytes = content if isinstance(content, bytes) else str(content).encode()
            return ServerResponse(status=status, body=body_bytes, content_type=outcome.text_type)
        if status == 204:
            return ServerResponse(status=status)
        if not outcome.has_envelope:
            return ServerResponse(status=status, body=orjson.dumps(outcome.data))
        body: dict[str, UntypedJSON] = {"success": True, "data": outcome.data}
        meta: dict[str, UntypedJSON] = {"requestId": request_id, "timestamp": at}
        if outcome.position is not None:
            holder = body if self.pagination_location == "top" else meta
            holder["pagination"] = outcome.position.to_dict(self.shape)
        body["meta"] = meta
        return ServerResponse(status=status, body=orjson.dumps(body))

    def error(self, failure: APIFailure, *, request_id: str, at: str) -> ServerResponse:
        """Return the response of a refused request."""
        error: dict[str, UntypedJSON] = {"type": failure.type, "code": failure.code, "message": failure.message}
        if failure.param is not None:
            error["param"] = failure.param
        error["doc_url"] = f"{_ERROR_PAGE}#{failure.code}"
        error["request_id"] = request_id
        body = {"success": False, "error": error, "meta": {"requestId": request_id, "timestamp": at}}
        return ServerResponse(status=failure.status, body=orjson.dumps(body), headers=failure.headers)
