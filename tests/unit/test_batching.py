"""Long arrays in several calls: what each call has, and how their results are merged."""

from __future__ import annotations

from typing import Any

import pytest

from cstar_async import InvalidArgumentError, RequestOptions, from_dict
from cstar_async import idempotency_key as derived_key
from cstar_async._generated.operations.bulk import RUN_BULK, RUN_BULK_BATCHES
from cstar_async._operations.batching import run_in_batches
from cstar_async._operations.operation import BatchPlan
from cstar_async.models import BatchError, BulkResult, BulkRun

PLAN = BatchPlan(operation=RUN_BULK, split="ids", size=2, add=("total", "succeeded", "failed"), join=("errors",), shift="index")
OPTIONS = RequestOptions(total_timeout=5)


class Executor:
    """Record the calls, and return results in their order."""

    def __init__(self, *results: dict[str, object]) -> None:
        self.results = list(results)
        self.bodies: list[Any] = []
        self.keys: list[str | None] = []
        self.others: list[Any] = []

    async def execute(self, operation: Any, result: Any, *, body: Any, idempotency_key: str | None, options: Any) -> Any:
        """Return the next result."""
        self.bodies.append(dict(body))
        self.keys.append(idempotency_key)
        self.others.append((operation, result, options))
        return from_dict(result, self.results.pop(0))


async def run(executor: Executor, ids: Any, key: str | None = "job", plan: BatchPlan = PLAN, **fields: Any) -> BulkResult:
    """Call the operation."""
    body = BulkRun(action="delete", resource="tickets", ids=ids, **fields)
    client: Any = executor
    return await run_in_batches(client, plan, BulkResult, body=body, idempotency_key=key, options=OPTIONS)


async def test_each_call_has_the_whole_body_with_a_part_of_the_array() -> None:
    """By wire names, without what was left out."""
    executor = Executor({}, {}, {})
    await run(executor, ["a", "b", "c", "d", "e"])
    common = {"action": "delete", "resource": "tickets"}
    assert [{**common, "ids": ["a", "b"]}, {**common, "ids": ["c", "d"]}, {**common, "ids": ["e"]}] == executor.bodies
    assert [derived_key("job", number) for number in range(3)] == executor.keys
    assert [(RUN_BULK, BulkResult, OPTIONS)] * 3 == executor.others


async def test_calls_without_a_key_have_derived_ones_of_a_new_one() -> None:
    """Two runs have different ones."""
    executor = Executor({}, {}, {}, {})
    await run(executor, ("a", "b", "c"), None)
    await run(executor, ("a", "b", "c"), None)
    assert 4 == len(set(executor.keys))
    assert None not in executor.keys


@pytest.mark.parametrize("key", ["", "a\nb"])
async def test_invalid_key_is_refused_before_the_first_call(key: str) -> None:
    """Although derived keys would be valid."""
    executor = Executor()
    with pytest.raises(InvalidArgumentError):
        await run(executor, ["a"], key)
    assert [] == executor.bodies


@pytest.mark.parametrize(("ids", "name"), [("tkt_1", "str"), (None, "NoneType"), ({"a"}, "set")])
async def test_what_is_no_list_is_refused(ids: Any, name: str) -> None:
    """The error names the argument and the type."""
    with pytest.raises(InvalidArgumentError) as caught:
        await run(Executor(), ids)
    assert f"ids must be a list or a tuple, got {name}" == caught.value.message


async def test_numbers_are_added_lists_joined_and_positions_shifted() -> None:
    """Results of the first call are those of the merged one."""
    executor = Executor(
        {"action": "delete", "total": 2, "failed": 1, "errors": [{"index": 1}, {"id": "x"}], "first": 1, "both": 1},
        {"action": "update", "total": 2, "errors": [{"index": 0}, "No.", 7], "both": 2},
        {"total": 1, "failed": 1, "errors": [{"index": 0}]},
    )
    result: Any = await run(executor, ["a", "b", "c", "d", "e"])
    assert ("delete", 5, 2, None) == (result.action, result.total, result.failed, result.succeeded)
    assert [
        BatchError(index=1),
        BatchError(id="x"),
        BatchError(index=2),
        BatchError(message="No."),
        7,
        BatchError(index=4),
    ] == result.errors
    assert {"first": 1, "both": 2} == result.extra


async def test_positions_that_are_none_stay() -> None:
    """Such as a str, or any position where the plan has none."""
    executor = Executor({}, {"errors": [{"index": "0"}, {"index": 1}]}, {}, {"errors": [{"index": 1}]})
    errors: Any = (await run(executor, ["a", "b", "c"])).errors
    assert ["0", 3] == [error.index for error in errors]
    plan = BatchPlan(operation=RUN_BULK, split="ids", size=2, add=(), join=("errors",))
    unshifted: Any = (await run(executor, ["a", "b", "c"], plan=plan)).errors
    assert [1] == [error.index for error in unshifted]


async def test_values_of_another_type_give_way() -> None:
    """Whichever call they came from; two numbers are not needed for a sum."""
    executor = Executor(
        {"total": None, "succeeded": "1", "failed": 3, "errors": "No."},
        {"total": 4, "succeeded": 5, "failed": "x", "errors": ["No."]},
    )
    result = await run(executor, ["a", "b", "c"])
    assert (4, 5, 3, [BatchError(message="No.")]) == (result.total, result.succeeded, result.failed, result.errors)


async def test_empty_array_takes_no_call() -> None:
    """Fields of the body are those of the result."""
    executor = Executor()
    result = await run(executor, [])
    expected: dict[str, object] = {"action": "delete", "resource": "tickets", "total": 0, "succeeded": 0, "failed": 0, "errors": []}
    assert from_dict(BulkResult, expected) == result
    assert [] == executor.bodies


async def test_misspelt_key_in_the_body_is_refused_before_the_first_call() -> None:
    """Wherever it is."""
    executor = Executor()
    with pytest.raises(InvalidArgumentError, match="'assignedTo', got 'assigned_to'") as caught:
        await run(executor, ["a"], data={"assigned_to": "mem_1"})
    assert (RUN_BULK.id, []) == (caught.value.operation, executor.bodies)


def test_bulk_runs_are_split_by_a_hundred() -> None:
    """As the API allows."""
    assert ("ids", 100, PLAN.add) == (RUN_BULK_BATCHES.split, RUN_BULK_BATCHES.size, RUN_BULK_BATCHES.add)
