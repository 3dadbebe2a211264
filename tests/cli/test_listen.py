"""The command `listen`: events as lines, and forwarded to a program on this machine."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys

import pytest

from cstar_async.testing import FakeCStar
from cstar_async.webhooks import construct_event
from tests.testing.receiving import receiving

from .conftest import Command, environment

SECRET = "whsec_0123456789"


async def start(fake: FakeCStar, *arguments: str) -> asyncio.subprocess.Process:
    """Start the command, and return when it is connected."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cstar_async", "listen", *arguments,
        env={**os.environ, **environment(fake), "CSTAR_WEBHOOK_SECRET": SECRET},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    assert await process.stderr.readline() == b"Listening. Press Ctrl-C to stop.\n"
    return process


async def test_events_are_lines_of_json(fake: FakeCStar) -> None:
    """With `--json` each event of the types is one object on one line."""
    process = await start(fake, "--types", "ticket.created,customer.*", "--max-events", "2", "--json")
    async with fake.client() as cstar:
        ticket = await cstar.tickets.create(title="A")
        await cstar.tickets.update(ticket.id, status="open")
        await cstar.customers.create(name="Jane", email="jane@example.com")
    out, err = await asyncio.wait_for(process.communicate(), 30)
    assert (process.returncode, err) == (0, b"")
    assert [json.loads(line)["type"] for line in out.splitlines()] == ["ticket.created", "customer.created"]


async def test_interrupt_is_the_usual_end(fake: FakeCStar) -> None:
    """Ctrl-C ends the command with 0 and without a traceback; lines for people have time, type and id."""
    process = await start(fake)
    assert process.stdout is not None
    async with fake.client() as cstar:
        await cstar.tickets.create(title="Private words")
    line = (await asyncio.wait_for(process.stdout.readline(), 30)).decode()
    assert line.split()[1] == "ticket.created"
    assert "Private" not in line
    process.send_signal(signal.SIGINT)
    out, err = await asyncio.wait_for(process.communicate(), 30)
    assert (process.returncode, out, err) == (0, b"", b"")


async def test_events_are_forwarded_as_signed_deliveries(fake: FakeCStar) -> None:
    """A program on this machine receives each event with a signature of the secret; a failure is shown."""
    async with receiving() as at:
        url = at.url
        process = await start(fake, "--forward-to", url, "--max-events", "1")
        async with fake.client() as cstar:
            await cstar.tickets.create(title="A")
        _, err = await asyncio.wait_for(process.communicate(), 30)
    headers, body = at.requests[0].headers, at.bodies[0]
    event = construct_event(body, headers["X-Signature"], SECRET)
    assert (event.type, event.id) == (headers["X-Event-Type"], headers["X-Event-ID"])
    assert err.decode() == f"  200 {url}\n"
    assert SECRET not in err.decode()


@pytest.mark.parametrize("url", ["file:///etc/passwd", "localhost:8000", "http://", "ftp://x/y", "http://[", "http://x:y/"])
def test_only_http_is_forwarded_to(command: Command, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Another URL exits with 2 before anything is sent."""
    monkeypatch.setenv("CSTAR_WEBHOOK_SECRET", SECRET)
    outcome = command("listen", "--forward-to", url)
    assert (outcome.code, outcome.err) == (2, f"error: --forward-to must be an HTTP URL, got {url}\n")


def test_forwarding_needs_a_secret(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a secret nothing can be signed."""
    monkeypatch.delenv("CSTAR_WEBHOOK_SECRET", raising=False)
    outcome = command("listen", "--forward-to", "http://127.0.0.1:9")
    assert (outcome.code, outcome.err.startswith("error: CSTAR_WEBHOOK_SECRET is not set")) == (2, True)


def test_unknown_form_of_a_type_is_one_sentence(command: Command) -> None:
    """A type that cannot exist exits with 2."""
    assert command("listen", "--types", "ticket.created,").code == 2
