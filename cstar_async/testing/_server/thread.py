"""An event loop in a thread, for programs without one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import TypeVar

from cstar_async.errors import CStarError

T = TypeVar("T")


class LoopThread:
    """An event loop that runs in a thread of its own until `close()`.

    Raises:
        CStarError: An event loop runs in this thread, which would block while it waits for the other.
    """

    def __init__(self) -> None:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            pass
        else:
            raise CStarError("'with' runs a fake in a thread, for programs without an event loop; here, use 'async with'")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="FakeCStar", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[object, None, T]) -> T:
        """Run a coroutine in the thread, and wait for its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self, last: Coroutine[object, None, object]) -> None:
        """Run a last coroutine, and end the loop and the thread."""
        try:
            self.run(last)
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()
