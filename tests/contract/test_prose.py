"""Check that prose and names use the standard terms of the field instead of metaphors and literal translations.

The check reads every hand-written and generated file as text: prose, docstrings, comments, messages and identifiers alike.
`python -m tests.contract.test_prose [PATH ...]` lists the findings.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
SUFFIXES = {".py", ".md", ".yaml", ".jinja", ".lua", ".toml", ".txt"}
FOLDERS = ("cstar_async", "codegen", "openapi", "docs", "examples", "bench", "tests", ".ci")

WORDS = {
    "alarm": "timeout or timer",
    "anew": "again",
    "book": "state",
    "booked": "recorded",
    "courier": "dispatcher",
    "door": "module, adapter or connection",
    "deed": "command or action",
    "everybody": "all callers, or the role meant",
    "fleet": "processes that share a key",
    "fate": "outcome",
    "floor": "level",
    "forget": "evict, drop or clear",
    "forgets": "evicts, drops or clears",
    "forgot": "dropped",
    "forgotten": "evicted or dropped",
    "gate": "semaphore",
    "guest": "extension",
    "hall": "core",
    "hear": "receive",
    "heard": "received",
    "hears": "receives",
    "hearsay": "reported by others",
    "heir": "successor",
    "house": "project",
    "instant": "datetime",
    "journal": "log",
    "judge": "check or decide",
    "judged": "checked or decided",
    "keeper": "the task or waiter meant",
    "knew": "had, stored or recorded",
    "knows": "has, stores or recognises",
    "lane": "queue",
    "ledger": "cache",
    "mend": "fix",
    "mended": "fixed",
    "moment": "time or datetime",
    "newsroom": "publisher",
    "news": "notification or change",
    "nought": "zero",
    "parcel": "delivery",
    "patience": "timeout",
    "rival": "other candidate",
    "room": "capacity or module",
    "settle": "run until idle, decide or finish",
    "settled": "idle, decided or finished",
    "shelf": "category",
    "shelves": "categories",
    "speak": "send",
    "speaks": "sends",
    "spoke": "sent",
    "slid": "shifted",
    "spoil": "break or inject a fault",
    "spoiled": "broken",
    "stand": "be",
    "stands": "is",
    "stood": "was",
    "stranger": "unknown process or value",
    "tell": "notify, pass or show",
    "tells": "notifies, passes or shows",
    "told": "notified, given or configured",
    "twin": "duplicate",
    "verdict": "outcome or result",
    "walk": "iteration or traversal",
    "walked": "iterated",
    "walking": "iterating",
    "whatsoever": "any",
    "whence": "from where",
    "whoever": "a caller that",
    "whosoever": "a caller that",
}
"""Each word that is not used, with the terms that replace it. A plural in "s" is found, too."""

_BEFORE_ANSWER = "the|an|its|that|this|each|every|no|whose|of|in|on|from|to|lost|late|first|last|next|same|good|cut"
PHRASES = {
    r"a text(?! (?:field|file|format|column|channel))": "a str, or string",
    r"at_once|most(?= ?(?:=|:=|: int))": "concurrency, peak or max_*",
    r"(?:a )?whole numbers?": "int, or integer",
    rf"(?:{_BEFORE_ANSWER}) answers?": "response",
    r"(?:takes?|gets?|holds?|gives?|frees?|keeps?) (?:a|its|the|their) places?": "acquire, hold or release a slot",
}
"""Regular expressions, in which a space is any white space and the mark of a comment."""

PLAIN_USES = {
    r"math\.floor|from math import [\w, ]*floor|floor\(": "the function of the standard library",
    r"\.tell\(\)": "a method of files",
    r"journal_mode": "a pragma of SQLite",
    r"(?:os|ast|Path|pkgutil)\.walk|\.walk\(|walk_packages|rglob": "functions of the standard library",
    r"(?i:forgot(?:ten)?[ -](?:my |your |a |the )?password)": "what users of a support desk write",
}
"""Uses that the words above are right for, with the reason."""


class Finding(NamedTuple):
    """A word that is not a term of the field."""

    path: str
    line: int
    found: str
    term: str

    def __str__(self) -> str:
        return f'{self.path}:{self.line}: "{self.found}" -> {self.term}'


def _word_pattern() -> re.Pattern[str]:
    """Match each word of `WORDS` in prose, in snake_case and in CamelCase."""
    lower = "|".join(sorted(WORDS, key=len, reverse=True))
    camel = "|".join(word.capitalize() for word in sorted(WORDS, key=len, reverse=True))
    return re.compile(rf"(?:(?<![A-Za-z])(?i:{lower})|(?<=[a-z0-9])(?:{camel}))s?(?![a-z])")


WORD = _word_pattern()
SPACE = r"(?:[\s#*]|--|//)+"
PHRASE = {
    re.compile(r"(?<![\w-])" + re.sub(r"(?<!!) ", lambda _: SPACE, phrase) + r"(?!\w)", re.IGNORECASE): term
    for phrase, term in PHRASES.items()
}
PLAIN = re.compile("|".join(PLAIN_USES))


def _term(word: str) -> str:
    """Return the terms that replace a word, or its singular."""
    return WORDS.get(word.lower()) or WORDS[word.lower().removesuffix("s")]


def findings(path: str, text: str) -> list[Finding]:
    """List the words of a text that are no terms."""
    text = PLAIN.sub(lambda match: " " * len(match.group()), text)
    found = [(match, _term(match.group())) for match in WORD.finditer(text)]
    found += [(match, term) for pattern, term in PHRASE.items() for match in pattern.finditer(text)]
    return [Finding(path, text.count("\n", 0, match.start()) + 1, " ".join(match.group().split()), term) for match, term in found]


def _checked_files() -> list[str]:
    """List the files of the tree, without recorded data and without this one."""
    paths = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in SUFFIXES]
    paths += [*ROOT.glob("*.md"), ROOT / "pyproject.toml", ROOT / "Makefile", ROOT / ".ci/run"]
    names = {path.relative_to(ROOT).as_posix() for path in paths if path.is_file()}
    return sorted(name for name in names if not name.startswith("tests/samples/") and name != "tests/contract/test_prose.py")


def _area(name: str) -> str:
    """Return the folder by which a file is reported."""
    depth = 2 if name.startswith(("cstar_async/", "tests/")) else 1
    return "/".join(name.split("/")[:depth])


FILES = _checked_files()


@pytest.mark.no_cover
@pytest.mark.parametrize("area", sorted({_area(name) for name in FILES}))
def test_prose_and_names_use_standard_terms(area: str) -> None:
    """No file uses a metaphor or a literal translation where the field has a term."""
    names = [name for name in FILES if _area(name) == area]
    found = [one for name in names for one in findings(name, (ROOT / name).read_text(encoding="utf-8"))]

    assert not found, f"{len(found)} words that are not terms of the field:\n" + "\n".join(map(str, found))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("the door", ["door"]),
        ("two Doors", ["Doors"]),
        ("_front_door = 1", ["door"]),
        ("class FrontDoor:", ["Door"]),
        ("outdoor adoration of planes", []),
        ("a text field, a textual one", []),
        ("takes a text", ["a text"]),
        ("what the\n    # answer holds", ["the # answer"]),
        ("answers a ticket", []),
        ("at_once: int, ending_at_once, most = 1, most of it", ["at_once", "most"]),
        ("math.floor(1.5)", []),
    ],
)
def test_words_are_found_as_words(text: str, found: list[str]) -> None:
    """A word is found in prose, in names and across lines, and not inside another word."""
    assert found == [one.found for one in findings("a.py", text)]


if __name__ == "__main__":
    wanted = tuple(sys.argv[1:]) or ""
    listed = [one for name in FILES if name.startswith(wanted) for one in findings(name, (ROOT / name).read_text(encoding="utf-8"))]
    sys.exit("\n".join(map(str, listed)) or None)
