"""The fixtures `fake_cstar` and `cstar_client` for pytest, found by itself when the package is installed.

They are async fixtures of pytest-asyncio, in its auto and its strict mode. This module is imported by every pytest run of whoever
has the package, so it must know nothing but pytest: the fake is imported when a test asks for it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING

import pytest

try:
    from pytest_asyncio import fixture as _async_fixture
except ImportError:  # then pytest itself tells the test that asks what is missing
    from pytest import fixture as _async_fixture  # type: ignore[no-redef]  # noqa: PT013  # the same name for the same thing

if TYPE_CHECKING:
    from cstar_async import CStarClient
    from cstar_async._types import UntypedJSON
    from cstar_async.testing import FakeCStar


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", "fake_cstar(**arguments): arguments of the FakeCStar behind the fixture fake_cstar.")


@_async_fixture
async def fake_cstar(request: pytest.FixtureRequest) -> AsyncIterator[FakeCStar]:
    """A running `FakeCStar`, fresh for each test; `@pytest.mark.fake_cstar(seed=1)` gives it arguments."""
    from cstar_async.testing import FakeCStar

    node: pytest.Item = request.node
    marker = node.get_closest_marker("fake_cstar")
    arguments: Mapping[str, UntypedJSON] = {} if marker is None else marker.kwargs
    async with FakeCStar(**arguments) as fake:
        yield fake


@_async_fixture
async def cstar_client(fake_cstar: FakeCStar) -> AsyncIterator[CStarClient]:
    """An open `CStarClient` of the fake, with its secret key, its team and its clock."""
    async with fake_cstar.client() as client:
        yield client
