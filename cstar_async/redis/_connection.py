"""The door to Redis: scripts run in it, each within a time, and whatever goes wrong is one of two things."""

from __future__ import annotations

import asyncio
import hashlib
import re
from importlib import resources
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias, cast

from cstar_async._protocol.credentials import KEY_PREFIXES
from cstar_async._types import UntypedJSON, is_str
from cstar_async.errors import CStarError, InvalidArgumentError

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from redis.asyncio.cluster import RedisCluster

    Client: TypeAlias = Redis | RedisCluster

MAX_CONCURRENT_SCRIPTS: Final = 8
"""Scripts that run at once, each over a connection of its own; Redis does one after the other anyway."""
_LABEL: Final = re.compile(r"[^\s{}]{1,200}")


class RedisUnavailableError(Exception):
    """Redis did not answer, or not in time. Whether it did what it was asked is unknown."""


class _Connection(Protocol):
    """What is used of redis-py."""

    async def evalsha(self, sha: str, numkeys: int, *keys_and_args: str | bytes) -> UntypedJSON: ...
    async def eval(self, script: str, numkeys: int, *keys_and_args: str | bytes) -> UntypedJSON: ...
    async def aclose(self) -> None: ...


class Script:
    """A script of this folder.

    Args:
        name: The name of its file.
    """

    __slots__ = ("sha", "text")

    def __init__(self, name: str) -> None:
        self.text = resources.files("cstar_async.redis").joinpath(name).read_text(encoding="utf-8")
        self.sha = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()


class RedisConnection:
    """Redis, for one event loop.

    Args:
        client_or_url: A client of `redis.asyncio`, which is used and never closed, or a URL, for a connection of its own.
        timeout: Seconds that one script may take, connecting and the wait for a place included.

    Raises:
        ImportError: redis-py is not installed.
        InvalidArgumentError: *client_or_url* is neither, or *timeout* is not above 0.
    """

    def __init__(self, client_or_url: Client | str, *, timeout: float) -> None:
        try:
            from redis.asyncio import Redis
            from redis.asyncio.retry import Retry
            from redis.backoff import NoBackoff
            from redis.exceptions import NoScriptError, RedisError
        except ImportError:
            raise ImportError("cstar_async.redis needs redis-py: pip install 'cstar-async[redis]'") from None
        if not timeout > 0:
            raise InvalidArgumentError(f"timeout must be seconds above 0, got {timeout!r}")
        self._timeout = timeout
        self._is_own = is_str(client_or_url)
        if is_str(client_or_url):
            try:
                # A connection that Redis closed meanwhile is made anew at once; everything else is decided here.
                client: object = Redis.from_url(client_or_url, retry=Retry(NoBackoff(), 1))  # pyright: ignore[reportUnknownMemberType]
            except ValueError:
                raise InvalidArgumentError("the URL of a Redis begins with redis://, rediss:// or unix://") from None
        else:
            client = client_or_url
        if not hasattr(client, "evalsha") or not hasattr(client, "aclose"):
            raise InvalidArgumentError(f"a client of redis.asyncio or a URL is needed, not {type(client).__name__}")
        self._client = cast("_Connection", client)
        self._no_script = NoScriptError
        self._failures = (RedisError, OSError, TimeoutError)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._places = asyncio.Semaphore(MAX_CONCURRENT_SCRIPTS)

    def bind_to_loop(self, what: str) -> None:
        """Bind the connection to the loop of its first use.

        Raises:
            CStarError: This is another one.
        """
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
        elif self._loop is not loop:
            raise CStarError(f"this {what} was first used in another event loop; make one for each loop, with the same key")

    async def run(self, script: Script, keys: list[str], *args: str | bytes) -> UntypedJSON:
        """Run a script.

        Raises:
            RedisUnavailableError: It gave no answer in time.
        """
        try:
            async with asyncio.timeout(self._timeout), self._places:
                try:
                    return await self._client.evalsha(script.sha, len(keys), *keys, *args)
                except self._no_script:
                    return await self._client.eval(script.text, len(keys), *keys, *args)
        except self._failures as error:
            # Its text may hold an address; its class says enough.
            raise RedisUnavailableError(type(error).__name__) from None

    async def aclose(self) -> None:
        """Close the connection if it is the door's own."""
        if self._is_own:
            try:
                async with asyncio.timeout(self._timeout):
                    await self._client.aclose()
            except self._failures:
                return


def validate_name(name: str) -> str:
    """Return *name* if it can be part of a Redis key.

    Raises:
        InvalidArgumentError: *name* is not a str, is empty or too long, has spaces or braces, or is an API key.
    """
    if not is_str(name) or not _LABEL.fullmatch(name):
        raise InvalidArgumentError("name must be 1 to 200 characters without spaces and braces; use the same in all processes")
    if name.startswith(KEY_PREFIXES):
        raise InvalidArgumentError("name must not be the API key, because Redis stores it; use a label such as 'main'")
    return name
