"""The fixtures that pytest finds by itself, each tried in a run of its own."""

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
    """Both fixtures are found without an import, and belong together."""
    assert (await cstar_client.auth.whoami()).team_id == fake_cstar.team_id


@pytest.mark.fake_cstar(rate_limit=7)
async def test_marker_gives_arguments(fake_cstar: FakeCStar, cstar_client: CStarClient) -> None:
    """The marker `fake_cstar` sets the fake up."""
    await cstar_client.auth.whoami()
    assert cstar_client.rate_limit is not None
    assert cstar_client.rate_limit.limit == 7


def run(folder: Path, *plugins: str, mode: str = "") -> subprocess.CompletedProcess[str]:
    """Run the tests above with these plugins and no others."""
    (folder / "test_it.py").write_text(TESTS)
    (folder / "pytest.ini").write_text("[pytest]\n" + mode)
    arguments = [option for plugin in (*plugins, "cstar_async.testing.pytest_plugin") for option in ("-p", plugin)]
    command = [sys.executable, "-m", "pytest", "-q", "--strict-markers", *arguments, str(folder)]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": os.getcwd()}  # noqa: PTH109
    environment.pop("PYTEST_ADDOPTS", None)
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, check=False)


@pytest.mark.parametrize("mode", ["auto", "strict"])
def test_fixtures_work_in_both_modes(tmp_path: Path, mode: str) -> None:
    """Auto and strict mode of pytest-asyncio give the same."""
    done = run(tmp_path, "pytest_asyncio.plugin", mode=f"asyncio_mode = {mode}\n")
    assert "3 passed" in done.stdout, done.stdout


def test_run_without_pytest_asyncio_is_not_disturbed(tmp_path: Path) -> None:
    """Where the tests are not async, the plugin harms nobody."""
    (tmp_path / "conftest.py").write_text("import sys\n")
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['pytest_asyncio'] = None\n")
    (tmp_path / "test_plain.py").write_text("def test_plain():\n    pass\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "cstar_async.testing.pytest_plugin", str(tmp_path / "test_plain.py")]
    path = os.pathsep.join((str(tmp_path), os.getcwd()))  # noqa: PTH109
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": path}
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False)
    assert "1 passed" in done.stdout, done.stdout + done.stderr
