"""Find the nodes of a document that a JSONPath expression (RFC 9535) selects, in bounded time.

Some short expressions select the same node millions of times, such as `$..*..*..*`, and some patterns never end. So a node is kept
once at each segment, and the steps and the time of patterns are limited.
"""

from __future__ import annotations

import time
from typing import Any

import regex  # type: ignore[import-untyped]
from jsonpath_rfc9535 import JSONPathEnvironment, JSONPathError, JSONPathNode
from jsonpath_rfc9535.function_extensions import ExpressionType, FilterFunction

from codegen.spec.document import Node

MAX_STEPS = 1_000_000
MAX_PATTERN_SECONDS = 1.0
MAX_LENGTH = 2_000


class InvalidPathError(Exception):
    """An expression is not a JSONPath, or takes too long."""


def find(expression: str, document: Node) -> list[JSONPathNode]:
    """Return the nodes that an expression selects, each once, in the order of the document.

    Raises:
        InvalidPathError: It is not a JSONPath, or takes too long.
    """
    if len(expression) > MAX_LENGTH:
        raise InvalidPathError(f"has more than {MAX_LENGTH} characters")
    try:
        nodes = [JSONPathNode(value=document, location=(), parent=None, root=document)]
        for segment in _Environment().compile(expression).segments:
            nodes = list({node.location: node for node in segment.resolve(nodes)}.values())
    except (JSONPathError, RecursionError) as error:
        reason = str(error) if isinstance(error, JSONPathError) else "it is nested too deeply"
        raise InvalidPathError(f"is not a JSONPath: {reason}") from None
    except TimeoutError:
        raise InvalidPathError("takes too long; name more of the path") from None
    return nodes


class _Environment(JSONPathEnvironment):
    """The rules of one query, which counts its steps: both properties are read for each object that it visits."""

    def __init__(self) -> None:
        super().__init__()
        self._steps = 0
        deadline = _PatternTime()
        self.function_extensions |= {"match": _Pattern(deadline, "fullmatch"), "search": _Pattern(deadline, "search")}

    @property
    def max_recursion_depth(self) -> int:  # type: ignore[override]
        """The depth at which a search ends."""
        self._count_step()
        return 200

    @property
    def nondeterministic(self) -> bool:  # type: ignore[override]
        """Whether the order is random."""
        self._count_step()
        return False

    def _count_step(self) -> None:
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise TimeoutError


class _PatternTime:
    def __init__(self) -> None:
        self.left = MAX_PATTERN_SECONDS


class _Pattern(FilterFunction):
    """The function `match` or `search`."""

    def __init__(self, time_of_patterns: _PatternTime, method: str) -> None:
        self._time = time_of_patterns
        self._method = method

    @property
    def arg_types(self) -> list[ExpressionType]:
        """The types of the arguments."""
        return [ExpressionType.VALUE, ExpressionType.VALUE]

    @property
    def return_type(self) -> ExpressionType:
        """The type of the result."""
        return ExpressionType.LOGICAL

    def __call__(self, text: object, pattern: object) -> bool:
        if not isinstance(text, str) or not isinstance(pattern, str):
            return False
        started = time.monotonic()
        try:
            search: Any = getattr(regex, self._method)
            return search(pattern, text, timeout=max(self._time.left, 0.001)) is not None
        except regex.error as error:
            raise InvalidPathError(f"has a pattern that is not valid: {error}") from None
        finally:
            self._time.left -= time.monotonic() - started
