"""Run the support bot and the FastAPI application: concurrently, repeatedly, late, and in processes of their own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest

from cstar_async import CStarClient
from cstar_async.models import Ticket
from cstar_async.testing import FakeCStar
from cstar_async.webhooks import SqliteStore, WebhookInbox, sign
from tests.contract.test_examples import EXAMPLES, example
from tests.ports import free_port

SECRET = "whsec_bots"
BOT = example("support_bot")


@pytest.fixture
async def fake() -> AsyncIterator[FakeCStar]:
    """Start a fake server with some articles."""
    async with FakeCStar(seed=7) as fake:
        yield fake


@pytest.fixture
async def cstar(fake: FakeCStar) -> AsyncIterator[CStarClient]:
    """Create a client of the fake server."""
    async with fake.client() as client:
        yield client


@pytest.fixture
async def inbox(cstar: CStarClient) -> AsyncIterator[WebhookInbox]:
    """Create an inbox with the handlers of the bot."""
    async with WebhookInbox(SECRET) as inbox:
        BOT.SupportBot(cstar, inbox, on_call="mem_on_call")
        yield inbox


def event(ticket: Ticket, kind: str = "ticket.created", number: int = 1, **data: object) -> bytes:
    """Build the body of an event about a ticket."""
    about = {"id": ticket.id, "title": ticket.title, "status": ticket.status, "priority": ticket.priority}
    return json.dumps({"id": f"evt_{number}", "type": kind, "data": {"ticket": about, **data}}).encode()


async def deliver(inbox: WebhookInbox, *bodies: bytes) -> list[int]:
    """Deliver events, wait until they are handled, and return the statuses."""
    statuses = [await inbox.receive(body, {"X-Signature": sign(body, SECRET)}) for body in bodies]
    await inbox.wait_until_idle()
    return statuses


async def welcomes(cstar: CStarClient, ticket: Ticket) -> list[str]:
    """Return the messages of the bot in a ticket."""
    return [message.content for message in await cstar.tickets.messages.list(ticket.id) if message.sender_name == BOT.NAME]


async def test_bot_replies_and_tags(cstar: CStarClient, inbox: WebhookInbox) -> None:
    """The bot tags a ticket and links an article by what the customer wrote, and keeps existing tags."""
    ticket = await cstar.tickets.create(
        title="Help", customer_name="Jane", tags=["vip"], initial_message="I forgot my password, and was charged twice."
    )
    assert await deliver(inbox, event(ticket)) == [200]
    (welcome,) = await welcomes(cstar, ticket)
    read = await cstar.tickets.get(ticket.id)
    assert "Hello Jane" in welcome
    assert "How to reset your password" in welcome
    assert (sorted(read.tags), read.assigned_to) == (["billing", "login", "vip"], None)


async def test_ticket_on_another_topic_gets_a_welcome(cstar: CStarClient, inbox: WebhookInbox) -> None:
    """The bot replies without an article, and sends no update that changes nothing."""
    ticket = await cstar.tickets.create(title="A compliment")
    await deliver(inbox, event(ticket))
    assert len(await welcomes(cstar, ticket)) == 1
    assert (await cstar.tickets.get(ticket.id)).tags == []


async def test_urgent_ticket_is_escalated(cstar: CStarClient, inbox: WebhookInbox) -> None:
    """A ticket that is or becomes urgent is assigned to the member on call, unless it is assigned already."""
    urgent = await cstar.tickets.create(title="Fire", priority="urgent")
    mine = await cstar.tickets.create(title="Fire", priority="urgent", assigned_to="mem_me")
    later = await cstar.tickets.create(title="Smoke", priority="normal")
    await deliver(inbox, event(urgent, number=1), event(mine, number=2), event(later, number=3))
    assert (await cstar.tickets.get(later.id)).assigned_to is None

    later = await cstar.tickets.update(later.id, priority="urgent")
    change = {"priority": {"from": "normal", "to": "urgent"}}
    await deliver(inbox, event(later, "ticket.updated", 4, changes={"tags": {}}), event(later, "ticket.updated", 5, changes=change))

    read = [await cstar.tickets.get(ticket.id) for ticket in (urgent, mine, later)]
    assert [one.assigned_to for one in read] == ["mem_on_call", "mem_me", "mem_on_call"]
    assert [one.tags for one in read] == [["escalated"]] * 3


async def test_event_that_is_handled_repeatedly_gets_one_welcome(fake: FakeCStar, cstar: CStarClient) -> None:
    """Three bots at the same time, and again after the idempotency key has expired, send one welcome."""
    ticket = await cstar.tickets.create(title="Invoice")
    for _ in range(2):
        inboxes = [WebhookInbox(SECRET, tolerance=None) for _ in range(3)]
        for inbox in inboxes:
            BOT.SupportBot(cstar, inbox)
        await asyncio.gather(*(deliver(inbox, event(ticket)) for inbox in inboxes))
        for inbox in inboxes:
            await inbox.aclose()
        fake.clock.advance(40 * 3600)
    assert len(await welcomes(cstar, ticket)) == 1


async def test_second_welcome_with_another_text_is_not_sent(cstar: CStarClient, inbox: WebhookInbox) -> None:
    """The server refuses a second welcome with another article, and the bot reports no failure."""
    ticket = await cstar.tickets.create(title="Crash")
    stale = await cstar.tickets.get(ticket.id)
    await deliver(inbox, event(ticket))
    category = await cstar.categories.create(name="Bugs")
    await cstar.articles.create(
        title="Troubleshooting", content="Restart it.", category_id=category.id, status="published", is_public=True
    )

    class Late(BOT.SupportBot):  # type: ignore[misc, name-defined]
        """A bot that read the ticket before the other one replied."""

        async def _read(self, event: object) -> Ticket:
            """Return the ticket without the welcome."""
            return stale

    failures: list[Exception] = []
    async with WebhookInbox(SECRET, max_attempts=1) as other:
        Late(cstar, other)

        @other.on_error
        async def record(event: object, error: Exception) -> None:
            failures.append(error)

        await deliver(other, event(ticket))
    assert (len(await welcomes(cstar, ticket)), failures) == (1, [])


async def test_bot_ignores_deleted_tickets(cstar: CStarClient, inbox: WebhookInbox, caplog: pytest.LogCaptureFixture) -> None:
    """An event of a deleted ticket, and one without a ticket, are no failures."""
    ticket = await cstar.tickets.create(title="Never mind")
    await cstar.tickets.delete(ticket.id)
    await deliver(inbox, event(ticket), b'{"id": "evt_2", "type": "ticket.created"}')
    assert "was not handled" not in caplog.text


async def test_bot_logs_what_it_could_not_handle(fake: FakeCStar, cstar: CStarClient, caplog: pytest.LogCaptureFixture) -> None:
    """The log has a report without text of the customer."""
    ticket = await cstar.tickets.create(title="Secret of Jane")
    fake.faults.add(operation="create_ticket_message", max_triggers=None, status=403)
    async with WebhookInbox(SECRET, max_attempts=1) as inbox:
        BOT.SupportBot(cstar, inbox)
        await deliver(inbox, event(ticket))
    assert "evt_1 (ticket.created) was not handled" in caplog.text
    assert "Jane" not in caplog.text


def environment(fake: FakeCStar, **more: str) -> dict[str, str]:
    """Return the environment of a bot."""
    return {**os.environ, "CSTAR_API_KEY": fake.secret_key, "CSTAR_BASE_URL": fake.url, **more}


async def read_log(process: asyncio.subprocess.Process, text: str) -> str:
    """Return what a process logs, up to the line with *text*."""
    assert process.stderr is not None
    lines = ""
    while text not in lines:
        line = await process.stderr.readline()
        assert line, lines
        lines += line.decode()
    return lines


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_bot_runs_from_the_shell_and_ends_cleanly(
    fake: FakeCStar, cstar: CStarClient, tmp_path: Path, number: signal.Signals
) -> None:
    """The bot handles a webhook in its own process, and a signal ends it with no event in progress."""
    port, database = free_port(), tmp_path / "bot.db"
    settings = {"CSTAR_WEBHOOK_SECRET": SECRET, "BOT_PORT": str(port), "BOT_DATABASE": str(database)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(EXAMPLES / "support_bot.py"), env=environment(fake, **settings), stderr=subprocess.PIPE
    )
    await read_log(process, "waiting for webhooks")
    ticket = await cstar.tickets.create(title="Invoice")
    body = event(ticket)
    async with aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{port}/hooks/cstar"
        async with session.post(url, data=body, headers={"X-Signature": sign(body, SECRET)}) as response:
            assert response.status == 200
    process.send_signal(number)
    _, errors = await process.communicate()
    store = SqliteStore(database)
    assert (process.returncode, await store.claim_pending(), await store.last_event_id()) == (0, [], "evt_1")
    assert b"Traceback" not in errors
    assert len(await welcomes(cstar, ticket)) == 1
    await store.aclose()


@pytest.mark.parametrize("retry", ["1", ""])
async def test_bot_lists_dead_letters_and_tries_them_again_on_request(
    fake: FakeCStar, cstar: CStarClient, tmp_path: Path, retry: str
) -> None:
    """An event that an earlier run gave up gets its welcome with BOT_RETRY=1, and stays in the file otherwise."""
    ticket = await cstar.tickets.create(title="Invoice")
    store = SqliteStore(tmp_path / "bot.db")
    await store.add("evt_1", event(ticket))
    await store.mark_dead("evt_1", "KeyError (support_bot.py:1, in welcome)")
    await store.aclose()
    settings = {"CSTAR_WEBHOOK_SECRET": SECRET, "BOT_PORT": "0", "BOT_DATABASE": str(tmp_path / "bot.db"), "BOT_RETRY": retry}
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(EXAMPLES / "support_bot.py"), env=environment(fake, **settings), stderr=subprocess.PIPE
    )
    await read_log(process, "evt_1 was given up at")
    await read_log(process, "waiting for webhooks")
    process.send_signal(signal.SIGTERM)
    _, errors = await process.communicate()
    expected = b"1 events handled, 0 given up" if retry else b"0 events handled, 1 given up"
    assert expected in errors
    assert (process.returncode, len(await store.dead_letters()), len(await welcomes(cstar, ticket))) == (
        (0, 0, 1) if retry else (0, 1, 0)
    )
    await store.aclose()


async def test_bot_with_an_invalid_key_prints_the_reason(fake: FakeCStar, tmp_path: Path) -> None:
    """An unknown key gives an error without a traceback, and exit status 1."""
    settings: dict[str, Any] = {"BOT_DATABASE": str(tmp_path / "bot.db"), "CSTAR_API_KEY": "sk_test_" + "0" * 32}
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(EXAMPLES / "support_bot.py"), env=environment(fake, **settings), stderr=subprocess.PIPE
    )
    _, errors = await process.communicate()
    assert process.returncode == 1
    assert b"the bot stops" in errors
    assert b"AuthenticationError" in errors
    assert b"Traceback" not in errors


@pytest.fixture
async def web_client(fake: FakeCStar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    """Start the FastAPI application, and create an HTTP client for it."""
    settings = {"CSTAR_WEBHOOK_SECRET": SECRET, "EVENTS_DATABASE": str(tmp_path / "app.db")}
    for name, value in environment(fake, **settings).items():
        monkeypatch.setenv(name, value)
    app = example("fastapi_app").create_app()
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client,
    ):
        yield client


QUESTION = {"title": "Cannot log in", "text": "It says no.", "name": "Jane"}


async def test_form_sent_twice_creates_one_ticket(cstar: CStarClient, web_client: httpx.AsyncClient) -> None:
    """The same form creates one ticket with its content; another form creates another."""
    before = len(await cstar.tickets.list(search="Cannot log in").collect())
    responses = [
        await web_client.post("/contact", json=QUESTION, headers={"Form-Id": form})
        for form in ("form-0001", "form-0001", "form-0002")
    ]
    assert [response.status_code for response in responses] == [201] * 3
    first, again, other = (response.json()["id"] for response in responses)
    assert first == again != other
    ticket = await cstar.tickets.get(first)
    assert (ticket.customer_name, [message.content for message in ticket.messages or []]) == ("Jane", ["It says no."])
    assert len(await cstar.tickets.list(search="Cannot log in").collect()) == before + 2


async def test_application_returns_the_latest_status(fake: FakeCStar, cstar: CStarClient, web_client: httpx.AsyncClient) -> None:
    """The status is the latest in any order of deliveries, and is requested if no event came yet."""
    ticket = await cstar.tickets.create(title="Printer")

    async def deliver_event(number: int, kind: str, status: str, at: str) -> None:
        wire = {"id": f"evt_{number}", "type": kind, "created_at": at, "data": {"ticket": {"id": ticket.id, "status": status}}}
        body = json.dumps(wire).encode()
        response = await web_client.post("/hooks/cstar", content=body, headers={"X-Signature": sign(body, SECRET)})
        assert response.status_code == 200

    async def status() -> object:
        response = await web_client.get(f"/tickets/{ticket.id}")
        return response.json().get("status", response.status_code)

    async def wait_for(wanted: object) -> None:
        async with asyncio.timeout(10):
            while await status() != wanted:  # noqa: ASYNC110 -- HTTP can only be polled
                await asyncio.sleep(0.01)

    assert await status() == "new"
    await deliver_event(2, "ticket.updated", "pending", "2126-03-01T10:00:02Z")
    await wait_for("pending")
    calls = len(fake.requests)
    await deliver_event(1, "ticket.updated", "open", "2126-03-01T10:00:01Z")
    assert await status() == "pending"
    await deliver_event(3, "ticket.deleted", "pending", "2126-03-01T10:00:03Z")
    await wait_for(404)
    assert len(fake.requests) == calls
    assert (await web_client.get("/tickets/tkt_never")).status_code == 404


async def test_application_refuses_bad_requests(web_client: httpx.AsyncClient) -> None:
    """A delivery without a signature is a 401, and an empty form a 422."""
    assert (await web_client.post("/hooks/cstar", content=b"{}")).status_code == 401
    assert (await web_client.post("/contact", json={"title": ""}, headers={"Form-Id": "form-0001"})).status_code == 422


@pytest.mark.parametrize(("fault", "status"), [({"status": 403}, 502), ({"status": 429}, 503)])
async def test_application_reports_that_cstar_is_unavailable(
    fake: FakeCStar, web_client: httpx.AsyncClient, fault: dict[str, Any], status: int
) -> None:
    """A refusal is a 502, and a rate limit a 503 with `Retry-After`."""
    fake.faults.add(operation="create_ticket", max_triggers=None, **fault)
    response = await web_client.post("/contact", json=QUESTION, headers={"Form-Id": "form-0001"})
    assert (response.status_code, "Retry-After" in response.headers) == (status, status == 503)


async def start_watching(*arguments: str) -> asyncio.subprocess.Process:
    """Start the program of `make bot`, without a terminal."""
    return await asyncio.create_subprocess_exec(
        sys.executable, str(EXAMPLES / "watch_support_bot.py"), *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


async def test_watching_the_bot_succeeds() -> None:
    """The bot is killed half way, and every ticket has one welcome at the end."""
    process = await start_watching("4", "0.05")
    output, errors = await process.communicate()
    text = output.decode()
    assert (process.returncode, errors) == (0, b""), text
    assert "the bot is killed" in text
    assert "4: exactly one for every ticket" in text


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc lists the child processes")
async def test_watching_ends_cleanly_when_it_is_interrupted() -> None:
    """An interrupt ends the program and the processes that it started."""
    process = await start_watching("50", "0.5")
    assert process.stdout is not None
    while b"Cannot log in" not in await process.stdout.readline():
        pass
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    process.send_signal(signal.SIGINT)
    _, errors = await process.communicate()
    assert (process.returncode, errors) == (0, b"")
    assert len(children) == 2
    assert not any(Path(f"/proc/{child}").exists() for child in children)


CHATS = {
    "discord_bot": {"DISCORD_TOKEN": "x"},
    "slack_bot": {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"},
    "support_bot": {"CSTAR_WEBHOOK_SECRET": SECRET, "BOT_PORT": "0"},
    "telegram_bot": {"TELEGRAM_TOKEN": "42:token"},
}


@pytest.mark.parametrize(
    ("name", "is_reached", "reason"),
    [*((name, True, "Invalid API key") for name in CHATS), ("telegram_bot", False, "the connection could not be made")],
)
async def test_bot_that_cannot_call_cstar_ends_at_the_start(
    fake: FakeCStar, tmp_path: Path, name: str, is_reached: bool, reason: str
) -> None:
    """A wrong key, or no connection, ends a bot with 1 and the reason, before it connects to a chat or waits for events."""
    url = fake.url if is_reached else f"http://127.0.0.1:{free_port()}"
    settings = {"CSTAR_API_KEY": "sk_test_wrong_0123456789", "CSTAR_BASE_URL": url, "BOT_DATABASE": str(tmp_path / "bot.db")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(EXAMPLES / f"{name}.py"),
        env={**os.environ, **settings, **CHATS[name]},
        stderr=subprocess.PIPE,
    )
    _, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 1
    assert reason in errors.decode()
    assert [request.operation for request in fake.requests] == (["whoami"] if is_reached else [])
