"""Errors: pickling, copying, their one line, and a report without secrets."""

from __future__ import annotations

import copy
import pickle
import platform
import sys
from collections.abc import Callable
from datetime import UTC, datetime

import aiohttp
import pytest

from cstar_async import RateLimitState, __version__, errors
from cstar_async.errors import APIError, CStarError, DecodeError, RateLimitWaitError, TransportError

KEY = "sk_live_51Habcdef.GHI+jk/l="
ADDRESS = "ann.lee@example.com"
BEARER = "Bearer eyJhbGciOi.J9-x"
CLASSES = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, CStarError)]


def make(kind: type[CStarError]) -> CStarError:
    """An error with every attribute set, and secrets wherever a server could write them."""
    text = f"no\nluck for {KEY}, {ADDRESS} with {BEARER}"
    if issubclass(kind, APIError):
        return kind(
            text,
            status=418,
            type="a_type",
            code="a_code",
            param="a_param",
            doc_url="https://docs.example/e",
            retry_after=2.5,
            operation="get_ticket",
            attempts=3,
            idempotency_key="idk_1",
            request_id="req_1",
        )
    if issubclass(kind, RateLimitWaitError):
        at = datetime(2026, 3, 1, tzinfo=UTC)
        return kind(
            text,
            retry_at=at,
            wait=61.0,
            state=RateLimitState(10, 0, at, 3600.0),
            operation="get_ticket",
            attempts=1,
            request_id="req_1",
        )
    if issubclass(kind, DecodeError):
        return kind(text, where="$.data", status=200, operation="get_ticket", attempts=1, request_id="req_1")
    if issubclass(kind, TransportError):
        return kind(text, request_sent=False, operation="get_ticket", attempts=2, idempotency_key="idk_1")
    return kind(text, operation="get_ticket", attempts=2, idempotency_key="idk_1", request_id="req_1")


def through_pickle(error: CStarError) -> CStarError:
    """There and back."""
    found = pickle.loads(pickle.dumps(error))
    assert isinstance(found, CStarError)
    return found


def test_module_holds_the_whole_tree() -> None:
    """Twenty-three classes, no more and no less."""
    assert 23 == len(CLASSES)


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("again", [through_pickle, copy.copy, copy.deepcopy])
def test_error_copied_keeps_class_arguments_and_attributes(
    kind: type[CStarError], again: Callable[[CStarError], CStarError]
) -> None:
    """Nothing of an error is lost on its way to another process."""
    error = make(kind)
    found = again(error)
    assert (type(error), error.args, vars(error)) == (type(found), found.args, vars(found))


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("secret", ["51Habcdef", "GHI", "jk/l", "ann.lee", "eyJhbGciOi", "J9-x"])
@pytest.mark.parametrize("show", [str, repr, CStarError.report])
def test_error_shown_gives_no_secret_away(kind: type[CStarError], secret: str, show: Callable[[CStarError], str]) -> None:
    """Keys, tokens and addresses stay out of every text."""
    assert secret not in show(make(kind))


@pytest.mark.parametrize("kind", CLASSES)
def test_error_prints_as_one_line(kind: type[CStarError]) -> None:
    """A log has one line for an error."""
    assert 1 == len(str(make(kind)).splitlines())


def test_api_error_says_status_code_and_request() -> None:
    """What support asks for first is in the message."""
    error = APIError(
        "No such ticket", status=404, code="resource_missing", param="id", request_id="req_9", operation="get_ticket", attempts=2
    )
    assert "No such ticket (404 resource_missing, param id, request req_9, get_ticket, 2 attempts)" == str(error)


def test_api_error_with_a_status_alone_says_it() -> None:
    """What is not known is not mentioned."""
    assert "Teapot (418)" == str(APIError("Teapot", status=418))


def test_decode_error_says_status_and_place() -> None:
    """The message names the part of the response."""
    assert "no data (status 200, at $.data, request req_1)" == str(
        DecodeError("no data", where="$.data", status=200, request_id="req_1")
    )


def test_error_outside_a_call_is_its_sentence() -> None:
    """No empty brackets."""
    assert "ConfigurationError('no key')" == repr(errors.ConfigurationError("no key"))


def test_secret_in_code_param_and_request_id_is_not_shown() -> None:
    """Servers echo what they were given into any field."""
    error = APIError("x", status=400, code=KEY, param=ADDRESS, request_id=KEY, doc_url=f"https://h/?k={KEY}", type=ADDRESS)
    shown = str(error) + error.report()
    assert [] == [secret for secret in ("51Habcdef", "GHI", "ann.lee") if secret in shown]


def lines(error: CStarError) -> dict[str, str]:
    """What a report says, by name."""
    return dict(line.split(maxsplit=1) for line in error.report().splitlines())


def test_report_has_all_known_facts() -> None:
    """What failed, the error of the server, when, how often it was tried, and the rate limit."""
    error = make(APIError)
    error.message = "No such ticket"
    error.occurred_at, error.elapsed = datetime(2026, 3, 1, 12, 30, 5, 999, UTC), 12.345
    error.rate_limit = RateLimitState(1000, 7, datetime(2026, 3, 1, 13, tzinfo=UTC), 3600.0)
    *shown, versions = error.report().splitlines()
    assert [
        "error            APIError",
        "message          No such ticket",
        "operation        get_ticket",
        "status           418",
        "type             a_type",
        "code             a_code",
        "param            a_param",
        "request_id       req_1",
        "time             2026-03-01 12:30:05 UTC",
        "attempts         3 (12.35 s in all)",
        "idempotency_key  idk_1",
        "rate_limit       7 of 1000 calls left, reset at 2026-03-01 13:00:00 UTC",
        "retry_after      2.50 s",
        "doc_url          https://docs.example/e",
    ] == shown
    assert versions.startswith("versions         cstar-async ")


def test_report_of_an_error_outside_a_call_is_short() -> None:
    """What is not known is left out."""
    assert ["error", "message", "versions"] == list(lines(errors.ConfigurationError("no key")))


def test_report_says_which_versions_run() -> None:
    """Of this package, of aiohttp, of Python, and on which system."""
    expected = (
        f"cstar-async {__version__}, aiohttp {aiohttp.__version__}, Python {platform.python_version()} on {platform.system()}"
    )
    assert expected == lines(CStarError("x"))["versions"]


def test_report_does_not_import_aiohttp_to_ask_its_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that never made a client has no version of it."""
    monkeypatch.delitem(sys.modules, "aiohttp")
    assert "aiohttp" not in CStarError("x").report()
    assert "aiohttp" not in sys.modules


def test_report_says_when_to_come_back() -> None:
    """And how long that is."""
    shown = lines(make(RateLimitWaitError))
    assert ("2026-03-01 00:00:00 UTC", "61.00 s") == (shown["retry_at"], shown["wait"])


@pytest.mark.parametrize(("sent", "said"), [(False, "no"), (True, "perhaps; the server may have acted")])
def test_report_says_whether_the_server_may_have_acted(sent: bool, said: str) -> None:
    """Without a response, that is the first question of support."""
    assert said == lines(TransportError("x", request_sent=sent))["sent"]


def test_report_of_a_call_that_was_never_sent_says_so() -> None:
    """Nothing to look for in the server's logs."""
    assert "none, nothing was sent" == lines(CStarError("x", operation="get_ticket"))["attempts"]


def test_report_of_a_limit_without_an_end_leaves_it_out() -> None:
    """Not every response states when the window ends."""
    error = CStarError("x")
    error.rate_limit = RateLimitState(100, 0, None, None)
    assert "0 of 100 calls left" == lines(error)["rate_limit"]


@pytest.mark.parametrize(
    ("cause", "said"), [(OSError(f"failed with {KEY}"), "OSError"), (APIError("x", status=429), "APIError (status 429)")]
)
def test_report_names_the_cause(cause: Exception, said: str) -> None:
    """Support learns what lay below, by class and status alone."""
    error = APIError("x", status=500)
    error.__cause__ = cause
    assert said == lines(error)["cause"]


def test_invalid_argument_is_a_value_error() -> None:
    """Callers may catch it as Python's own."""
    assert issubclass(errors.InvalidArgumentError, ValueError)


@pytest.mark.parametrize("parent", [errors.WebhookError, errors.TransportError])
def test_families_hold_their_members(parent: type[CStarError]) -> None:
    """One `except` catches a family."""
    members = {
        errors.WebhookError: {errors.SignatureError, errors.StaleTimestampError, errors.PayloadError},
        errors.TransportError: {errors.ConnectionFailedError, errors.RequestTimeoutError, errors.ResponseTooLargeError},
    }
    assert members[parent] == set(parent.__subclasses__())
