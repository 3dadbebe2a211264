"""The exception that a rule of the fake raises to refuse a request."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_TYPES: Final[Mapping[int, str]] = MappingProxyType(
    {401: "authentication_error", 403: "authentication_error", 404: "not_found_error", 429: "rate_limit_error"}
)

_CODES: Final[Mapping[int, str]] = MappingProxyType(
    {
        401: "invalid_api_key",
        403: "insufficient_permissions",
        404: "resource_missing",
        429: "rate_limit_exceeded",
        500: "internal_error",
        502: "bad_gateway",
        503: "service_unavailable",
        504: "gateway_timeout",
    }
)
"""The default code of each status; those of 5xx are inferred."""


class APIFailure(Exception):  # noqa: N818  # an expected outcome, not a programming error
    """A refused request. What raises it does not depend on how an error is formatted."""

    def __init__(
        self,
        status: int,
        code: str | None,
        message: str,
        *,
        param: str | None = None,
        type: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code or _CODES.get(status, f"http_{status}")
        self.message = message
        self.param = param
        self.type = type or _TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")
        self.headers = dict(headers or {})
