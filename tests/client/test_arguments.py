"""What is sent for the arguments of a call, and what is refused before anything is sent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from cstar_async import UNSET, CStarClient, CStarError, InvalidArgumentError, RequestOptions, __version__

from .conftest import KEY, MakeClient, Server, ok, raw

TEAM = "/api/v1/teams/team_1"
ENCODED = {
    "a/b": "a%2Fb",
    "../x": "..%2Fx",
    "a?b": "a%3Fb",
    "a#b": "a%23b",
    "50%": "50%25",
    "%2e%2e": "%252e%252e",
    "a b": "a%20b",
    "naïve": "na%C3%AFve",
    "票": "%E7%A5%A8",
    "...": "...",
}


@pytest.mark.parametrize(("given", "sent"), ENCODED.items())
async def test_an_id_stays_in_its_segment(server: Server, client: CStarClient, given: str, sent: str) -> None:
    """Whatever an id contains is percent-encoded, so that it is one segment on the wire."""
    await client.tickets.get(given)
    assert f"{TEAM}/tickets/{sent}" == server.requests[0].target


@pytest.mark.parametrize("given", ["", ".", "..", "\ud800", None, 7, b"tkt_1"], ids=ascii)
async def test_an_id_that_is_no_segment_is_refused(server: Server, client: CStarClient, given: Any) -> None:
    """Empty, dots, broken text and no text are refused before anything is sent."""
    with pytest.raises(InvalidArgumentError):
        await client.tickets.get(given)
    assert [] == server.requests


async def test_an_id_is_taken_by_name_too(server: Server, client: CStarClient) -> None:
    """By the name that the method shows."""
    await client.tickets.get(ticket_id="tkt_1")
    assert f"{TEAM}/tickets/tkt_1" == server.requests[0].target


async def test_a_model_in_place_of_its_id_is_refused_with_a_hint(server: Server, client: CStarClient) -> None:
    """A ticket is not the id of a ticket."""
    ticket: Any = await client.tickets.get("tkt_1")
    with pytest.raises(InvalidArgumentError, match="must be a str, got Ticket; pass its id"):
        await client.tickets.delete(ticket)
    assert 1 == len(server.requests)


async def test_none_is_sent_as_null_and_unset_is_not_sent(server: Server, client: CStarClient) -> None:
    """None is null on the wire; UNSET is absent."""
    await client.tickets.update("tkt_1", assigned_to=None, notes=UNSET, title="b")
    assert {"assignedTo": None, "title": "b"} == server.requests[0].json


async def test_an_update_without_fields_sends_an_empty_object(server: Server, client: CStarClient) -> None:
    """An update without any field is sent as `{}`."""
    await client.tickets.update("tkt_1")
    assert ("PATCH", b"{}") == (server.requests[0].method, server.requests[0].body)


def _circular() -> dict[str, Any]:
    made: dict[str, Any] = {}
    made["self"] = made
    return made


NOT_JSON: dict[str, Callable[[], Any]] = {
    "set": lambda: {"a": {1}},
    "nan": lambda: {"a": float("nan")},
    "infinity": lambda: {"a": float("inf")},
    "circular": _circular,
    "surrogate": lambda: {"a": "\ud800"},
    "huge int": lambda: {"a": 2**70},
    "number as key": lambda: {1: "a"},
    "naive datetime": lambda: {"a": datetime(2026, 1, 1)},  # noqa: DTZ001 - the claim
    "object": lambda: {"a": object()},
}


@pytest.mark.parametrize("make", NOT_JSON.values(), ids=NOT_JSON)
async def test_a_body_that_is_not_json_is_refused(server: Server, client: CStarClient, make: Callable[[], Any]) -> None:
    """What JSON cannot hold is an InvalidArgumentError, which is a ValueError, and nothing is sent."""
    with pytest.raises(InvalidArgumentError) as caught:
        await client.tickets.create(title="a", metadata=make())
    with pytest.raises(InvalidArgumentError):
        await client.request("POST", "/activity", json=make())
    assert isinstance(caught.value, ValueError)
    assert [] == server.requests


async def test_an_aware_datetime_is_sent_in_utc(server: Server, client: CStarClient) -> None:
    """A datetime in a body is sent in UTC."""
    await client.tickets.create(title="a", metadata={"at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)})  # type: ignore[dict-item]
    assert server.requests[0].json["metadata"]["at"].startswith("2026-01-02T03:04:05")


async def test_options_add_query_body_and_headers(server: Server, client: CStarClient) -> None:
    """Fields, parameters and headers that the document does not know go along with a call."""
    options = RequestOptions(extra_query={"dry": True, "ids": ["a,b", "c"]}, extra_body={"newField": 1}, headers={"X-Trace": "t-1"})
    await client.tickets.create(title="a", options=options)
    sent = server.requests[0]
    assert ("dry=true&ids=a%2Cb,c", {"title": "a", "newField": 1}, "t-1") == (sent.query, sent.json, sent.headers["x-trace"])


@pytest.mark.parametrize("name", ["Authorization", "idempotency-key", "Host", "Content-Length"])
async def test_headers_that_the_client_sets_are_refused(server: Server, client: CStarClient, name: str) -> None:
    """A call cannot replace the headers that carry the key or the form of the message."""
    with pytest.raises(InvalidArgumentError):
        await client.tickets.get("tkt_1", options=RequestOptions(headers={name: "x"}))
    assert [] == server.requests


async def test_a_header_with_a_line_break_is_refused_without_its_value(server: Server, client: CStarClient) -> None:
    """A header value cannot smuggle in another header, and the error does not show it."""
    with pytest.raises(InvalidArgumentError) as caught:
        await client.tickets.get("tkt_1", options=RequestOptions(headers={"X-A": "hush\r\nX-B: 1"}))
    assert "hush" not in str(caught.value)
    assert [] == server.requests


async def test_every_call_carries_its_headers(server: Server, client: CStarClient) -> None:
    """A read carries the key, the version of the API and the user agent, and neither content type nor idempotency key."""
    await client.tickets.get("tkt_1")
    sent = server.requests[0].headers
    assert (f"Bearer {KEY}", "2026-03-01", "application/json") == (sent["authorization"], sent["cstar-version"], sent["accept"])
    assert sent["user-agent"].startswith(f"cstar-async/{__version__} ")
    assert set() == {"content-type", "idempotency-key"} & set(sent)


async def test_a_write_carries_content_type_and_a_key_of_its_own(server: Server, client: CStarClient) -> None:
    """Each write has an idempotency key that no other has."""
    await client.tickets.create(title="a")
    await client.tickets.create(title="a")
    first, second = server.requests
    assert "application/json" == first.headers["content-type"]
    assert first.headers["idempotency-key"] != second.headers["idempotency-key"]


async def test_no_api_version_sends_no_version(server: Server, make_client: Any) -> None:
    """`api_version=None` leaves the header out."""
    await make_client(api_version=None).tickets.get("tkt_1")
    assert "cstar-version" not in server.requests[0].headers


async def test_a_relative_path_of_a_request_is_under_the_team(server: Server, client: CStarClient) -> None:
    """`request()` puts a relative path under the team, with params in its query."""
    response = await client.request("get", "/activity", params={"since": "a&b", "x": UNSET})
    assert ("GET", f"{TEAM}/activity?since=a%26b") == (server.requests[0].method, server.requests[0].target)
    assert "tkt_1" == response.data["id"]  # type: ignore[index, call-overload]


async def test_a_path_from_the_host_is_sent_as_it_is(server: Server, client: CStarClient) -> None:
    """`request()` takes a path that begins with /api/ from the host."""
    await client.request("POST", "/api/v2/things/a%2Fb", json=[1], idempotency_key="k")
    sent = server.requests[0]
    assert ("/api/v2/things/a%2Fb", [1], "k") == (sent.target, sent.json, sent.headers["idempotency-key"])


@pytest.mark.parametrize(
    "path",
    ["https://evil.example/x", "//evil.example", "/a?b=1", "/a#b", "/../x", "/a/%2e%2e/b", "/a//b", "", "/\ud800"],
    ids=ascii,
)
async def test_a_path_that_is_no_path_is_refused(server: Server, client: CStarClient, path: str) -> None:
    """`request()` refuses whole URLs, queries, fragments and segments that lead elsewhere."""
    with pytest.raises(InvalidArgumentError):
        await client.request("GET", path)
    assert [] == server.requests


async def test_a_request_without_an_envelope_gives_the_whole_body(server: Server, client: CStarClient) -> None:
    """The data of a free request is the body where there is no envelope, and None where there is none."""
    server.script(raw(b"[1]"), raw(b"", 204), ok({"a": 1}))
    assert [[1], None, {"a": 1}] == [(await client.request("GET", "/x")).data for _ in range(3)]


async def test_an_idempotency_key_that_no_header_holds_is_refused(server: Server, client: CStarClient) -> None:
    """Keys are printable ASCII of 1 to 255 characters."""
    for key in ("", "a" * 256, "ü", "a\nb", " a"):
        with pytest.raises(CStarError):
            await client.tickets.create(title="a", idempotency_key=key)
    assert [] == server.requests


PREFIXED = {
    "single": lambda client: client.tickets.get("a/b"),
    "list": lambda client: client.tickets.list(status="open"),
    "iteration": lambda client: client.tickets.list(page=2).collect(),
    "root": lambda client: client.auth.whoami(),
    "request under the team": lambda client: client.request("GET", "activity"),
    "request from the host": lambda client: client.request("GET", "/api/v2/status", params={"a": "b c"}),
}
PREFIXED_TARGETS = {
    "single": "/api%20proxy/v9/api/v1/teams/team_1/tickets/a%2Fb",
    "list": "/api%20proxy/v9/api/v1/teams/team_1/tickets?status=open",
    "iteration": "/api%20proxy/v9/api/v1/teams/team_1/tickets?page=2&pageSize=100",
    "root": "/api%20proxy/v9/api/v1/auth/whoami",
    "request under the team": "/api%20proxy/v9/api/v1/teams/team_1/activity",
    "request from the host": "/api%20proxy/v9/api/v2/status?a=b%20c",
}


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("name", PREFIXED)
async def test_a_path_in_the_base_url_is_the_prefix_of_every_path(
    server: Server, make_client: MakeClient, name: str, slash: str
) -> None:
    """Behind a gateway, every kind of call goes through it, with or without a slash at the end."""
    server.default = ok([]) if name in {"list", "iteration"} else ok({"teamId": "team_1"})
    await PREFIXED[name](make_client(base_url=f"{server.url}/api proxy/v9{slash}"))
    assert [PREFIXED_TARGETS[name]] == [request.target for request in server.requests]


async def test_a_team_is_found_behind_the_path_of_the_base_url(server: Server, make_client: MakeClient) -> None:
    """Both the question for the team and the call."""
    server.script(ok({"teamId": "team/9"}))
    await make_client(base_url=f"{server.url}/proxy", team_id=None).tickets.get("t")
    assert ["/proxy/api/v1/auth/whoami", "/proxy/api/v1/teams/team%2F9/tickets/t"] == [
        request.target for request in server.requests
    ]
