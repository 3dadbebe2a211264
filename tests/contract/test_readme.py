"""Does every block of Python in the README run as it stands?"""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

from cstar_async import CStarLibrary
from cstar_async.testing import FakeCStar

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def test_the_readme_has_examples() -> None:
    """There is Python to run."""
    assert len(BLOCKS) >= 4


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
async def test_a_block_of_the_readme_runs(block: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader who pastes a block into an async shell sees no error."""
    code = compile(block, "README.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    async with FakeCStar(seed=5) as fake:
        monkeypatch.setenv("CSTAR_API_KEY", fake.secret_key)
        monkeypatch.setenv("CSTAR_BASE_URL", fake.url)
        monkeypatch.delenv("CSTAR_TEAM_ID", raising=False)
        # The library is not told its host by the environment.
        monkeypatch.setitem(CStarLibrary.__init__.__kwdefaults__, "base_url", fake.url)
        result = eval(code, {})
        if inspect.isawaitable(result):
            await result
