"""The pytest fixtures `fake_cstar`, `cstar_client` and `cstar_aioresponses`, found by pytest when the package is installed.

Every pytest run of every user imports this module, so it imports pytest alone. The fake server is imported when a test asks for it.

An async fixture must run in the event loop of its test, which anyio made, or pytest-asyncio for each of its scopes. So there is one
for each. A test that is not async has no loop in which a server could respond: its fake runs in a thread.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import pytest

try:
    from pytest_asyncio import fixture as asyncio_fixture
except ImportError:
    from pytest import fixture as asyncio_fixture  # type: ignore[no-redef]  # noqa: PT013  # an alias of the same decorator

_LOOP_SCOPES: Final = (
    ("function", "class", "module", "package", "session")
    if "loop_scope" in inspect.signature(asyncio_fixture).parameters
    else ("function",)
)
"""The event loops of pytest-asyncio, from 0.24; before, each test has its own."""

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
    """Open a `CStarClient` of the fake, with its secret key, its team and its clock. A test that is not async opens it itself."""
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


def _loop_owner(request: pytest.FixtureRequest) -> str:
    """Return what runs the test and with which loop, as part of the name of a fixture; fail with one sentence where nothing can."""
    if not _is_async(request):
        return "thread"
    if "anyio_backend" in request.fixturenames:
        if request.getfixturevalue("anyio_backend_name") != "asyncio":
            pytest.fail("the fixtures fake_cstar and cstar_client need the backend asyncio of anyio", pytrace=False)
        return "anyio"
    if not any(map(request.config.pluginmanager.hasplugin, ("asyncio", "pytest_asyncio.plugin"))):
        message = "the fixtures fake_cstar and cstar_client of an async test need pytest-asyncio: pip install pytest-asyncio"
        pytest.fail(message, pytrace=False)
    return f"asyncio_{_loop_scope(request)}"


def _is_async(request: pytest.FixtureRequest) -> bool:
    function = getattr(request, "function", None)
    function = getattr(getattr(function, "hypothesis", None), "inner_test", function)  # under `@given`
    return inspect.iscoroutinefunction(function)


def _loop_scope(request: pytest.FixtureRequest) -> str:
    """Return the scope of the event loop in which pytest-asyncio runs the test."""
    node: pytest.Item = request.node
    marker = node.get_closest_marker("asyncio")
    given: Mapping[str, object] = {} if marker is None else marker.kwargs
    try:
        default: object = request.config.getini("asyncio_default_test_loop_scope")
    except (KeyError, ValueError):
        default = "function"  # there is no such setting before pytest-asyncio 0.26
    scope = given.get("loop_scope") or given.get("scope") or default
    return str(scope) if scope in _LOOP_SCOPES else "function"


def _new_fake(request: pytest.FixtureRequest) -> FakeCStar:
    from cstar_async.testing import FakeCStar

    node: pytest.Item = request.node
    marker = node.get_closest_marker("fake_cstar")
    return FakeCStar(**({} if marker is None else marker.kwargs))


def _register(owner: str, decorate: Callable[..., Any], **options: str) -> None:
    """Make the two fixtures for what runs a test. Each owner has functions of its own, which pytest-asyncio marks."""

    async def run_fake(request: pytest.FixtureRequest) -> AsyncIterator[FakeCStar]:
        async with _new_fake(request) as fake:
            yield fake

    async def open_client(fake_cstar: FakeCStar) -> AsyncIterator[CStarClient]:
        async with fake_cstar.client() as client:
            yield client

    for name, function in (("fake_cstar", run_fake), ("cstar_client", open_client)):
        globals()[f"_{owner}_{name}"] = decorate(name=f"_{owner}_{name}", **options)(function)


_register("anyio", pytest.fixture)
for _scope in _LOOP_SCOPES:
    _register(f"asyncio_{_scope}", asyncio_fixture, **({"loop_scope": _scope} if len(_LOOP_SCOPES) > 1 else {}))


@pytest.fixture
def _thread_fake_cstar(request: pytest.FixtureRequest) -> Iterator[FakeCStar]:
    with _new_fake(request) as fake:
        yield fake


@pytest.fixture
def _thread_cstar_client(fake_cstar: FakeCStar) -> Iterator[CStarClient]:
    import asyncio

    client = fake_cstar.client()
    yield client
    asyncio.run(client.aclose())
