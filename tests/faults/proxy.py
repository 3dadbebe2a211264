"""A proxy on loopback that injects faults, by script or at random.

It parses HTTP itself, so that no fault depends on an HTTP library. The module `kinds` has the faults. `Proxy(script=[...])` applies
the named kinds to the requests in order, None for none. `Proxy(chance=0.3, kinds=[...], seed=7)` selects a kind for each request at
random: the n-th requests of two proxies with the same seed get the same fault.
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
    """A connection to the server for one request, reused if it succeeded."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy

    async def __aenter__(self) -> Side:
        idle = self._proxy.idle
        self._side = idle.pop() if idle else Side(*await asyncio.open_connection(*self._proxy.target))
        return self._side

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self._proxy.idle.append(self._side)
        else:
            self._side.reset()


class Proxy:
    """A proxy in front of a server.

    Args:
        url: The URL of the server, `http://host:port`.
        script: The kinds for the first requests, None for none.
        chance: The probability of a fault for each request after the script, 0 to 1.
        kinds: Names from `KINDS`; default all except those that need one call at a time.
        seed: The seed of the random choices.
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
        self.target = (host, int(port))
        self.url = ""
        self.requests = 0
        """The number of requests."""
        self.injected: Counter[str] = Counter()
        """The number of faults by kind."""
        self.connections = 0
        """The number of connections of clients."""
        self.idle: list[Side] = []
        self.pending: list[tuple[asyncio.StreamWriter, bytes]] = []
        self._script = iter(script)
        self._chance = chance
        self._kinds = tuple(kinds) or tuple(name for name in KINDS if name != "repeated_later")
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
        # A task that is cancelled before it starts would not close its connection.
        await asyncio.sleep(0)
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._stop_listening()  # one of them may have started to listen again
        for side in self.idle:
            side.writer.close()

    def server(self) -> _Server:
        """Open a connection to the server for one request."""
        return _Server(self)

    def repeat(self) -> None:
        """Send the additional responses while no request is in flight, and wait without running the event loop."""
        for writer, data in self.pending:
            writer.write(data)
        if self.pending:
            # On some systems, a packet arrives after `send` has returned.
            time.sleep(0.002)
        self.pending.clear()

    async def stop_listening_for(self, seconds: float) -> None:
        """Refuse connections for some seconds."""
        if self._listener is not None:
            self._stop_listening()
            self._keep(self._listen_after(seconds))

    async def _listen_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._listen()

    def _listen(self) -> None:
        # An `asyncio.Server` does not close connections that arrive while it closes.
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
            # Additional responses must not wait for the next packet of the client.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            self._keep(self._serve(connection))

    def _keep(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, connection: socket.socket) -> None:
        """Handle the requests of one connection until it ends."""
        try:
            client = Side(*await asyncio.open_connection(sock=connection))
        except BaseException:
            connection.close()
            raise
        previous = b""
        try:
            # Connections break on purpose.
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while not client.writer.transport.is_closing():
                    request = await read_message(client.reader)
                    previous = await self._exchange(client, request, previous)
                    await client.writer.drain()
        finally:
            client.writer.close()

    async def _exchange(self, client: Side, request: Message, previous: bytes) -> bytes:
        """Handle one request; return the response, or nothing if a fault was injected."""
        self.requests += 1
        name = self._draw()
        exchange = Exchange(self, client, request, previous, Random(self._random.getrandbits(64)))
        if name is not None:
            self.injected[name] += 1
            await KINDS[name](exchange)
            return b""
        whole = (await exchange.forward()).whole
        exchange.write(whole)
        return whole

    def _draw(self) -> str | None:
        """Return the kind of fault for the next request."""
        try:
            return next(self._script)
        except StopIteration:
            # Draw both numbers for each request, so that a fault does not depend on earlier ones.
            has_fault, kind = self._random.random() < self._chance, self._random.choice(self._kinds)
            return kind if has_fault else None
