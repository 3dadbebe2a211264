"""Bulk operations, imports and exports."""

from __future__ import annotations

from typing import Any

import pytest

from cstar_async.testing import FakeCStar

from .conftest import Caller


async def bulk(call: Caller, **body: object) -> Any:
    """Return the result of a bulk operation."""
    reply = await call("POST", "/bulk", body)
    assert reply.status == 200, reply.json
    return reply.data


async def test_bulk_update_changes_the_rows_it_can(call: Caller) -> None:
    """An unknown id is an entry in `errors` with its index, and the other rows are updated."""
    first, second = await call.make("/tickets", title="a"), await call.make("/tickets", title="b")
    ids = [first["id"], "tkt_nobody", second["id"]]
    result = await bulk(call, action="update", resource="tickets", ids=ids, data={"status": "closed"})
    (error,) = result["errors"]
    assert (result["total"], result["succeeded"], result["failed"]) == (3, 2, 1)
    assert (error["id"], error["index"], error["code"]) == ("tkt_nobody", 1, "resource_missing")
    assert [row["status"] for row in (await call("GET", "/tickets")).data] == ["closed", "closed"]


async def test_bulk_update_follows_the_rules_of_a_single_one(call: Caller) -> None:
    """A bulk update sets the same dates as a single update."""
    ticket = await call.make("/tickets", title="a")
    await bulk(call, action="update", resource="tickets", ids=[ticket["id"]], data={"status": "closed"})
    assert (await call("GET", f"/tickets/{ticket['id']}")).data["closedAt"] is not None


async def test_bulk_delete_removes_the_rows(call: Caller) -> None:
    """A bulk delete removes its rows; the second delete of a repeated id is an error."""
    article = await call.make("/articles", title="a")
    result = await bulk(call, action="delete", resource="articles", ids=[article["id"], article["id"]])
    assert (result["succeeded"], result["failed"]) == (1, 1)
    assert (await call("GET", "/articles")).data == []


async def test_bulk_update_refuses_a_value_row_by_row(call: Caller) -> None:
    """A value that a single update refuses is an error of each row."""
    ticket = await call.make("/tickets", title="a")
    result = await bulk(call, action="update", resource="tickets", ids=[ticket["id"]], data={"status": "gone"})
    assert (result["failed"], result["errors"][0]["code"]) == (1, "parameter_invalid")


async def test_unknown_fields_of_bulk_data_are_refused(call: Caller) -> None:
    """A misspelt field is an error of each row, so that the loss is noticed."""
    ticket = await call.make("/tickets", title="a")
    result = await bulk(call, action="update", resource="tickets", ids=[ticket["id"]], data={"assigned_to": "mem_1"})
    assert (result["failed"], result["errors"][0]["code"]) == (1, "parameter_invalid")
    assert "'assigned_to'" in result["errors"][0]["message"]


@pytest.mark.parametrize("field", ["custom_fields", "loyalty", "id", ""])
async def test_record_with_an_unknown_field_is_not_created(call: Caller, field: str) -> None:
    """Other records are, and free maps take any key."""
    good = {"name": "A", "email": "a@b.example", "customFields": {"custom_fields": 1}, "metadata": {field: 1}}
    bad = {"name": "B", "email": "b@b.example", field: {}}
    reply = await call("POST", "/import", {"resource": "customers", "records": [bad, good]})
    assert (reply.data["created"], [error["index"] for error in reply.data["errors"]]) == (1, [0])


async def test_bulk_update_without_data_is_refused(call: Caller) -> None:
    """A bulk update without `data` is refused."""
    reply = await call("POST", "/bulk", {"action": "update", "resource": "tickets", "ids": ["tkt_1"]})
    assert (reply.status, reply.json["error"]["param"]) == (400, "data")


async def test_bulk_run_of_too_many_is_refused(call: Caller) -> None:
    """The server refuses too many ids, also without the client."""
    reply = await call("POST", "/bulk", {"action": "delete", "resource": "tickets", "ids": ["tkt_1"] * 101})
    assert (reply.status, reply.json["error"]["param"]) == (400, "ids")


async def test_repeated_bulk_run_with_one_key_is_done_once(call: Caller) -> None:
    """A repetition with the same idempotency key does not run again: a second delete would fail."""
    ticket = await call.make("/tickets", title="a")
    body = {"action": "delete", "resource": "tickets", "ids": [ticket["id"]]}
    first, second = [await call("POST", "/bulk", body, headers={"Idempotency-Key": "once"}) for _ in range(2)]
    assert (first.data["succeeded"], second.json) == (1, first.json)


JANE = {"name": "Jane", "email": "jane@example.com"}
JOHN = {"name": "John", "email": "john@example.com"}


async def imported(call: Caller, *records: object, **body: object) -> Any:
    """Return the result of an import of customers."""
    reply = await call("POST", "/import", {"resource": "customers", "records": list(records), **body})
    assert reply.status == 200, reply.json
    return reply.data


async def test_import_skips_existing_customers(call: Caller) -> None:
    """A record with the e-mail address of a customer, in any case, is skipped."""
    await call.make("/customers", **JANE)
    result = await imported(call, {**JANE, "name": "J.", "email": "JANE@example.com"}, JOHN)
    assert (result["created"], result["updated"], result["skipped"], result["total"]) == (1, 0, 1, 2)
    assert [row["name"] for row in (await call("GET", "/customers")).data] == ["Jane", "John"]


async def test_import_skips_a_duplicate_record(call: Caller) -> None:
    """The second of two equal records is skipped."""
    result = await imported(call, JANE, JANE)
    assert (result["created"], result["skipped"]) == (1, 1)


async def test_import_with_another_strategy_updates_existing_customers(call: Caller) -> None:
    """Any strategy but `skip` updates (the others are not documented)."""
    await call.make("/customers", **JANE)
    result = await imported(call, {**JANE, "name": "J."}, mergeStrategy="overwrite")
    assert (result["created"], result["updated"]) == (0, 1)
    assert (await call("GET", "/customers")).data[0]["name"] == "J."


async def test_import_reports_invalid_records(call: Caller) -> None:
    """An invalid record is an error with its index."""
    result = await imported(call, JANE, {"name": "Nobody"}, JOHN)
    (error,) = result["errors"]
    assert (result["created"], error["index"], error["code"]) == (2, 1, "parameter_missing")


async def test_imported_ticket_is_like_one_that_was_created(call: Caller) -> None:
    """An imported ticket has an id, a status and its first message."""
    record = {"title": "a", "initialMessage": "Hello"}
    await call("POST", "/import", {"resource": "tickets", "records": [record]})
    (ticket,) = (await call("GET", "/tickets")).data
    assert (ticket["status"], ticket["messageCount"]) == ("new", 1)


async def exported(call: Caller, *selections: object, **body: object) -> Any:
    """Return the response of an export."""
    return await call("POST", "/export", {"resources": list(selections), **body})


async def test_export_returns_the_rows_by_type(call: Caller) -> None:
    """An export returns rows as lists show them."""
    ticket, customer = await call.make("/tickets", title="a"), await call.make("/customers", **JANE)
    result = (await exported(call, {"type": "tickets"}, {"type": "customers"})).data
    assert (result["totalRows"], result["format"]) == (2, "json")
    assert {kind: [row["id"] for row in rows] for kind, rows in result["resources"].items()} == {
        "tickets": [ticket["id"]],
        "customers": [customer["id"]],
    }


@pytest.mark.parametrize("filters", [{"priority": "high"}, {"tags": "vip"}, {"priority": "high", "tags": "vip"}])
async def test_export_returns_the_rows_that_match_all_filters(call: Caller, filters: dict[str, object]) -> None:
    """A list field matches when one of its items does."""
    await call.make("/tickets", title="a")
    wanted = await call.make("/tickets", title="b", priority="high", tags=["vip", "eu"])
    result = (await exported(call, {"type": "tickets", "filters": filters})).data
    assert [row["id"] for row in result["resources"]["tickets"]] == [wanted["id"]]


async def test_export_as_csv_is_a_bare_table(call: Caller) -> None:
    """CSV has a header of wire names; lists are JSON and null is empty."""
    await call.make("/tickets", title='a, "b"', tags=["vip"])
    reply = await exported(call, {"type": "tickets"}, format="csv")
    head, row = reply.json.decode().splitlines()
    assert reply.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert head.startswith("id,object,title,status,priority,customerId,")
    assert row.split(",", 1)[1].startswith('ticket,"a, ""b""",new,normal,,,')
    assert '"[""vip""]"' in row


async def test_export_of_several_types_as_csv_is_refused(call: Caller) -> None:
    """CSV is refused for more than one resource."""
    reply = await exported(call, {"type": "tickets"}, {"type": "customers"}, format="csv")
    assert (reply.status, reply.json["error"]["param"]) == (400, "resources")


@pytest.mark.no_cover
async def test_export_stops_at_ten_thousand_rows(call: Caller, fake: FakeCStar) -> None:
    """An export has at most 10,000 rows of each type (documented)."""
    for start in range(0, 10_500, 500):
        records = [{"title": f"{start + number}"} for number in range(500)]
        await call("POST", "/import", {"resource": "articles", "records": records})
    result = (await exported(call, {"type": "articles"})).data
    assert result["totalRows"] == 10_000
