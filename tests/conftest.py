"""What holds for all tests."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from importlib import import_module

import pytest
from coverage import Coverage
from hypothesis import HealthCheck, settings

# No test may fail because the machine is busy.
settings.register_profile("no deadline", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("no deadline")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest; the others stay in the random order that they are in."""
    items.sort(key=lambda item: item.get_closest_marker("first") is None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, bool | None, bool | None]:
    """Rest the tracer during a test that is slow under it and reaches nothing that others do not."""
    coverage = Coverage.current() if item.get_closest_marker("no_cover") else None
    if coverage is None:
        return (yield)
    import_module(
        "cstar_async._transport.aiohttp_transport"
    )  # at the first request otherwise, and its definitions would count as never run
    coverage.stop()
    try:
        return (yield)
    finally:
        coverage.start()


@pytest.fixture(scope="session", autouse=True)
def _processes_without_coverage() -> Iterator[None]:
    """Take coverage away from the processes that tests start: it makes Python three times as slow, and finds no new line there."""
    with pytest.MonkeyPatch.context() as patch:
        # The workers of pytest-xdist run under coverage by the same word; they have read it when this is run.
        patch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
        yield
