"""What authenticates requests: keys, tokens, passwords and cookies, and which of them a request gets."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import pytest

from cstar_async import ConfigurationError
from cstar_async._protocol.credentials import (
    Credential,
    Credentials,
    Security,
    basic,
    bearer,
    is_publishable,
    named_key,
    validate_api_key,
)
from cstar_async._protocol.messages import Request

FORM = "must be printable ASCII without spaces"
GIVEN = {
    "token": Credential("header", "Authorization", "Bearer t"),
    "tenant": Credential("header", "X-Tenant", "acme"),
    "session": Credential("cookie", "session", "s1"),
    "device": Credential("cookie", "device", "d1"),
    "key": Credential("query", "X /key", "X&b/c"),
    "account": Credential("query", "account", "7"),
}


def sent(security: Security | None, headers: dict[str, str] | None = None, query: str = "", **given: Credential) -> Request:
    """Return a request with the credentials that it needs."""
    request = Request("GET", "/", query, headers, None)
    Credentials(given or GIVEN).add_to(request, security)
    return request


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (None, "api_key must be a key, got NoneType; pass api_key=, or set CSTAR_API_KEY and use from_env()"),
        ("", "api_key must be a key, got a str of 0 characters; pass api_key=, or set CSTAR_API_KEY and use from_env()"),
        (b"sk_live_secret", "api_key must be a key, got bytes; pass api_key=, or set CSTAR_API_KEY and use from_env()"),
        ("secret", "api_key must begin with sk_live_, sk_test_, pk_live_ or pk_test_, got a str of 6 characters"),
        ("sk_live_", "api_key must be a whole key, got only its prefix; copy it again"),
        ("sk_live_sécret", f"api_key {FORM}, got a str of 14 characters; copy the key again, and nothing else"),
        ("sk_live_secret\n", f"api_key {FORM}, got a str of 15 characters; copy the key again, and nothing else"),
        ("sk_live_se cret", f"api_key {FORM}, got a str of 15 characters; copy the key again, and nothing else"),
    ],
)
def test_error_about_a_key_says_what_to_do(key: Any, message: str) -> None:
    """And never shows the key."""
    with pytest.raises(ConfigurationError) as caught:
        validate_api_key(key)
    assert message == str(caught.value)


@pytest.mark.parametrize("value", ["", "sécret", "sec\tret", "sec ret", 5, b"secret"])
def test_token_that_no_header_can_carry_is_refused(value: Any) -> None:
    """By its argument, without its value."""
    for make in (lambda: bearer(value, "token"), lambda: named_key("query", "key", value, "token")):
        with pytest.raises(ConfigurationError) as caught:
            make()
        got = f"a str of {len(value)} characters" if isinstance(value, str) else type(value).__name__
        assert f"token {FORM}, got {got}; copy it again, and nothing else" == str(caught.value)


@pytest.mark.parametrize(
    ("username", "password", "message"),
    [
        ("ann:x", "p", "username must be a str without a colon, got a str of 5 characters"),
        (5, "p", "username must be a str without a colon, got int"),
        ("ann", None, "password must be a str, got NoneType"),
        ("ann", b"p", "password must be a str, got bytes"),
    ],
)
def test_user_that_basic_authentication_cannot_send_is_refused(username: Any, password: Any, message: str) -> None:
    """A colon ends the name, so it has none."""
    with pytest.raises(ConfigurationError) as caught:
        basic(username, password)
    assert message == str(caught.value)


@pytest.mark.parametrize(("username", "password"), [("\ud800", "p"), ("u", "p\udfff")])
def test_half_a_surrogate_pair_in_basic_authentication_is_refused(username: str, password: str) -> None:
    """The error is ours and does not contain the password."""
    with pytest.raises(ConfigurationError, match=r"characters that UTF-8 can encode, got half a surrogate pair$"):
        basic(username, password)


def test_each_credential_is_sent_at_its_place() -> None:
    """And nothing that was not given."""
    token, key = bearer("a+b", "token"), named_key("cookie", "sid", "x", "session")
    assert token is not None
    assert ("header", "Authorization", "Bearer a+b") == (token.location, token.name, token.value)
    assert key is not None
    assert ("cookie", "sid", "x") == (key.location, key.name, key.value)
    login = basic("änn", "p:ü")
    assert login is not None
    scheme, _, encoded = login.value.partition(" ")
    assert ("header", "Authorization", "Basic", "änn:p:ü") == (login.location, login.name, scheme, b64decode(encoded).decode())
    assert (None, None, None) == (bearer(None, "a"), named_key("query", "a", None, "a"), basic(None, "password"))


def test_repr_shows_no_value() -> None:
    """Credentials may be in a traceback."""
    assert "secret" not in repr(Credential("query", "key", "secret"))


@pytest.mark.parametrize(
    ("security", "headers", "query"),
    [
        ((), None, ""),
        ((("token",),), {"Authorization": "Bearer t"}, ""),
        ((("tenant", "token"),), {"Authorization": "Bearer t", "X-Tenant": "acme"}, ""),
        ((("session",),), {"Cookie": "session=s1"}, ""),
        ((("session", "device"),), {"Cookie": "session=s1; device=d1"}, ""),
        ((("session", "token"),), {"Authorization": "Bearer t", "Cookie": "session=s1"}, ""),
        ((("key",),), None, "X%20%2Fkey=X%26b%2Fc"),
        ((("key", "account"),), None, "X%20%2Fkey=X%26b%2Fc&account=7"),
    ],
)
def test_request_gets_what_its_operation_needs(security: Security, headers: dict[str, str] | None, query: str) -> None:
    """In headers, cookies and the query, percent-encoded."""
    request = sent(security)
    assert (headers, query) == (request.headers, request.query)


@pytest.mark.parametrize(
    ("security", "names"),
    [
        ((("token",), ("tenant",)), {"Authorization"}),
        ((("absent",), ("tenant",)), {"X-Tenant"}),
        ((("token", "absent"), ("tenant",)), {"X-Tenant"}),
        ((("token", "absent"), ("other",)), {"Authorization"}),
        (((), ("tenant",)), {"X-Tenant"}),
        ((("absent",), ("other",)), set[str]()),
        (None, {"Authorization", "X-Tenant", "Cookie"}),
    ],
)
def test_first_alternative_that_was_given_whole_is_chosen(security: Security | None, names: set[str]) -> None:
    """Or else the first one that was given in part; without a statement all."""
    assert names == set(sent(security).headers or ())


def test_own_headers_cookies_and_query_stay() -> None:
    """A header of the caller replaces the credential; cookies and query are added to."""
    request = sent(None, {"X-Tenant": "mine", "Cookie": "a=b", "X-Other": "1"}, "page=2")
    assert {
        "Authorization": "Bearer t",
        "X-Tenant": "mine",
        "Cookie": "session=s1; device=d1; a=b",
        "X-Other": "1",
    } == request.headers
    assert "page=2&X%20%2Fkey=X%26b%2Fc&account=7" == request.query


def test_parameters_with_credentials_are_known() -> None:
    """So that no log shows them."""
    assert {"X /key", "account"} == Credentials(GIVEN).query_names


@pytest.mark.parametrize(
    ("key", "expected"), [("pk_live_x", True), ("pk_x", True), ("sk_live_x", False), ("", False), (None, False)]
)
def test_publishable_key_may_only_read(key: str | None, expected: bool) -> None:
    """Without a key nothing is restricted."""
    assert expected is is_publishable(key)
