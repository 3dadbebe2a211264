"""The results of a run, as they are stored and as others read them."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self


@dataclass(frozen=True)
class Figure:
    """A measurement of a client.

    Args:
        value: Median in the unit of the measurement.
        ratio: Median of the ratios to the base, each of two measurements that followed each other.
        lower: Lower quartile of the ratios.
        upper: Upper quartile of the ratios.
    """

    value: float
    ratio: float
    lower: float
    upper: float

    @classmethod
    def of(cls, values: Sequence[float], base: Sequence[float]) -> Self:
        """Summarise measurements, each with that of the base beside it."""
        ratios = [value / other for value, other in zip(values, base, strict=True)]
        # One round has no quartiles.
        lower, median, upper = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
        return cls(statistics.median(values), median, lower, upper)


@dataclass(frozen=True)
class Point:
    """A point of a curve: how much work, microseconds of the CPU for a unit of it, and the peak of the memory in MiB."""

    size: int
    cost: float
    memory: float | None = None


@dataclass(frozen=True)
class Results:
    """All that a run measured."""

    date: str
    rounds: int
    cores: int
    python: str
    versions: dict[str, str]
    """Version of each library that was compared, by its name."""
    counts: dict[str, int]
    """How many calls the measurements `burst` and `memory` have."""
    figures: dict[str, dict[str, Figure]]
    """Figures of each client, by measurement."""
    loops: dict[str, dict[str, Figure]]
    """Figures of this package by measurement, for each Python and event loop. The base is aiohttp on the same ones."""
    curves: dict[str, list[Point]] = field(default_factory=dict[str, list[Point]])

    def to_json(self) -> str:
        """Return the text that is stored."""
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Parse the text that is stored."""
        found: dict[str, Any] = json.loads(text)
        for name in ("figures", "loops"):
            found[name] = {one: {key: Figure(**figure) for key, figure in group.items()} for one, group in found[name].items()}
        found["curves"] = {name: [Point(**point) for point in points] for name, points in found["curves"].items()}
        return cls(**found)
