"""Find the operation of a request by method and path. Paths are compared as sent, percent-encoded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import unquote

import attrs

from cstar_async.testing._data.spec import FakeOperation
from cstar_async.testing._errors import APIFailure


@attrs.frozen
class Route:
    """An operation and the values of its path parameters."""

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
        """Return the operation of a method and a path. The template with the fewest parameters wins.

        Raises:
            APIFailure: 404: no such path. 405: the path does not support the method.
        """
        segments = path.removeprefix("/").split("/")
        matching = [template for template in self._by_template if _matches(template, segments)]
        if not matching:
            raise APIFailure(404, "route_missing", f"No operation has the path {path}.")
        template = min(matching, key=lambda candidate: sum(_is_parameter(part) for part in candidate))
        by_method = self._by_template[template]
        if method not in by_method:
            allowed = ", ".join(by_method)
            raise APIFailure(405, "method_not_allowed", f"This path supports {allowed}, not {method}.", headers={"Allow": allowed})
        pairs = zip(template, segments, strict=True)
        return Route(by_method[method], {part[1:-1]: unquote(segment) for part, segment in pairs if _is_parameter(part)})


def _matches(template: tuple[str, ...], segments: list[str]) -> bool:
    if len(template) != len(segments):
        return False
    return all(bool(segment) if _is_parameter(part) else part == segment for part, segment in zip(template, segments, strict=True))


def _is_parameter(part: str) -> bool:
    return part.startswith("{")
