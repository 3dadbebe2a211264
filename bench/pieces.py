"""Time the parts of every call in microseconds: limiter, semaphore, idempotency key, and hooks that are not used.

A busy machine makes times longer and never shorter, so the best of many short runs counts.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable

from multidict import CIMultiDict, CIMultiDictProxy

from cstar_async import Priority, RateLimiter
from cstar_async._client.concurrency import PrioritySemaphore
from cstar_async._client.hook_dispatcher import HookDispatcher
from cstar_async._event_loop.clock import SystemClock
from cstar_async._protocol.idempotency import new_key
from cstar_async.webhooks._signature import keyed_digests

RUNS = 2000
TIMES = 100

HEADERS = CIMultiDictProxy(
    CIMultiDict(
        {
            "Content-Type": "application/json",
            "X-RateLimit-Limit": "100000000",
            "X-RateLimit-Remaining": "99999999",
            "X-RateLimit-Reset": "4102444800",
            "X-RateLimit-Window": "3600",
        }
    )
)


def microseconds(work: Callable[[], object]) -> float:
    """Return the time of *work* without the overhead of calling it."""
    return (best(work) - best(lambda: None)) / 1000


def best(work: Callable[[], object]) -> float:
    """Return the best time of one run of *work* in nanoseconds."""
    times = range(TIMES)
    found: list[float] = []
    for _ in range(RUNS):
        begun = time.perf_counter_ns()
        for _ in times:
            work()
        found.append((time.perf_counter_ns() - begun) / TIMES)
    return min(found)


def measure() -> dict[str, tuple[float, float]]:
    """Return the time of each part and its limit by name.

    The limiter has two rows: acquire and release of a permit without a wait, and the same with parsing the headers of the response,
    which should be at most a hundredth of a GET. Storing the headers for `rate_limit` (target 23) is one assignment in it.
    """
    limiter, clock, semaphore = RateLimiter(), SystemClock(), PrioritySemaphore(100)
    hooks = HookDispatcher((), clock)
    priority = Priority.INTERACTIVE  # accessing a member of an enum takes time that a call does not need
    first = limiter.try_acquire(priority, clock)
    assert first is not None
    limiter.on_response(first, 200, HEADERS, clock)

    def acquire_and_release() -> None:
        permit = limiter.try_acquire(priority, clock)
        assert permit is not None
        limiter.release(permit, clock, sent=False)

    def acquire_and_update() -> None:
        permit = limiter.try_acquire(priority, clock)
        assert permit is not None
        limiter.on_response(permit, 200, HEADERS, clock)

    digest, message = keyed_digests("whsec_bench")[0], bytes(330)
    unkeyed = microseconds(lambda: hmac.digest(b"whsec_bench", message, "sha256").hex())

    def enter_semaphore() -> None:
        semaphore.try_acquire(priority)
        semaphore.release(priority)

    return {
        "20 limiter: acquire and release, us": (microseconds(acquire_and_release), 0.5),
        "20 limiter: acquire and update from a response, us": (microseconds(acquire_and_update), 1.5),
        "21 semaphore: acquire and release, us": (microseconds(enter_semaphore), 1.0),
        "22 a new idempotency key, us": (microseconds(new_key), 0.6),
        "   digest of a delivery, beside hmac.digest": (microseconds(lambda: digest(message)) / unkeyed, 0.9),
        "24 no hooks and no logging, us": (microseconds(lambda: hooks.has_attempt_hooks), 0.3),
    }
