"""The pytest fixtures `fake_cstar`, `cstar_client` and `cstar_aioresponses`, found by pytest when the package is installed.

Every pytest run of every user imports this module, so it imports pytest alone. The fake server is imported when a test asks for it.

An async fixture must run in the event loop of its test, which pytest-asyncio or anyio made. So there is one for each.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Literal

import pytest

try:
    from pytest_asyncio import fixture as asyncio_fixture
except ImportError:
    from pytest import fixture as asyncio_fixture  # type: ignore[no-redef]  # noqa: PT013  # an alias of the same decorator

if TYPE_CHECKING:
    from aioresponses import aioresponses

    from cstar_async import CStarClient
    from cstar_async.testing import FakeCStar


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker `fake_cstar`."""
    config.addinivalue_line("markers", "fake_cstar(**arguments): pass arguments to the FakeCStar of the fixture fake_cstar.")


@pytest.fixture
def fake_cstar(request: pytest.FixtureRequest) -> FakeCStar:
    """Start a `FakeCStar` for one test; `@pytest.mark.fake_cstar(seed=1)` passes it arguments."""
    fake: FakeCStar = request.getfixturevalue(f"_{_loop_owner(request)}_fake_cstar")
    return fake


@pytest.fixture
def cstar_client(request: pytest.FixtureRequest) -> CStarClient:
    """Open a `CStarClient` of the fake, with its secret key, its team and its clock."""
    client: CStarClient = request.getfixturevalue(f"_{_loop_owner(request)}_cstar_client")
    return client


@pytest.fixture
def cstar_aioresponses() -> Iterator[aioresponses]:
    """Return an `aioresponses` that works with the aiohttp of this package: responses without a server."""
    try:
        from cstar_async.testing._aioresponses import CompatibleMock
    except ImportError:
        pytest.fail("the fixture cstar_aioresponses needs aioresponses: pip install aioresponses", pytrace=False)
    with CompatibleMock() as mock:
        yield mock


def _loop_owner(request: pytest.FixtureRequest) -> Literal["asyncio", "anyio"]:
    """Return the plugin that runs the test; fail with one sentence where none can."""
    if "anyio_backend" in request.fixturenames:
        if request.getfixturevalue("anyio_backend_name") != "asyncio":
            pytest.fail("the fixtures fake_cstar and cstar_client need the backend asyncio of anyio", pytrace=False)
        return "anyio"
    if not any(map(request.config.pluginmanager.hasplugin, ("asyncio", "pytest_asyncio.plugin"))):
        message = "the async fixtures fake_cstar and cstar_client need pytest-asyncio: pip install pytest-asyncio"
        pytest.fail(message, pytrace=False)
    return "asyncio"


def _new_fake(request: pytest.FixtureRequest) -> AbstractAsyncContextManager[FakeCStar]:
    from cstar_async.testing import FakeCStar

    node: pytest.Item = request.node
    marker = node.get_closest_marker("fake_cstar")
    return FakeCStar(**({} if marker is None else marker.kwargs))


@asyncio_fixture
async def _asyncio_fake_cstar(request: pytest.FixtureRequest) -> AsyncIterator[FakeCStar]:
    async with _new_fake(request) as fake:
        yield fake


@pytest.fixture
async def _anyio_fake_cstar(request: pytest.FixtureRequest) -> AsyncIterator[FakeCStar]:
    async with _new_fake(request) as fake:
        yield fake


@asyncio_fixture
async def _asyncio_cstar_client(fake_cstar: FakeCStar) -> AsyncIterator[CStarClient]:
    async with fake_cstar.client() as client:
        yield client


@pytest.fixture
async def _anyio_cstar_client(fake_cstar: FakeCStar) -> AsyncIterator[CStarClient]:
    async with fake_cstar.client() as client:
        yield client
