"""The bots among the examples do what they say: at once, again, late, and in processes of their own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
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

SECRET = "whsec_bots"
BOT = example("support_bot")


@pytest.fixture
async def fake() -> AsyncIterator[FakeCStar]:
    """A cStar with some articles in it."""
    async with FakeCStar(seed=7) as fake:
        yield fake


@pytest.fixture
async def cstar(fake: FakeCStar) -> AsyncIterator[CStarClient]:
    """A client of the fake."""
    async with fake.client() as client:
        yield client


@pytest.fixture
async def inbox(cstar: CStarClient) -> AsyncIterator[WebhookInbox]:
    """An inbox with the bot behind it."""
    async with WebhookInbox(SECRET) as inbox:
        BOT.SupportBot(cstar, inbox, on_call="mem_on_call")
        yield inbox


def event(ticket: Ticket, kind: str = "ticket.created", number: int = 1, **data: object) -> bytes:
    """An event about a ticket."""
    about = {"id": ticket.id, "title": ticket.title, "status": ticket.status, "priority": ticket.priority}
    return json.dumps({"id": f"evt_{number}", "type": kind, "data": {"ticket": about, **data}}).encode()


async def deliver(inbox: WebhookInbox, *bodies: bytes) -> list[int]:
    """Deliver events, and wait until they are handled."""
    statuses = [await inbox.receive(body, {"X-Signature": sign(body, SECRET)}) for body in bodies]
    await inbox.wait_until_idle()
    return statuses


async def welcomes(cstar: CStarClient, ticket: Ticket) -> list[str]:
    """What the bot said in a ticket."""
    return [message.content for message in await cstar.tickets.messages.list(ticket.id) if message.sender_name == BOT.NAME]


async def test_the_bot_welcomes_tags_and_answers(cstar: CStarClient, inbox: WebhookInbox) -> None:
    """From the knowledge base, by what the customer wrote; tags that are there stay."""
    ticket = await cstar.tickets.create(
        title="Help", customer_name="Jane", tags=["vip"], initial_message="I forgot my password, and was charged twice."
    )
    assert await deliver(inbox, event(ticket)) == [200]
    (said,) = await welcomes(cstar, ticket)
    read = await cstar.tickets.get(ticket.id)
    assert "Hello Jane" in said
    assert "How to reset your password" in said
    assert (sorted(read.tags), read.assigned_to) == (["billing", "login", "vip"], None)


async def test_a_ticket_about_anything_else_is_welcomed_too(cstar: CStarClient, inbox: WebhookInbox) -> None:
    """Without an article, and without a call that changes nothing."""
    ticket = await cstar.tickets.create(title="A compliment")
    await deliver(inbox, event(ticket))
    assert len(await welcomes(cstar, ticket)) == 1
    assert (await cstar.tickets.get(ticket.id)).tags == []


async def test_an_urgent_ticket_is_escalated(cstar: CStarClient, inbox: WebhookInbox) -> None:
    """At once, or when it becomes urgent; never taken from whoever has it."""
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


async def test_one_welcome_however_often_the_event_is_handled(fake: FakeCStar, cstar: CStarClient) -> None:
    """By bots that do not know of each other, at once, and days later when the key is forgotten."""
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


async def test_one_welcome_though_its_words_would_have_changed(cstar: CStarClient, inbox: WebhookInbox) -> None:
    """Two bots at once, and an article published in between: the second is refused, and lets it be."""
    ticket = await cstar.tickets.create(title="Crash")
    stale = await cstar.tickets.get(ticket.id)
    await deliver(inbox, event(ticket))
    category = await cstar.categories.create(name="Bugs")
    await cstar.articles.create(
        title="Troubleshooting", content="Restart it.", category_id=category.id, status="published", is_public=True
    )

    class Late(BOT.SupportBot):  # type: ignore[misc, name-defined]
        """One that read the ticket before the other answered."""

        async def _read(self, event: object) -> Ticket:
            """The ticket as it was."""
            return stale

    told: list[Exception] = []
    async with WebhookInbox(SECRET, max_attempts=1) as other:
        Late(cstar, other)

        @other.on_error
        async def tell(event: object, error: Exception) -> None:
            told.append(error)

        await deliver(other, event(ticket))
    assert (len(await welcomes(cstar, ticket)), told) == (1, [])


async def test_the_bot_passes_over_what_is_gone(cstar: CStarClient, inbox: WebhookInbox, caplog: pytest.LogCaptureFixture) -> None:
    """A ticket that was deleted, and an event that names none."""
    ticket = await cstar.tickets.create(title="Never mind")
    await cstar.tickets.delete(ticket.id)
    await deliver(inbox, event(ticket), b'{"id": "evt_2", "type": "ticket.created"}')
    assert "was not handled" not in caplog.text


async def test_the_bot_tells_what_it_could_not_do(fake: FakeCStar, cstar: CStarClient, caplog: pytest.LogCaptureFixture) -> None:
    """In a report without a word of the customer."""
    ticket = await cstar.tickets.create(title="Secret of Jane")
    fake.faults.add(operation="create_ticket_message", max_triggers=None, status=403)
    async with WebhookInbox(SECRET, max_attempts=1) as inbox:
        BOT.SupportBot(cstar, inbox)
        await deliver(inbox, event(ticket))
    assert "evt_1 (ticket.created) was not handled, look at it yourselves" in caplog.text
    assert "Jane" not in caplog.text


def free_port() -> int:
    """A port that nobody has."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def environment(fake: FakeCStar, **more: str) -> dict[str, str]:
    """What a bot reads its settings from."""
    return {**os.environ, "CSTAR_API_KEY": fake.secret_key, "CSTAR_BASE_URL": fake.url, **more}


async def heard(process: asyncio.subprocess.Process, text: str) -> str:
    """What a process logs, up to a text."""
    assert process.stderr is not None
    lines = ""
    while text not in lines:
        line = await process.stderr.readline()
        assert line, lines
        lines += line.decode()
    return lines


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_the_bot_runs_from_the_shell_and_ends_cleanly(
    fake: FakeCStar, cstar: CStarClient, tmp_path: Path, number: signal.Signals
) -> None:
    """It answers a webhook in its own process; a signal ends it with nothing left in its file."""
    port, database = free_port(), tmp_path / "bot.db"
    settings = {"CSTAR_WEBHOOK_SECRET": SECRET, "BOT_PORT": str(port), "BOT_DATABASE": str(database)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(EXAMPLES / "support_bot.py"), env=environment(fake, **settings), stderr=subprocess.PIPE
    )
    await heard(process, "waiting for webhooks")
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


async def test_a_bot_that_cannot_work_says_why(fake: FakeCStar, tmp_path: Path) -> None:
    """A key that nobody knows, without a traceback."""
    settings: dict[str, Any] = {"BOT_DATABASE": str(tmp_path / "bot.db"), "CSTAR_API_KEY": "sk_test_" + "0" * 32}
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(EXAMPLES / "support_bot.py"), env=environment(fake, **settings), stderr=subprocess.PIPE
    )
    _, errors = await process.communicate()
    assert process.returncode == 1
    assert b"the bot ends" in errors
    assert b"AuthenticationError" in errors
    assert b"Traceback" not in errors


@pytest.fixture
async def web_client(fake: FakeCStar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    """The application with FastAPI, and what asks it."""
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


async def test_a_form_sent_twice_opens_one_ticket(cstar: CStarClient, web_client: httpx.AsyncClient) -> None:
    """With what was written in it; another form opens another."""
    before = len(await cstar.tickets.list(search="Cannot log in").collect())
    answers = [
        await web_client.post("/contact", json=QUESTION, headers={"Form-Id": form})
        for form in ("form-0001", "form-0001", "form-0002")
    ]
    assert [answer.status_code for answer in answers] == [201] * 3
    first, again, other = (answer.json()["id"] for answer in answers)
    assert first == again != other
    ticket = await cstar.tickets.get(first)
    assert (ticket.customer_name, [message.content for message in ticket.messages or []]) == ("Jane", ["It says no."])
    assert len(await cstar.tickets.list(search="Cannot log in").collect()) == before + 2


async def test_the_application_hears_how_tickets_stand(fake: FakeCStar, cstar: CStarClient, web_client: httpx.AsyncClient) -> None:
    """In whatever order deliveries come; what it did not hear of it asks for."""
    ticket = await cstar.tickets.create(title="Printer")

    async def hear(number: int, kind: str, status: str, at: str) -> None:
        wire = {"id": f"evt_{number}", "type": kind, "created_at": at, "data": {"ticket": {"id": ticket.id, "status": status}}}
        body = json.dumps(wire).encode()
        answer = await web_client.post("/hooks/cstar/", content=body, headers={"X-Signature": sign(body, SECRET)})
        assert answer.status_code == 200

    async def status() -> object:
        answer = await web_client.get(f"/tickets/{ticket.id}")
        return answer.json().get("status", answer.status_code)

    async def settled(wanted: object) -> None:
        async with asyncio.timeout(10):
            while await status() != wanted:  # noqa: ASYNC110 -- it can only be asked from outside
                await asyncio.sleep(0.01)

    assert await status() == "new"
    await hear(2, "ticket.updated", "pending", "2126-03-01T10:00:02Z")
    await settled("pending")
    calls = len(fake.requests)
    await hear(1, "ticket.updated", "open", "2126-03-01T10:00:01Z")
    assert await status() == "pending"
    await hear(3, "ticket.deleted", "pending", "2126-03-01T10:00:03Z")
    await settled(404)
    assert len(fake.requests) == calls
    assert (await web_client.get("/tickets/tkt_never")).status_code == 404


async def test_the_application_refuses_what_is_not_signed(web_client: httpx.AsyncClient) -> None:
    """And what is not a form."""
    assert (await web_client.post("/hooks/cstar/", content=b"{}")).status_code == 401
    assert (await web_client.post("/contact", json={"title": ""}, headers={"Form-Id": "form-0001"})).status_code == 422


@pytest.mark.parametrize(("fault", "status"), [({"status": 403}, 502), ({"status": 429}, 503)])
async def test_the_application_says_when_cstar_is_away(
    fake: FakeCStar, web_client: httpx.AsyncClient, fault: dict[str, Any], status: int
) -> None:
    """And when to come back, where that is known."""
    fake.faults.add(operation="create_ticket", max_triggers=None, **fault)
    answer = await web_client.post("/contact", json=QUESTION, headers={"Form-Id": "form-0001"})
    assert (answer.status_code, "Retry-After" in answer.headers) == (status, status == 503)


async def watching(*arguments: str) -> asyncio.subprocess.Process:
    """Run what `make bot` runs, with nobody at the terminal."""
    return await asyncio.create_subprocess_exec(
        sys.executable, str(EXAMPLES / "watch_support_bot.py"), *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


async def test_the_bot_can_be_watched() -> None:
    """It is killed half way, and every ticket has one welcome in the end."""
    process = await watching("4", "0.05")
    output, errors = await process.communicate()
    text = output.decode()
    assert (process.returncode, errors) == (0, b""), text
    assert "the bot is killed" in text
    assert "4: every ticket has exactly one" in text


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="who its children are is asked of /proc")
async def test_watching_ends_cleanly_when_it_is_interrupted() -> None:
    """In the middle of the play, with the processes that it started."""
    process = await watching("50", "0.5")
    assert process.stdout is not None
    while b"Cannot log in" not in await process.stdout.readline():
        pass
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    process.send_signal(signal.SIGINT)
    _, errors = await process.communicate()
    assert (process.returncode, errors) == (0, b"")
    assert len(children) == 2
    assert not any(Path(f"/proc/{child}").exists() for child in children)
