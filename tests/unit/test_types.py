"""Values that all layers share: how they are shown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pprint import pformat
from typing import TypeVar

import pytest
from rich.pretty import pretty_repr

from cstar_async import RateLimitState, RequestOptions, Response, from_dict
from cstar_async.models import Ticket

T = TypeVar("T")


def response(data: T) -> Response[T]:
    """Return a response with data."""
    return Response(
        data=data,
        status=200,
        headers={"X-Name": "Ann"},
        request_id="req_1",
        timestamp=datetime(2026, 3, 1, tzinfo=UTC),
        rate_limit=RateLimitState(10, 9, None, None),
        attempts=1,
        idempotency_key="for-ann",
        elapsed=0.5,
    )


def test_a_response_shows_its_numbers_and_ids() -> None:
    """And a model in its own form, but no JSON, headers or keys."""
    shown = repr(response(from_dict(Ticket, {"id": "tkt_1", "title": "Ann"})))
    assert shown.startswith("Response(data=Ticket(id='tkt_1'")
    assert "status=200, request_id='req_1'" in shown
    assert "Ann" not in shown + repr(response({"name": "Ann"}))
    assert "for-ann" not in shown


def test_options_show_their_numbers() -> None:
    """Headers, query and body may hold personal data."""
    options = RequestOptions(timeout=5, headers={"X-A": "Ann"}, extra_query={"q": "Ann"}, extra_body={"b": "Ann"})
    assert "timeout=5" in repr(options)
    assert "Ann" not in repr(options)


@pytest.mark.parametrize(
    "value", [response({"name": "Ann"}), RequestOptions(extra_body={"name": "Ann"})], ids=["response", "options"]
)
@pytest.mark.parametrize("show", [pformat, pretty_repr])
def test_rich_and_pprint_show_all_fields(value: object, show: Callable[[object], str]) -> None:
    """A person who prints a value sees all of it."""
    assert "'name': 'Ann'" in show(value)
