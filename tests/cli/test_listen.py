"""The command `listen`: events as lines, and forwarded to a program on this machine."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from base64 import b64decode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, closing, suppress
from urllib.parse import urlsplit

import orjson
import pytest

from cstar_async.testing import FakeCStar
from cstar_async.webhooks import construct_event
from tests.client.event_server import message, sending, serve_events
from tests.testing.receiving import receiving

from .conftest import Command, Outcome, environment

SECRET = "whsec_0123456789"


async def start(fake: FakeCStar, *arguments: str, **variables: str) -> asyncio.subprocess.Process:
    """Start the command, and return when it is connected."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cstar_async", "listen", *arguments,
        env={**os.environ, **environment(fake), "CSTAR_WEBHOOK_SECRET": SECRET, **variables},
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


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "localhost:8000", "http://", "ftp://me:hunter2@x/y", "http://[", "http://x:y/"]
)
def test_only_http_is_forwarded_to(command: Command, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Another URL exits with 2 before anything is sent; it is not shown, because it may have a password."""
    monkeypatch.setenv("CSTAR_WEBHOOK_SECRET", SECRET)
    outcome = command("listen", "--forward-to", url)
    assert (outcome.code, outcome.err) == (2, "error: --forward-to must be an HTTP URL, such as http://localhost:8000/hooks\n")


def test_forwarding_needs_a_secret(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a secret nothing can be signed."""
    monkeypatch.delenv("CSTAR_WEBHOOK_SECRET", raising=False)
    outcome = command("listen", "--forward-to", "http://127.0.0.1:9")
    assert (outcome.code, outcome.err.startswith("error: CSTAR_WEBHOOK_SECRET is not set")) == (2, True)


def test_unknown_form_of_a_type_is_one_sentence(command: Command) -> None:
    """A type that cannot exist exits with 2."""
    assert command("listen", "--types", "ticket.created,").code == 2


def nested(depth: int) -> bytes:
    """Return an event whose data is nested."""
    return b'{"id": "evt_%d", "type": "ticket.created", "data": %s"\xe2\x80\xa8"%s}' % (depth, b'{"a": ' * depth, b"}" * depth)


@pytest.fixture
async def use_server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[[bytes], Awaitable[None]]]:
    """Let the command listen to a server that sends some bytes."""
    monkeypatch.setenv("CSTAR_WEBHOOK_SECRET", SECRET)
    async with AsyncExitStack() as stack:

        async def use(stream: bytes) -> None:
            server = await stack.enter_async_context(serve_events(sending(stream)))
            monkeypatch.setenv("CSTAR_TEAM_ID", "team")
            monkeypatch.setenv("CSTAR_BASE_URL", str(server.server.make_url("")))

        yield use


async def listen(*arguments: str) -> Outcome:
    """Run the command to its end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cstar_async", "listen", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), 30)
    finally:
        if process.returncode is None:
            process.kill()
    return Outcome(process.returncode or 0, out.decode(), err.decode())


async def test_no_event_ends_the_command(
    use_server: Callable[[bytes], Awaitable[None]],
) -> None:
    """However deeply it is nested, it is printed on one line and forwarded as it came, and so is the next one."""
    depths = (1, 300, 700, 1000)
    await use_server(b"".join(b"data: " + nested(depth).replace(b'"data"', b'\ndata: "data"') + b"\n\n" for depth in depths))
    async with receiving() as at:
        url = at.url
        outcome = await listen("--json", "--max-events", "4", "--forward-to", url)
    assert (outcome.code, outcome.err.count(f"  200 {url}\n")) == (0, 4)
    lines = outcome.out.split("\n")[:-1]
    assert [f"evt_{depth}" for depth in depths] == [orjson.loads(line)["id"] for line in lines]
    assert all('"\\u2028"' in line and line.isprintable() for line in lines)
    assert [nested(depth).replace(b'"data"', b'\n"data"') for depth in depths] == at.bodies


@pytest.mark.parametrize(
    ("response", "note"),
    [
        (b"", "not delivered to {}: the connection broke: ServerDisconnectedError"),
        (b"\x1b[2Jnonsense\r\n\r\n", "not delivered to {}: the response headers cannot be read: they are not valid HTTP"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n" + b"x" * 2_000_000,
            "not delivered to {}: the response is larger than",
        ),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n", "302 {}"),
        (b"HTTP/1.1 503 \x1b[2J\r\n\r\n", "503 {}"),
    ],
)
async def test_no_response_of_the_receiver_ends_the_command(
    use_server: Callable[[bytes], Awaitable[None]], response: bytes, note: str
) -> None:
    """It is one line, and a redirect is not followed."""

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(response)
        writer.close()

    await use_server(message(1) + message(2))
    async with await asyncio.start_server(respond, "127.0.0.1", 0) as receiver:
        url = f"http://127.0.0.1:{receiver.sockets[0].getsockname()[1]}/"
        outcome = await listen("--max-events", "2", "--forward-to", url)
    assert (outcome.code, outcome.out.count("ticket.created")) == (0, 2)
    assert [line[: len(note.format(url)) + 2] for line in outcome.err.splitlines()[1:]] == [f"  {note.format(url)}"] * 2


async def test_password_of_the_receiver_is_sent_and_not_shown(fake: FakeCStar) -> None:
    """It and the query of the URL may be secrets. The proxy of the environment is not asked for the receiver."""
    async with receiving() as at:
        url = at.url
        secret_url = url.replace("http://", "http://me:hunter%202@") + "?token=hunter3"
        process = await start(
            fake,
            "--forward-to",
            secret_url,
            "--max-events",
            "1",
            HTTP_PROXY="http://127.0.0.1:9",
            NO_PROXY=urlsplit(fake.url).netloc,
        )
        async with fake.client() as cstar:
            await cstar.tickets.create(title="A")
        _, err = await asyncio.wait_for(process.communicate(), 30)
    assert err.decode() == f"  200 {url}\n"
    assert at.requests[0].query_string == "token=hunter3"
    assert b64decode(at.requests[0].headers["Authorization"].removeprefix("Basic ")) == b"me:hunter 2"


async def test_interrupt_does_not_wait_for_the_receiver(fake: FakeCStar) -> None:
    """A receiver that sends its response byte by byte, without end, does not keep the command from ending."""
    has_begun = asyncio.Event()

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        with suppress(ConnectionError), closing(writer):
            while not writer.is_closing():
                writer.write(b"HTTP/1.1 200 OK\r\nX: " if not has_begun.is_set() else b"y")
                has_begun.set()
                await writer.drain()
                await asyncio.sleep(0.05)

    async with await asyncio.start_server(respond, "127.0.0.1", 0) as receiver:
        process = await start(fake, "--forward-to", f"http://127.0.0.1:{receiver.sockets[0].getsockname()[1]}/")
        async with fake.client() as cstar:
            await cstar.tickets.create(title="A")
        await asyncio.wait_for(has_begun.wait(), 30)
        process.send_signal(signal.SIGINT)
        _, err = await asyncio.wait_for(process.communicate(), 30)
    assert (process.returncode, err) == (0, b"")
