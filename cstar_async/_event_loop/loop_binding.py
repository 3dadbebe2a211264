"""The rule that an object belongs to the event loop and process of its first use."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from cstar_async.errors import CStarError


class LoopBinding:
    """Bind an object to the running event loop and to this process.

    Args:
        owner: The name of the object in errors, such as "client".
        on_first_use: Called in the loop before it is bound; if it raises, nothing is bound.
    """

    __slots__ = ("_loop", "_on_first_use", "_owner", "_process")

    def __init__(self, owner: str, on_first_use: Callable[[], None] | None = None) -> None:
        self._owner = owner
        self._on_first_use = on_first_use
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process: int | None = None

    @property
    def is_current(self) -> bool:
        """Whether the running loop is the one of the first use."""
        return self._loop is asyncio.get_running_loop()

    def bind(self) -> None:
        """Bind to the running loop on first use, and check it afterwards.

        Raises:
            CStarError: The object was first used in another event loop or process.
        """
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            if self._loop is not None:
                raise CStarError(f"this {self._owner} was first used in another event loop; make one {self._owner} for each loop")
            if self._on_first_use is not None:
                self._on_first_use()
            self._loop, self._process = loop, os.getpid()
        elif self._process != os.getpid():
            # After a fork, parent and child have the same sockets: each would read responses of the other.
            raise CStarError(f"this {self._owner} was first used in another process; make one in each process, after the fork")
