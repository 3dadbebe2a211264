"""The handlers of an inbox: types, order, concurrency, retries and errors."""

from __future__ import annotations

import asyncio
import functools
import itertools
from typing import Any

import pytest

from cstar_async import InvalidArgumentError
from cstar_async.testing.clock import FakeClock
from cstar_async.webhooks import CustomerCreated, TicketCreated, WebhookEvent, WebhookInbox
from tests.client.inboxes import SECRET, body_of, deliver, inbox_of


@pytest.mark.parametrize(
    ("event_type", "is_handled"),
    [
        ("ticket.created", True),
        ("ticket.*", True),
        ("*", True),
        (TicketCreated, True),
        (WebhookEvent, True),
        ("ticket", False),
        ("ticket.updated", False),
        ("customer.*", False),
        (CustomerCreated, False),
    ],
)
async def test_a_handler_receives_the_types_that_it_is_registered_for(event_type: Any, is_handled: bool) -> None:
    """A type, a pattern, every type, or a class."""
    handled: list[str] = []
    async with inbox_of() as inbox:

        @inbox.on(event_type)
        async def handle(event: WebhookEvent) -> None:
            handled.append(event.id)

        await deliver(inbox, body_of(1))
        await inbox.wait_until_idle()
    assert bool(handled) is is_handled


async def test_all_handlers_of_a_type_are_called_in_order_of_registration() -> None:
    """One decorator may name several types."""
    handled: list[str] = []
    async with inbox_of() as inbox:
        for name in ("first", "second"):

            @inbox.on("ticket.*", "customer.*")
            async def handle(event: WebhookEvent, name: str = name) -> None:
                handled.append(name)

        await deliver(inbox, body_of(1))
        await inbox.wait_until_idle()
    assert handled == ["first", "second"]


@pytest.mark.parametrize("types", [(), ("",), (7,), (int,)])
def test_a_type_that_is_none_is_rejected(types: Any) -> None:
    """The decorator raises, so the mistake is found at import."""
    with pytest.raises(InvalidArgumentError, match="types must be"):
        WebhookInbox(SECRET).on(*types)


def test_a_plain_function_is_rejected_as_a_handler() -> None:
    """It would return before its work is done. Any callable whose call is a coroutine is accepted."""

    class Callable:
        async def __call__(self, event: WebhookEvent) -> None:
            """Handle an event."""

    def handle(event: WebhookEvent) -> Any:
        """Return at once."""

    def report(event: WebhookEvent, error: Exception) -> Any:
        """Return at once."""

    inbox = inbox_of()
    inbox.on("*")(Callable())
    inbox.on("*")(functools.partial(Callable.__call__, Callable()))
    with pytest.raises(InvalidArgumentError, match=r"must be a coroutine function, got .*handle; define it with 'async def'"):
        inbox.on("*")(handle)
    with pytest.raises(InvalidArgumentError, match=r"must be a coroutine function, got .*report"):
        inbox.on_error(report)


async def test_events_of_a_ticket_keep_their_order() -> None:
    """This holds if handlers are slow or fail."""
    handled: list[str] = []
    failed: set[str] = set()
    async with inbox_of() as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            await asyncio.sleep(0)
            if event.id not in failed:
                failed.add(event.id)
                raise ValueError
            handled.append(event.id)

        await deliver(inbox, *(body_of(number, event_type="ticket.updated") for number in range(8)))
        await inbox.wait_until_idle()
    assert handled == [f"evt_{number}" for number in range(8)]


async def test_events_of_other_tickets_are_handled_concurrently() -> None:
    """A handler that hangs delays its own ticket alone."""
    handled: list[str] = []
    released = asyncio.Event()
    async with inbox_of() as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            if event.id == "evt_1":
                await released.wait()
            handled.append(event.id)
            if event.id == "evt_3":
                released.set()

        await deliver(inbox, body_of(1), body_of(2), body_of(3, about="tkt_2"))
        await inbox.wait_until_idle()
    assert handled == ["evt_3", "evt_1", "evt_2"]


async def test_concurrency_limits_the_handlers_of_all_tickets() -> None:
    """At most this many run at the same time."""
    running: list[int] = [0, 0]
    async with inbox_of(concurrency=3) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            running[0] += 1
            running[1] = max(running)
            await asyncio.sleep(0)
            running[0] -= 1

        await deliver(inbox, *(body_of(number, about=f"tkt_{number}") for number in range(20)))
        await inbox.wait_until_idle()
    assert running == [0, 3]


async def test_a_failed_handler_is_retried_with_back_off() -> None:
    """The wait doubles with each attempt."""
    times: list[float] = []
    clock = FakeClock(autojump=True)
    async with WebhookInbox(SECRET, tolerance=None, _clock=clock) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            times.append(clock.monotonic())
            if len(times) < 4:
                raise ValueError

        await deliver(inbox, body_of(1))
        await inbox.wait_until_idle()
    assert [round(after - before, 3) for before, after in itertools.pairwise(times)] == [0.5, 1.0, 2.0]


async def test_a_retry_calls_only_the_failed_handler() -> None:
    """Each handler has its own attempts."""
    calls: list[str] = []
    async with inbox_of() as inbox:

        @inbox.on("*")
        async def good(event: WebhookEvent) -> None:
            calls.append("good")

        @inbox.on("*")
        async def bad(event: WebhookEvent) -> None:
            calls.append("bad")
            if len(calls) < 4:
                raise ValueError

        await deliver(inbox, body_of(1))
        await inbox.wait_until_idle()
    assert calls == ["good", "bad", "bad", "bad"]


async def test_on_error_receives_the_event_and_the_last_exception() -> None:
    """The next event of the ticket is handled afterwards."""
    reported: list[tuple[str, str]] = []
    async with inbox_of(max_attempts=2) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            if event.id == "evt_1":
                raise ValueError(f"attempt {len(reported)}")

        @inbox.on_error
        async def report(event: WebhookEvent, error: Exception) -> None:
            reported.append((event.id, repr(error)))

        await deliver(inbox, body_of(1), body_of(2))
        await inbox.wait_until_idle()
    assert reported == [("evt_1", "ValueError('attempt 0')")]


async def test_a_handler_that_exceeds_its_timeout_has_failed() -> None:
    """The exception is a TimeoutError."""
    reported: list[Exception] = []
    async with inbox_of(max_attempts=1, handler_timeout=0.01) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            await asyncio.Event().wait()

        @inbox.on_error
        async def report(event: WebhookEvent, error: Exception) -> None:
            reported.append(error)

        await deliver(inbox, body_of(1))
        await inbox.wait_until_idle()
    assert [type(error) for error in reported] == [TimeoutError]


async def test_a_cancelled_task_in_a_handler_is_a_failure() -> None:
    """It does not stop the queue: the next events of the ticket are handled."""
    handled: list[str] = []
    reported: list[str] = []
    async with inbox_of(max_attempts=2) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            handled.append(event.id)
            if event.id == "evt_1":
                other = asyncio.ensure_future(asyncio.Event().wait())
                other.cancel()
                await other

        @inbox.on_error
        async def report(event: WebhookEvent, error: Exception) -> None:
            reported.append(f"{event.id}: {error}")

        await deliver(inbox, body_of(1), body_of(2))
        await inbox.wait_until_idle()
    assert handled == ["evt_1", "evt_1", "evt_2"]
    assert reported == ["evt_1: a task that the handler awaits was cancelled"]
