"""Which operation a request calls: the paths of the document as a table to look up in. Paths are taken as sent, percent-encoded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import unquote

import attrs

from cstar_async.testing._data.spec import FakeOperation
from cstar_async.testing._errors import APIFailure


@attrs.frozen
class Route:
    """An operation, and the values that a path gives its parameters."""

    operation: FakeOperation
    values: Mapping[str, str]

    @property
    def team_id(self) -> str | None:
        """The team in the path; None for paths outside a team."""
        return self.values.get("teamId")


class Routes:
    """The paths of a document."""

    def __init__(self, operations: Iterable[FakeOperation]) -> None:
        self._by_template: dict[tuple[str, ...], dict[str, FakeOperation]] = {}
        for operation in operations:
            template = tuple(operation.path.strip("/").split("/"))
            self._by_template.setdefault(template, {})[operation.method] = operation

    def find(self, method: str, path: str) -> Route:
        """The operation behind a method and a path; of two templates the one with more fixed words.

        Raises:
            APIFailure: 404: no such path. 405: the path does not know the method.
        """
        segments = path.removeprefix("/").split("/")
        fitting = [template for template in self._by_template if _fits(template, segments)]
        if not fitting:
            raise APIFailure(404, "route_missing", f"There is nothing at {path}.")
        template = min(fitting, key=lambda candidate: sum(_is_parameter(word) for word in candidate))
        by_method = self._by_template[template]
        if method not in by_method:
            allowed = ", ".join(by_method)
            raise APIFailure(405, "method_not_allowed", f"This path knows {allowed}, not {method}.", headers={"Allow": allowed})
        pairs = zip(template, segments, strict=True)
        return Route(by_method[method], {word[1:-1]: unquote(segment) for word, segment in pairs if _is_parameter(word)})


def _fits(template: tuple[str, ...], segments: list[str]) -> bool:
    if len(template) != len(segments):
        return False
    return all(bool(segment) if _is_parameter(word) else word == segment for word, segment in zip(template, segments, strict=True))


def _is_parameter(word: str) -> bool:
    return word.startswith("{")
