"""Run Lua scripts in Redis, each within a timeout."""

from __future__ import annotations

import asyncio
import hashlib
import re
from contextlib import suppress
from importlib import resources
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from cstar_async._event_loop.loop_binding import LoopBinding
from cstar_async._protocol.credentials import KEY_PREFIXES
from cstar_async._types import UntypedJSON, is_str
from cstar_async._values.redaction import redact
from cstar_async._values.repr import private_repr
from cstar_async._values.validation import validate_seconds
from cstar_async.errors import InvalidArgumentError

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from redis.asyncio.cluster import RedisCluster

    Client: TypeAlias = Redis | RedisCluster

MAX_CONCURRENT_SCRIPTS: Final = 8
"""Each uses a connection of its own, and Redis runs them one after the other anyway."""
_NAME: Final = re.compile(r"[^\s{}]{1,200}")


class RedisUnavailableError(Exception):
    """Redis sent no reply, or not in time. It may have run the script."""


class RedisConnection:
    """A connection that runs one script: a user's client, or one created for a URL."""

    def __init__(self, client_or_url: Client | str, *, owner: str, script: str, timeout: float) -> None:
        try:
            from redis.asyncio import Redis
            from redis.asyncio.retry import Retry
            from redis.backoff import NoBackoff
            from redis.exceptions import NoScriptError, RedisError, ResponseError
        except ImportError:
            raise ImportError("cstar_async.redis needs redis-py: pip install 'cstar-async[redis]'") from None
        self._timeout = validate_seconds("timeout", timeout, above_zero=True)
        self._owns_client = is_str(client_or_url)
        client: object = client_or_url
        if is_str(client_or_url):
            try:
                # One retry replaces a connection that Redis has closed; the limiter and the store handle everything else.
                client = Redis.from_url(client_or_url, retry=Retry(NoBackoff(), 1))  # pyright: ignore[reportUnknownMemberType]
                pool: Any = client.connection_pool
                pool.make_connection()  # otherwise the first request would raise the error of an unknown option
            except (ValueError, TypeError):
                expected = "a URL that begins with redis://, rediss:// or unix://, with only options of redis-py"
                raise InvalidArgumentError(f"client_or_url must be {expected}, got {private_repr(client_or_url)}") from None
        if not hasattr(client, "evalsha") or not hasattr(client, "aclose"):
            raise InvalidArgumentError(f"client_or_url must be a redis.asyncio client or a URL, got {type(client).__name__}")
        self._client: Any = client
        self.script = resources.files("cstar_async.redis").joinpath(script).read_text(encoding="utf-8")
        self._sha = hashlib.sha1(self.script.encode(), usedforsecurity=False).hexdigest()
        self._no_script_error = NoScriptError
        self._response_error = ResponseError
        self._failures = (RedisError, OSError, TimeoutError)
        self.bind_to_loop = LoopBinding(owner).bind
        self._semaphore = asyncio.Semaphore(MAX_CONCURRENT_SCRIPTS)

    async def run(self, keys: list[str], *args: str | bytes) -> UntypedJSON:
        """Run the script and return its reply, or raise a `RedisUnavailableError` after the timeout."""
        try:
            async with asyncio.timeout(self._timeout), self._semaphore:
                try:
                    return await self._evaluate(keys, *args)
                except self._response_error as error:
                    pool = getattr(self._client, "connection_pool", None)  # a cluster has none: it finds primaries by itself
                    if pool is None or not _is_from_replica(error):
                        raise
                    # The name of the server may belong to another one since a failover, so connect again. Nothing was written.
                    await pool.disconnect(inuse_connections=False)
                    return await self._evaluate(keys, *args)
        except self._response_error as error:
            raise RedisUnavailableError(redact(f"{type(error).__name__}: {error}")) from None
        except self._failures as error:
            # Only its class, because its text may contain an address.
            raise RedisUnavailableError(type(error).__name__) from None

    async def _evaluate(self, keys: list[str], *args: str | bytes) -> UntypedJSON:
        try:
            return await self._client.evalsha(self._sha, len(keys), *keys, *args)
        except self._no_script_error:
            return await self._client.eval(self.script, len(keys), *keys, *args)

    async def aclose(self) -> None:
        """Close the client if it was created for a URL."""
        if self._owns_client:
            with suppress(*self._failures):
                async with asyncio.timeout(self._timeout):
                    await self._client.aclose()


def _is_from_replica(error: Exception) -> bool:
    """Return whether a server refused to write because it is a replica. Before Redis 7, the code is inside the text."""
    return any(code in str(error) for code in ("READONLY", "MASTERDOWN")) or type(error).__name__ == "ReadOnlyError"


def validate_name(name: str) -> str:
    """Return *name* if it can be part of a Redis key."""
    if not is_str(name) or not _NAME.fullmatch(name):
        expected = "a str of 1 to 200 characters without spaces and braces"
        raise InvalidArgumentError(f"name must be {expected}, got {private_repr(name)}; use the same in all processes")
    if name.startswith(KEY_PREFIXES):
        raise InvalidArgumentError("name must be a label such as 'main', got an API key; Redis stores the name")
    return name
