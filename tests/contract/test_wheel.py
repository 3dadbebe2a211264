"""Check that the wheel works without the source tree."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PROGRAM = """
import asyncio, pathlib, sys
import cstar_async
from cstar_async.testing import FakeCStar
assert pathlib.Path(cstar_async.__file__).is_relative_to(sys.argv[1]), cstar_async.__file__

async def main() -> None:
    async with FakeCStar() as fake, fake.client() as cstar:
        print((await cstar.tickets.create(title="from the wheel")).title)

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Build the wheel of this tree."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    (built,) = folder.glob("*.whl")
    return zipfile.ZipFile(built)


def test_the_wheel_holds_only_the_package(wheel: zipfile.ZipFile) -> None:
    """The wheel has one top-level name beside its metadata, and contains the typed marker, the schemas and the licence."""
    names = wheel.namelist()
    assert {name.partition("/")[0] for name in names if ".dist-info" not in name} == {"cstar_async"}
    assert {"cstar_async/py.typed", "cstar_async/_generated/schemas.json"} <= set(names)
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_wheel_works_without_the_source_tree(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    """The client and the fake of the wheel exchange a request."""
    wheel.extractall(tmp_path)
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.stdout, run.returncode) == ("from the wheel\n", 0), run.stderr
