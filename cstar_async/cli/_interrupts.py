"""Ctrl-C without a traceback.

Python raises `KeyboardInterrupt` anywhere, also between two imports or while an event loop is half made. So Ctrl-C ends a command
at once, as it ends a program in C. There are two exceptions. While a coroutine runs, Ctrl-C first cancels it, which closes
connections and files. While the generator runs, Ctrl-C raises in it, which removes the folder with the new code.
"""

from __future__ import annotations

import signal
from collections.abc import Coroutine, Generator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

T = TypeVar("T")


def ending_at_once() -> AbstractContextManager[None]:
    """Let Ctrl-C end the process, unless the program has a handler of its own."""
    return _replacing(signal.default_int_handler, signal.SIG_DFL)


@contextmanager
def raising_interrupts() -> Generator[None]:
    """Let Ctrl-C raise `KeyboardInterrupt`, so that a command removes the files that it has begun."""
    with _replacing(signal.SIG_DFL, signal.default_int_handler):
        yield


def run_cancellable(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a new event loop.

    Raises:
        KeyboardInterrupt: Ctrl-C has cancelled it.
    """
    import asyncio

    with asyncio.Runner() as runner:
        runner.get_loop()
        with raising_interrupts():
            return runner.run(work)


@contextmanager
def _replacing(expected: Any, handler: Any) -> Generator[None]:
    """Replace the handler of Ctrl-C if it is the expected one. Other threads than the main one cannot, and get no signal."""
    if signal.getsignal(signal.SIGINT) is not expected:
        yield
        return
    try:
        signal.signal(signal.SIGINT, handler)
    except ValueError:
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, expected)
