"""Many calls as one: an array that is too long for a call is split, and the results are added up.

The calls are made one after the other, each under an idempotency key that is derived from the caller's key and the number of the
call. The same arguments are split in the same way, so whoever repeats the whole after a crash repeats each call under its key: what
was done is answered from the server's memory, what was not is done.
"""

from __future__ import annotations

from typing import TypeVar, cast

import attrs

from cstar_async._model.codec import decode_item, to_wire
from cstar_async._model.model import Model
from cstar_async._operations.executor import OperationExecutor
from cstar_async._operations.operation import BatchPlan
from cstar_async._protocol.idempotency import idempotency_key as derived_key
from cstar_async._protocol.idempotency import new_key, validate_key
from cstar_async._types import RequestOptions, UntypedJSON, is_array, is_int
from cstar_async.errors import InvalidArgumentError

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
    """Carry an operation out for an array of any length.

    Args:
        executor: The executor of the client.
        plan: The operation, and how its calls become one.
        result: The class of its result.
        body: The body of a call that had no limit.
        idempotency_key: What the key of each call is derived from; None: one is made.
        options: Settings for each of the calls.

    Returns:
        The sum of all results. Without items nothing is called, and the result is made up of zeros.

    Raises:
        InvalidArgumentError: The array is none, or the key cannot be one.
    """
    given: UntypedJSON = getattr(body, plan.split)
    if not isinstance(given, (list, tuple)):
        raise InvalidArgumentError(f"{plan.split} is a list or a tuple, not {type(given).__name__}")
    items = list(cast("list[object]", given))
    key = new_key() if idempotency_key is None else validate_key(idempotency_key)
    whole = None if items else _zero(plan, result, body)
    for number, start in enumerate(range(0, len(items), plan.size)):
        part = attrs.evolve(cast("UntypedJSON", body), **{plan.split: items[start : start + plan.size]})
        found = await executor.execute(plan.operation, result, body=part, idempotency_key=derived_key(key, number), options=options)
        _offset_positions(plan, found, start)
        whole = found if whole is None else _merge(plan, whole, found)
    return cast("M", whole)


def _zero(plan: BatchPlan, result: type[M], body: Model) -> M:
    """The result of doing nothing: what it repeats of the body, and zeros."""
    wire: dict[str, UntypedJSON] = {}
    for attribute, name in result.__wire_names__.items():
        if attribute in plan.add:
            wire[name] = 0
        elif attribute in plan.join:
            wire[name] = []
        elif attribute in type(body).__wire_names__:
            wire[name] = to_wire(getattr(body, attribute))
    return decode_item(result, wire)


def _offset_positions(plan: BatchPlan, found: Model, start: int) -> None:
    """Count the positions in a result through the whole array."""
    if plan.shift is None:
        return
    for name in plan.join:
        for item in _listed(getattr(found, name)):
            position = getattr(item, plan.shift, None)
            if is_int(position):
                setattr(item, plan.shift, position + start)


def _merge(plan: BatchPlan, whole: M, found: M) -> M:
    """Two results as one. What is no number, or no list, gives way to what is."""
    for name in plan.add:
        first, second = getattr(whole, name), getattr(found, name)
        if is_int(second):
            setattr(whole, name, first + second if is_int(first) else second)
    for name in plan.join:
        setattr(whole, name, [*_listed(getattr(whole, name)), *_listed(getattr(found, name))])
    extra: UntypedJSON = {**getattr(whole, "extra", {}), **getattr(found, "extra", {})}
    return attrs.evolve(cast("UntypedJSON", whole), extra=extra) if extra else whole


def _listed(value: UntypedJSON) -> list[UntypedJSON]:
    return value if is_array(value) else []
