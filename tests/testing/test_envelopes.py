"""The envelopes of responses."""

from __future__ import annotations

from datetime import datetime
from email.utils import parsedate_to_datetime

import pytest

from cstar_async.testing import FakeCStar
from cstar_async.testing._http.responses import PagePosition
from cstar_async.testing.clock import timestamp

from .conftest import Caller, calling


async def test_success_has_the_documented_envelope(call: Caller) -> None:
    """A success has `success`, `data` and `meta` with request id and timestamp."""
    reply = await call("GET", "/tags")
    assert (list(reply.json), reply.json["success"], reply.data) == (["success", "data", "meta"], True, [])
    assert reply.json["meta"]["requestId"].startswith("req_")
    assert datetime.fromisoformat(reply.json["meta"]["timestamp"]).tzinfo is not None


async def test_error_has_the_documented_envelope(call: Caller) -> None:
    """An error has type, code, message, param, page and request id, which is in `meta` too."""
    reply = await call("POST", "/tickets", {})
    request_id = reply.json["meta"]["requestId"]
    assert reply.json["success"] is False
    assert reply.json["error"] == {
        "type": "invalid_request_error",
        "code": "parameter_missing",
        "message": "The 'title' field is required.",
        "param": "title",
        "doc_url": "https://www.cstar.help/developers/errors#parameter_missing",
        "request_id": request_id,
    }


async def test_error_without_a_field_names_none(call: Caller) -> None:
    """`param` is left out where no single field is invalid."""
    assert "param" not in (await call("GET", "/tickets/none")).json["error"]


async def test_dates_are_those_of_the_clock(call: Caller, fake: FakeCStar) -> None:
    """The header `Date`, the timestamp and the dates of objects follow the fake's clock."""
    fake.clock.set(4_000_000_000.0)
    reply = await call("POST", "/tickets", {"title": "a"})
    for text in (reply.data["createdAt"], reply.json["meta"]["timestamp"]):
        assert 4_000_000_000 <= datetime.fromisoformat(text).timestamp() < 4_000_000_060
    assert parsedate_to_datetime(reply.headers["Date"]).timestamp() >= 4_000_000_000


def test_timestamp_is_iso_8601_with_z() -> None:
    """Timestamps are UTC with milliseconds and `Z`."""
    assert timestamp(1_765_377_000.25) == "2025-12-10T14:30:00.250Z"


async def test_pagination_is_beside_the_data_by_default(call: Caller) -> None:
    """The default is the documented location and shape."""
    assert (await call("GET", "/tickets")).json["pagination"] == {"total": 0, "page": 1, "pageSize": 20, "hasMore": False}


async def test_pagination_can_be_in_meta() -> None:
    """The location can be changed; the other one is then empty."""
    async with calling(FakeCStar(pagination="meta")) as call:
        reply = await call("GET", "/tickets")
        assert "pagination" not in reply.json
        assert reply.json["meta"]["pagination"]["hasMore"] is False


async def test_pagination_can_have_total_pages() -> None:
    """The shape can be changed."""
    async with calling(FakeCStar(seed=1, pagination_shape="totalPages")) as call:
        reply = await call("GET", "/tickets?pageSize=7")
        assert reply.json["pagination"] == {"page": 1, "pageSize": 7, "total": 30, "totalPages": 5}


@pytest.mark.parametrize(("page", "more"), [(1, True), (2, True), (3, False), (4, False)])
def test_more_pages_follow_until_the_last(page: int, more: bool) -> None:
    """Five objects with a page size of two are three pages."""
    assert PagePosition(5, page, 2).to_dict("hasMore")["hasMore"] is more
