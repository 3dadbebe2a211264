"""Applications of aiohttp, FastAPI and Starlette open and close clients and inboxes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Self

import pytest
from aiohttp import web
from fastapi import FastAPI
from starlette.applications import Starlette

from cstar_async import CStarClient, CStarError, InvalidArgumentError
from cstar_async.testing import FakeCStar
from cstar_async.webhooks import WebhookInbox, lifespan, sign

BODY = b'{"id": "evt_1", "type": "ticket.created"}'
Lifespan = Callable[[object], AbstractAsyncContextManager[None]]


class Resource:
    """A resource that records what is done to it."""

    def __init__(self, name: str, log: list[str], *, fails: bool = False) -> None:
        self.name = name
        self.log = log
        self.fails = fails

    async def __aenter__(self) -> Self:
        self.log.append(f"open {self.name}")
        if self.fails:
            raise OSError(self.name)
        return self

    async def __aexit__(self, *error: object) -> None:
        self.log.append(f"close {self.name}")


@asynccontextmanager
async def run_aiohttp(opened: Lifespan) -> Any:
    """Start and end an application of aiohttp."""
    app = web.Application()
    app.cleanup_ctx.append(opened)
    runner = web.AppRunner(app)
    await runner.setup()
    yield
    await runner.cleanup()


def run_fastapi(opened: Lifespan) -> AbstractAsyncContextManager[Any]:
    """Start and end an application of FastAPI."""
    app = FastAPI(lifespan=opened)
    return app.router.lifespan_context(app)


def run_starlette(opened: Lifespan) -> AbstractAsyncContextManager[Any]:
    """Start and end an application of Starlette."""
    app = Starlette(lifespan=opened)
    return app.router.lifespan_context(app)


FRAMEWORKS = [run_aiohttp, run_fastapi, run_starlette]


@pytest.mark.parametrize("run", FRAMEWORKS)
async def test_application_opens_a_client_and_an_inbox(
    fake_cstar: FakeCStar, run: Callable[[Lifespan], AbstractAsyncContextManager[Any]]
) -> None:
    """They are usable while the application runs, and closed afterwards."""
    client: CStarClient = fake_cstar.client()
    inbox = WebhookInbox("whsec_web", shutdown_timeout=0)
    async with run(lifespan(client, inbox)):
        assert (await client.tickets.list()).total == 0
        assert await inbox.receive(BODY, {"X-Signature": sign(BODY, "whsec_web")}) == 200
    with pytest.raises(CStarError, match="closed"):
        await client.tickets.list()
    assert await inbox.receive(BODY, {"X-Signature": sign(BODY, "whsec_web")}) == 503


@pytest.mark.parametrize("run", FRAMEWORKS)
async def test_resources_close_in_reverse_order(run: Callable[[Lifespan], AbstractAsyncContextManager[Any]]) -> None:
    """What was opened last is closed first."""
    log: list[str] = []
    async with run(lifespan(Resource("client", log), Resource("inbox", log))):
        assert log == ["open client", "open inbox"]
    assert log[2:] == ["close inbox", "close client"]


@pytest.mark.parametrize("run", FRAMEWORKS)
async def test_resource_that_cannot_be_opened_closes_those_before(
    run: Callable[[Lifespan], AbstractAsyncContextManager[Any]],
) -> None:
    """The application does not start, and the error is that of the resource."""
    log: list[str] = []
    with pytest.raises(OSError, match="inbox"):
        async with run(lifespan(Resource("client", log), Resource("inbox", log, fails=True), Resource("never", log))):
            pytest.fail("the application started")
    assert log == ["open client", "open inbox", "close client"]


@pytest.mark.parametrize("resource", [None, "client", WebhookInbox, CStarClient, open])
def test_other_objects_are_refused(resource: Any) -> None:
    """An object without `async with`, such as a class that was not called, is an error before the application starts."""
    with pytest.raises(InvalidArgumentError, match=r"resources must be objects for `async with`, got"):
        lifespan(resource)
