"""Open and close clients and inboxes with a web application."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

from cstar_async._values.validation import check_instance


def lifespan(*resources: AbstractAsyncContextManager[object]) -> Callable[[object], AbstractAsyncContextManager[None]]:
    """Open resources when an application starts, and close them in reverse order when it ends.

    A client comes before the inbox whose handlers use it. Handlers then have a client until they are finished. If a resource cannot
    be opened, those before it are closed, and the application does not start::

        app = FastAPI(lifespan=lifespan(cstar, inbox))          # or Starlette
        app.cleanup_ctx.append(lifespan(cstar, inbox))          # aiohttp

    Args:
        resources: Clients, limiters, inboxes, or other objects for `async with`. A client is opened once, so create it with the
            application.

    Returns:
        What `lifespan=` of FastAPI and Starlette, and `cleanup_ctx` of aiohttp take: a function of the application.

    Raises:
        InvalidArgumentError: One of *resources* has no `__aenter__` and `__aexit__`.
    """
    for resource in resources:
        check_instance("resources", resource, AbstractAsyncContextManager, "objects for `async with`")

    @asynccontextmanager
    async def opened(_application: object) -> AsyncGenerator[None]:
        async with AsyncExitStack() as stack:
            for resource in resources:
                await stack.enter_async_context(resource)
            yield

    return opened
