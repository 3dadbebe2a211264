"""Format docstrings: descriptions of the document in the terms of Python, wrapped and escaped."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from openapi_python_client.strings import safe_for_docstring

from codegen.spec.document import Node

LINE_LENGTH = 132
INDENT = "    "
_CONSTANTS = {"null": "None", "true": "True", "false": "False"}


def sentence(text: str) -> str:
    """Return a description on one line that ends with a full stop."""
    text = " ".join(text.split())
    return text if text.endswith((".", "!", "?", ":")) else f"{text}."


def to_python_terms(text: str, names: Mapping[str, str] | None = None) -> str:
    """Replace the terms of JSON by those of Python.

    Args:
        text: A description of the document.
        names: The Python name of each wire name that the text may have in back-quotes.
    """
    terms = {**(names or {}), **_CONSTANTS}
    text = re.sub(r"`([^`]+)`", lambda found: f"`{terms.get(found[1], found[1])}`", text)
    return re.sub(r"(?<![`\w])null(?![`\w])", "None", text)


def described(node: Node, names: Mapping[str, str] | None = None, *, fallback: str = "") -> str:
    """Return the description of a field, parameter or response, marked where it is not documented.

    Args:
        node: What is described.
        names: The Python name of each wire name that the text may have in back-quotes.
        fallback: The description of a node without one.
    """
    given = text_of(node, "description")
    text = to_python_terms(sentence(given), names) if given else fallback
    is_marked = text_of(node, "x-evidence") in ("", "documented") or "(inferred)" in text
    return text if is_marked else f"{text[:-1]} (inferred)."


def text_of(node: Node, key: str) -> str:
    """Return the text under a key on one line; empty if there is none."""
    return " ".join(str(node.get(key) or "").split())


def in_short(node: Node, names: Mapping[str, str] | None = None, *, fallback: str = "") -> str:
    """Return the first sentence of a description."""
    return first_sentence(described(node, names, fallback=fallback))


def first_sentence(text: str) -> str:
    """Return the first sentence of a description."""
    return re.split(r"(?<=[.!?])\s+(?=[A-Z`])", text, maxsplit=1)[0]


def source_of(node: Node) -> list[str]:
    """Return the line with the evidence and the source of a docstring; none for a node without them."""
    evidence, source = text_of(node, "x-evidence"), text_of(node, "x-source")
    if not evidence:
        return []
    source = source.rstrip(".").removeprefix(f"{evidence}:").strip()
    return [f"{evidence.capitalize()}: {source}." if source else f"{evidence.capitalize()}."]


@dataclass(frozen=True)
class Section:
    """A section of a Google docstring: entries with a name, or one without."""

    title: str
    entries: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class CodeSection:
    """A section of code, of which the lines stay as they are."""

    title: str
    lines: tuple[str, ...]


Block = str | Section | CodeSection


def docstring(blocks: Sequence[Block], *, depth: int) -> str:
    """Return a docstring as source text.

    Args:
        blocks: Its paragraphs and sections.
        depth: The level of indentation of all lines but the first.
    """
    margin = INDENT * depth
    width = LINE_LENGTH - len(margin)
    text = "\n\n".join(_block(block, width, quotes=3 if index == 0 else 0) for index, block in enumerate(blocks))
    if text.endswith('"'):
        text += " "
    if "\n" not in text and len(text) + 6 <= width:
        return f'"""{text}"""'
    first, *others = f'"""{text}\n"""'.split("\n")
    return "\n".join([first, *(f"{margin}{line}" if line else "" for line in others)])


def _block(block: Block, width: int, *, quotes: int) -> str:
    if isinstance(block, str):
        # The first line also has the opening quotes: as many characters are put before it while it is wrapped.
        return _wrapped("x" * quotes + _safe(block), width)[quotes:]
    lines = [f"{block.title}:"]
    if isinstance(block, CodeSection):
        return "\n".join([*lines, *(f"{INDENT}{line}".replace("\\", "\\\\").replace('"""', r"\"\"\"") for line in block.lines)])
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
