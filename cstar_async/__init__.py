"""The async Python SDK for cStar, the headless customer-support platform.

::

    from cstar_async import CStarClient

    async with CStarClient(api_key="sk_test_…", team_id="…") as cstar:
        ticket = await cstar.tickets.create(title="Cannot log in", priority="high")

Models are in `cstar_async.models`, the functions behind the methods in `cstar_async.api`, and hooks in `cstar_async.hooks`. Uploads
and downloads are in `cstar_async.files`, and webhooks in `cstar_async.webhooks`. A local copy is in `cstar_async.sync`, and a fake
server for tests in `cstar_async.testing`. Each name is imported when it is first used.
"""

from cstar_async._version import __version__

# As in `typing`, which takes longer to import than all else here. jedi would take False at its word.
TYPE_CHECKING = bool()  # noqa: UP018

if TYPE_CHECKING:
    from cstar_async import api as api
    from cstar_async import errors as errors
    from cstar_async import files as files
    from cstar_async import hooks as hooks
    from cstar_async import identity as identity
    from cstar_async import models as models
    from cstar_async import otel as otel
    from cstar_async import pagination as pagination
    from cstar_async import prometheus as prometheus
    from cstar_async import redis as redis
    from cstar_async import sync as sync
    from cstar_async import testing as testing
    from cstar_async import webhooks as webhooks
    from cstar_async._model.codec import from_dict as from_dict
    from cstar_async._model.codec import to_dict as to_dict
    from cstar_async._model.converter import converter as converter
    from cstar_async._model.model import Model as Model
    from cstar_async._model.open_enum import OpenEnum as OpenEnum
    from cstar_async._protocol.idempotency import idempotency_key as idempotency_key
    from cstar_async._rate_limit.interface import Limiter as Limiter
    from cstar_async._rate_limit.limiter import RateLimiter as RateLimiter
    from cstar_async._types import JSON as JSON
    from cstar_async._types import UNSET as UNSET
    from cstar_async._types import PageInfo as PageInfo
    from cstar_async._types import Priority as Priority
    from cstar_async._types import RateLimitState as RateLimitState
    from cstar_async._types import RequestOptions as RequestOptions
    from cstar_async._types import Response as Response
    from cstar_async._types import Unset as Unset
    from cstar_async.client import CStarClient as CStarClient
    from cstar_async.errors import APIError as APIError
    from cstar_async.errors import AuthenticationError as AuthenticationError
    from cstar_async.errors import ConfigurationError as ConfigurationError
    from cstar_async.errors import ConflictError as ConflictError
    from cstar_async.errors import ConnectionFailedError as ConnectionFailedError
    from cstar_async.errors import CStarError as CStarError
    from cstar_async.errors import DecodeError as DecodeError
    from cstar_async.errors import IdempotencyError as IdempotencyError
    from cstar_async.errors import InvalidArgumentError as InvalidArgumentError
    from cstar_async.errors import InvalidRequestError as InvalidRequestError
    from cstar_async.errors import NotFoundError as NotFoundError
    from cstar_async.errors import PaginationError as PaginationError
    from cstar_async.errors import PayloadError as PayloadError
    from cstar_async.errors import PermissionDeniedError as PermissionDeniedError
    from cstar_async.errors import RateLimitError as RateLimitError
    from cstar_async.errors import RateLimitWaitError as RateLimitWaitError
    from cstar_async.errors import RequestTimeoutError as RequestTimeoutError
    from cstar_async.errors import ResponseTooLargeError as ResponseTooLargeError
    from cstar_async.errors import ServerError as ServerError
    from cstar_async.errors import SignatureError as SignatureError
    from cstar_async.errors import StaleTimestampError as StaleTimestampError
    from cstar_async.errors import TransportError as TransportError
    from cstar_async.errors import UnknownValueWarning as UnknownValueWarning
    from cstar_async.errors import WebhookError as WebhookError
    from cstar_async.hooks import Hooks as Hooks
    from cstar_async.library import CStarLibrary as CStarLibrary
    from cstar_async.pagination import Page as Page
    from cstar_async.pagination import Paginator as Paginator

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
    "Limiter",
    "Model",
    "NotFoundError",
    "OpenEnum",
    "Page",
    "PageInfo",
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
    "ResponseTooLargeError",
    "ServerError",
    "SignatureError",
    "StaleTimestampError",
    "TransportError",
    "UnknownValueWarning",
    "Unset",
    "WebhookError",
    "__version__",
    "converter",
    "from_dict",
    "idempotency_key",
    "to_dict",
]

_MODULES = {
    "CStarClient": "client",
    "CStarLibrary": "library",
    "Hooks": "hooks",
    "JSON": "_types",
    "Limiter": "_rate_limit.interface",
    "Model": "_model.model",
    "OpenEnum": "_model.open_enum",
    "Page": "pagination",
    "PageInfo": "_types",
    "Paginator": "pagination",
    "Priority": "_types",
    "RateLimitState": "_types",
    "RateLimiter": "_rate_limit.limiter",
    "RequestOptions": "_types",
    "Response": "_types",
    "UNSET": "_types",
    "Unset": "_types",
    "converter": "_model.converter",
    "from_dict": "_model.codec",
    "idempotency_key": "_protocol.idempotency",
    "to_dict": "_model.codec",
}
"""The module of each name; all others of `__all__` are errors. Imported on first use: pytest loads this package in every run."""

_SUBMODULES = (
    "api",
    "errors",
    "files",
    "hooks",
    "identity",
    "models",
    "otel",
    "pagination",
    "prometheus",
    "redis",
    "sync",
    "testing",
    "webhooks",
)

# Type checkers read the imports above, so a misspelt name is an error for them.
if not TYPE_CHECKING:

    def __getattr__(name):
        """Import a name when it is first used."""
        import importlib

        if name in _SUBMODULES:
            return importlib.import_module(f"{__name__}.{name}")
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(f"{__name__}.{_MODULES.get(name, 'errors')}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*__all__, *_SUBMODULES, *(name for name in globals() if name.startswith("__"))})
