"""Error responses and their exceptions."""

from __future__ import annotations

import pytest

from cstar_async import errors
from cstar_async._protocol.error_responses import error_class, parse_error
from cstar_async._protocol.messages import RawResponse


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
def test_status_and_code_decide_the_error_class(status: int, code: str | None, kind: type[errors.APIError]) -> None:
    """One class for each."""
    assert kind is error_class(status, code)


def test_error_body_has_every_documented_field() -> None:
    """The error object wins over `meta`."""
    body = (
        b'{"error":{"type":"t","code":"c","message":"m","param":"p","doc_url":"d","request_id":"r","retryAfter":3},'
        b'"meta":{"requestId":"other"}}'
    )
    expected = errors.InvalidRequestError(
        status=400, message="m", type="t", code="c", param="p", doc_url="d", request_id="r", retry_after=3.0
    )
    error = parse_error(RawResponse(400, {}, body), 0.0)
    assert (type(expected), vars(expected)) == (type(error), vars(error))


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
def test_malformed_error_body_still_has_a_message(body: bytes, message: str) -> None:
    """The server's own, or the phrase of the status."""
    assert message == parse_error(RawResponse(502, {}, body), 0.0).message


def test_status_without_a_phrase_is_named_by_its_number() -> None:
    """529 is in no standard."""
    assert "HTTP status 529" == parse_error(RawResponse(529, {}, b""), 0.0).message


REDIRECT = "the server redirects to {}, but redirects are not followed; check base_url"


@pytest.mark.parametrize("status", [300, 302, 399])
@pytest.mark.parametrize(
    ("headers", "location"),
    [
        ({"Location": "https://other/?token=1"}, "https://other/"),
        ({"Location": "https://other/?a=?token"}, "https://other/"),
        ({"Location": "https://other/"}, "https://other/"),
        ({"Location": ""}, "no location"),
        ({}, "no location"),
    ],
)
def test_redirect_names_its_location_without_the_query(status: int, headers: dict[str, str], location: str) -> None:
    """The query may hold a token."""
    assert REDIRECT.format(location) == parse_error(RawResponse(status, headers, b""), 0.0).message


@pytest.mark.parametrize("status", [299, 304, 400])
def test_other_statuses_name_no_location(status: int) -> None:
    """Although they have a `Location`."""
    assert "redirect" not in parse_error(RawResponse(status, {"Location": "https://other/"}, b""), 0.0).message


def test_retry_after_date_is_compared_with_the_clock() -> None:
    """The response has no `Date`."""
    response = RawResponse(503, {"Retry-After": "Thu, 01 Jan 1970 00:02:00 GMT"}, b"")
    assert 20.0 == parse_error(response, 100.0).retry_after


def test_retry_after_header_wins_over_the_body() -> None:
    """`Retry-After`, then `error.retryAfter`."""
    assert 9.0 == parse_error(RawResponse(429, {"Retry-After": "9"}, b'{"error":{"retryAfter":3}}'), 0.0).retry_after


@pytest.mark.parametrize(
    ("headers", "body", "request_id"),
    [
        ({}, b'{"meta":{"requestId":"req_m"}}', "req_m"),
        ({"x-cstar-request-id": "req_h"}, b"", "req_h"),
        ({}, b"", None),
    ],
)
def test_request_id_of_an_error_is_found(headers: dict[str, str], body: bytes, request_id: str | None) -> None:
    """In the body, then in a header."""
    assert request_id == parse_error(RawResponse(500, headers, body), 0.0).request_id


def test_field_is_an_alias_of_param() -> None:
    """Both names are documented."""
    assert "email" == parse_error(RawResponse(422, {}, b'{"error":{"field":"email"}}'), 0.0).param


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (
            b'{"type":"error.list","request_id":"r1","errors":[{"code":"gone","message":"It left."}]}',
            "It left. (404 gone, request r1)",
        ),
        (b'{"description":"Wrong","errors":[{"field":"email","message":"Bad","code":"x"}]}', "Bad (404 x, param email)"),
        (b'{"errors":[{"code":5,"detail":"No tea","source":{"pointer":"/a"}}]}', "No tea (404 5, param /a)"),
        (b'{"code":20404,"message":"No such pet","status":404}', "No such pet (404 20404)"),
        (b'{"_error":{"status":404,"title":"Gone","message":"It left"}}', "It left (404)"),
        (b'{"error":"invalid_grant","error_description":"It is old"}', "It is old (404)"),
        (b'{"title":"Gone","detail":"It left"}', "It left (404)"),
        (b'{"errors":["One","Two"]}', "One (404)"),
        (b'{"errors":[],"error":true,"code":true}', "Not Found (404)"),
    ],
)
def test_errors_of_other_apis_are_read(body: bytes, text: str) -> None:
    """Where they have the message and the code: problem details, lists of errors, OAuth and flat objects."""
    assert text == str(parse_error(RawResponse(404, {}, body), 0.0))
