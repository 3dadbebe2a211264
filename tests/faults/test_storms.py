"""Check that no fault of the network duplicates a ticket, mixes up responses or leaks a slot.

Many creates go through a proxy that injects each kind of fault, and all kinds together. `make test` runs small storms, `make soak`
full ones, with the fake in its own process. A create returns its own ticket, which is on the server once, or raises a typed error,
and then the ticket is there at most once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor

import aiohttp
import pytest

from cstar_async.testing import FakeCStar
from tests.faults.fake_process import FakeProcess
from tests.faults.kinds import HARMLESS, KINDS
from tests.faults.storm import Outcome, Service, storm

pytestmark = pytest.mark.no_cover

ONE_AT_A_TIME = ("repeated_later",)
STALLING = ("stalled_before", "stalled_after", "stalled_in_response")
MIXED = tuple(kind for kind in KINDS if kind not in ONE_AT_A_TIME)
FULL = 10_000


@pytest.fixture
async def fake() -> AsyncIterator[FakeCStar]:
    """Start a fake without limits, in this event loop."""
    async with FakeCStar(limits=False) as fake:
        yield fake


@pytest.fixture
def process() -> Iterator[FakeProcess]:
    """Start a fake without limits, in its own process."""
    with FakeProcess() as process:
        yield process


async def one_kind(service: Service, kind: str, creates: int) -> Outcome:
    """Run a storm of one kind of fault."""
    if kind in STALLING:
        # Few concurrent calls, so that only stalled ones take as long as the timeout.
        return await storm(service, creates=creates, kinds=[kind], workers=16, timeout=0.4)
    return await storm(service, creates=creates, kinds=[kind], workers=1 if kind in ONE_AT_A_TIME else 48, timeout=10.0)


def check(outcome: Outcome, creates: int) -> None:
    """Check what holds for every storm."""
    assert ([], [], [], []) == outcome.violations
    assert creates == outcome.returned + outcome.failed.total() + outcome.cancelled
    assert creates * 0.05 < outcome.faults.total()


@pytest.mark.parametrize("kind", KINDS)
async def test_kind_of_fault_duplicates_nothing(fake: FakeCStar, kind: str) -> None:
    """Fifty creates with a fault in three of ten requests."""
    outcome = await one_kind(fake, kind, 50)
    check(outcome, 50)
    assert 25 < outcome.returned
    if kind in HARMLESS:
        assert (50, 50) == (outcome.returned, outcome.requests)


async def test_all_kinds_together_duplicate_nothing(fake: FakeCStar) -> None:
    """Three hundred creates of three clients, with all kinds of faults."""
    outcome = await storm(fake, creates=300, kinds=MIXED, clients=3, timeout=0.5)
    check(outcome, 300)
    assert 15 < len(outcome.faults)


async def test_session_of_the_user_duplicates_nothing(fake: FakeCStar) -> None:
    """A hundred creates of two clients that share a session of the user, which stays open."""
    async with aiohttp.ClientSession() as session:
        outcome = await storm(fake, creates=100, kinds=MIXED, clients=2, workers=12, timeout=0.5, session=session)
        assert not session.closed
    check(outcome, 100)


async def test_repeated_response_is_ignored_in_a_session_of_the_user(fake: FakeCStar) -> None:
    """Connections of a session of the user are checked before they are reused."""
    async with aiohttp.ClientSession() as session:
        outcome = await storm(fake, creates=50, kinds=ONE_AT_A_TIME, workers=1, session=session)
    check(outcome, 50)
    assert (50, 50) == (outcome.returned, outcome.requests)


def test_two_clients_in_two_loops_duplicate_nothing() -> None:
    """Two storms in two event loops of two threads run at the same time."""

    async def one(seed: int) -> Outcome:
        async with FakeCStar(limits=False) as fake:
            return await storm(fake, creates=60, kinds=MIXED, timeout=0.5, seed=seed)

    with ThreadPoolExecutor(2) as pool:
        for outcome in pool.map(lambda seed: asyncio.run(one(seed)), range(2)):
            check(outcome, 60)


async def test_cancelled_calls_duplicate_nothing(fake: FakeCStar) -> None:
    """Three hundred creates with all kinds of faults, half of them cancelled at a random time."""
    outcome = await storm(fake, creates=300, kinds=MIXED, cancelling=0.5, timeout=0.5)
    check(outcome, 300)
    assert 20 < outcome.cancelled


@pytest.mark.soak
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("kind", KINDS)
async def test_ten_thousand_creates_through_a_kind(process: FakeProcess, kind: str) -> None:
    """Ten thousand creates with a fault in three of ten requests."""
    outcome = await one_kind(process, kind, FULL)
    check(outcome, FULL)
    assert FULL / 2 < outcome.returned
    if kind in HARMLESS:
        assert (FULL, FULL) == (outcome.returned, outcome.requests)


@pytest.mark.soak
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("cancelling", [0.0, 0.3], ids=["completed", "cancelled"])
@pytest.mark.parametrize("seed", range(2))
async def test_ten_thousand_creates_through_all_kinds(process: FakeProcess, cancelling: float, seed: int) -> None:
    """Ten thousand creates of four clients, with all kinds of faults."""
    outcome = await storm(process, creates=FULL, kinds=MIXED, clients=4, workers=8, cancelling=cancelling, timeout=1.0, seed=seed)
    check(outcome, FULL)
    assert FULL / 2 < outcome.returned + outcome.cancelled


@pytest.mark.soak
@pytest.mark.timeout(1500)
async def test_ten_thousand_creates_one_at_a_time_through_all_kinds(process: FakeProcess) -> None:
    """Ten thousand sequential creates with all kinds of faults, and with responses that are repeated between requests."""
    outcome = await storm(process, creates=FULL, kinds=list(KINDS), workers=1, timeout=0.1)
    check(outcome, FULL)
    assert FULL / 2 < outcome.returned
