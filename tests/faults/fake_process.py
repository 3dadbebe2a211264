"""Run a `FakeCStar` in its own process, so that a storm uses two cores."""

from __future__ import annotations

import asyncio
import multiprocessing
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self

from cstar_async.testing import FakeCStar


class FakeProcess:
    """A fake without rate limits; it stops with the `with` block, or with this process."""

    url: str
    secret_key: str
    team_id: str

    def __enter__(self) -> Self:
        context = multiprocessing.get_context("spawn")
        self._here, there = context.Pipe()
        self._process = context.Process(target=_serve, args=(there,), daemon=True)
        self._process.start()
        there.close()
        self.url, self.secret_key, self.team_id = self._here.recv()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._here.close()
        self._process.join(10)
        self._process.close()


def _serve(pipe: Connection) -> None:
    """Run a fake until the other end of the pipe is closed."""

    async def serve() -> None:
        async with FakeCStar(limits=False, max_requests=1) as fake:
            pipe.send((fake.url, fake.secret_key, fake.team_id))
            ended = asyncio.Event()
            asyncio.get_running_loop().add_reader(pipe.fileno(), ended.set)
            await ended.wait()
            asyncio.get_running_loop().remove_reader(pipe.fileno())

    asyncio.run(serve())
