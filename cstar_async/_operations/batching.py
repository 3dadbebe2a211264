"""Batching: split an array that is too long for one call, and merge the results.

The calls are sent one after the other. Each has an idempotency key derived from the caller's key and its number. The same arguments
are split in the same way, so the whole can be repeated after a crash: calls that were done return their first response.
"""

from __future__ import annotations

from typing import TypeVar, cast

import attrs

from cstar_async._model.argument_check import check_body
from cstar_async._model.codec import decode_item, to_wire
from cstar_async._model.model import Model
from cstar_async._operations.executor import OperationExecutor
from cstar_async._operations.operation import BatchPlan
from cstar_async._protocol.idempotency import idempotency_key as derived_key
from cstar_async._protocol.idempotency import new_key, validate_key
from cstar_async._types import UNSET, RequestOptions, UntypedJSON, is_array, is_int
from cstar_async._values.validation import check_instance

M = TypeVar("M", bound=Model)


async def run_in_batches(
    executor: OperationExecutor,
    plan: BatchPlan,
    result: type[M],
    /,
    *,
    body: Model,
    idempotency_key: str | None,
    options: RequestOptions | None,
) -> M:
    """Call an operation for an array of any length, and return the merged result.

    For an empty array nothing is sent, and all numbers are 0. The keys of the calls are derived from *idempotency_key*.

    Raises:
        InvalidArgumentError: The array is no list or tuple, the key is invalid, or an item has a misspelt key. Nothing was sent.
    """
    given: UntypedJSON = getattr(body, plan.split)
    check_instance(plan.split, given, (list, tuple), "a list or a tuple", is_private=True)
    check_body(body, plan.operation.id)
    items: list[object] = list(given)
    key = new_key() if idempotency_key is None else validate_key(idempotency_key)
    merged = None if items else _empty_result(plan, result, body)
    fields = {name: getattr(body, attribute) for attribute, name in body.__wire_names__.items()}
    wire: dict[str, UntypedJSON] = {name: value for name, value in fields.items() if value is not UNSET}
    for number, start in enumerate(range(0, len(items), plan.size)):
        batch = {**wire, body.__wire_names__[plan.split]: items[start : start + plan.size]}  # a mapping is not checked again
        part = await executor.execute(plan.operation, result, body=batch, idempotency_key=derived_key(key, number), options=options)
        _offset_positions(plan, part, start)
        merged = part if merged is None else _merge(plan, merged, part)
    return cast("M", merged)


def _empty_result(plan: BatchPlan, result: type[M], body: Model) -> M:
    """Return the result of no calls: fields of the body, zeros and empty lists."""
    wire: dict[str, UntypedJSON] = {}
    for attribute, name in result.__wire_names__.items():
        if attribute in plan.add:
            wire[name] = 0
        elif attribute in plan.join:
            wire[name] = []
        elif attribute in type(body).__wire_names__:
            wire[name] = to_wire(getattr(body, attribute))
    return decode_item(result, wire)


def _offset_positions(plan: BatchPlan, part: Model, start: int) -> None:
    """Change positions in a batch to positions in the whole array."""
    if plan.shift is None:
        return
    for name in plan.join:
        for item in _list_or_empty(getattr(part, name)):
            position = getattr(item, plan.shift, None)
            if is_int(position):
                setattr(item, plan.shift, position + start)


def _merge(plan: BatchPlan, merged: M, part: M) -> M:
    """Merge two results. A value of an unexpected type is replaced by one of the expected type."""
    for name in plan.add:
        first, second = getattr(merged, name), getattr(part, name)
        if is_int(second):
            setattr(merged, name, first + second if is_int(first) else second)
    for name in plan.join:
        setattr(merged, name, [*_list_or_empty(getattr(merged, name)), *_list_or_empty(getattr(part, name))])
    extra: UntypedJSON = {**getattr(merged, "extra", {}), **getattr(part, "extra", {})}
    return attrs.evolve(cast("UntypedJSON", merged), extra=extra) if extra else merged


def _list_or_empty(value: UntypedJSON) -> list[UntypedJSON]:
    return value if is_array(value) else []
