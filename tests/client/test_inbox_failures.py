"""Handlers that fail: outages and rate limits, exceptions of any class, and what is logged of them."""

from __future__ import annotations

import errno
import sqlite3
from datetime import UTC, datetime
from typing import Any

import pytest

from cstar_async import ConnectionFailedError, CStarError, NotFoundError, RateLimitError, RateLimitWaitError, ServerError
from cstar_async.errors import APIError, RequestTimeoutError
from cstar_async.testing.clock import FakeClock
from cstar_async.webhooks import WebhookEvent, WebhookInbox
from cstar_async.webhooks._failures import describe, outage_wait
from tests.client.inboxes import SECRET, body_of, deliver, inbox_of

SPENT = RateLimitWaitError("no requests are left", retry_at=datetime(2027, 1, 1, tzinfo=UTC), wait=1800.0)


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (SPENT, 1800.0),
        (RateLimitError("too many", status=429, retry_after=90.0), 90.0),
        (RateLimitError("too many", status=429), 60.0),
        (ServerError("maintenance", status=503, retry_after=240.0), 240.0),
        (ServerError("a failure that ends", status=500, retry_after=30.0), 30.0),
        (ServerError("maintenance for a year", status=503, retry_after=3e7), 3600.0),
        (ServerError("a wait that is no number", status=503, retry_after=float("nan")), 0.0),
        (ServerError("bad gateway", status=502), 0.0),
        (APIError("request timeout", status=408), 0.0),
        (ConnectionFailedError("no connection"), 0.0),
        (RequestTimeoutError("no response"), 0.0),
        (ExceptionGroup("two calls", [SPENT, ConnectionFailedError("no connection")]), 1800.0),
        (ExceptionGroup("two calls", [SPENT, KeyError("id")]), None),
        (ServerError("a failure without an end", status=500), None),
        (NotFoundError("no such ticket", status=404), None),
        (CStarError("this client is closed"), None),
        (TimeoutError(), None),
    ],
)
def test_an_outage_states_when_to_try_again(error: Exception, seconds: float | None) -> None:
    """A failure that another attempt may repeat for ever is no outage."""
    assert outage_wait(error) == seconds


@pytest.mark.parametrize("error", [SPENT, ServerError("maintenance", status=503, retry_after=1800.0)])
async def test_an_outage_costs_no_attempt(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    """The handler is called again after the stated wait, as often as needed."""
    times: list[float] = []
    clock = FakeClock(autojump=True)
    async with WebhookInbox(SECRET, tolerance=None, max_attempts=1, _clock=clock) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            times.append(clock.monotonic())
            if len(times) < 10:
                raise error

        await deliver(inbox, body_of(1))
        await inbox.wait_until_idle()
    assert [round(time) for time in times] == [1800 * number for number in range(10)]
    assert "evt_1: handler called again in 1800.0 s" in caplog.text


async def test_an_outage_of_three_hours_is_waited_for() -> None:
    """Without a stated wait, the back-off is at most half a minute; a mistake in the handler still counts."""
    clock, calls, reported = FakeClock(autojump=True), list[float](), list[str]()
    async with WebhookInbox(SECRET, tolerance=None, max_attempts=2, _clock=clock) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            calls.append(clock.monotonic())
            if clock.monotonic() < 3 * 3600:
                raise ConnectionFailedError("no connection")
            raise KeyError(event.id)

        @inbox.on_error
        async def report(event: WebhookEvent, error: Exception) -> None:
            reported.append(f"{event.id}: {error!r}")

        await deliver(inbox, body_of(1))
        await inbox.wait_until_idle()
    assert reported == ["evt_1: KeyError('evt_1')"]
    assert 3 * 3600 <= calls[-2] < calls[-1] < 3 * 3600 + 60


async def test_closing_ends_the_wait_for_an_outage() -> None:
    """The event is returned as not handled."""
    inbox = WebhookInbox(SECRET, tolerance=None, shutdown_timeout=0.01)

    @inbox.on("*")
    async def handle(event: WebhookEvent) -> None:
        raise SPENT

    await deliver(inbox, body_of(1), body_of(2))
    assert await inbox.aclose() == ("evt_1", "evt_2")


class StopTheTest(BaseException):
    """An exception that `except Exception` does not catch."""


@pytest.mark.parametrize("kind", [StopTheTest, GeneratorExit])
async def test_an_exception_of_any_class_is_a_failure(kind: type[BaseException]) -> None:
    """The next events of the ticket are handled."""
    handled: list[str] = []
    reported: list[str] = []
    async with inbox_of(max_attempts=2) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            handled.append(event.id)
            if event.id == "evt_1":
                raise kind

        @inbox.on_error
        async def report(event: WebhookEvent, error: Exception) -> None:
            reported.append(f"{event.id}: {error}, {type(error.__cause__).__name__}")

        await deliver(inbox, body_of(1), body_of(2))
        await inbox.wait_until_idle()
    assert handled == ["evt_1", "evt_1", "evt_2"]
    assert reported == [f"evt_1: the handler raised {kind.__name__}, {kind.__name__}"]


async def test_a_failed_attempt_is_logged_with_its_line(caplog: pytest.LogCaptureFixture) -> None:
    """The log names the file, the line and the function."""
    async with inbox_of(max_attempts=2) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            {}[event.id]

        await deliver(inbox, body_of(1))
        await inbox.wait_until_idle()
    assert "evt_1: handler failed, attempt 1: KeyError (test_inbox_failures.py:" in caplog.text
    assert ", in handle)" in caplog.text


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (sqlite3.OperationalError("database or disk is full"), "OperationalError: database or disk is full"),
        (sqlite3.DatabaseError("file is not a database"), "DatabaseError: file is not a database"),
        (OSError(errno.ENOSPC, "Jane Doe", "/home/jane"), "OSError: No space left on device"),
        (OSError("Jane Doe"), "OSError"),
        (ConnectionFailedError("Redis is full of sk_live_abcdefgh"), "ConnectionFailedError: Redis is full of sk_live_…"),
        (ExceptionGroup("Jane Doe", [KeyError("Jane"), OSError()]), "ExceptionGroup: KeyError, OSError"),
        (ValueError("Jane Doe"), "ValueError"),
    ],
)
def test_a_text_is_shown_if_it_cannot_contain_the_event(error: Any, text: str) -> None:
    """Those of SQLite, of the system and of this package, without keys."""
    assert describe(error) == text


async def test_without_on_error_the_traceback_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """It has lines of code, and no text of the event or the exception."""
    async with inbox_of(max_attempts=1) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            raise ValueError("Jane Doe")

        await deliver(inbox, body_of(1))
        await inbox.wait_until_idle()
    assert "evt_1: all attempts failed (ticket.created)\n" in caplog.text
    assert caplog.text.rstrip().endswith("\nValueError")
    assert "Jane" not in caplog.text.replace('raise ValueError("Jane Doe")', "")


async def test_an_error_handler_that_fails_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The next error handler is called all the same."""
    reported: list[str] = []
    async with inbox_of(max_attempts=1) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            raise ValueError

        @inbox.on_error
        async def fail(event: WebhookEvent, error: Exception) -> None:
            raise TypeError

        @inbox.on_error
        async def report(event: WebhookEvent, error: Exception) -> None:
            reported.append(event.id)

        await deliver(inbox, body_of(1))
        await inbox.wait_until_idle()
    assert reported == ["evt_1"]
    assert "evt_1: error handler failed\n" in caplog.text
    assert "raise TypeError" in caplog.text
