"""The descriptions of the document are short, since they are the docstrings of the package."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import pytest

from codegen.__main__ import DOCUMENT
from codegen.spec.document import Node, child_pointer, is_list, is_object
from codegen.spec.loader import read

RAW: Final = read(DOCUMENT)
VALUES: Final = frozenset({"example", "examples", "const", "default"})
MAX_WORDS_OF_A_SUMMARY: Final = 12
MAX_WORDS_OF_A_SENTENCE: Final = 25


def _prose(node: Any, pointer: str = "#", *, are_names: bool = False) -> Iterator[tuple[str, str]]:
    """Yield each description and summary with its pointer, and the descriptions of enum values."""
    if is_list(node):
        for index, item in enumerate(node):
            yield from _prose(item, child_pointer(pointer, str(index)))
    for key, value in node.items() if is_object(node) else ():
        place = child_pointer(pointer, key)
        if key == "x-enum-descriptions":
            yield from ((child_pointer(place, name), text) for name, text in value.items())
        elif key in ("description", "summary") and isinstance(value, str):
            yield place, value
        elif are_names or key not in VALUES:
            yield from _prose(value, place, are_names=key == "properties" and not are_names)


PROSE: Final = dict(_prose(RAW))


def test_prose_is_found_everywhere() -> None:
    """In operations, in fields that are called `description`, and in enums."""
    field = "#/components/schemas/Category/properties/description/description"
    assert {"#/components/schemas/TicketStatus/x-enum-descriptions/open", field} <= PROSE.keys()
    assert len(PROSE) > 1_000


@pytest.mark.parametrize("operation", [one for item in RAW["paths"].values() for one in item.values() if is_object(one)])
def test_summary_is_an_imperative_phrase(operation: Node) -> None:
    """At most twelve words, without a full stop, and not in the third person."""
    words = operation["summary"].split()
    assert len(words) <= MAX_WORDS_OF_A_SUMMARY
    assert not operation["summary"].endswith(".")
    assert not words[0].endswith("s")


def test_sentences_are_short() -> None:
    """A sentence, or what a colon or semicolon ends, has at most 25 words."""
    parts = [(place, part) for place, text in PROSE.items() for part in re.split(r"(?<=[.!?:;])\s+", text)]
    assert [] == [(place, part) for place, part in parts if len(part.split()) > MAX_WORDS_OF_A_SENTENCE]


def test_constants_of_json_are_marked() -> None:
    """`null`, `true` and `false` are in back-quotes, so that docstrings can have the constants of Python."""
    assert [] == [place for place, text in PROSE.items() if re.search(r"(?<![\w`])(null|true|false)(?![\w`])", text, re.IGNORECASE)]
