"""Faults of requests."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import aiohttp
import pytest

from cstar_async import InvalidArgumentError
from cstar_async.testing import FakeCStar
from cstar_async.testing._http.faults import FaultRegistry
from cstar_async.testing._http.request_log import ReceivedRequest

from .conftest import Caller

KEY = {"Idempotency-Key": "form-1"}


def request(**fields: Any) -> ReceivedRequest:
    """Return a request for tickets."""
    return ReceivedRequest(**{"method": "GET", "path": "/api/v1/teams/t/tickets", "operation": "list_tickets", **fields})


@pytest.fixture
def faults() -> FaultRegistry:
    """Return a registry without faults."""
    return FaultRegistry(Random(1))


# Which requests


async def test_fault_triggers_once_by_default(call: Caller, fake: FakeCStar) -> None:
    """A fault triggers once and counts it; the next request is normal."""
    fault = fake.faults.add(status=503)
    statuses = [(await call("GET", "/tickets")).status for _ in range(2)]
    assert (statuses, fault.trigger_count) == ([503, 200], 1)


def test_fault_without_end_stays(faults: FaultRegistry) -> None:
    """A fault with `max_triggers=None` triggers without limit."""
    fault = faults.add(status=503, max_triggers=None)
    for _ in range(5):
        assert faults.plan(request()).before is fault
    assert fault.trigger_count == 5


@pytest.mark.parametrize(
    "selector",
    [
        {"operation": "create_ticket"},
        {"method": "post"},
        {"path": "/customers"},
        {"match": lambda entry: entry.headers.get("X-Mine") == "yes"},
        {"operation": "list_tickets", "method": "POST"},
    ],
)
def test_fault_ignores_other_requests(faults: FaultRegistry, selector: dict[str, Any]) -> None:
    """Operation, method, path and predicate must all match."""
    fault = faults.add(status=503, **selector)
    assert (faults.plan(request()).before, fault.trigger_count) == (None, 0)


@pytest.mark.parametrize(
    "selector",
    [{"operation": "list_tickets"}, {"method": "get"}, {"path": "/tickets"}, {"match": lambda entry: entry.method == "GET"}],
)
def test_fault_selects_matching_requests(faults: FaultRegistry, selector: dict[str, Any]) -> None:
    """Each selector matches its requests."""
    assert faults.plan(request()).before is None
    assert faults.add(status=503, **selector) is faults.plan(request()).before


def test_probability_is_repeatable() -> None:
    """The same seed triggers the same faults, about as often as their probability."""

    def run() -> list[bool]:
        faults = FaultRegistry(Random(7))
        faults.add(status=503, probability=0.3, max_triggers=None)
        return [faults.plan(request()).before is not None for _ in range(200)]

    assert run() == run()
    assert 40 <= sum(run()) <= 80


def test_removed_fault_is_gone(faults: FaultRegistry) -> None:
    """A fault can be removed, twice too; `clear()` removes all."""
    first = faults.add(status=503)
    faults.add(status=500)
    faults.remove(first)
    faults.remove(first)
    assert [fault.status for fault in faults] == [500]
    faults.clear()
    assert len(faults) == 0


def test_responding_faults_trigger_in_order(faults: FaultRegistry) -> None:
    """Two faults that respond trigger for one request each, in the order in which they were added."""
    first, second = faults.add(status=503), faults.add(drop="after")
    assert faults.plan(request()).before is first
    assert second.trigger_count == 0
    assert faults.plan(request()).after is second


def test_adding_faults_combine(faults: FaultRegistry) -> None:
    """Delays add up, headers are merged, and a status can come with them."""
    faults.add(delay=1.0, headers={"A": "1"})
    faults.add(delay=2.0, headers={"B": "2"})
    faults.add(delay=4.0, after=True)
    ending = faults.add(status=503)
    plan = faults.plan(request())
    assert (plan.delay_before, plan.delay_after, plan.headers, plan.before) == (3.0, 4.0, {"A": "1", "B": "2"}, ending)


@pytest.mark.parametrize(
    "nonsense",
    [
        {},
        {"status": 199},
        {"status": 600},
        {"status": 503, "drop": "before"},
        {"reset": True, "truncate_after": 3},
        {"drop": "before", "after": True},
        {"status": 503, "probability": 0},
        {"status": 503, "probability": 1.5},
        {"status": 503, "max_triggers": 0},
        {"delay": -1},
        {"truncate_after": -1},
        {"status": 503, "headers": {"content-length": "3"}},
    ],
)
def test_invalid_fault_is_refused(faults: FaultRegistry, nonsense: dict[str, Any]) -> None:
    """An invalid fault is refused."""
    with pytest.raises(InvalidArgumentError, match=r"fault|status|probability|triggers|drop|delay|truncate|content-length"):
        faults.add(**nonsense)


# What they do


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (500, "internal_error", "api_error"),
        (503, "service_unavailable", "api_error"),
        (429, "rate_limit_exceeded", "rate_limit_error"),
        (404, "resource_missing", "not_found_error"),
        (418, "http_418", "invalid_request_error"),
    ],
)
async def test_status_comes_in_the_usual_envelope(call: Caller, fake: FakeCStar, status: int, code: str, kind: str) -> None:
    """A fault with only a status responds with an error in the usual envelope and headers."""
    fake.faults.add(status=status)
    reply = await call("GET", "/tickets")
    assert (reply.status, reply.code, reply.json["error"]["type"]) == (status, code, kind)
    assert reply.headers["X-RateLimit-Remaining"] == "1000"


async def test_error_can_have_code_and_message(call: Caller, fake: FakeCStar) -> None:
    """Code and message of the error can be given."""
    fake.faults.add(status=409, code="idempotency_in_progress", message="Wait.")
    error = (await call("GET", "/tickets")).json["error"]
    assert (error["code"], error["message"]) == ("idempotency_in_progress", "Wait.")


async def test_status_comes_before_the_server_acts(call: Caller, fake: FakeCStar) -> None:
    """A 503 creates no ticket."""
    fake.faults.add(status=503)
    await call("POST", "/tickets", {"title": "a"})
    assert (await call("GET", "/tickets")).data == []


async def test_status_after_hides_what_the_server_did(call: Caller, fake: FakeCStar) -> None:
    """With `after` the ticket exists although the response was a 500, and a repetition returns it."""
    fake.faults.add(status=500, after=True)
    assert (await call("POST", "/tickets", {"title": "a"}, headers=KEY)).status == 500
    assert (await call("POST", "/tickets", {"title": "a"}, headers=KEY)).status == 201
    assert len((await call("GET", "/tickets")).data) == 1


@pytest.mark.parametrize(
    ("wait", "header"), [(42, "42"), (1.5, "1.5"), ("Wed, 21 Oct 2026 07:28:00 GMT", "Wed, 21 Oct 2026 07:28:00 GMT")]
)
async def test_retry_after_is_sent(call: Caller, fake: FakeCStar, wait: float | str, header: str) -> None:
    """`retry_after` is seconds or a date."""
    fake.faults.add(status=429, retry_after=wait)
    assert (await call("GET", "/tickets")).headers["Retry-After"] == header


@pytest.mark.parametrize(
    ("body", "sent"), [(b"\xff\xfe", b"\xff\xfe"), ("<html>", b"<html>"), ({"error": "gone"}, b'{"error":"gone"}')]
)
async def test_body_of_any_kind_is_sent(call: Caller, fake: FakeCStar, body: Any, sent: bytes) -> None:
    """Bytes and str are sent unchanged, a mapping as JSON."""
    fake.faults.add(status=502, body=body, content_type="text/html")
    reply = await call("GET", "/tickets")
    assert (reply.status, reply.json, reply.headers["Content-Type"]) == (502, sent, "text/html")


async def test_body_alone_is_a_success(call: Caller, fake: FakeCStar) -> None:
    """A body without a status is a 200 before the server acts, and has the real status after."""
    fake.faults.add(body={"data": 1})
    assert (await call("POST", "/tickets", {"title": "a"})).status == 200
    fake.faults.add(body={"data": 1}, after=True)
    assert (await call("POST", "/tickets", {"title": "a"})).status == 201


@pytest.mark.parametrize("status", [204, 302])
async def test_status_that_is_no_error_has_no_body(call: Caller, fake: FakeCStar, status: int) -> None:
    """A status below 400 has no body, but can have headers."""
    fake.faults.add(status=status, headers={"Location": "https://elsewhere.example/"})
    reply = await call("GET", "/tickets", allow_redirects=False)
    assert (reply.status, reply.headers["Location"]) == (status, "https://elsewhere.example/")
    assert reply.headers.get("Content-Length", "0") == "0"


async def test_headers_alone_keep_the_response(call: Caller, fake: FakeCStar) -> None:
    """A fault with only headers changes those of the real response."""
    fake.faults.add(headers={"X-RateLimit-Remaining": "0", "X-New": "1"})
    reply = await call("GET", "/tickets")
    assert (reply.status, reply.headers["X-RateLimit-Remaining"], reply.headers["X-New"]) == (200, "0", "1")


async def test_headers_of_a_fault_override_the_usual_ones(call: Caller, fake: FakeCStar) -> None:
    """Names are compared without case, so a header is not sent twice."""
    fake.faults.add(headers={"x-ratelimit-remaining": "3", "date": "Thu, 01 Jan 1970 00:00:00 GMT"})
    headers = [(name.lower(), value) for name, value in (await call("GET", "/tickets")).headers.items()]
    assert ["3"] == [value for name, value in headers if name == "x-ratelimit-remaining"]
    assert ["Thu, 01 Jan 1970 00:00:00 GMT"] == [value for name, value in headers if name == "date"]


async def test_delay_waits_for_the_clock(call: Caller, fake: FakeCStar) -> None:
    """A delay passes on the fake's clock, and the server acts after it."""
    fake.faults.add(delay=3_600)
    task = asyncio.create_task(call("POST", "/tickets", {"title": "a"}))
    await fake.clock.wait_for_sleepers()
    assert (await call("GET", "/tickets")).data == []
    fake.clock.advance(3_600)
    assert (await task).status == 201


async def test_delay_after_waits_when_all_is_done(call: Caller, fake: FakeCStar) -> None:
    """With `after` the ticket exists during the delay."""
    fake.faults.add(delay=3_600, after=True)
    task = asyncio.create_task(call("POST", "/tickets", {"title": "a"}))
    await fake.clock.wait_for_sleepers()
    assert len((await call("GET", "/tickets")).data) == 1
    fake.clock.advance(3_600)
    assert (await task).status == 201


async def test_refused_request_is_delayed(call: Caller, fake: FakeCStar) -> None:
    """A delay applies to a 401 as well."""
    fake.faults.add(delay=0.02)
    began = fake.clock.monotonic()
    assert (await call("GET", "/tickets", key=None)).status == 401
    assert fake.clock.monotonic() - began >= 0.02


async def test_delayed_status_is_delayed(call: Caller, fake: FakeCStar) -> None:
    """A delay in the same fault comes before the status."""
    fake.faults.add(delay=0.02, status=503)
    began = fake.clock.monotonic()
    assert (await call("GET", "/tickets")).status == 503
    assert fake.clock.monotonic() - began >= 0.02


async def test_delay_after_applies_to_responding_faults(call: Caller, fake: FakeCStar) -> None:
    """A delay of the response applies to a fault that responds, too."""
    fake.faults.add(delay=0.02, after=True)
    fake.faults.add(status=503)
    began = fake.clock.monotonic()
    assert (await call("GET", "/tickets")).status == 503
    assert fake.clock.monotonic() - began >= 0.02


@pytest.mark.parametrize(("timing", "tickets"), [("before", 0), ("after", 1)])
async def test_dropped_connection_has_no_response(call: Caller, fake: FakeCStar, timing: Any, tickets: int) -> None:
    """A drop closes the connection before or after the server has acted; the log entry has no status."""
    fake.faults.add(drop=timing)
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await call("POST", "/tickets", {"title": "a"})
    assert fake.requests.last.status is None
    assert len((await call("GET", "/tickets")).data) == tickets


async def test_lost_response_is_replayed(call: Caller, fake: FakeCStar) -> None:
    """After a drop behind the action, a repetition gets the response and creates nothing."""
    fake.faults.add(drop="after")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await call("POST", "/tickets", {"title": "a"}, headers=KEY)
    assert (await call("POST", "/tickets", {"title": "a"}, headers=KEY)).status == 201
    assert fake.requests.last.was_replayed
    assert len((await call("GET", "/tickets")).data) == 1


@pytest.mark.parametrize(("after", "tickets"), [(False, 0), (True, 1)])
async def test_reset_connection_is_an_error_of_the_socket(call: Caller, fake: FakeCStar, after: bool, tickets: int) -> None:
    """A reset is an RST, not a FIN."""
    fake.faults.add(reset=True, after=after)
    with pytest.raises(aiohttp.ClientOSError) as caught:
        await call("POST", "/tickets", {"title": "a"})
    assert isinstance(caught.value, ConnectionResetError) or "reset" in str(caught.value).lower()
    assert len((await call("GET", "/tickets")).data) == tickets


async def test_truncated_response_is_shorter_than_its_length(call: Caller, fake: FakeCStar) -> None:
    """A truncation sends the status and fewer bytes than `Content-Length` says."""
    fake.faults.add(truncate_after=10)
    url = f"{fake.url}/api/v1/teams/{fake.team_id}/tickets"
    async with call.session.get(url, headers={"Authorization": f"Bearer {fake.secret_key}"}) as response:
        assert (response.status, int(response.headers["Content-Length"]) > 10) == (200, True)
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()
    assert fake.requests.last.status == 200


async def test_response_of_a_fault_can_be_truncated(call: Caller, fake: FakeCStar) -> None:
    """A truncation with a status applies to that response, before the server acts, however short the body is."""
    fake.faults.add(truncate_after=0, status=200, body=b"")
    with pytest.raises(aiohttp.ClientPayloadError):
        await call("POST", "/tickets", {"title": "a"})
    assert (await call("GET", "/tickets")).data == []


async def test_fault_before_the_server_uses_no_call(call: Caller, fake: FakeCStar) -> None:
    """A response of a fault before the server acts does not count against the rate limit."""
    fake.faults.add(status=503)
    await call("GET", "/tickets")
    assert (await call("GET", "/tickets")).headers["X-RateLimit-Remaining"] == "999"
