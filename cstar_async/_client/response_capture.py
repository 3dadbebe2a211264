"""How `with_response` gets the response of a call."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, Final

from cstar_async._types import Response


class ResponseCapture:
    """Holds the response of the last call in a context."""

    __slots__ = ("response",)

    def __init__(self) -> None:
        self.response: Response[Any] | None = None


RESPONSE_CAPTURE: Final[ContextVar[ResponseCapture | None]] = ContextVar("cstar_async_response_capture", default=None)
"""A context variable, so that concurrent calls do not capture each other's responses."""
