"""Pyright's language server, which editors ask for completions and hovers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final, Self

CAPABILITIES: Final = {
    "workspace": {"configuration": True, "workspaceFolders": True},
    "textDocument": {"hover": {"contentFormat": ["markdown"]}},
}


class LanguageServer:
    """Pyright's language server, connected by pipes, with one program open."""

    def __init__(self, root: Path, program: str) -> None:
        """Start the server.

        Args:
            root: An empty folder for the program.
            program: The text of the open file.
        """
        self._ids = 0
        self._file = root / "program.py"
        self._file.write_text(program, encoding="utf-8")
        server = Path(sys.executable).with_name("pyright-langserver")
        self._process = subprocess.Popen([str(server), "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root)
        folder = {"uri": root.as_uri(), "name": "program"}
        self.request(
            "initialize",
            {"processId": None, "rootUri": root.as_uri(), "workspaceFolders": [folder], "capabilities": CAPABILITIES},
        )
        self.notify("initialized", {})
        document = {"uri": self._file.as_uri(), "languageId": "python", "version": 1, "text": program}
        self.notify("textDocument/didOpen", {"textDocument": document})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def ask(self, method: str, line: int, column: int) -> Any:
        """Return what the server says about a position of the program."""
        position = {"line": line, "character": column}
        return self.request(method, {"textDocument": {"uri": self._file.as_uri()}, "position": position})

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


def position_after(program: str, text: str) -> tuple[int, int]:
    """Return the line, from 0, and the column after a piece of a program."""
    line = next(number for number, code in enumerate(program.splitlines()) if text in code)
    return line, program.splitlines()[line].index(text) + len(text)
