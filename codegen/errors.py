"""What is wrong with a document, in sentences: one per problem, each with its place.

A stage collects all it finds before it stops the run, so that one run tells the author everything that stage can see.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that stops the run."""

    place: str
    """Where: a JSON pointer into the document, or a file."""
    message: str
    """What is wrong and, where it helps, what to write instead."""

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


class CodegenError(Exception):
    """The run stops; nothing was written."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class ProblemCollector:
    """The problems of one stage, in the order in which they were met, each once."""

    def __init__(self) -> None:
        self._problems: dict[Problem, None] = {}

    def add(self, place: str, sentence: str) -> None:
        """Note a problem."""
        self._problems[Problem(place, sentence)] = None

    def raise_if_any(self) -> None:
        """End the run if the stage found something."""
        if self._problems:
            raise CodegenError(self._problems)
