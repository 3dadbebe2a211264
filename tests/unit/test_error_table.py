"""From an answer to its exception."""

from __future__ import annotations

import pytest

from cstar_async import errors
from cstar_async._error_table import ErrorFacts, error_class, read_error
from cstar_async._http import HttpResponse


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (302, None, errors.APIError),
        (400, None, errors.InvalidRequestError),
        (401, None, errors.AuthenticationError),
        (403, None, errors.PermissionDeniedError),
        (404, None, errors.NotFoundError),
        (409, None, errors.ConflictError),
        (409, "IDEMPOTENCY_key_reused", errors.IdempotencyError),
        (400, "idempotency_key_reused", errors.InvalidRequestError),
        (418, None, errors.APIError),
        (422, None, errors.InvalidRequestError),
        (429, None, errors.RateLimitError),
        (500, None, errors.ServerError),
        (599, None, errors.ServerError),
        (600, None, errors.APIError),
    ],
)
def test_status_and_code_decide_the_class(status: int, code: str | None, kind: type[errors.APIError]) -> None:
    """Exactly one class for each."""
    assert kind is error_class(status, code)


def test_full_error_body_is_read_whole() -> None:
    """Every documented field has its place."""
    body = (
        b'{"error":{"type":"t","code":"c","message":"m","param":"p","doc_url":"d","request_id":"r","retryAfter":3},'
        b'"meta":{"requestId":"other"}}'
    )
    assert ErrorFacts(
        status=400, message="m", type="t", code="c", param="p", doc_url="d", request_id="r", retry_after=3.0
    ) == read_error(HttpResponse(400, {}, body), 0.0)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "Bad Gateway"),
        (b"<html>", "Bad Gateway"),
        (b"\xff\xfe", "Bad Gateway"),
        (b'"text"', "Bad Gateway"),
        (b"[1]", "Bad Gateway"),
        (b'{"error":"words"}', "words"),
        (b'{"message":"words"}', "words"),
        (b'{"error":{"message":""}}', "Bad Gateway"),
        (b'{"error":{"message":5},"meta":[]}', "Bad Gateway"),
    ],
)
def test_odd_error_body_still_gives_a_sentence(body: bytes, message: str) -> None:
    """That of the server, or that of the status."""
    assert message == read_error(HttpResponse(502, {}, body), 0.0).message


def test_status_without_a_name_is_called_by_its_number() -> None:
    """529 is nobody's standard."""
    assert "HTTP status 529" == read_error(HttpResponse(529, {}, b""), 0.0).message


def test_redirect_names_the_place_without_its_query() -> None:
    """A reader can mend base_url, and sees no token."""
    message = read_error(HttpResponse(302, {"Location": "https://other/?token=1"}, b""), 0.0).message
    assert ("https://other/" in message, "token" in message) == (True, False)


def test_redirect_to_nowhere_says_so() -> None:
    """A Location may be missing."""
    assert "nowhere" in read_error(HttpResponse(301, {}, b""), 0.0).message


def test_header_goes_over_the_body_for_the_wait() -> None:
    """`Retry-After`, then `error.retryAfter`."""
    assert 9.0 == read_error(HttpResponse(429, {"Retry-After": "9"}, b'{"error":{"retryAfter":3}}'), 0.0).retry_after


@pytest.mark.parametrize(
    ("headers", "body", "request_id"),
    [
        ({}, b'{"meta":{"requestId":"req_m"}}', "req_m"),
        ({"x-cstar-request-id": "req_h"}, b"", "req_h"),
        ({}, b"", None),
    ],
)
def test_request_id_is_taken_from_where_it_is(headers: dict[str, str], body: bytes, request_id: str | None) -> None:
    """Body, meta, then header."""
    assert request_id == read_error(HttpResponse(500, headers, body), 0.0).request_id


def test_field_is_another_name_of_param() -> None:
    """Both documented names are read."""
    assert "email" == read_error(HttpResponse(422, {}, b'{"error":{"field":"email"}}'), 0.0).param
