"""A hook that counts differences between responses and the OpenAPI spec."""

from __future__ import annotations

import json
from collections import Counter
from typing import Literal

import attrs

from cstar_async._values.redaction import redact
from cstar_async._values.validation import check_choice, validate_count
from cstar_async.hooks._values import DriftInfo, Hooks


class DriftCounter(Hooks):
    """Count differences between responses and the OpenAPI spec: `CStarClient(hooks=[drift := DriftCounter()])`.

    A difference counts once per response, however many items have it. Strings of the server are shortened and redacted. The
    comparison costs more than decoding: use it in tests, in a canary, or for a first week.

    Args:
        max_entries: Distinct differences that are kept, from 1. Further ones are only counted together.

    Raises:
        InvalidArgumentError: *max_entries* is below 1.
    """

    def __init__(self, *, max_entries: int = 1000) -> None:
        self._max_entries = validate_count("max_entries", max_entries, 1)
        self._counts: Counter[DriftInfo] = Counter()
        self._overflow_count = 0

    @property
    def counts(self) -> dict[DriftInfo, int]:
        """The number of responses with each difference, most frequent first."""
        return dict(self._counts.most_common())

    @property
    def overflow_count(self) -> int:
        """How many differences were found after *max_entries* was reached."""
        return self._overflow_count

    def on_drift(self, info: DriftInfo, /) -> None:
        """Count a difference."""
        redacted = attrs.evolve(info, where=redact(info.where), actual=redact(info.actual))
        if redacted in self._counts or len(self._counts) < self._max_entries:
            self._counts[redacted] += 1
        else:
            self._overflow_count += 1

    def report(self, format: Literal["text", "overlay"] = "text") -> str:
        """Return the differences, most frequent first; empty without any.

        Args:
            format: `text` (default): one line per difference. `overlay`: an OpenAPI overlay as JSON, a proposal
                for `cstar-async codegen --overlay`. It has the new names and types, and no values but those of enums.

        Raises:
            InvalidArgumentError: *format* is none of these.
        """
        check_choice("format", format, ("text", "overlay"))
        if format == "overlay":
            return self._overlay()
        lines = [f"{count:>6}  {info.operation}  {info.where}: {_describe(info)}" for info, count in self.counts.items()]
        return "\n".join([*lines, *([f"{self._overflow_count:>6}  others"] if self._overflow_count else [])])

    def _overlay(self) -> str:
        actions: dict[str, dict[str, object]] = {}
        for info, count in self.counts.items():
            description = f"{info.operation}, {info.where}: {_describe(info)}; in {count} responses."
            for action in json.loads(info.correction or "[]"):
                actions.setdefault(json.dumps(action), {**action, "description": description})
        if not actions:
            return ""
        overlay = {"overlay": "1.0.0", "info": {"title": "Observed differences", "version": "1"}, "actions": [*actions.values()]}
        return json.dumps(overlay, indent=2, ensure_ascii=False) + "\n"


def _describe(info: DriftInfo) -> str:
    if info.kind == "unknown_field":
        return f"unknown field ({info.actual})"
    if info.kind == "unknown_value":
        return f"unknown value {info.actual!r}"
    return f"{info.actual} instead of {info.expected}"
