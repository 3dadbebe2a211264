"""One computation for many callers."""

from __future__ import annotations

import asyncio

import pytest

from cstar_async import NotFoundError, RequestTimeoutError
from cstar_async._client.single_flight import SingleFlight
from tests.unit.clocks import run_until_idle


class Work:
    """Runs until its result is set."""

    def __init__(self) -> None:
        self.runs: list[asyncio.Future[str]] = []

    async def __call__(self) -> str:
        """Start a run."""
        run: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.runs.append(run)
        return await run


async def test_known_value_needs_no_work() -> None:
    """Nothing is computed."""
    work = Work()
    assert ("team", 0) == (await SingleFlight("team").get(work, 60.0), len(work.runs))


async def test_concurrent_callers_share_one_run() -> None:
    """One call, however many callers."""
    flight, work = SingleFlight[str](), Work()
    tasks = [asyncio.create_task(flight.get(work, 60.0)) for _ in range(10)]
    await run_until_idle()
    work.runs[0].set_result("team")
    assert (["team"] * 10, 1) == (await asyncio.gather(*tasks), len(work.runs))


async def test_failure_is_shared_and_the_next_caller_computes_again() -> None:
    """Those who wait get the error, each a copy; later callers do not."""
    flight, work = SingleFlight[str](), Work()
    tasks = [asyncio.create_task(flight.get(work, 60.0)) for _ in range(2)]
    await run_until_idle()
    work.runs[0].set_exception(NotFoundError("gone", status=404))
    first, second = await asyncio.gather(*tasks, return_exceptions=True)
    assert (NotFoundError, NotFoundError, False) == (type(first), type(second), first is second)
    third = asyncio.create_task(flight.get(work, 60.0))
    await run_until_idle()
    work.runs[1].set_result("team")
    assert "team" == await third


@pytest.mark.parametrize("end", ["cancel", "timeout"])
async def test_end_of_the_first_caller_alone_lets_another_take_over(end: str) -> None:
    """Its cancellation and its deadline are its own."""
    flight, work = SingleFlight[str](), Work()
    first, second = asyncio.create_task(flight.get(work, 60.0)), asyncio.create_task(flight.get(work, 60.0))
    await run_until_idle()
    if end == "cancel":
        first.cancel()
    else:
        work.runs[0].set_exception(RequestTimeoutError("late"))
    await run_until_idle()
    work.runs[1].set_result("team")
    assert "team" == await second
    assert isinstance((await asyncio.gather(first, return_exceptions=True))[0], (asyncio.CancelledError, RequestTimeoutError))


async def test_cancelled_waiter_does_not_end_the_work() -> None:
    """Who waits for another's work leaves it running."""
    flight, work = SingleFlight[str](), Work()
    first, second = asyncio.create_task(flight.get(work, 60.0)), asyncio.create_task(flight.get(work, 60.0))
    await run_until_idle()
    second.cancel()
    await run_until_idle()
    work.runs[0].set_result("team")
    assert ("team", True) == (await first, second.cancelled())


async def test_caller_that_has_waited_long_enough_computes_the_value_itself() -> None:
    """The first caller, which may wait longer, returns the value too."""
    flight, work = SingleFlight[str](), Work()
    first, second = asyncio.create_task(flight.get(work, 60.0)), asyncio.create_task(flight.get(work, 0.0))
    await asyncio.sleep(0.02)
    work.runs[1].set_result("team")
    assert "team" == await second
    work.runs[0].set_result("team")
    assert ("team", "team") == (await first, flight.value)
