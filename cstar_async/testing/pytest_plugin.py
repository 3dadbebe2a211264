"""The pytest fixtures `fake_cstar` and `cstar_client`, found by pytest when the package is installed.

Every pytest run of every user imports this module, so it imports pytest alone. The fake server is imported when a test asks for it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

try:
    from pytest_asyncio import fixture as async_fixture
except ImportError:
    from pytest import fixture as async_fixture  # type: ignore[no-redef]  # noqa: PT013  # an alias of the same decorator

if TYPE_CHECKING:
    from cstar_async import CStarClient
    from cstar_async.testing import FakeCStar


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker `fake_cstar`."""
    config.addinivalue_line("markers", "fake_cstar(**arguments): pass arguments to the FakeCStar of the fixture fake_cstar.")


@pytest.fixture
def _async_fixture_runner(request: pytest.FixtureRequest) -> None:
    """Fail with one sentence where no plugin runs async fixtures."""
    is_installed = any(map(request.config.pluginmanager.hasplugin, ("asyncio", "pytest_asyncio.plugin")))
    if not is_installed and "anyio_backend" not in request.fixturenames:
        message = "the async fixtures fake_cstar and cstar_client need pytest-asyncio: pip install pytest-asyncio"
        pytest.fail(message, pytrace=False)


@async_fixture
async def fake_cstar(request: pytest.FixtureRequest, _async_fixture_runner: None) -> AsyncIterator[FakeCStar]:
    """Start a `FakeCStar` for one test; `@pytest.mark.fake_cstar(seed=1)` passes it arguments."""
    from cstar_async.testing import FakeCStar

    node: pytest.Item = request.node
    marker = node.get_closest_marker("fake_cstar")
    async with FakeCStar(**({} if marker is None else marker.kwargs)) as fake:
        yield fake


@async_fixture
async def cstar_client(fake_cstar: FakeCStar) -> AsyncIterator[CStarClient]:
    """Open a `CStarClient` of the fake, with its secret key, its team and its clock."""
    async with fake_cstar.client() as client:
        yield client
