"""The log of requests."""

from __future__ import annotations

import pytest

from cstar_async import CStarError, InvalidArgumentError, RequestOptions
from cstar_async.testing import FakeCStar
from cstar_async.testing._http.request_log import Headers, ReceivedRequest, RequestLog

from .conftest import Caller


async def test_request_is_logged_completely(call: Caller, fake: FakeCStar) -> None:
    """An entry has the method, path, query, headers and body as sent."""
    await call("POST", "/tickets?x=%C3%A4&y=1", {"title": "a"}, headers={"X-Mine": "yes"})
    entry = fake.requests[-1]
    assert (entry.method, entry.path) == ("POST", f"/api/v1/teams/{fake.team_id}/tickets")
    assert (entry.query, entry.query_string) == ({"x": "ä", "y": "1"}, "x=%C3%A4&y=1")
    assert (entry.headers["x-mine"], entry.json, entry.body) == ("yes", {"title": "a"}, b'{"title": "a"}')


async def test_entry_has_operation_and_status(call: Caller, fake: FakeCStar) -> None:
    """An entry has its operation, the status of the response, and the time by the fake's clock."""
    fake.clock.set(4_000_000_000.0)
    await call("POST", "/tickets", {})
    entry = fake.requests.last
    assert (entry.operation, entry.status, entry.was_replayed) == ("create_ticket", 400, False)
    assert 4_000_000_000 <= entry.at < 4_000_000_060


async def test_unknown_parameters_are_listed(call: Caller, fake: FakeCStar) -> None:
    """The fake ignores them as cStar does, so a test that misspelt a filter can see it in the log."""
    assert (await call("GET", "/tickets?sort=title&status=open&state=new")).status == 200
    assert fake.requests.last.unknown_parameters == ("sort", "state")
    await call("GET", "/tickets?status=open&page=1")
    assert fake.requests.last.unknown_parameters == ()


async def test_extra_query_is_in_the_log(fake: FakeCStar) -> None:
    """Parameters of `RequestOptions.extra_query` are sent, and are unknown if the document does not have them."""
    async with fake.client() as cstar:
        await cstar.tickets.list(status="open", options=RequestOptions(extra_query={"sort": "title"}))
    assert (fake.requests.last.query["sort"], fake.requests.last.unknown_parameters) == ("title", ("sort",))


async def test_unknown_path_has_no_operation(call: Caller, fake: FakeCStar) -> None:
    """A request to an unknown path is logged without an operation."""
    await call("GET", "/nothing")
    assert (fake.requests.last.operation, fake.requests.last.status) == (None, 404)


async def test_path_is_kept_as_sent(call: Caller, fake: FakeCStar) -> None:
    """The path stays percent-encoded."""
    await call("GET", "/tickets/a%2Fb")
    assert fake.requests.last.path.endswith("/tickets/a%2Fb")


def test_body_that_is_no_json_reads_as_none() -> None:
    """`json` of any other body is None."""
    assert ReceivedRequest(method="GET", path="/", body=b"{").json is None


async def test_fake_keeps_max_requests() -> None:
    """The oldest entries are dropped first."""
    async with FakeCStar(max_requests=2) as fake, fake.client() as cstar:
        for name in ("a", "b", "c"):
            await cstar.tags.create(name=name)
    assert [{"name": "b"}, {"name": "c"}] == [request.json for request in fake.requests]


@pytest.mark.parametrize("max_entries", [0, -1])
def test_log_without_entries_is_refused(max_entries: int) -> None:
    """`max_requests` is at least 1."""
    with pytest.raises(InvalidArgumentError, match="from 1"):
        FakeCStar(max_requests=max_entries)


def test_log_reads_like_a_list() -> None:
    """Length, index, slice, iteration and repr work."""
    log = RequestLog()
    for path in ("/a", "/b", "/c"):
        log.append(ReceivedRequest(method="GET", path=path))
    assert len(log) == 3
    assert [entry.path for entry in log[1:]] == ["/b", "/c"]
    assert [entry.path for entry in log] == ["/a", "/b", "/c"]
    assert "/b" in repr(log)


def test_log_finds_by_operation() -> None:
    """`for_operation()` returns the requests of one operation."""
    log = RequestLog()
    log.append(ReceivedRequest(method="GET", path="/a", operation="get_ticket"))
    log.append(ReceivedRequest(method="GET", path="/b"))
    assert [entry.path for entry in log.for_operation("get_ticket")] == ["/a"]


def test_cleared_log_is_empty() -> None:
    """`clear()` removes every entry; `last` then raises an error."""
    log = RequestLog()
    log.append(ReceivedRequest(method="GET", path="/a"))
    log.clear()
    with pytest.raises(CStarError, match="no request"):
        _ = log.last


def test_repr_of_an_entry_shows_no_key() -> None:
    """Headers and body are not in the repr."""
    entry = ReceivedRequest(method="GET", path="/a", headers=Headers({"Authorization": "Bearer sk_test_x"}), body=b"secret")
    assert "sk_test_x" not in repr(entry)
    assert "secret" not in repr(entry)


def test_headers_ignore_case() -> None:
    """Headers are found in any case and keep their own."""
    headers = Headers({"Idempotency-Key": "k"})
    assert "idempotency-key" in headers
    assert 3 not in headers
    assert dict(headers) == {"Idempotency-Key": "k"}
    assert len(headers) == 1
