"""Progress of long commands: a bar with the time left and the calls left, on a terminal only."""

from __future__ import annotations

import sys
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from cstar_async import RateLimitState


class ProgressBar:
    """Shows how far a command is. Where standard error is no terminal, it shows nothing. *done* are items of an earlier run."""

    def __init__(self, description: str, total: int | None = None, done: int = 0) -> None:
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[budget]}"),
            console=Console(stderr=True),
            disable=not sys.stderr.isatty(),
        )
        self._task = self._bar.add_task(description, total=total, completed=done, budget="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def update(self, done: int, total: int | None, limit: RateLimitState | None) -> None:
        """Show how many items are done, and of how many, where that is known."""
        budget = "" if limit is None else f"{limit.remaining} of {limit.limit} calls left"
        self._bar.update(self._task, completed=done, total=total, budget=budget)
