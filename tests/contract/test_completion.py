"""What editors complete, asked of pyright's language server and of jedi."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jedi
import pytest

import cstar_async
from cstar_async import CStarClient, RateLimiter
from cstar_async.sync import LocalCopy
from cstar_async.testing import FakeCStar
from cstar_async.webhooks import WebhookInbox

PROGRAM = """\
from cstar_async import CStarClient


async def work(cstar: CStarClient) -> None:
    cstar.tickets.list(status="")
    await cstar.tickets.create(title="a", priority="")
    CStarClient.from_env()
    cstar.tickets
    cstar.tickets.list
    async for ticket in cstar.tickets.list():
        ticket.id
    page = await cstar.tickets.list()
    page[0].title
"""

METHODS = {"list", "create", "get", "update", "delete", "messages"}
TICKET = {"id", "title", "status", "created_at", "extra"}


class LanguageServer:
    """A language server that is connected by pipes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._ids = 0
        server = Path(sys.executable).with_name("pyright-langserver")
        self._process = subprocess.Popen([str(server), "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root)

    def request(self, method: str, params: object) -> Any:
        """Send a request, handle requests of the server, and return the response."""
        self._ids += 1
        self._send({"jsonrpc": "2.0", "id": self._ids, "method": method, "params": params})
        while True:
            message = self._receive()
            if "method" in message:
                if "id" in message:
                    items = message.get("params", {}).get("items", [])
                    self._send({"jsonrpc": "2.0", "id": message["id"], "result": [self._settings(item) for item in items] or None})
            elif message["id"] == self._ids:
                return message["result"]

    def notify(self, method: str, params: object) -> None:
        """Send a notification."""
        self._send({"jsonrpc": "2.0", "method": method, "params": params})

    def close(self) -> None:
        """Stop the server."""
        self._process.kill()
        self._process.communicate()

    def _settings(self, item: dict[str, Any]) -> dict[str, str]:
        return {"pythonPath": sys.executable} if item.get("section") == "python" else {}

    def _send(self, message: object) -> None:
        body = json.dumps(message).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._process.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        length = 0
        while line := self._process.stdout.readline().strip():
            if line.lower().startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        return dict(json.loads(self._process.stdout.read(length)))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LanguageServer]:
    """Pyright's language server with the program open."""
    root = tmp_path_factory.mktemp("editor")
    (root / "program.py").write_text(PROGRAM, encoding="utf-8")
    started = LanguageServer(root)
    try:
        folder = {"uri": root.as_uri(), "name": "program"}
        capabilities = {"workspace": {"configuration": True, "workspaceFolders": True}}
        started.request(
            "initialize",
            {"processId": None, "rootUri": root.as_uri(), "workspaceFolders": [folder], "capabilities": capabilities},
        )
        started.notify("initialized", {})
        document = {"uri": (root / "program.py").as_uri(), "languageId": "python", "version": 1, "text": PROGRAM}
        started.notify("textDocument/didOpen", {"textDocument": document})
        yield started
    finally:
        started.close()


def position_after(text: str) -> tuple[int, int]:
    """Return the line, from 0, and the column after a piece of the program."""
    line = next(number for number, code in enumerate(PROGRAM.splitlines()) if text in code)
    return line, PROGRAM.splitlines()[line].index(text) + len(text)


def completions(server: LanguageServer, text: str) -> set[str]:
    """Return what the editor offers after a piece of the program, without names that begin with an underscore."""
    line, column = position_after(text)
    response = server.request(
        "textDocument/completion",
        {"textDocument": {"uri": (server.root / "program.py").as_uri()}, "position": {"line": line, "character": column}},
    )
    return {label for item in response["items"] if not (label := item["label"].strip("\"'")).startswith("_")}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('status="', {"new", "open", "pending", "resolved", "closed"}),
        ('priority="', {"low", "normal", "high", "urgent"}),
        ("from_env(", {"api_key=", "team_id=", "base_url=", "max_retries=", "hooks="}),
        ("ticket.", TICKET),
        ("page[0].", TICKET),
    ],
)
def test_editor_completes(server: LanguageServer, text: str, expected: set[str]) -> None:
    """The editor offers the values of an enum argument, the arguments of `from_env()`, and the fields of the items of a list."""
    assert expected <= completions(server, text)


def test_editor_offers_only_what_is_public(server: LanguageServer) -> None:
    """A namespace offers its methods and no more, and the client its namespaces and methods."""
    assert completions(server, "    cstar.tickets.") == METHODS
    assert completions(server, "    cstar.") <= {name for name in dir(CStarClient) if not name.startswith("_")}


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ticket.", TICKET),
        ("page[0].", TICKET),
        ("    cstar.tickets.", METHODS),
        ("cstar.tickets.list(", {"status=", "page_size="}),
    ],
)
def test_jedi_completes(text: str, expected: set[str]) -> None:
    """IPython, Jupyter and editors with jedi offer methods, arguments, and the fields of items."""
    line, column = position_after(text)
    program = "\n".join([*PROGRAM.splitlines()[:line], PROGRAM.splitlines()[line][:column]])
    offered = {completion.name for completion in jedi.Script(program).complete(line + 1, column)}
    assert expected <= offered
    assert text != "    cstar.tickets." or expected == {name for name in offered if not name.startswith("_")}


async def test_notebook_offers_only_what_is_public() -> None:
    """Shells and notebooks complete with `dir()`: no private name, of any object that a user gets."""
    async with FakeCStar(seed=1) as fake, fake.client() as cstar:
        page = await cstar.tickets.list()
        response = await cstar.request("GET", "/tickets")
        own = [
            fake,
            cstar,
            cstar.tickets,
            cstar.tickets.list(),
            page,
            page[0],
            page.info,
            response,
            cstar.rate_limit,
            cstar.events(),
        ]
        own += [fake.library(), RateLimiter(), LocalCopy("copy.sqlite"), WebhookInbox(secret="whsec_" + "a" * 32)]
        for one in own:
            hidden = {name for name in dir(one) if name.startswith("_") and not name.startswith("__")}
            assert hidden == set(), type(one)
    assert {"CStarClient", "models", "__version__"} <= set(dir(cstar_async))
    assert not {"TYPE_CHECKING", "_MODULES"} & set(dir(cstar_async))
