"""How `with_response` gets at the response of one call."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, Final

from cstar_async._types import Response


class ResponseCapture:
    """Keeps the response of the next call that is made in its context."""

    __slots__ = ("response",)

    def __init__(self) -> None:
        self.response: Response[Any] | None = None


RESPONSE_CAPTURE: Final[ContextVar[ResponseCapture | None]] = ContextVar("cstar_async_recorder", default=None)
"""Who wants to know of the call made in this context. A context variable, so that concurrent calls cannot see each other's."""
