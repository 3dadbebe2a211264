"""The pages of the documentation site, and the blocks of code in them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = {
    path.relative_to(DOCS).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted(DOCS.rglob("*.md"))
    if not path.relative_to(DOCS).as_posix().startswith("reference/")
}
"""The text of each page that is written by hand or by the generator, by its path."""
NAVIGATION: list[Any] = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]["nav"]


def blocks(text: str, *languages: str) -> list[str]:
    """Return the blocks of code in some languages."""
    return re.findall(rf"^```(?:{'|'.join(languages)})\b[^\n]*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def navigation_paths(entries: list[Any]) -> Iterator[str]:
    """List the paths of the pages in a part of the navigation."""
    for entry in entries:
        if isinstance(entry, str):
            yield entry
        else:
            for value in entry.values():
                yield from navigation_paths(value if isinstance(value, list) else [value])
