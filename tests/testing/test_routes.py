"""Which operation a path calls."""

from __future__ import annotations

from typing import Any

import pytest

from cstar_async._operations.operation import Operation
from cstar_async.testing._errors import APIFailure
from cstar_async.testing._http.routing import Routes

from .conftest import Caller


def operation(id: str, method: Any, path: str) -> Operation:
    """An operation of which only the path matters."""
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


def test_method_chooses_among_operations() -> None:
    """One path may have several operations."""
    assert ROUTES.find("POST", "/api/t/things").operation.id == "create_thing"


def test_fixed_word_goes_before_a_parameter() -> None:
    """Of two templates that fit, the more exact one is meant."""
    assert ROUTES.find("GET", "/api/t/things/count").operation.id == "count_things"


@pytest.mark.parametrize("path", ["/", "/api/t", "/api/t/things/", "/api//things", "/api/t/things/a/b", "/API/t/things", "*"])
def test_unknown_path_is_refused(path: str) -> None:
    """What no template fits is 404."""
    with pytest.raises(APIFailure) as caught:
        ROUTES.find("GET", path)
    assert caught.value.status == 404


async def test_unknown_method_names_those_that_are_known(call: Caller) -> None:
    """A method that a path does not know is 405 with `Allow`."""
    reply = await call("PUT", "/tickets")
    assert (reply.status, reply.code, reply.headers["Allow"]) == (405, "method_not_allowed", "GET, POST")


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE"])
async def test_other_methods_are_not_there(call: Caller, method: str) -> None:
    """Nothing answers a method on its own account."""
    assert (await call(method, "/tickets")).status == 405


async def test_line_break_in_a_path_is_no_obstacle(call: Caller) -> None:
    """Whatever stands in an id, the answer is cStar's."""
    assert (await call("GET", "/tickets/a%0Ab")).code == "resource_missing"
