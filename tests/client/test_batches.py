"""Calls that carry many things: how many at once, how more are split, and responses that are no JSON."""

from __future__ import annotations

from typing import Any

import pytest

from cstar_async import ConnectionFailedError, CStarClient, DecodeError, InvalidArgumentError, RequestOptions
from cstar_async import idempotency_key as derived_key
from cstar_async.api.bulk import run_bulk_batched
from cstar_async.models import BatchError, BulkResult, ExportResult, ImportResult
from cstar_async.testing import FakeCStar

from .conftest import MakeClient, Server, ok, raw

CSV = {"Content-Type": "text/csv; charset=utf-8"}


def bulk_result(total: int, failed: int = 0, **more: object) -> dict[str, object]:
    """What a server says of a bulk run."""
    counted = {"total": total, "succeeded": total - failed, "failed": failed, "errors": []}
    return {"object": "bulk_result", "action": "delete", "resource": "tickets", **counted, **more}


@pytest.mark.parametrize("kind", [list, tuple])
async def test_too_many_items_are_refused_before_sending(server: Server, client: CStarClient, kind: Any) -> None:
    """The error names the field, its limit, and the way out."""
    with pytest.raises(InvalidArgumentError) as caught:
        await client.bulk.run(action="delete", resource="tickets", ids=kind(["tkt_1"] * 140))
    assert str(caught.value).startswith("ids must have at most 100 items, got 140; bulk.run_batched() takes any number")
    assert server.requests == []


async def test_as_many_items_as_allowed_are_sent(server: Server, client: CStarClient) -> None:
    """The limit itself is no excess."""
    server.script(ok(bulk_result(100)))
    await client.bulk.run(action="delete", resource="tickets", ids=["tkt_1"] * 100)
    assert len(server.requests[0].json["ids"]) == 100


async def test_too_many_records_are_refused_before_sending(server: Server, client: CStarClient) -> None:
    """Every array with a limit is looked at."""
    with pytest.raises(InvalidArgumentError, match="records must have at most 500 items, got 501; imports"):
        await client.imports.run(resource="customers", records=[{}] * 501)
    assert server.requests == []


async def test_csv_of_several_resources_is_refused_before_sending(server: Server, client: CStarClient) -> None:
    """A limit may hold for one value of another field alone."""
    selections = [{"type": "tickets"}, {"type": "customers"}]
    with pytest.raises(InvalidArgumentError, match="resources must have at most 1 items where format is csv, got 2"):
        await client.exports.run(resources=selections, format="csv")
    assert server.requests == []
    server.script(ok({"format": "json", "totalRows": 0, "resources": {}}))
    assert isinstance(await client.exports.run(resources=selections), ExportResult)


async def test_bare_text_among_errors_is_a_message(server: Server, client: CStarClient) -> None:
    """Objects keep unknown fields, and a value that is neither is kept as received."""
    server.script(ok(bulk_result(3, 3, errors=["No such ticket", {"index": 1, "hint": "x"}, 7])))
    errors: Any = (await client.bulk.run(action="delete", resource="tickets", ids=["a", "b", "c"])).errors
    assert errors == [BatchError(message="No such ticket"), BatchError(index=1, extra={"hint": "x"}), 7]


async def test_any_number_is_split_and_the_results_are_added_up(server: Server, client: CStarClient) -> None:
    """In calls of at most the limit, one after the other, in the order given; positions count through all."""
    server.script(
        ok(bulk_result(100, 1, errors=[{"index": 7}])),
        ok(bulk_result(100, later="x")),
        ok(bulk_result(40, 2, errors=["No.", {"index": 0, "id": "tkt_200"}])),
    )
    ids = [f"tkt_{number}" for number in range(240)]
    result = await client.bulk.run_batched(action="delete", resource="tickets", ids=ids)
    assert [request.json["ids"] for request in server.requests] == [ids[:100], ids[100:200], ids[200:]]
    assert (result.total, result.succeeded, result.failed, result.extra) == (240, 237, 3, {"later": "x"})
    assert result.errors == [BatchError(index=7), BatchError(message="No."), BatchError(index=200, id="tkt_200")]


async def test_each_part_has_a_key_derived_from_the_given_one(server: Server, client: CStarClient) -> None:
    """So the parts differ, and a repetition has the same."""
    server.script(ok(bulk_result(100)), ok(bulk_result(20)))
    await client.bulk.run_batched(action="delete", resource="tickets", ids=["t"] * 120, idempotency_key="job-7")
    sent = [request.headers["idempotency-key"] for request in server.requests]
    assert sent == [derived_key("job-7", 0), derived_key("job-7", 1)]


async def test_parts_without_a_given_key_have_different_ones(server: Server, client: CStarClient) -> None:
    """Two runs share none either."""
    server.script(*(ok(bulk_result(100)) for _ in range(4)))
    for _ in range(2):
        await client.bulk.run_batched(action="delete", resource="tickets", ids=("t",) * 200)
    assert len({request.headers["idempotency-key"] for request in server.requests}) == 4


async def test_nothing_to_do_is_done_without_a_call(server: Server, client: CStarClient) -> None:
    """The result repeats what it can of the request, and counts zeros."""
    result = await client.bulk.run_batched(action="update", resource="tickets", ids=[], data={"status": "open"})
    assert result == BulkResult(action="update", resource="tickets", total=0, succeeded=0, failed=0, errors=[])
    assert server.requests == []


@pytest.mark.parametrize("ids", ["tkt_1", iter(["tkt_1"]), None, {"tkt_1"}])
async def test_what_is_no_list_is_not_split(server: Server, client: CStarClient, ids: Any) -> None:
    """Not even a str, which is a sequence."""
    with pytest.raises(InvalidArgumentError, match="ids must be a list or a tuple, got"):
        await client.bulk.run_batched(action="delete", resource="tickets", ids=ids)
    assert server.requests == []


async def test_key_that_cannot_be_one_is_refused_before_the_first_part(server: Server, client: CStarClient) -> None:
    """Not hidden by the derived ones."""
    with pytest.raises(InvalidArgumentError):
        await client.bulk.run_batched(action="delete", resource="tickets", ids=["t"], idempotency_key="")
    assert server.requests == []


async def test_splitting_function_is_the_method(server: Server, client: CStarClient) -> None:
    """`run_bulk_batched` lives beside the others."""
    server.script(ok(bulk_result(1)))
    assert (await run_bulk_batched(client, action="delete", resource="tickets", ids=["t"])).total == 1


async def test_whole_response_of_a_split_call_has_the_sum(server: Server, client: CStarClient) -> None:
    """With the circumstances of the last part."""
    server.script(ok(bulk_result(100)), ok(bulk_result(1)))
    response = await client.with_response(client.bulk.run_batched, action="delete", resource="tickets", ids=["t"] * 101)
    assert (response.data.total, response.idempotency_key) == (101, server.requests[1].headers["idempotency-key"])


async def test_odd_numbers_of_a_result_are_not_added(server: Server, client: CStarClient) -> None:
    """What came instead of a number, or of a list, gives way to what is one."""
    server.script(
        ok(bulk_result(100) | {"failed": None, "errors": None}),
        ok(bulk_result(1) | {"total": "one", "failed": 1, "errors": ["No."]}),
    )
    result = await client.bulk.run_batched(action="delete", resource="tickets", ids=["t"] * 101)
    assert (result.total, result.succeeded, result.failed, result.errors) == (100, 101, 1, [BatchError(message="No.")])


async def crash_and_repeat(fake: FakeCStar, when: str, **arguments: Any) -> ImportResult:
    """An import that breaks off in its second part, and is repeated as by another process."""

    def second(request: Any) -> bool:
        return len(fake.requests) == 2

    fake.faults.add(operation="run_import", match=second, drop="after" if when == "after" else "before")
    async with fake.client(max_retries=0) as cstar:
        with pytest.raises(ConnectionFailedError):
            await cstar.imports.run_batched(**arguments)
    async with fake.client() as cstar:
        return await cstar.imports.run_batched(**arguments)


@pytest.mark.parametrize("crash", ["before", "after"])
async def test_repeat_after_a_crash_doubles_nothing(crash: str) -> None:
    """Tickets have nothing that is unique, so only the keys keep them from being made twice."""
    records = [{"title": f"Ticket {number}"} for number in range(1_200)]
    async with FakeCStar(limits=False) as fake:
        result = await crash_and_repeat(fake, crash, resource="tickets", records=records, idempotency_key="migration-1")
        assert (result.total, result.created, result.errors) == (1_200, 1_200, [])
        async with fake.client() as cstar:
            titles = [ticket.title async for ticket in cstar.tickets.list()]
    assert sorted(titles) == sorted(record["title"] for record in records)


async def test_errors_of_a_split_import_name_the_record() -> None:
    """By its position in all that was given."""
    records: list[dict[str, object]] = [{"name": f"C{n}", "email": f"c{n}@example.com"} for n in range(700)]
    records[650] = {"name": "Nobody"}
    async with FakeCStar() as fake, fake.client() as cstar:
        result = await cstar.imports.run_batched(resource="customers", records=records)
    assert (result.created, [error.index for error in result.errors or ()]) == (699, [650])


async def test_csv_answer_is_a_text(server: Server, client: CStarClient) -> None:
    """The content type decides; a byte order mark is dropped and invalid bytes are replaced."""
    server.script(raw(b"\xef\xbb\xbfid,title\r\n1,J\xc3\xbcrgen\xff\r\n", headers=CSV))
    assert await client.exports.run(resources=[{"type": "tickets"}], format="csv") == "id,title\r\n1,Jürgen\ufffd\r\n"


async def test_json_answer_to_a_call_for_csv_is_an_object(server: Server, client: CStarClient) -> None:
    """The response decides, not the request."""
    server.script(ok({"format": "csv", "totalRows": 1, "resources": {}}))
    assert isinstance(await client.exports.run(resources=[{"type": "tickets"}], format="csv"), ExportResult)


@pytest.mark.parametrize("content_type", ["text/plain", "text/html", ""])
async def test_text_of_another_kind_is_no_answer(server: Server, client: CStarClient, content_type: str) -> None:
    """A page of a proxy is not taken for an export."""
    server.script(raw(b"<html>", headers={"Content-Type": content_type}))
    with pytest.raises(DecodeError):
        await client.exports.run(resources=[{"type": "tickets"}], format="csv")


async def test_text_is_the_data_of_a_response(server: Server, client: CStarClient) -> None:
    """With everything else that a response says."""
    server.script(raw(b"id\r\n", headers=CSV))
    response = await client.with_response(client.exports.run, resources=[{"type": "tickets"}], format="csv")
    assert (response.data, response.status, response.request_id) == ("id\r\n", 200, None)


async def test_deadline_of_a_split_call_is_that_of_a_part(server: Server, make_client: MakeClient) -> None:
    """Options go with each part."""
    server.script(ok(bulk_result(100)), ok(bulk_result(1)))
    options = RequestOptions(headers={"X-Job": "7"}, total_timeout=30)
    await make_client().bulk.run_batched(action="delete", resource="tickets", ids=["t"] * 101, options=options)
    assert [request.headers["x-job"] for request in server.requests] == ["7", "7"]
