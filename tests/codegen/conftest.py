"""A copy of the tree for each test that changes one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.codegen.trees import Tree


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Copy the tree."""
    return Tree(tmp_path)
