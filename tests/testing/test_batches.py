"""Bulk runs and imports change rows, one by one."""

from __future__ import annotations

from typing import Any

import pytest

from cstar_async.testing import FakeCStar

from .conftest import Caller


async def bulk(call: Caller, **body: object) -> Any:
    """The result of a bulk run."""
    reply = await call("POST", "/bulk", body)
    assert reply.status == 200, reply.json
    return reply.data


async def test_bulk_update_changes_the_rows_it_can(call: Caller) -> None:
    """An unknown id is an entry in the errors, with its position, and stops nobody."""
    first, second = await call.make("/tickets", title="a"), await call.make("/tickets", title="b")
    ids = [first["id"], "tkt_nobody", second["id"]]
    result = await bulk(call, action="update", resource="tickets", ids=ids, data={"status": "closed"})
    (error,) = result["errors"]
    assert (result["total"], result["succeeded"], result["failed"]) == (3, 2, 1)
    assert (error["id"], error["index"], error["code"]) == ("tkt_nobody", 1, "resource_missing")
    assert [row["status"] for row in (await call("GET", "/tickets")).data] == ["closed", "closed"]


async def test_bulk_update_follows_the_rules_of_a_single_one(call: Caller) -> None:
    """A closed ticket is dated, as it is by an update of its own."""
    ticket = await call.make("/tickets", title="a")
    await bulk(call, action="update", resource="tickets", ids=[ticket["id"]], data={"status": "closed"})
    assert (await call("GET", f"/tickets/{ticket['id']}")).data["closedAt"] is not None


async def test_bulk_delete_removes_the_rows(call: Caller) -> None:
    """A row that is named twice is gone the second time."""
    article = await call.make("/articles", title="a")
    result = await bulk(call, action="delete", resource="articles", ids=[article["id"], article["id"]])
    assert (result["succeeded"], result["failed"]) == (1, 1)
    assert (await call("GET", "/articles")).data == []


async def test_bulk_update_refuses_a_value_row_by_row(call: Caller) -> None:
    """What a single update would refuse fails for each row."""
    ticket = await call.make("/tickets", title="a")
    result = await bulk(call, action="update", resource="tickets", ids=[ticket["id"]], data={"status": "gone"})
    assert (result["failed"], result["errors"][0]["code"]) == (1, "parameter_invalid")


async def test_bulk_update_without_data_is_refused(call: Caller) -> None:
    """There is nothing to do."""
    reply = await call("POST", "/bulk", {"action": "update", "resource": "tickets", "ids": ["tkt_1"]})
    assert (reply.status, reply.json["error"]["param"]) == (400, "data")


async def test_bulk_run_of_too_many_is_refused(call: Caller) -> None:
    """By the server, too, for those who have no client."""
    reply = await call("POST", "/bulk", {"action": "delete", "resource": "tickets", "ids": ["tkt_1"] * 101})
    assert (reply.status, reply.json["error"]["param"]) == (400, "ids")


async def test_repeated_bulk_run_with_one_key_is_done_once(call: Caller) -> None:
    """The second delete of a row would fail, so the same answer shows that there was none."""
    ticket = await call.make("/tickets", title="a")
    body = {"action": "delete", "resource": "tickets", "ids": [ticket["id"]]}
    first, second = [await call("POST", "/bulk", body, headers={"Idempotency-Key": "once"}) for _ in range(2)]
    assert (first.data["succeeded"], second.json) == (1, first.json)


JANE = {"name": "Jane", "email": "jane@example.com"}
JOHN = {"name": "John", "email": "john@example.com"}


async def imported(call: Caller, *records: object, **body: object) -> Any:
    """The result of an import of customers."""
    reply = await call("POST", "/import", {"resource": "customers", "records": list(records), **body})
    assert reply.status == 200, reply.json
    return reply.data


async def test_import_skips_customers_who_are_there(call: Caller) -> None:
    """They are known by their e-mail address, whatever its case; the stored row stays as it was."""
    await call.make("/customers", **JANE)
    result = await imported(call, {**JANE, "name": "J.", "email": "JANE@example.com"}, JOHN)
    assert (result["created"], result["updated"], result["skipped"], result["total"]) == (1, 0, 1, 2)
    assert [row["name"] for row in (await call("GET", "/customers")).data] == ["Jane", "John"]


async def test_import_skips_a_twin_within_it(call: Caller) -> None:
    """The first of the two is there by then."""
    result = await imported(call, JANE, JANE)
    assert (result["created"], result["skipped"]) == (1, 1)


async def test_import_with_another_strategy_changes_customers_who_are_there(call: Caller) -> None:
    """Which words there are besides `skip` is not documented."""
    await call.make("/customers", **JANE)
    result = await imported(call, {**JANE, "name": "J."}, mergeStrategy="overwrite")
    assert (result["created"], result["updated"]) == (0, 1)
    assert (await call("GET", "/customers")).data[0]["name"] == "J."


async def test_import_tells_of_records_that_a_create_would_refuse(call: Caller) -> None:
    """With their position."""
    result = await imported(call, JANE, {"name": "Nobody"}, JOHN)
    (error,) = result["errors"]
    assert (result["created"], error["index"], error["code"]) == (2, 1, "parameter_missing")


async def test_imported_ticket_is_like_one_that_was_created(call: Caller) -> None:
    """It has an id, a status and its first message."""
    record = {"title": "a", "initialMessage": "Hello"}
    await call("POST", "/import", {"resource": "tickets", "records": [record]})
    (ticket,) = (await call("GET", "/tickets")).data
    assert (ticket["status"], ticket["messageCount"]) == ("new", 1)


async def exported(call: Caller, *selections: object, **body: object) -> Any:
    """The answer to an export."""
    return await call("POST", "/export", {"resources": list(selections), **body})


async def test_export_gives_the_rows_by_kind(call: Caller) -> None:
    """As lists show them."""
    ticket, customer = await call.make("/tickets", title="a"), await call.make("/customers", **JANE)
    result = (await exported(call, {"type": "tickets"}, {"type": "customers"})).data
    assert (result["totalRows"], result["format"]) == (2, "json")
    assert {kind: [row["id"] for row in rows] for kind, rows in result["resources"].items()} == {
        "tickets": [ticket["id"]],
        "customers": [customer["id"]],
    }


@pytest.mark.parametrize("filters", [{"priority": "high"}, {"tags": "vip"}, {"priority": "high", "tags": "vip"}])
async def test_export_gives_the_rows_that_all_filters_let_through(call: Caller, filters: dict[str, object]) -> None:
    """A list has a value when one of its items is it."""
    await call.make("/tickets", title="a")
    wanted = await call.make("/tickets", title="b", priority="high", tags=["vip", "eu"])
    result = (await exported(call, {"type": "tickets", "filters": filters})).data
    assert [row["id"] for row in result["resources"]["tickets"]] == [wanted["id"]]


async def test_export_as_csv_is_a_bare_table(call: Caller) -> None:
    """The head has wire names; lists are JSON and null is nothing."""
    await call.make("/tickets", title='a, "b"', tags=["vip"])
    reply = await exported(call, {"type": "tickets"}, format="csv")
    head, row = reply.json.decode().splitlines()
    assert reply.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert head.startswith("id,object,title,status,priority,customerId,")
    assert row.split(",", 1)[1].startswith('ticket,"a, ""b""",new,normal,,,')
    assert '"[""vip""]"' in row


async def test_export_of_several_kinds_as_csv_is_refused(call: Caller) -> None:
    """A table has one head."""
    reply = await exported(call, {"type": "tickets"}, {"type": "customers"}, format="csv")
    assert (reply.status, reply.json["error"]["param"]) == (400, "resources")


async def test_export_stops_at_ten_thousand_rows(call: Caller, fake: FakeCStar) -> None:
    """Of each kind (documented)."""
    for start in range(0, 10_500, 500):
        records = [{"name": "a"} | {"title": f"{start + number}"} for number in range(500)]
        await call("POST", "/import", {"resource": "articles", "records": records})
    result = (await exported(call, {"type": "articles"})).data
    assert result["totalRows"] == 10_000
