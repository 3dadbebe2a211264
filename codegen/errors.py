"""Collect the problems of a document, so that one run reports all that a stage finds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Problem:
    """A problem that stops the run."""

    location: str
    """A JSON pointer into the document, or a file."""
    message: str
    """What is wrong, and what to write instead."""

    def __str__(self) -> str:
        return f"{self.location}: {self.message}"


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

    def raise_if_any(self) -> None:
        """Raise `CodegenError` if there are problems."""
        if self._problems:
            raise CodegenError(self._problems)
