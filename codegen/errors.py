"""Collect the problems and notes of a document, so that one run reports all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_MAX_LENGTH = 900
"""The most characters of a sentence."""


@dataclass(frozen=True, order=True)
class Problem:
    """A problem that stops the run."""

    location: str
    """A JSON pointer into the document, or a file."""
    message: str
    """What is wrong, and what to write instead."""

    def __str__(self) -> str:
        return in_one_line(f"{self.location}: {self.message}")


class CodegenError(Exception):
    """The run was stopped and nothing was written."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class ProblemCollector:
    """The problems of one stage, in order, each once."""

    def __init__(self) -> None:
        self._problems: dict[Problem, None] = {}

    def add(self, location: str, message: str) -> None:
        """Add a problem."""
        self._problems[Problem(location, message)] = None

    def __bool__(self) -> bool:
        return bool(self._problems)

    def raise_if_any(self) -> None:
        """Raise `CodegenError` if there are problems."""
        if self._problems:
            raise CodegenError(self._problems)


class NoteCollector:
    """What a run passes over. A note is printed once, with the first of its places."""

    def __init__(self) -> None:
        self._places: dict[str, dict[str, None]] = {}

    def add(self, location: str, message: str) -> None:
        """Add a note."""
        self._places.setdefault(message, {})[location] = None

    @property
    def lines(self) -> list[str]:
        """The notes, one a line."""
        return [self._line(message, list(places)) for message, places in self._places.items()]

    def _line(self, message: str, places: list[str]) -> str:
        others = f" (and {len(places) - 1} more)" if len(places) > 1 else ""
        return in_one_line(f"note: {places[0]}{others}: {message}")


def in_one_line(text: str) -> str:
    """Return a sentence as one line of a length that can be read, whatever the document has put into it."""
    text = "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)
    return text if len(text) <= _MAX_LENGTH else f"{text[: _MAX_LENGTH - 200]} … {text[-180:]}"
