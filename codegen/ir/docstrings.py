"""Prose: the document's words as docstrings, wrapped and safe inside triple quotes."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from openapi_python_client.strings import safe_for_docstring

from codegen.spec.document import Node

LINE_LENGTH = 132
INDENT = "    "


def sentence(text: str) -> str:
    """A text that ends as a sentence does."""
    text = " ".join(text.split())
    return text if text.endswith((".", "!", "?")) else f"{text}."


def described(node: Node) -> str:
    """What a field or a parameter is, with a note where that is not documented."""
    text = sentence(str(node.get("description", "")))
    evidence, source = str(node.get("x-evidence", "")), " ".join(str(node.get("x-source", "")).split())
    if evidence in ("", "documented"):
        return text
    note = source if source.startswith(f"{evidence}:") else f"{evidence}: {source}"
    return f"{text} ({note[:1].upper()}{sentence(note[1:])})"


def source_of(node: Node) -> str:
    """The line that says where the statements of a docstring come from."""
    evidence, source = str(node["x-evidence"]), " ".join(str(node["x-source"]).split()).rstrip(".")
    return f"Source: {source}." if source.startswith(f"{evidence}:") else f"Source: {source} ({evidence})."


@dataclass(frozen=True)
class Section:
    """A section of a Google docstring: a title over entries with a name, or over one without."""

    title: str
    entries: tuple[tuple[str, str], ...]


def docstring(blocks: Sequence[str | Section], *, depth: int) -> str:
    """A docstring of paragraphs and sections, to be placed at a depth of indentation (its first line is not indented)."""
    margin = INDENT * depth
    width = LINE_LENGTH - len(margin)
    text = "\n\n".join(_block(block, width, quotes=3 if index == 0 else 0) for index, block in enumerate(blocks))
    if text.endswith('"'):
        text += " "
    if "\n" not in text and len(text) + 6 <= width:
        return f'"""{text}"""'
    first, *others = f'"""{text}\n"""'.split("\n")
    return "\n".join([first, *(f"{margin}{line}" if line else "" for line in others)])


def _block(block: str | Section, width: int, *, quotes: int) -> str:
    if isinstance(block, str):
        # The opening quotes take room on the first line; something of their length stands in for them while it is wrapped.
        return _wrapped("x" * quotes + _safe(block), width)[quotes:]
    lines = [f"{block.title}:"]
    for name, text in block.entries:
        hanging = INDENT * 2 if name else INDENT
        lines.append(_wrapped(_safe(f"{name}: {text}" if name else text), width, first=INDENT, others=hanging))
    return "\n".join(lines)


def _safe(text: str) -> str:
    return " ".join(safe_for_docstring(text).split())


def _wrapped(text: str, width: int, *, first: str = "", others: str = "") -> str:
    lines = textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=others, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(lines)
