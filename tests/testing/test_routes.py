"""Find the operation of a path."""

from __future__ import annotations

from typing import Any

import pytest

from cstar_async._operations.operation import Operation
from cstar_async.testing._errors import APIFailure
from cstar_async.testing._http.routing import Routes

from .conftest import Caller


def operation(id: str, method: Any, path: str) -> Operation:
    """Return an operation of which only the path matters."""
    words = {"namespace": "n", "name": "m", "scope": "team", "segments": (), "shape": "object", "evidence": "documented"}
    return Operation(id=id, method=method, path=path, success_status=200, result=None, **words)  # type: ignore[arg-type]


ROUTES = Routes(
    [
        operation("list_things", "GET", "/api/{teamId}/things"),
        operation("create_thing", "POST", "/api/{teamId}/things"),
        operation("get_thing", "GET", "/api/{teamId}/things/{id}"),
        operation("count_things", "GET", "/api/{teamId}/things/count"),
    ]
)


def test_path_gives_operation_and_values() -> None:
    """The values of a path are decoded, a slash in them included."""
    route = ROUTES.find("GET", "/api/t/things/a%2Fb%20c")
    assert (route.operation.id, route.values, route.team_id) == ("get_thing", {"teamId": "t", "id": "a/b c"}, "t")


def test_method_selects_the_operation() -> None:
    """One path can have several operations."""
    assert ROUTES.find("POST", "/api/t/things").operation.id == "create_thing"


def test_fixed_segment_wins_over_a_parameter() -> None:
    """Of two matching templates the one with fewer parameters wins."""
    assert ROUTES.find("GET", "/api/t/things/count").operation.id == "count_things"


@pytest.mark.parametrize("path", ["/", "/api/t", "/api/t/things/", "/api//things", "/api/t/things/a/b", "/API/t/things", "*"])
def test_unknown_path_is_refused(path: str) -> None:
    """A path without a matching template is a 404."""
    with pytest.raises(APIFailure) as caught:
        ROUTES.find("GET", path)
    assert caught.value.status == 404


async def test_unsupported_method_lists_the_supported_ones(call: Caller) -> None:
    """A method that a path does not support is a 405 with `Allow`."""
    reply = await call("PUT", "/tickets")
    assert (reply.status, reply.code, reply.headers["Allow"]) == (405, "method_not_allowed", "GET, POST")


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE"])
async def test_implicit_methods_are_refused(call: Caller, method: str) -> None:
    """HEAD and OPTIONS are not handled implicitly."""
    assert (await call(method, "/tickets")).status == 405


async def test_path_can_contain_a_line_break(call: Caller) -> None:
    """A path with an encoded line break gets a response of the API."""
    assert (await call("GET", "/tickets/a%0Ab")).code == "resource_missing"
