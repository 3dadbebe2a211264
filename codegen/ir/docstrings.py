"""Format docstrings: descriptions of the document in the terms of Python, wrapped and escaped."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from openapi_python_client.strings import safe_for_docstring

from codegen.ir.facts import facts_about
from codegen.spec.document import Node, is_object

LINE_LENGTH = 132
INDENT = "    "
_MARKUP = re.compile(r"\s*([-*+|>]|\d+[.)]|```|~~~|#)( |$|\S)")
"""The beginning of a line of a list, a table, a quotation, code or a heading in Markdown."""
_FIRST_WORD = re.compile(r"^[a-z]+(?=[\s,.;:]|$)")
DEPRECATED = "Deprecated: the API may remove it."
_CONSTANTS = {"null": "None", "true": "True", "false": "False"}


def sentence(text: str) -> str:
    """Return a description on one line that begins with a capital letter and ends with a full stop.

    A first word that is no plain word, such as `customerId`, stays as it is.
    """
    text = _FIRST_WORD.sub(lambda found: found[0].capitalize(), " ".join(text.split()))
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
    evidence = text_of(node, "x-evidence")
    is_marked = evidence in ("", "documented") or "(inferred)" in text
    text = text if is_marked else f"{text[:-1]} ({'observed' if evidence == 'observed' else 'inferred'})."
    schema: object = node.get("schema", node)
    deprecated = ["Deprecated."] if node.get("deprecated") is True and "deprecated" not in text.lower() else []
    return " ".join([text, *(facts_about(schema, text) if is_object(schema) else []), *deprecated])


def paragraphs(node: Node, names: Mapping[str, str] | None = None) -> list[Block]:
    """Return the description of an operation or a class as blocks. Lists, tables and code of its Markdown keep their lines."""
    blocks: list[Block] = []
    for chunk in re.split(r"\n[ \t]*\n", str(node.get("description") or "").strip()):
        lines = [line.rstrip() for line in chunk.splitlines()]
        if len(lines) > 1 and any(_MARKUP.match(line) for line in lines):
            blocks.append(Verbatim(tuple(lines)))
        elif chunk.strip():
            blocks.append(to_python_terms(sentence(chunk), names))
    return blocks


def text_of(node: Node, key: str) -> str:
    """Return the text under a key on one line; empty if there is none."""
    return " ".join(str(node.get(key) or "").split())


def in_short(node: Node, names: Mapping[str, str] | None = None, *, fallback: str = "") -> str:
    """Return the first sentence of a description, and whether it is deprecated."""
    text = first_sentence(described(node, names, fallback=fallback))
    return f"{text} Deprecated." if node.get("deprecated") is True and "deprecated" not in text.lower() else text


def first_sentence(text: str) -> str:
    """Return the first sentence of a description. It goes on after "e.g." and "i.e."."""
    return re.split(r"(?<=[.!?])(?<!e\.g\.)(?<!i\.e\.)\s+(?=[A-Z`])", text, maxsplit=1)[0]


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


@dataclass(frozen=True)
class Verbatim:
    """Lines of Markdown that stay as they are: a list, a table or code."""

    lines: tuple[str, ...]


Block = str | Section | CodeSection | Verbatim


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
        return _wrapped("x" * quotes + escaped(block), width)[quotes:]
    if isinstance(block, Verbatim):
        return "\n".join(_safe_line(line) for line in block.lines)
    lines = [f"{block.title}:"]
    if isinstance(block, CodeSection):
        return "\n".join([*lines, *(f"{INDENT}{line}".replace("\\", "\\\\").replace('"""', r"\"\"\"") for line in block.lines)])
    for name, text in block.entries:
        hanging = INDENT * 2 if name else INDENT
        lines.append(_wrapped(escaped(f"{name}: {text}" if name else text), width, first=INDENT, others=hanging))
    return "\n".join(lines)


def escaped(text: str) -> str:
    """Return a str on one line, safe inside a docstring."""
    return " ".join(safe_for_docstring(text).split())


def _safe_line(line: str) -> str:
    """Return a line with its indentation, safe inside a docstring."""
    return line[: len(line) - len(line.lstrip())] + escaped(line.strip())


def _wrapped(text: str, width: int, *, first: str = "", others: str = "") -> str:
    lines = textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=others, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(lines)
