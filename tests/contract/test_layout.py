"""How many packages there are, and how many import which. import-linter checks the levels; see CONTRIBUTING."""

from __future__ import annotations

from pathlib import Path

import grimp

ROOT = Path(__file__).parents[2]
MAX_ENTRIES = 30
MAX_IMPORTS = 60
FOUNDATION = {"errors", "_types", "_values", "_event_loop", "_version"}
"""Level 0, which every package may import."""
ONE = {"api": "_generated", "models": "_generated", "library": "client"}
"""What counts as one package with another: all that the generator writes, and the two clients."""


def package_of(module: str) -> str:
    """Return the part of a module's name after `cstar_async`."""
    name = f"{module}..".split(".")[1]
    return ONE.get(name, name)


def test_top_of_the_package_has_few_entries() -> None:
    """If it fails: a new module belongs into one of the packages, or two of them belong together."""
    entries = {path.name for path in (ROOT / "cstar_async").iterdir()} - {"__pycache__"}
    assert len(entries) <= MAX_ENTRIES, sorted(entries)


def test_packages_have_few_imports_of_each_other() -> None:
    """Of the foundation aside, and of what only type checkers import. If it fails: is a function in the wrong package?"""
    graph = grimp.build_graph("cstar_async", exclude_type_checking_imports=True)
    imports = {
        (package_of(module), package_of(imported))
        for module in graph.modules
        for imported in graph.find_modules_directly_imported_by(module)
    }
    between = {(one, other) for one, other in imports if one != other and other not in FOUNDATION}
    assert len(between) <= MAX_IMPORTS, sorted(between)
