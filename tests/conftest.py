"""Configure pytest for all tests."""

from __future__ import annotations

import gc
import logging
import os
import signal
from collections.abc import Generator, Iterator
from importlib import import_module

import pytest
from coverage import Coverage
from hypothesis import HealthCheck, settings

PROCESS_CONFIG = "COVERAGE_PROCESS_CONFIG"
"""The environment variable with which coverage measures the processes that a process starts."""

# No test may fail because the machine is busy.
settings.register_profile("no deadline", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("no deadline")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Leave what the collection makes out of later garbage collections: each would look at a million objects, for half a second."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start the longest tests first; the others keep their random order."""
    items.sort(key=lambda item: item.get_closest_marker("first") is None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, bool | None, bool | None]:
    """Stop the coverage tracer during a test that is marked `no_cover`."""
    coverage = Coverage.current() if item.get_closest_marker("no_cover") else None
    if coverage is None:
        return (yield)
    # A client imports it at its first request; without the tracer, its definitions would count as missed.
    import_module("cstar_async._transport.aiohttp_transport")
    coverage.stop()
    try:
        return (yield)
    finally:
        coverage.start()
        os.environ.pop(PROCESS_CONFIG, None)  # it sets the variable again


@pytest.fixture(scope="session", autouse=True)
def _processes_without_coverage() -> Iterator[None]:
    """Start processes of tests without coverage, which makes Python three times as slow and finds no new line there."""
    with pytest.MonkeyPatch.context() as patch:
        # The workers of pytest-xdist have read the variable before this fixture runs.
        patch.delenv(PROCESS_CONFIG, raising=False)
        yield


@pytest.fixture(scope="session", autouse=True)
def _processes_with_interrupts() -> Iterator[None]:
    """Start processes of tests with SIGINT as in a terminal: what a shell starts in the background ignores it, children too."""
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    if ignored:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    if ignored:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


@pytest.fixture
def caplog(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Collect what earlier tests have left before the test starts: asyncio logs the exceptions of tasks that nobody awaited."""
    gc.collect()
    return caplog


@pytest.fixture(autouse=True)
def _levels_of_loggers_as_before() -> Iterator[None]:
    """Restore the levels that examples set, so that `caplog` of later tests gets all records."""
    loggers = [logging.getLogger(), logging.getLogger("cstar_async")]
    levels = [logger.level for logger in loggers]
    yield
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)
