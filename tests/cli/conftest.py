"""A fake in a thread, and the command line in this process or in its own."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import attrs
import pytest

from cstar_async.cli import main
from cstar_async.testing import FakeCStar


@contextmanager
def served(**options: Any) -> Iterator[FakeCStar]:
    """Run a fake in a thread with an event loop of its own."""
    fake, loop = FakeCStar(**options), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(fake.start(), loop).result(30)
        yield fake
    finally:
        asyncio.run_coroutine_threadsafe(_close(fake), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()


async def _close(fake: FakeCStar) -> None:
    """Close a fake, and cancel the requests that a fault still delays."""
    await fake.aclose()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def environment(fake: FakeCStar) -> dict[str, str]:
    """Return the variables that the command line reads."""
    return {"CSTAR_API_KEY": fake.secret_key, "CSTAR_BASE_URL": fake.url, "CSTAR_TEAM_ID": fake.team_id}


@pytest.fixture(scope="session")
def fake_server() -> Iterator[FakeCStar]:
    """A fake with sample data for all tests of the process."""
    with served(seed=7, limits=False) as fake:
        yield fake


@pytest.fixture(autouse=True)
def _environment(fake_server: FakeCStar, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command line use the fake."""
    for name, value in environment(fake_server).items():
        monkeypatch.setenv(name, value)
    # A terminal that is as wide as the longest line, without colours.
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")


@pytest.fixture
async def fake() -> AsyncIterator[FakeCStar]:
    """A fake in the event loop of the test."""
    async with FakeCStar() as fake:
        yield fake


@attrs.frozen
class Outcome:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The whole of standard output as JSON."""
        return json.loads(self.out)


Command = Callable[..., Outcome]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run the command line in this process."""

    def run(*arguments: str) -> Outcome:
        capsys.readouterr()
        code = main(list(arguments))
        return Outcome(code, *capsys.readouterr())

    return run


def run_process(*arguments: str, stdin: str = "", **options: Any) -> Outcome:
    """Run the command line in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "cstar_async", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
        **options,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)
