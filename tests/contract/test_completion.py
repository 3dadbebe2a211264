"""Check with pyright's language server that an editor completes the values of an enum."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAM = """\
from cstar_async import CStarClient


async def work(cstar: CStarClient) -> None:
    cstar.tickets.list(status="")
    await cstar.tickets.create(title="a", priority="")
"""


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


@pytest.mark.parametrize(
    ("argument", "expected"),
    [("status", {"new", "open", "pending", "resolved", "closed"}), ("priority", {"low", "normal", "high", "urgent"})],
)
def test_enum_values_are_completed(argument: str, expected: set[str], tmp_path: Path) -> None:
    """Between the quotes of an enum argument, the editor offers every value of the document."""
    uri = (tmp_path / "program.py").as_uri()
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    line = next(number for number, text in enumerate(PROGRAM.splitlines()) if f'{argument}=""' in text)
    column = PROGRAM.splitlines()[line].index(f'{argument}=""') + len(argument) + 2
    server = LanguageServer(tmp_path)
    try:
        folder = {"uri": tmp_path.as_uri(), "name": "program"}
        server.request(
            "initialize",
            {
                "processId": None,
                "rootUri": tmp_path.as_uri(),
                "workspaceFolders": [folder],
                "capabilities": {"workspace": {"configuration": True, "workspaceFolders": True}},
            },
        )
        server.notify("initialized", {})
        server.notify("textDocument/didOpen", {"textDocument": {"uri": uri, "languageId": "python", "version": 1, "text": PROGRAM}})
        response = server.request(
            "textDocument/completion", {"textDocument": {"uri": uri}, "position": {"line": line, "character": column}}
        )
    finally:
        server.close()
    offered = {item["label"].strip("\"'") for item in response["items"]}
    assert expected <= offered
