"""Successes and errors of every form that a server may send."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cstar_async import (
    APIError,
    AuthenticationError,
    ConflictError,
    CStarClient,
    DecodeError,
    Hooks,
    IdempotencyError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    RequestOptions,
    ServerError,
)
from cstar_async.hooks import DriftInfo
from cstar_async.models import Deleted

from .conftest import TICKET, MakeClient, Server, SkippingClock, failed, ok, raw, serving

NOT_JSON = {
    "empty": b"",
    "blank": b" \r\n",
    "html": b"<html><body>Bad gateway</body></html>",
    "truncated": b'{"success": true, "data": {"id": "tk',
    "not utf-8": b'{"data": "\xff\xfe"}',
    "text": b'"fine"',
    "array": b"[1, 2]",
    "null": b"null",
}
CLASSES = {
    400: InvalidRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    418: APIError,
    422: InvalidRequestError,
    429: RateLimitError,
    500: ServerError,
    502: ServerError,
    503: ServerError,
    520: ServerError,
    599: ServerError,
}


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON)
async def test_a_good_status_with_a_body_that_is_no_envelope_is_a_decode_error(
    server: Server, client: CStarClient, body: bytes
) -> None:
    """A 2xx without an envelope is a DecodeError that names place, status, operation and the key under which to repeat."""
    server.script(raw(body, 201))
    with pytest.raises(DecodeError) as caught:
        await client.tickets.create(title="a", idempotency_key="k-1")
    error = caught.value
    assert ("$", 201, "k-1", "create_ticket", 1) == (
        error.where,
        error.status,
        error.idempotency_key,
        error.operation,
        error.attempts,
    )
    assert 1 == len(server.requests)


@pytest.mark.parametrize("status", [422, 503])
@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON)
async def test_an_error_status_with_any_body_keeps_its_class(server: Server, client: CStarClient, body: bytes, status: int) -> None:
    """However broken the body of an error is, the class is that of its status."""
    server.script(raw(body, status))
    with pytest.raises(CLASSES[status]) as caught:
        await client.tickets.get("tkt_1", options=RequestOptions(max_retries=0))
    assert (CLASSES[status], status) == (type(caught.value), caught.value.status)


@pytest.mark.parametrize(("status", "kind"), CLASSES.items())
async def test_every_status_has_its_class(server: Server, client: CStarClient, status: int, kind: type[APIError]) -> None:
    """The status of an error decides its class."""
    server.script(failed(status, type="t", code="c", param="title", doc_url="https://docs", request_id="req_1"))
    with pytest.raises(APIError) as caught:
        await client.tickets.get("tkt_1", options=RequestOptions(max_retries=0))
    error = caught.value
    assert (kind, status, "No.", "t", "c", "title", "https://docs", "req_1", "get_ticket", 1, None) == (
        type(error),
        error.status,
        error.message,
        error.type,
        error.code,
        error.param,
        error.doc_url,
        error.request_id,
        error.operation,
        error.attempts,
        error.idempotency_key,
    )


async def test_a_conflict_with_an_idempotency_code_is_an_idempotency_error(server: Server, client: CStarClient) -> None:
    """A 409 whose code begins with idempotency_ has a class of its own."""
    server.script(failed(409, code="idempotency_key_reused"))
    with pytest.raises(IdempotencyError):
        await client.tickets.create(title="a")


async def test_an_error_that_is_a_bare_text_gives_its_message(server: Server, client: CStarClient) -> None:
    """`{"error": "text"}` is read as the message."""
    server.script(raw(b'{"error": "Not today"}', 403))
    with pytest.raises(PermissionDeniedError) as caught:
        await client.tickets.get("tkt_1")
    assert "Not today" == caught.value.message


async def test_an_error_with_field_gives_it_as_param(server: Server, client: CStarClient) -> None:
    """The older name `field` is read as `param`."""
    server.script(failed(422, field="title"))
    with pytest.raises(InvalidRequestError) as caught:
        await client.tickets.create(title="")
    assert "title" == caught.value.param


async def test_an_error_without_request_id_takes_that_of_meta(server: Server, client: CStarClient) -> None:
    """The request id of an error may be in `meta`."""
    server.script(raw(b'{"error": {"message": "x"}, "meta": {"requestId": "req_meta"}}', 404))
    with pytest.raises(NotFoundError) as caught:
        await client.tickets.get("tkt_1")
    assert "req_meta" == caught.value.request_id


async def test_a_redirect_is_an_error_that_names_the_place_and_is_not_followed(server: Server, client: CStarClient) -> None:
    """A 3xx is an APIError naming the place, and no request, nor the key, goes there."""
    async with serving() as elsewhere:
        server.script(raw(b"", 302, {"Location": f"{elsewhere.url}/login?token=t"}))
        with pytest.raises(APIError) as caught:
            await client.tickets.get("tkt_1")
    assert (APIError, 302, [], 1) == (type(caught.value), caught.value.status, elsewhere.requests, len(server.requests))
    assert f"redirects to {elsewhere.url}/login," in str(caught.value)
    assert "token" not in str(caught.value)


@pytest.mark.parametrize("data", [None, [], "text", 3, True], ids=repr)
async def test_data_of_the_wrong_kind_is_a_decode_error(server: Server, client: CStarClient, data: object) -> None:
    """Where an object is promised, anything else is a DecodeError at `$.data`."""
    server.script(ok(data))
    with pytest.raises(DecodeError) as caught:
        await client.tickets.get("tkt_1")
    assert ("$.data", 200, "req_ok") == (caught.value.where, caught.value.status, caught.value.request_id)


@pytest.mark.parametrize("data", [None, {}, "text"], ids=repr)
async def test_a_list_of_the_wrong_kind_is_a_decode_error(server: Server, client: CStarClient, data: object) -> None:
    """Where an array is promised, anything else is a DecodeError, paged or not."""
    server.script(ok(data), ok(data))
    for call in (client.tags.list(), client.tickets.list()):
        with pytest.raises(DecodeError) as caught:
            await call
        assert "$.data" == caught.value.where


async def test_an_answer_without_data_is_a_decode_error(server: Server, client: CStarClient) -> None:
    """An envelope must have `data`."""
    server.script(raw(b'{"success": true, "meta": {"requestId": "req_9"}}'))
    with pytest.raises(DecodeError) as caught:
        await client.tickets.get("tkt_1")
    assert ("$.data", "req_9") == (caught.value.where, caught.value.request_id)


@pytest.mark.parametrize("status", [200, 204])
async def test_an_empty_answer_to_delete_is_deleted(server: Server, client: CStarClient, status: int) -> None:
    """An empty 2xx on DELETE is `Deleted` with the id of the call."""
    server.script(raw(b"", status) if status == 200 else raw(b"", 204, {"Content-Length": "0"}))
    assert Deleted(deleted=True, id="tkt_1") == await client.tickets.delete("tkt_1")


@pytest.mark.parametrize("place", ["pagination", "meta"])
async def test_pagination_is_read_in_both_places(server: Server, client: CStarClient, place: str) -> None:
    """Pagination may be beside `data` or in `meta`."""
    stated = {"page": 2, "pageSize": 1, "total": 5, "hasMore": True}
    server.script(ok([TICKET], pagination=stated) if place == "pagination" else ok([TICKET], meta={"pagination": stated}))
    page = await client.tickets.list(page=2, page_size=1)
    assert (2, 1, 5, True) == (page.info.page, page.info.page_size, page.info.total, page.has_more)


async def test_pagination_with_total_pages_says_whether_there_is_more(server: Server, client: CStarClient) -> None:
    """The form without `hasMore` is worked out from `totalPages`."""
    server.script(ok([TICKET], pagination={"page": 1, "totalPages": 2}), ok([TICKET], pagination={"page": 2, "totalPages": 2}))
    assert [True, False] == [(await client.tickets.list(page=number)).has_more for number in (1, 2)]


async def test_awaiting_a_list_sends_no_page_that_was_not_given(server: Server, client: CStarClient) -> None:
    """A first page is asked for without page and size, and without filters that were left out."""
    server.script(ok([]))
    await client.tickets.list(status="open")
    assert "status=open" == server.requests[0].query


ODD: dict[str, Any] = {
    "id": 7,
    "title": None,
    "status": "snoozed",
    "priority": ["high"],
    "createdAt": "yesterday",
    "tags": "vip",
    "customer": "cus_1",
    "messages": {"a": 1},
    "brandNew": {"x": 1},
}


async def test_odd_values_inside_data_come_through_as_they_are(server: Server, client: CStarClient) -> None:
    """Nothing inside data is coerced: null stays None, wrong types and unknown values stay what they are."""
    server.script(ok(ODD))
    ticket = await client.tickets.get("tkt_1")
    found = (ticket.id, ticket.title, ticket.status, ticket.priority, ticket.created_at, ticket.tags, ticket.messages, ticket.extra)
    expected = (7, None, "snoozed", ["high"], "yesterday", "vip", {"a": 1}, {"brandNew": {"x": 1}})
    assert expected[:7] == found[:7]
    assert {"x": 1} == ticket.extra["brandNew"]


class Drifts(Hooks):
    """Collects drift."""

    def __init__(self) -> None:
        self.found: list[DriftInfo] = []

    def on_drift(self, info: DriftInfo, /) -> None:
        """Keep it."""
        self.found.append(info)


async def test_drift_is_reported_for_every_unexpected_value(server: Server, make_client: MakeClient) -> None:
    """Unknown fields, unknown enum values, wrong types and missing fields are reported with their path."""
    hook = Drifts()
    server.script(ok(ODD))
    await make_client(hooks=[hook]).tickets.get("tkt_1")
    found = {(drift.where, drift.kind) for drift in hook.found}
    assert {
        ("$.data.brandNew", "unknown_field"),
        ("$.data.status", "unknown_value"),
        ("$.data.id", "wrong_type"),
        ("$.data.priority", "wrong_type"),
        ("$.data.tags", "wrong_type"),
    } <= found
    assert "get_ticket" == hook.found[0].operation


async def test_rows_that_are_no_objects_come_through(server: Server, client: CStarClient) -> None:
    """A row that is no object is handed out as it came."""
    server.script(ok([TICKET, None, "x"]))
    page = await client.tickets.list()
    assert ("tkt_1", None, "x") == (page.data[0].id, page.data[1], page.data[2])


async def test_a_body_in_the_documented_form_is_what_the_script_says() -> None:
    """The script of these tests writes the documented envelope."""
    part = ok(TICKET).parts[0]
    assert isinstance(part, bytes)
    assert TICKET == json.loads(part.partition(b"\r\n\r\n")[2])["data"]


async def test_an_error_states_when_its_call_failed(server: Server, client: CStarClient, clock: SkippingClock) -> None:
    """The error has the time, the duration with waits and retries, and the rate limit."""
    rate = {"X-RateLimit-Limit": "1000", "X-RateLimit-Remaining": "41"}
    server.script(failed(503, headers={"Retry-After": "4"}), failed(404, headers=rate))
    with pytest.raises(NotFoundError) as caught:
        await client.tickets.get("tkt_1")
    error = caught.value
    assert error.occurred_at
    assert error.rate_limit
    assert (pytest.approx(clock.time()), clock.now, 41) == (
        error.occurred_at.timestamp(),
        error.elapsed,
        error.rate_limit.remaining,
    )


@pytest.mark.parametrize("body", [b"", b"{"])
async def test_a_decode_error_states_when_its_call_failed(
    server: Server, client: CStarClient, clock: SkippingClock, body: bytes
) -> None:
    """The successful response of the server does not matter."""
    server.script(raw(body))
    with pytest.raises(DecodeError) as caught:
        await client.tickets.get("tkt_1")
    assert caught.value.occurred_at
    assert clock.time() == caught.value.occurred_at.timestamp()


@pytest.mark.parametrize(("body", "request_id"), [(b"<html>", "req_head"), (b'{"meta": {"requestId": "req_body"}}', "req_body")])
async def test_a_decode_error_names_the_request(server: Server, client: CStarClient, body: bytes, request_id: str) -> None:
    """From the body, or else from a header: support needs it most when the response is broken."""
    server.script(raw(body, headers={"x-cstar-request-id": "req_head"}))
    with pytest.raises(DecodeError) as caught:
        await client.tickets.get("tkt_1")
    assert request_id == caught.value.request_id
