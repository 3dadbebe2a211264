"""Counting of differences between responses and the OpenAPI spec."""

from __future__ import annotations

from typing import Any

import pytest

from cstar_async import InvalidArgumentError
from cstar_async.hooks import DriftCounter, DriftInfo

from .conftest import TICKET, MakeClient, Server, ok


def drift(**other: str) -> DriftInfo:
    """Return a difference."""
    fields: dict[str, Any] = {"operation": "get_ticket", "where": "$.data.x", "kind": "unknown_field", "expected": "nothing"}
    return DriftInfo(**{**fields, "actual": "string", **other})


async def test_drift_is_counted_by_place_and_kind(server: Server, make_client: MakeClient) -> None:
    """An unknown value in three responses, an unknown field in one, in the order of their number."""
    counter = DriftCounter()
    client = make_client(hooks=[counter])
    known = {"id": "tkt_1", "title": "x", "status": "open"}
    server.script(*(ok({**known, "status": "snoozed"}) for _ in range(3)), ok({**known, "mood": 7}))
    for _ in range(4):
        await client.tickets.get("tkt_1")
    counts = {(info.operation, info.where, info.kind, info.actual): count for info, count in counter.counts.items()}
    fields = {key: count for key, count in counts.items() if key[2] != "missing"}
    assert [
        (("get_ticket", "$.data.status", "unknown_value", "snoozed"), 3),
        (("get_ticket", "$.data.mood", "unknown_field", "integer"), 1),
    ] == list(fields.items())


async def test_rows_of_one_answer_count_once(server: Server, make_client: MakeClient) -> None:
    """A page of a hundred rows is one response."""
    counter = DriftCounter()
    server.script(ok([{**TICKET, "status": "snoozed"}] * 100))
    await make_client(hooks=[counter]).tickets.list()
    assert [1] == [count for info, count in counter.counts.items() if info.kind == "unknown_value"]


async def test_answers_as_the_document_says_leave_nothing(server: Server, make_client: MakeClient) -> None:
    """The report is empty."""
    counter = DriftCounter()
    server.script(ok({"deleted": True, "id": "tkt_1"}))
    await make_client(hooks=[counter]).tickets.delete("tkt_1")
    assert ({}, "") == (counter.counts, counter.report())


def test_report_has_a_line_for_each_difference() -> None:
    """The most frequent first, each in words."""
    counter = DriftCounter()
    for info in (
        drift(),
        *3 * [drift(where="$.data.status", kind="unknown_value", expected="one of open, closed", actual="snoozed")],
        *2 * [drift(operation="list_tags", where="$.data[].name", kind="wrong_type", expected="string", actual="null")],
        drift(where="$.data.title", kind="missing", expected="string", actual="nothing"),
    ):
        counter.on_drift(info)
    assert [
        "     3  get_ticket  $.data.status: unknown value 'snoozed'",
        "     2  list_tags  $.data[].name: null instead of string",
        "     1  get_ticket  $.data.x: unknown field (string)",
        "     1  get_ticket  $.data.title: nothing instead of string",
    ] == counter.report().splitlines()


def test_the_number_of_differences_is_bounded() -> None:
    """New differences beyond the limit are counted together; those already kept are counted on."""
    counter = DriftCounter(max_entries=2)
    for where in ("$.a", "$.b", "$.c", "$.d", "$.a"):
        counter.on_drift(drift(where=where))
    assert ({"$.a": 2, "$.b": 1}, 2) == ({info.where: count for info, count in counter.counts.items()}, counter.overflow_count)
    assert "     2  others" == counter.report().splitlines()[-1]


def test_what_is_private_is_not_kept() -> None:
    """An e-mail address as a field name, a key as a value, a very long value."""
    counter = DriftCounter()
    counter.on_drift(drift(where="$.data.ann.lee@example.com"))
    counter.on_drift(drift(kind="unknown_value", actual="sk_live_51Habcdef"))
    counter.on_drift(drift(kind="unknown_value", actual="x" * 10_000))
    shown = counter.report() + repr(counter.counts)
    assert [] == [secret for secret in ("ann.lee", "51Habcdef", "x" * 201) if secret in shown]


def test_counts_cannot_be_changed_from_outside() -> None:
    """They are a copy."""
    counter = DriftCounter()
    counter.counts[drift()] = 7
    assert {} == counter.counts


@pytest.mark.parametrize("max_entries", [0, -1])
def test_no_entries_are_refused(max_entries: int) -> None:
    """A counter without entries is a mistake."""
    with pytest.raises(InvalidArgumentError, match="max_entries must be an int from 1"):
        DriftCounter(max_entries=max_entries)


def test_one_entry_is_enough() -> None:
    """The minimum is accepted."""
    counter = DriftCounter(max_entries=1)
    counter.on_drift(drift())
    assert [1] == list(counter.counts.values())
