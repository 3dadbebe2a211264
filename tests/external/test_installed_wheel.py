"""A user who has only the installed package: an overlay becomes a package that is imported, type-checked and called."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

import pytest
import yaml

from tests.codegen.private import PRIVATE

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.external, pytest.mark.timeout(600)]

CALLER = """
import asyncio
import sys
from typing import assert_type
import cstar_async
from cstar_async import models
from cstar_async.testing import FakeCStar
import acme.models
from acme import AcmeClient

def title_of(ticket: models.Ticket) -> str:
    return ticket.title

async def main() -> None:
    async with FakeCStar(package="acme") as fake, fake.client(AcmeClient) as cstar:
        ticket = await cstar.tickets.create(title="Cannot log in", sentiment="angry")
        assert_type(ticket, acme.models.Ticket)
        assert isinstance(ticket, models.Ticket)
        mood = await cstar.moods.create(name="calm")
        assert_type(mood, acme.models.Mood)
        attachment = await cstar.tickets.attachments.upload(ticket.id, file=b"\\x89PNG", note="picture")
        assert_type(attachment, acme.models.Attachment)
        print(title_of(ticket), ticket.sentiment, [one.name async for one in cstar.moods.list()], attachment.note)

asyncio.run(main())
assert "codegen" not in sys.modules
"""


def _run(folder: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of programs of a fresh virtual environment with the wheel and two extras."""
    folder = tmp_path_factory.mktemp("installed")
    _run(folder, sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT))
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "venv", with_pip=True)
    programs = folder / "venv" / ("Scripts" if sys.platform == "win32" else "bin")
    _run(folder, str(programs / "python"), "-m", "pip", "install", "--quiet", f"{wheel}[codegen,testing]")
    return programs


def test_overlay_becomes_a_package(installed: Path, tmp_path: Path) -> None:
    """With private fields and endpoints, for the wheel alone."""
    (tmp_path / "private.yaml").write_text(yaml.safe_dump(PRIVATE, sort_keys=False), encoding="utf-8")
    (tmp_path / "caller.py").write_text(CALLER, encoding="utf-8")
    _run(
        tmp_path,
        str(installed / "cstar-async"),
        "codegen",
        "--overlay",
        "private.yaml",
        "--output",
        "acme",
        "--client",
        "AcmeClient",
    )
    _run(tmp_path, str(installed / "python"), "-m", "mypy", "--strict", "acme", "caller.py")
    assert _run(tmp_path, str(installed / "python"), "caller.py") == "Cannot log in angry ['calm'] picture\n"


def test_output_is_that_of_the_tree(installed: Path, tmp_path: Path) -> None:
    """The generator of the wheel writes what that of the source tree writes, but for its name in the header."""
    (tmp_path / "private.yaml").write_text(yaml.safe_dump(PRIVATE, sort_keys=False), encoding="utf-8")
    arguments = ["--overlay", "private.yaml", "--no-type-check", "--output", "acme"]
    written: list[dict[str, bytes]] = []
    for name, command in (("wheel", [str(installed / "cstar-async"), "codegen"]), ("tree", [sys.executable, "-m", "codegen"])):
        (tmp_path / name).mkdir()
        (tmp_path / name / "private.yaml").write_bytes((tmp_path / "private.yaml").read_bytes())
        environment = {"PYTHONPATH": str(ROOT)} if name == "tree" else {}
        done = subprocess.run([*command, *arguments], cwd=tmp_path / name, env=environment, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        files = (path for path in sorted((tmp_path / name / "acme").rglob("*")) if path.is_file())
        written.append({path.relative_to(tmp_path / name).as_posix(): path.read_bytes() for path in files})
    assert written[0] == written[1]
