"""The Redis rate limiter with a fake Redis: exchanges, permits and waits."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

import pytest

from cstar_async import CStarError, InvalidArgumentError, Priority, RateLimitWaitError
from cstar_async._rate_limit.interface import Limiter, Permit
from cstar_async.redis import RedisRateLimiter
from cstar_async.redis._local_state import LocalState
from cstar_async.redis._shared_window import SharedWindow
from tests.unit.clocks import EPOCH, rate_headers, run_until_idle
from tests.unit.fake_redis import CLOCK, LONG, FakeRedis, acquire, closed_window, make_reply


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        *(("background_reserve", -0.1), ("background_reserve", 1.0), ("expected_processes", 0), ("timeout", 0)),
        *(("on_unavailable", "wait"), ("name", ""), ("name", "two words"), ("name", "{tag}"), ("name", 7), ("name", "x" * 201)),
    ],
)
def test_invalid_argument_is_refused(argument: str, value: Any) -> None:
    """By its name."""
    settings: Any = {"name": "main", argument: value}
    with pytest.raises(InvalidArgumentError, match=argument):
        RedisRateLimiter("redis://localhost", **settings)


@pytest.mark.parametrize("client", ["http://localhost", object()])
def test_invalid_client_is_refused(client: Any) -> None:
    """A URL or an object of another type."""
    with pytest.raises(InvalidArgumentError, match=r"redis://|redis\.asyncio"):
        RedisRateLimiter(client, name="main")


def test_api_key_as_name_is_refused() -> None:
    """Redis would store it. The error does not contain it."""
    with pytest.raises(InvalidArgumentError, match="must be a label such as 'main', got an API key") as caught:
        RedisRateLimiter("redis://localhost", name="sk_test_secret")
    assert "secret" not in str(caught.value)


def test_import_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that installs redis-py."""
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    with pytest.raises(ImportError, match=r"pip install 'cstar-async\[redis\]'"):
        RedisRateLimiter("redis://localhost", name="main")


def test_redis_py_is_imported_with_the_first_limiter() -> None:
    """Not by the package or its redis module."""
    program = "import sys, cstar_async.redis; print('redis' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


async def test_limiter_implements_the_protocol(limiter: RedisRateLimiter) -> None:
    """The same as the one in memory."""
    assert isinstance(limiter, Limiter)


def test_limiter_created_before_a_fork_is_another_member_in_each_child() -> None:
    """It gets its name with the first request."""
    program = (
        "import asyncio, os\n"
        "from cstar_async.redis import RedisRateLimiter; from tests.unit.fake_redis import FakeRedis, acquire\n"
        "fake_redis = FakeRedis(); limiter = RedisRateLimiter(fake_redis, name='main'); child = os.fork()\n"
        "async def main():\n"
        "    await acquire(limiter)\n"
        "    os.write(1, f'{fake_redis.requests[0][\"member\"]}\\n'.encode())\n"
        "asyncio.run(main())\n"
        "if child: os.waitpid(child, 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert 2 == len(set(done.stdout.split()))


async def test_concurrent_requests_share_an_exchange(limiter: RedisRateLimiter, fake_redis: FakeRedis) -> None:
    """A hundred need one."""
    await asyncio.gather(*(acquire(limiter) for _ in range(100)))
    assert [[100, 0]] == [request["waiting"] for request in fake_redis.requests]


async def test_next_request_reports_the_last_response(limiter: RedisRateLimiter, fake_redis: FakeRedis) -> None:
    """So each needs one exchange."""
    permit = await acquire(limiter)
    limiter.on_response(permit, 200, rate_headers(999), CLOCK)
    await acquire(limiter)
    first, second = fake_redis.requests
    assert "window" not in first
    assert ([0, 0], 999, True) == (second["held"], second["window"]["remaining"], second["window"]["is_new"])


async def test_use_outside_of_the_processes_is_reported_at_once(limiter: RedisRateLimiter, fake_redis: FakeRedis) -> None:
    """More is used than they can have used."""
    limiter.on_response(await acquire(limiter), 200, rate_headers(500), CLOCK)
    await run_until_idle()
    assert [500] == [request["window"]["remaining"] for request in fake_redis.requests[1:]]


async def test_last_response_is_reported_by_itself(limiter: RedisRateLimiter, fake_redis: FakeRedis) -> None:
    """After that there is no task."""
    limiter.on_response(await acquire(limiter), 200, rate_headers(999), CLOCK)
    await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name() == "cstar_async rate limit"))
    assert [([0, 0], False), ([0, 0], True)] == [
        (request["held"], request.get("window", {}).get("is_new", False)) for request in fake_redis.requests
    ]


async def test_state_is_the_last_one_stated(limiter: RedisRateLimiter) -> None:
    """By Redis, then by a response of the API."""
    assert limiter.state is None
    permit = await acquire(limiter)
    assert limiter.state is not None
    assert (1000, 1000, EPOCH + 3600) == (
        limiter.state.limit,
        limiter.state.remaining,
        limiter.state.reset_at and limiter.state.reset_at.timestamp(),
    )
    limiter.on_response(permit, 200, rate_headers(42), CLOCK)
    assert 42 == limiter.state.remaining


async def test_state_keeps_the_lower_count_of_a_window(limiter: RedisRateLimiter, fake_redis: FakeRedis) -> None:
    """A response from before another process used the rest does not hide that. One of the next window does."""
    first, second, third = [await acquire(limiter) for _ in range(3)]
    fake_redis.replies.append({"remaining": 0})
    await acquire(limiter)
    remaining: list[int | None] = []
    for permit, headers in [
        (first, rate_headers(900)),
        (second, rate_headers(950, EPOCH + 7200)),
        (third, rate_headers(949, EPOCH + 7200)),
    ]:
        limiter.on_response(permit, 200, headers, CLOCK)
        remaining.append(limiter.state and limiter.state.remaining)
    assert [0, 950, 949] == remaining


async def test_remaining_subtracts_the_permits_of_other_processes(limiter: RedisRateLimiter, fake_redis: FakeRedis) -> None:
    """And the reserve for background requests."""
    fake_redis.replies.append({"remaining": 500, "held_by_peers": 10})
    await acquire(limiter)
    assert (489, 389) == (limiter.remaining(Priority.INTERACTIVE, CLOCK), limiter.remaining(Priority.BACKGROUND, CLOCK))


async def test_results_of_a_slow_start_are_reported() -> None:
    """Its permits in use, and its accepted requests: no refused, failed or earlier ones. The next slow start begins at nothing."""
    local = LocalState(SharedWindow(reserve=0.1, expected_processes=10), timeout=1.0, resync_timeout=3.0)

    def grant(number: int, slow_start: int, priority: Priority = Priority.INTERACTIVE) -> Permit:
        permit, reply = Permit(True, number, priority), make_reply(number=number, slow_start=slow_start)
        local.read_reply(reply)
        local.on_grant(permit, reply, CLOCK.monotonic())
        return permit

    def report() -> Any:
        return local.build_request([0, 0], CLOCK, is_closed=False)["slow_start"]

    early, permits = grant(6, 5), [grant(8 + number, 7) for number in range(4)]
    background = grant(12, 7, Priority.BACKGROUND)
    assert {"number": 7, "held": [4, 1], "accepted": 0} == report()
    for permit, status in zip([early, *permits], [200, 200, 404, 429, 503], strict=True):
        local.on_response(permit, status, {}, CLOCK, None)
    local.release(background, is_lost=True)
    assert {"number": 7, "held": [0, 0], "accepted": 2} == report()
    grant(20, 13)
    assert {"number": 13, "held": [1, 0], "accepted": 0} == report()


async def test_request_without_a_response_is_reported_as_lost(limiter: RedisRateLimiter, fake_redis: FakeRedis) -> None:
    """Once, because the server may have counted it."""
    limiter.release(await acquire(limiter), CLOCK)
    limiter.release(await acquire(limiter), CLOCK)
    await acquire(limiter)
    assert [0, 1, 1] == [request["lost"] for request in fake_redis.requests]


async def test_refusal_is_reported_with_its_wait(limiter: RedisRateLimiter, fake_redis: FakeRedis) -> None:
    """So that it closes the window for all processes."""
    limiter.on_response(await acquire(limiter), 429, {"Retry-After": "60"}, CLOCK)
    await acquire(limiter)
    window = fake_redis.requests[1]["window"]
    assert (True, 0, 60.0) == (window["refused"], window["remaining"], window["left"])


async def test_reset_slack_is_reported(limiter: RedisRateLimiter, fake_redis: FakeRedis) -> None:
    """After a probe that was sent too early, because the server rounds down."""
    fake_redis.replies += [{"is_known": False, "is_probe": True, "number": 7}]
    limiter.on_response(await acquire(limiter), 429, {"Retry-After": "1"}, CLOCK)
    await acquire(limiter)
    assert [(0.0, None), (1.0, True)] == [
        (request["reset_slack"], request.get("window", {}).get("is_exact")) for request in fake_redis.requests[:2]
    ]


async def test_reset_slack_is_read_from_the_reply(limiter: RedisRateLimiter, fake_redis: FakeRedis) -> None:
    """For the fallback, and for a new shared state."""
    fake_redis.replies.append({"reset_slack": 1.0, "left": 5.0})
    await acquire(limiter)
    await acquire(limiter)
    assert (1.0, False) == (fake_redis.requests[1]["reset_slack"], fake_redis.requests[1]["window"]["is_exact"])


async def test_wait_longer_than_allowed_fails(limiter: RedisRateLimiter, fake_redis: FakeRedis) -> None:
    """The error has the time when the window opens."""
    fake_redis.replies.append(closed_window())
    with pytest.raises(RateLimitWaitError) as caught:
        await acquire(limiter, max_wait=60)
    assert (3600.0, EPOCH + 3600, 0) == (
        caught.value.wait,
        caught.value.retry_at.timestamp(),
        caught.value.state and caught.value.state.remaining,
    )


async def test_on_wait_is_called_once_with_the_expected_wait(limiter: RedisRateLimiter, fake_redis: FakeRedis) -> None:
    """For a limit of two, and another process where two requests wait. Each process gets one permit of a window."""
    waits: list[float] = []
    fake_redis.replies += [closed_window(limit=2, wanted_by_peers=[2, 0], waiting_peers=[1, 0])] * 2
    tasks = [acquire(limiter, max_wait=10 * LONG, on_wait=waits.append) for _ in range(4)]
    await run_until_idle()
    tasks.append(acquire(limiter, max_wait=10 * LONG, on_wait=waits.append))
    await run_until_idle()
    assert [3600.0, 7200.0, 10800.0, 10800.0, 14400.0] == waits
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize(
    ("priority", "wanted", "expected"),
    [
        (Priority.INTERACTIVE, [100_000, 100_000], 3600.0),  # its turn is in the next window, whatever the others want
        (Priority.BACKGROUND, [0, 100_000], 3600.0),
        (Priority.BACKGROUND, [1800, 0], 3 * 3600.0),  # 900 of each window, after all interactive requests
    ],
)
async def test_expected_wait_counts_an_even_division_of_permits(
    limiter: RedisRateLimiter, fake_redis: FakeRedis, priority: Priority, wanted: list[int], expected: float
) -> None:
    """Two other processes, where many requests wait, are each ahead by one."""
    waits: list[float] = []
    fake_redis.replies.append(closed_window(wanted_by_peers=wanted, waiting_peers=[min(2, count) for count in wanted]))
    task = acquire(limiter, priority=priority, max_wait=expected + 1, on_wait=waits.append)
    await run_until_idle()
    assert [expected] == waits
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_requests_fail_when_the_window_is_found_to_be_closed(limiter: RedisRateLimiter, fake_redis: FakeRedis) -> None:
    """Those that would wait for too long."""
    fake_redis.replies += [{"granted": [0, 0], "is_known": False, "poll_after": 0}, closed_window()]
    short, long = acquire(limiter, max_wait=60), acquire(limiter)
    with pytest.raises(RateLimitWaitError):
        await short
    assert not long.done()
    long.cancel()


async def test_request_that_may_not_wait_has_time_for_an_exchange(limiter: RedisRateLimiter) -> None:
    """It does not count as a wait."""
    assert isinstance(await acquire(limiter, max_wait=0.0), Permit)


async def test_request_does_not_wait_longer_for_a_redis_that_hangs(limiter: RedisRateLimiter, fake_redis: FakeRedis) -> None:
    """Not beyond `max_wait`."""
    fake_redis.may_reply.clear()
    with pytest.raises(RateLimitWaitError):
        await acquire(limiter, max_wait=0.0)
    fake_redis.may_reply.set()


async def test_failed_request_waits_no_longer_in_redis(limiter: RedisRateLimiter, fake_redis: FakeRedis) -> None:
    """Permits of the next window are not reserved for it."""
    fake_redis.replies.append(closed_window())
    with pytest.raises(RateLimitWaitError):
        await acquire(limiter, max_wait=60)
    await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name() == "cstar_async rate limit"))
    assert [[1, 0], [0, 0]] == [request["waiting"] for request in fake_redis.requests]


async def test_cancelled_request_waits_no_longer_in_redis(limiter: RedisRateLimiter, fake_redis: FakeRedis) -> None:
    """And then there is no task."""
    fake_redis.replies.append(closed_window())
    task = acquire(limiter)
    await run_until_idle()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name() == "cstar_async rate limit"))
    assert [[1, 0], [0, 0]] == [request["waiting"] for request in fake_redis.requests]


async def test_permit_of_a_request_cancelled_in_the_same_iteration_is_not_lost(
    limiter: RedisRateLimiter, fake_redis: FakeRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was never sent, so it is not reported as lost."""
    task, handle = acquire(limiter), limiter._handle_reply

    def handle_and_cancel(reply: dict[str, Any]) -> None:
        handle(reply)
        task.cancel()

    monkeypatch.setattr(limiter, "_handle_reply", handle_and_cancel)
    await asyncio.gather(task, return_exceptions=True)
    await acquire(limiter)
    assert task.cancelled()
    assert ([0, 0], 0) == (fake_redis.requests[-1]["held"], fake_redis.requests[-1]["lost"])


async def test_permit_for_a_request_cancelled_during_the_exchange_is_returned(
    limiter: RedisRateLimiter, fake_redis: FakeRedis
) -> None:
    """At once, with the next exchange."""
    fake_redis.may_reply.clear()
    task = acquire(limiter)
    await run_until_idle()
    task.cancel()
    await run_until_idle()
    fake_redis.may_reply.set()
    await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name() == "cstar_async rate limit"))
    assert [([1, 0], [0, 0]), ([0, 0], [0, 0])] == [(request["waiting"], request["held"]) for request in fake_redis.requests]


@pytest.mark.parametrize("refused", ["repeated", "late"])
async def test_refused_request_is_followed_by_another_exchange(
    limiter: RedisRateLimiter, fake_redis: FakeRedis, refused: str
) -> None:
    """What Redis has not applied is reported again."""
    limiter.release(await acquire(limiter), CLOCK)
    fake_redis.replies.append({"refused": refused})
    assert isinstance(await acquire(limiter), Permit)
    assert [1, 2, 3] == [request["sequence"] for request in fake_redis.requests]
    assert [0, 1, 1 if refused == "late" else 0] == [request["lost"] for request in fake_redis.requests]


async def test_granted_priorities_are_kept(limiter: RedisRateLimiter, fake_redis: FakeRedis) -> None:
    """Within the process."""
    fake_redis.replies.append({"granted": [1, 0], "poll_after": LONG})
    background, interactive = acquire(limiter, priority=Priority.BACKGROUND), acquire(limiter)
    await interactive
    assert not background.done()
    background.cancel()


async def test_second_event_loop_is_refused(limiter: RedisRateLimiter) -> None:
    """With an error that says what to do."""
    await acquire(limiter)

    def elsewhere() -> None:
        with pytest.raises(CStarError, match="make one rate limiter for each loop"):
            asyncio.run(limiter.acquire(Priority.INTERACTIVE, CLOCK, max_wait=1, on_wait=lambda _: None))

    await asyncio.to_thread(elsewhere)


async def test_repr_shows_state_and_queue(limiter: RedisRateLimiter) -> None:
    """And no address."""
    assert repr(limiter) == "RedisRateLimiter(state=None, waiting=0, is_degraded=False)"


async def test_initial_limit_is_reported(limiter: RedisRateLimiter, fake_redis: FakeRedis) -> None:
    """Until a response states another one."""
    limiter.set_initial_limit(100)
    await acquire(limiter)
    limiter.set_initial_limit(7)
    await acquire(limiter)
    assert [100, 1000] == [request["limit"] for request in fake_redis.requests]
