"""Packages that are generated from documents of the tests, and a server that they call."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Self

from aiohttp import web

from codegen.__main__ import DONE, main
from codegen.spec.document import Node


def generate_package(folder: Path, name: str, document: Node, *arguments: str) -> Path:
    """Generate a package of its own from a document, without the type check."""
    path = folder / f"{name}.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    assert DONE == main(["--no-type-check", "--document", str(path), "--output", str(folder / name), *arguments])
    return folder / name


@contextmanager
def imported(package: Path) -> Iterator[ModuleType]:
    """Import a generated package, and remove it from the loaded modules afterwards."""
    sys.path.insert(0, str(package.parent))
    importlib.invalidate_caches()
    try:
        yield importlib.import_module(package.name)
    finally:
        sys.path.remove(str(package.parent))
        for name in [name for name in sys.modules if name.partition(".")[0] == package.name]:
            del sys.modules[name]


def document(paths: Node, schemas: Node | None = None, *, version: str = "3.1.0", **more: Any) -> Node:
    """Return a document without any extension."""
    components = {"schemas": schemas or {}, **more.pop("components", {})}
    return {"openapi": version, "info": {"title": "Zoo", "version": "1"}, "paths": paths, "components": components, **more}


def returns(schema: Node | None = None, status: str = "200", media: str = "application/json") -> Node:
    """Return the responses of an operation that has one."""
    content = {} if schema is None else {"content": {media: {"schema": schema}}}
    return {status: {"description": "It worked.", **content}}


def takes(schema: Node, media: str = "application/json", *, required: bool | None = True) -> Node:
    """Return a request body."""
    return {"content": {media: {"schema": schema}}} | ({} if required is None else {"required": required})


def ref(name: str) -> Node:
    """Return a reference to a schema."""
    return {"$ref": f"#/components/schemas/{name}"}


class Stub:
    """A server on loopback that records requests and returns what the test sets."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.status, self.body, self.media = 200, b"{}", "application/json"
        self.headers: dict[str, str] = {}
        """More headers of the responses."""

    def set(self, body: Any, status: int = 200, media: str = "application/json") -> None:
        """Set the next responses."""
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.status, self.media = status, media

    @property
    def last(self) -> str:
        """The method and the path with the query of the last request, as they were sent."""
        return self.requests[-1][0]

    async def handle(self, request: web.Request) -> web.Response:
        """Record a request and return the response."""
        self.requests.append((f"{request.method} {request.raw_path}", dict(request.headers), await request.read()))
        return web.Response(status=self.status, body=self.body, headers={"Content-Type": self.media, **self.headers})

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self.handle)
        self._runner = web.AppRunner(application)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()
