"""A running fake, and a plain HTTP caller that does not use the client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import attrs
import pytest

from cstar_async.testing import FakeCStar


@attrs.frozen
class Reply:
    """A complete response."""

    status: int
    headers: Mapping[str, str]
    json: Any

    @property
    def data(self) -> Any:
        """The field `data`."""
        return self.json["data"]

    @property
    def code(self) -> str:
        """The code of the error."""
        return self.json["error"]["code"]


class Caller:
    """Calls a fake with its secret key. Paths that do not start with `/api` are relative to its team."""

    def __init__(self, fake: FakeCStar, session: aiohttp.ClientSession) -> None:
        self.fake = fake
        self.session = session

    async def __call__(
        self,
        method: str,
        path: str,
        json: object = None,
        *,
        key: str | None = "",
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Reply:
        """Send a request; *key* None sends no key, an empty one the secret key."""
        url = path if path.startswith("/api") else f"/api/v1/teams/{self.fake.team_id}{path}"
        sent = {"Authorization": f"Bearer {key or self.fake.secret_key}"} if key is not None else {}
        if json is not None:
            options["json"] = json
        async with self.session.request(method, f"{self.fake.url}{url}", headers=sent | dict(headers or {}), **options) as response:
            is_json = (
                response.content_type == "application/json"
                and method != "HEAD"
                and response.headers.get("Content-Length") not in (None, "0")
            )
            return Reply(response.status, response.headers, await response.json() if is_json else await response.read())

    async def make(self, path: str, **fields: object) -> Any:
        """Create an object and return it."""
        reply = await self("POST", path, fields)
        assert reply.status == 201, reply.json
        return reply.data


@asynccontextmanager
async def calling(fake: FakeCStar) -> AsyncIterator[Caller]:
    """Start a fake and return a caller of it."""
    async with fake, aiohttp.ClientSession() as session:
        yield Caller(fake, session)


@pytest.fixture
async def call() -> AsyncIterator[Caller]:
    """Return a caller of a new, empty fake."""
    async with calling(FakeCStar()) as caller:
        yield caller


@pytest.fixture
def fake(call: Caller) -> FakeCStar:
    """Return the fake behind `call`."""
    return call.fake
