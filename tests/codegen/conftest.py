"""A copy of the tree for each test that changes one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.codegen.trees import Tree


@pytest.fixture(scope="session", autouse=True)
def _one_cache_of_mypy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let the tests of a worker share what mypy finds out about the package, which takes it seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MYPY_CACHE_DIR", str(tmp_path_factory.mktemp("mypy")))
        yield


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Copy the tree."""
    return Tree(tmp_path)
