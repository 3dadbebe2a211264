"""The pytest fixtures, each tested in a separate pytest run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cstar_async import CStarClient
from cstar_async.testing import FakeCStar

TESTS = """
import pytest


@pytest.mark.asyncio
async def test_fake(fake_cstar):
    assert fake_cstar.url


@pytest.mark.asyncio
async def test_client(cstar_client, fake_cstar):
    await cstar_client.tickets.create(title="a")
    assert fake_cstar.requests[-1].json == {"title": "a"}


@pytest.mark.asyncio
@pytest.mark.fake_cstar(seed=1)
async def test_marker(cstar_client):
    assert len(await cstar_client.customers.list()) == 12
"""


async def test_fixtures_are_there(fake_cstar: FakeCStar, cstar_client: CStarClient) -> None:
    """Both fixtures are found without an import and belong together."""
    assert (await cstar_client.auth.whoami()).team_id == fake_cstar.team_id


@pytest.mark.fake_cstar(rate_limit=7)
async def test_marker_gives_arguments(fake_cstar: FakeCStar, cstar_client: CStarClient) -> None:
    """The marker `fake_cstar` passes arguments to the fake."""
    await cstar_client.auth.whoami()
    assert cstar_client.rate_limit is not None
    assert cstar_client.rate_limit.limit == 7


def run(folder: Path, tests: str, *options: str, hidden: str = "") -> str:
    """Run pytest with our plugin and *options*, without the module *hidden*; return what it prints."""
    (folder / "test_it.py").write_text(tests)
    (folder / "pytest.ini").touch()
    (folder / "sitecustomize.py").write_text(f"import sys\nsys.modules[{hidden!r}] = None\n" if hidden else "")
    command = [sys.executable, "-m", "pytest", "-q", "--strict-markers", "-p", "cstar_async.testing.pytest_plugin", *options]
    path = os.pathsep.join((str(folder), os.getcwd()))  # noqa: PTH109
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": path}
    environment.pop("PYTEST_ADDOPTS", None)
    done = subprocess.run([*command, str(folder)], capture_output=True, text=True, cwd=folder, env=environment, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize("mode", ["auto", "strict"])
def test_fixtures_work_in_both_modes(tmp_path: Path, mode: str) -> None:
    """The fixtures work in the auto and in the strict mode of pytest-asyncio."""
    output = run(tmp_path, TESTS, "-p", "pytest_asyncio.plugin", "-o", f"asyncio_mode={mode}")
    assert "3 passed" in output, output


SYNC_TESTS = """
import asyncio
import urllib.request
import pytest

@pytest.mark.fake_cstar(seed=1)
def test_fake(fake_cstar):
    request = urllib.request.Request(f"{fake_cstar.url}/api/v1/auth/whoami")
    request.add_header("Authorization", f"Bearer {fake_cstar.secret_key}")
    assert urllib.request.urlopen(request, timeout=20).status == 200

def test_client(cstar_client, fake_cstar):
    async def main():
        async with cstar_client:
            await cstar_client.tickets.create(title="a")
    asyncio.run(main())
    assert fake_cstar.requests[-1].json == {"title": "a"}

def test_client_that_is_left_open(cstar_client):
    async def main():
        return await cstar_client.tickets.list()
    assert not asyncio.run(main())
"""


@pytest.mark.parametrize("options", [(), ("-p", "pytest_asyncio.plugin"), ("-p", "anyio.pytest_plugin")])
def test_plain_tests_have_a_fake_in_a_thread(tmp_path: Path, options: tuple[str, ...]) -> None:
    """It responds to a test that has no event loop, with any plugin and without one."""
    output = run(
        tmp_path, SYNC_TESTS, "-W", "error::ResourceWarning", "-W", "error::pytest.PytestUnraisableExceptionWarning", *options
    )
    assert "3 passed" in output, output


SCOPES = """
import pytest

async def test_default(cstar_client):
    assert not await cstar_client.tickets.list()

@pytest.mark.asyncio(loop_scope="function")
async def test_function(cstar_client):
    assert not await cstar_client.tickets.list()

@pytest.mark.asyncio(loop_scope="module")
async def test_module(cstar_client):
    assert not await cstar_client.tickets.list()

@pytest.mark.asyncio(loop_scope="session")
async def test_session(cstar_client):
    assert not await cstar_client.tickets.list()

@pytest.mark.asyncio(loop_scope="class")
class TestClass:
    async def test_class(self, cstar_client):
        assert not await cstar_client.tickets.list()
"""


@pytest.mark.parametrize("default", ["function", "module", "session"])
def test_fixtures_run_in_the_loop_of_the_test(tmp_path: Path, default: str) -> None:
    """Whichever scope it has in pytest-asyncio: in another loop, no server would respond."""
    setting = f"asyncio_default_test_loop_scope={default}"
    output = run(tmp_path, SCOPES, "-p", "pytest_asyncio.plugin", "-o", "asyncio_mode=auto", "-o", setting)
    assert "5 passed" in output, output


@pytest.mark.parametrize("hidden", ["", "pytest_asyncio"])
def test_missing_pytest_asyncio_is_one_sentence(tmp_path: Path, hidden: str) -> None:
    """Without pytest-asyncio, not installed or switched off, an async test that uses a fixture fails and says what to install."""
    output = run(tmp_path, "async def test_fake(cstar_client, fake_cstar):\n    assert fake_cstar.url\n", hidden=hidden)
    assert "need pytest-asyncio: pip install pytest-asyncio" in output, output
    assert "1 error" in output, output


ANYIO_TESTS = """
import anyio
import pytest


@pytest.fixture(params=BACKENDS)
def anyio_backend(request):
    return request.param


@pytest.mark.anyio
async def test_client(cstar_client, fake_cstar):
    async with anyio.create_task_group() as group:
        group.start_soon(cstar_client.auth.whoami)
    assert fake_cstar.requests[-1].path == "/api/v1/auth/whoami"


@pytest.mark.anyio
@pytest.mark.fake_cstar(seed=1)
async def test_marker(cstar_client):
    assert len(await cstar_client.customers.list()) == 12
"""


@pytest.mark.parametrize("plugins", [(), ("-p", "pytest_asyncio.plugin")])
def test_fixtures_work_with_anyio(tmp_path: Path, plugins: tuple[str, ...]) -> None:
    """The fixtures run in the event loop of a test of anyio, with and without pytest-asyncio."""
    output = run(tmp_path, ANYIO_TESTS.replace("BACKENDS", "['asyncio']"), "-p", "anyio.pytest_plugin", *plugins)
    assert "2 passed" in output, output


def test_other_backend_of_anyio_is_one_sentence(tmp_path: Path) -> None:
    """A test on trio fails and says which backend the fixtures need."""
    output = run(tmp_path, ANYIO_TESTS.replace("BACKENDS", "['trio']"), "-p", "anyio.pytest_plugin")
    assert "need the backend asyncio of anyio" in output, output
    assert "2 errors" in output, output


MOCKED = """
import pytest
from cstar_async import CStarClient


@pytest.mark.asyncio
async def test_mock(cstar_aioresponses):
    cstar_aioresponses.get("https://www.cstar.help/api/v1/teams/t/tickets/tkt_1", payload={"data": {"id": "tkt_1", "title": "a"}})
    async with CStarClient(api_key="sk_test_a", team_id="t") as cstar:
        assert (await cstar.tickets.get("tkt_1")).title == "a"
"""


@pytest.mark.parametrize(
    ("hidden", "expected"), [("", "1 passed"), ("aioresponses", "needs aioresponses: pip install aioresponses")]
)
def test_aioresponses_is_a_fixture(tmp_path: Path, hidden: str, expected: str) -> None:
    """The fixture mocks responses with aioresponses, and says what to install where it is missing."""
    output = run(tmp_path, MOCKED, "-p", "pytest_asyncio.plugin", hidden=hidden)
    assert expected in output, output


IMPORTS = """
import sys


def test_imports():
    ours = {name for name in sys.modules if name.startswith("cstar_async")}
    assert ours <= {"cstar_async", "cstar_async._version", "cstar_async.testing", "cstar_async.testing.pytest_plugin"}, ours
    assert "aiohttp" not in sys.modules
"""


@pytest.mark.parametrize("hidden", ["", "pytest_asyncio"])
def test_run_that_uses_no_fixture_imports_nothing(tmp_path: Path, hidden: str) -> None:
    """A run that uses no fixture imports none of our modules but the plugin and the two packages around it."""
    output = run(tmp_path, IMPORTS, hidden=hidden)
    assert "1 passed" in output, output
