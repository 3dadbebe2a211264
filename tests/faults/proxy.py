"""A proxy on loopback that spoils what passes through it, by script or by chance.

It stands between a client and a server and reads HTTP by itself, so that no fault depends on what an HTTP library would do. What
the faults are stands in `kinds`. `Proxy(script=[...])` meets the requests in their order with the kinds named, None for none;
`Proxy(chance=0.3, kinds=[...], seed=7)` draws for each request whether and what, so that the n-th request of two proxies of one
seed meets the same.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections import Counter
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from random import Random
from types import TracebackType
from typing import Self

from tests.faults.kinds import KINDS, Exchange, Message, Side, read_message


class _Server:
    """A connection to the server for one exchange, kept for the next if all went well."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy

    async def __aenter__(self) -> Side:
        idle = self._proxy.idle
        self._side = idle.pop() if idle else Side(*await asyncio.open_connection(*self._proxy.behind))
        return self._side

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self._proxy.idle.append(self._side)
        else:
            self._side.reset()


class Proxy:
    """Listens in front of a server.

    Args:
        url: Where the server listens, `http://host:port`.
        script: The kinds that the first requests meet, None for none.
        chance: From 0 to 1: how likely each request after the script meets one of *kinds*.
        kinds: Names from `KINDS`; default all but those that need one call at a time.
        seed: Of the draws.
    """

    def __init__(
        self,
        url: str,
        *,
        script: Iterable[str | None] = (),
        chance: float = 0.0,
        kinds: Iterable[str] = (),
        seed: int = 0,
    ) -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        self.behind = (host, int(port))
        self.url = ""
        self.requests = 0
        """How many came."""
        self.met: Counter[str] = Counter()
        """How many met which kind."""
        self.connections = 0
        """How many the clients made."""
        self.idle: list[Side] = []
        self.pending: list[tuple[asyncio.StreamWriter, bytes]] = []
        self._script = iter(script)
        self._chance = chance
        self._kinds = tuple(kinds) or tuple(name for name in KINDS if name != "answered_again_later")
        self._random = Random(seed)
        self._listener: socket.socket | None = None
        self._port = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop_listening()
        # A task that has not begun would be cancelled without closing its connection.
        await asyncio.sleep(0)
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for side in self.idle:
            side.writer.close()

    def server(self) -> _Server:
        """A connection to the server for one exchange."""
        return _Server(self)

    def repeat(self) -> None:
        """Send now what was to come when nobody has asked, and let it arrive, while the event loop stands."""
        for writer, data in self.pending:
            writer.write(data)
        if self.pending:
            # Not every system hands a packet over before `send` is back.
            time.sleep(0.002)
        self.pending.clear()

    async def stop_listening_for(self, seconds: float) -> None:
        """Let connections be refused for a while."""
        if self._listener is not None:
            self._stop_listening()
            self._keep(self._listen_after(seconds))

    async def _listen_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._listen()

    def _listen(self) -> None:
        # Not an `asyncio.Server`, which leaves connections open that come while it closes.
        self._listener = socket.create_server(("127.0.0.1", self._port), backlog=1024)
        self._listener.setblocking(False)
        self._port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        asyncio.get_running_loop().add_reader(self._listener, self._accept, self._listener)

    def _stop_listening(self) -> None:
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None

    def _accept(self, listener: socket.socket) -> None:
        with suppress(BlockingIOError):
            connection, _ = listener.accept()
            # What is to come at a moment of ours must not wait for the client's next word.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            self._keep(self._serve(connection))

    def _keep(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, connection: socket.socket) -> None:
        """Carry the exchanges of one connection until it ends."""
        try:
            client = Side(*await asyncio.open_connection(sock=connection))
        except BaseException:
            connection.close()
            raise
        previous = b""
        try:
            # What a broken connection raises, on either side, is what this proxy is for.
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while not client.writer.transport.is_closing():
                    request = await read_message(client.reader)
                    previous = await self._exchange(client, request, previous)
                    await client.writer.drain()
        finally:
            client.writer.close()

    async def _exchange(self, client: Side, request: Message, previous: bytes) -> bytes:
        """Carry one exchange, spoiled or not; its answer when it was not."""
        self.requests += 1
        name = self._draw()
        exchange = Exchange(self, client, request, previous, Random(self._random.getrandbits(64)))
        if name is not None:
            self.met[name] += 1
            await KINDS[name](exchange)
            return b""
        whole = (await exchange.forward()).whole
        exchange.write(whole)
        return whole

    def _draw(self) -> str | None:
        """What the next request meets."""
        try:
            return next(self._script)
        except StopIteration:
            # Both are drawn for each request, so that what one meets does not hang on what others met.
            met, kind = self._random.random() < self._chance, self._random.choice(self._kinds)
            return kind if met else None
