"""Functions that a page of the documentation defines and does not call: bots, streams and a shutdown, run on the fake server."""

from __future__ import annotations

import ast
import asyncio
import json
import os
import re
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from cstar_async import CStarClient
from cstar_async.models import Ticket
from cstar_async.sync import LocalCopy
from cstar_async.testing import FakeCStar

from .documentation import PAGES, blocks

DEFINITIONS = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def functions(page: str, count: int | None = None) -> dict[str, Any]:
    """Return what the first *count* snippets of a page import and define."""
    namespace: dict[str, Any] = {"LocalCopy": LocalCopy, "cstar": None}
    for block in blocks(PAGES[page], "python")[:count]:
        tree = compile(block, page, "exec", flags=ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        assert isinstance(tree, ast.Module)
        tree.body = [node for node in tree.body if isinstance(node, DEFINITIONS)]
        exec(compile(tree, page, "exec", dont_inherit=True), namespace)
    return namespace


@asynccontextmanager
async def running(fake: FakeCStar, program: Coroutine[Any, Any, object]) -> AsyncIterator[asyncio.Task[object]]:
    """Run a program until the block ends, from when it has opened the event stream."""
    task = asyncio.ensure_future(program)
    try:
        await until(lambda: task.done() or len(fake.streams))
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def until(condition: Callable[[], object]) -> None:
    """Wait until a condition is true."""
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110  # it has no event to wait for
            await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write files into a folder of the test."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def environment(fake_cstar: FakeCStar, monkeypatch: pytest.MonkeyPatch) -> None:
    """Name the fake in the environment."""
    monkeypatch.setenv("CSTAR_API_KEY", fake_cstar.secret_key)
    monkeypatch.setenv("CSTAR_BASE_URL", fake_cstar.url)
    monkeypatch.delenv("CSTAR_TEAM_ID", raising=False)


async def test_bot_forwards_a_reply(fake_cstar: FakeCStar, cstar_client: CStarClient) -> None:
    """The reply of an agent reaches the chat that opened the ticket."""
    page = functions("bots/index.md")
    sent: list[tuple[str, str]] = []

    async def send(chat: str, text: str) -> None:
        sent.append((chat, text))

    async with running(fake_cstar, page["run"](cstar_client, send)):
        ticket_id = await page["open_ticket"](cstar_client, "c1", "m1", "Cannot log in")
        await cstar_client.tickets.messages.create(ticket_id, content="On it.", sender="agent")
        await until(lambda: sent)

    assert sent == [("c1", "On it.")]


async def test_local_copy_follows_events(fake_cstar: FakeCStar, cstar_client: CStarClient) -> None:
    """A ticket that is created later is in the copy."""
    copy = LocalCopy("cstar.sqlite")
    await copy.refresh(cstar_client)
    async with running(fake_cstar, functions("export-and-sync.md")["follow"](cstar_client, copy)):
        ticket = await cstar_client.tickets.create(title="Cannot log in")
        await until(lambda: copy.row(Ticket, ticket.id))


async def test_stream_calls_the_handlers(
    fake_cstar: FakeCStar, cstar_client: CStarClient, capsys: pytest.CaptureFixture[str]
) -> None:
    """The inbox of the page handles an event of the stream."""
    output: list[str] = []
    async with running(fake_cstar, functions("webhooks/live-events.md")["run"](cstar_client)):
        await cstar_client.tickets.create(title="Cannot log in")
        await until(lambda: output.append(capsys.readouterr().out) or "new ticket: evt_" in "".join(output))


@pytest.mark.usefixtures("environment")
async def test_urgent_ticket_is_posted_to_slack(
    fake_cstar: FakeCStar, cstar_client: CStarClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An urgent ticket is posted to the webhook of Slack, another one is not."""
    posted: list[str] = []

    async def receive(request: web.Request) -> web.Response:
        posted.append((await request.json())["text"])
        return web.Response()

    app = web.Application()
    app.router.add_post("/", receive)
    async with TestServer(app) as server:
        monkeypatch.setenv("SLACK_WEBHOOK_URL", str(server.make_url("/")))
        async with running(fake_cstar, functions("bots/slack.md", 1)["main"]()):
            await cstar_client.tickets.create(title="A question")
            ticket = await cstar_client.tickets.create(title="Down", priority="urgent")
            await until(lambda: posted)

    assert posted == [f"Urgent: Down ({ticket.id})"]


@pytest.mark.usefixtures("environment")
@pytest.mark.skipif(os.name == "nt", reason="signals of Unix")
async def test_program_ends_after_sigterm(fake_cstar: FakeCStar, cstar_client: CStarClient) -> None:
    """The program handles an event, and ends without an exception after SIGTERM."""
    async with running(fake_cstar, functions("deployment/shutdown.md")["main"]()) as task:
        ticket = await cstar_client.tickets.create(title="Cannot log in")
        await until(lambda: fake_cstar.requests.for_operation("update_ticket"))
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(30):
            await task

    assert (await cstar_client.tickets.get(ticket.id)).tags == ["seen"]


class KilledError(BaseException):
    """The process ends here."""


async def test_kill_leaves_a_checkpoint_that_can_be_read(
    fake_cstar: FakeCStar, cstar_client: CStarClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A process that is killed while it writes a checkpoint leaves the one before, from which the next one continues."""
    for number in range(5):
        ticket = await cstar_client.tickets.create(title=f"{number}")
        await cstar_client.tickets.update(ticket.id, status="open")
    export, file = functions("large-lists.md")["export"], Path("position.json")
    write_text, writes = Path.write_text, 0

    def write_half(path: Path, text: str) -> int:
        nonlocal writes
        writes += 1
        if writes == 3:
            write_text(path, text[: len(text) // 2])
            raise KilledError
        return write_text(path, text)

    monkeypatch.setattr(Path, "write_text", write_half)
    with pytest.raises(KilledError):
        await export(cstar_client, file)
    assert await export(cstar_client, file)
    assert len(capsys.readouterr().out.split()) == 6  # the third item came twice


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("killed_at", ["rows", "checkpoint"])
async def test_nightly_export_continues_after_a_kill(
    fake_cstar: FakeCStar, cstar_client: CStarClient, monkeypatch: pytest.MonkeyPatch, killed_at: str
) -> None:
    """The file has each ticket once, and a page that has a checkpoint is not read again."""
    await cstar_client.imports.run_batched(resource="tickets", records=[{"title": f"{number}"} for number in range(450)])
    (program,) = [block for block in blocks(PAGES["export-and-sync.md"], "python") if "os.fsync" in block]
    namespace: dict[str, Any] = {}
    exec(program.partition("\ntry:")[0], namespace)
    export, path, replace, fsync, calls = namespace["export"], Path("tickets.jsonl"), os.replace, os.fsync, 0

    def end_at_the_third(*arguments: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KilledError
        (fsync if killed_at == "rows" else replace)(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync" if killed_at == "rows" else "replace", end_at_the_third)
        with pytest.raises(KilledError):
            await export(path)
    assert not path.exists()
    fake_cstar.requests.clear()
    assert await export(path) == 450
    titles = [json.loads(line)["title"] for line in path.read_text().splitlines()]
    assert sorted(titles, key=int) == [str(number) for number in range(450)]
    assert len(fake_cstar.requests.for_operation("list_tickets")) <= 4
    assert [path] == list(Path().iterdir())


WRITES = re.compile(r"write_text\(|write_bytes\(|open\([^)]*\"w")
WRITING = [name for name, text in PAGES.items() if any(WRITES.search(one) for one in blocks(text, "python"))]


@pytest.mark.parametrize(
    "name", [name for name, text in PAGES.items() if any(WRITES.search(one) for one in blocks(text, "python"))]
)
def test_state_file_is_replaced_in_one_step(name: str) -> None:
    """Each snippet that writes a file writes another one beside it and then replaces the file."""
    assert all("os.replace(" in block for block in blocks(PAGES[name], "python") if WRITES.search(block))
