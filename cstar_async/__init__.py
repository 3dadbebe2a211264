"""The async Python SDK for cStar, the headless customer-support platform.

::

    from cstar_async import CStarClient

    async with CStarClient(api_key="sk_test_…", team_id="…") as cstar:
        ticket = await cstar.tickets.create(title="Cannot log in", priority="high")

Models stand in `cstar_async.models`, the functions behind the methods in `cstar_async.api`, observers in `cstar_async.hooks`, and a
cStar for tests in `cstar_async.testing`.
"""

import importlib
from typing import TYPE_CHECKING

from cstar_async._model.codec import from_dict, to_dict
from cstar_async._protocol.idempotency import idempotency_key
from cstar_async._rate_limit.limiter import RateLimiter
from cstar_async._types import JSON, UNSET, Priority, RateLimitState, RequestOptions, Response, Unset
from cstar_async._version import __version__
from cstar_async.client import CStarClient
from cstar_async.errors import (
    APIError,
    AuthenticationError,
    ConfigurationError,
    ConflictError,
    ConnectionFailedError,
    CStarError,
    DecodeError,
    IdempotencyError,
    InvalidArgumentError,
    InvalidRequestError,
    NotFoundError,
    PaginationError,
    PayloadError,
    PermissionDeniedError,
    RateLimitError,
    RateLimitWaitError,
    RequestTimeoutError,
    ServerError,
    SignatureError,
    StaleTimestampError,
    TransportError,
    WebhookError,
)
from cstar_async.hooks import Hooks
from cstar_async.pagination import Page, Paginator

if TYPE_CHECKING:
    from cstar_async import api as api
    from cstar_async import identity as identity
    from cstar_async import models as models
    from cstar_async import testing as testing
    from cstar_async import webhooks as webhooks
    from cstar_async.library import CStarLibrary as CStarLibrary

__all__ = [
    "JSON",
    "UNSET",
    "APIError",
    "AuthenticationError",
    "CStarClient",
    "CStarError",
    "CStarLibrary",
    "ConfigurationError",
    "ConflictError",
    "ConnectionFailedError",
    "DecodeError",
    "Hooks",
    "IdempotencyError",
    "InvalidArgumentError",
    "InvalidRequestError",
    "NotFoundError",
    "Page",
    "PaginationError",
    "Paginator",
    "PayloadError",
    "PermissionDeniedError",
    "Priority",
    "RateLimitError",
    "RateLimitState",
    "RateLimitWaitError",
    "RateLimiter",
    "RequestOptions",
    "RequestTimeoutError",
    "Response",
    "ServerError",
    "SignatureError",
    "StaleTimestampError",
    "TransportError",
    "Unset",
    "WebhookError",
    "__version__",
    "from_dict",
    "idempotency_key",
    "to_dict",
]

_LAZY_SUBMODULES = ("api", "identity", "models", "otel", "redis", "testing", "webhooks")

# Type checkers see the imports above, and so take a misspelt name for the mistake that it is.
if not TYPE_CHECKING:

    def __getattr__(name):
        """Import what few programs need when it is first asked for: the library, and the modules that stand beside the client."""
        if name in _LAZY_SUBMODULES:
            return importlib.import_module(f"{__name__}.{name}")
        if name != "CStarLibrary":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = importlib.import_module("cstar_async.library").CStarLibrary
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
