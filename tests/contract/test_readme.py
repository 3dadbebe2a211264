"""Check the README: every block of Python runs."""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
import sys
from pathlib import Path

import pytest

from cstar_async import CStarLibrary
from cstar_async.testing import FakeCStar

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
PROGRAMS = [block for block in BLOCKS if "asyncio.run(" in block]
SNIPPETS = [block for block in BLOCKS if block not in PROGRAMS]


def test_first_block_is_a_whole_program() -> None:
    """A reader can paste the first block into a file and run it."""
    assert PROGRAMS[0] == BLOCKS[0]


@pytest.mark.parametrize("block", PROGRAMS, ids=range(len(PROGRAMS)))
async def test_program_runs_from_a_file(block: str, tmp_path: Path) -> None:
    """A program runs in a process of its own, with the key and the URL in the environment, and prints something."""
    path = tmp_path / "quickstart.py"
    path.write_text(block, encoding="utf-8")
    async with FakeCStar(seed=5) as fake:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(path),
            env={"CSTAR_API_KEY": fake.secret_key, "CSTAR_BASE_URL": fake.url, "PYTHONUTF8": "1"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await process.communicate()

    assert (0, b"") == (process.returncode, errors)
    assert b"Cannot log in" in output


@pytest.mark.parametrize("block", SNIPPETS, ids=range(len(SNIPPETS)))
async def test_snippet_runs(block: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A snippet that is pasted into an async shell raises nothing."""
    code = compile(block, "README.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    async with FakeCStar(seed=5) as fake:
        monkeypatch.setenv("CSTAR_API_KEY", fake.secret_key)
        monkeypatch.setenv("CSTAR_BASE_URL", fake.url)
        monkeypatch.delenv("CSTAR_TEAM_ID", raising=False)
        # The environment does not configure the library's host.
        monkeypatch.setitem(CStarLibrary.__init__.__kwdefaults__, "base_url", fake.url)
        result = eval(code, {})
        if inspect.isawaitable(result):
            await result
