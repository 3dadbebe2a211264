"""Check that the wheel works without the source tree."""

from __future__ import annotations

import os
import re
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
    assert {"cstar_async/py.typed", "cstar_async/_generated/schemas.json", "cstar_async/_codegen/openapi/cstar.yaml"} <= set(names)
    assert {f"cstar_async/testing/_page/page.{kind}" for kind in ("html", "css", "js")} <= set(names)
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_wheel_is_small(wheel: zipfile.ZipFile) -> None:
    """A service that is deployed with the package downloads less than 900 kB."""
    assert Path(wheel.filename or "").stat().st_size < 900_000


def test_the_wheel_shows_the_pictures_of_the_readme(wheel: zipfile.ZipFile) -> None:
    """A registry shows the README without the tree, so links lead into the repository, and pictures to their bytes there."""
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    readme = wheel.read(name).decode()

    assert ["https"] == sorted({link.partition(":")[0] for link in re.findall(r"\]\((?!#)([^)]+)\)", readme)})
    assert all("/raw/main/" in link for link in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", readme))
    assert "/raw/main/docs/performance.svg)" in readme


def _python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python with the extracted wheel instead of the source tree."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_wheel_works_without_the_source_tree(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    """The client and the fake of the wheel exchange a request."""
    wheel.extractall(tmp_path)
    run = _python(tmp_path, "-c", PROGRAM, str(tmp_path))
    assert (run.stdout, run.returncode) == ("from the wheel\n", 0), run.stderr


GENERATE = """
import pathlib, sys
from cstar_async.cli import main
sys.modules |= dict.fromkeys(sys.argv[2:])  # not installed
status = main(["codegen", "--output", "our_cstar"])
assert "codegen" not in sys.modules and "cstar_async" not in sys.argv[2:]
assert status or pathlib.Path(sys.modules["cstar_async._codegen"].__file__).is_relative_to(sys.argv[1])
sys.exit(status)
"""


def test_the_generator_of_the_wheel_works(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    """It reads the document of the wheel, and loads no top-level module `codegen`."""
    wheel.extractall(tmp_path)
    run = _python(tmp_path, "-c", GENERATE, str(tmp_path))
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "our_cstar" / "client.py").is_file()


def test_the_generator_names_the_extra(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    """Without a dependency it says in one line what to install."""
    wheel.extractall(tmp_path)
    run = _python(tmp_path, "-c", GENERATE, str(tmp_path), "yaml")
    message = "the generator requires yaml, which is not installed: pip install 'cstar-async[codegen]'\n"
    assert (run.stderr, run.returncode) == (message, 1)
