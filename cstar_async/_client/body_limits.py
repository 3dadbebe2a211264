"""How many things one call may carry: the sizes of arrays in bodies, as the document states them."""

from __future__ import annotations

from typing import cast

from cstar_async._model.model import Model
from cstar_async._operations.operation import Limit, Operation
from cstar_async._types import JSONObject
from cstar_async.errors import InvalidArgumentError


def check_item_limits(operation: Operation, body: Model | JSONObject | None) -> None:
    """See that no array of a body is longer than the operation allows.

    Raises:
        InvalidArgumentError: One is; the error names the field and its limit.
    """
    for limit in operation.limits:
        count = _length(_given(body, limit.field))
        if count > limit.max_items and _applies(limit, body):
            circumstance = "" if limit.condition is None else f" where {limit.condition[0]} is {limit.condition[1]}"
            advice = "" if limit.alternative is None else f"; {limit.alternative}() takes any number"
            error = InvalidArgumentError(f"{limit.field}: at most {limit.max_items} at once{circumstance}, not {count}{advice}")
            error.operation = operation.id
            raise error


def _length(items: object) -> int:
    """How many items an array has; of anything else nothing is counted."""
    return len(cast("list[object] | tuple[object, ...]", items)) if isinstance(items, (list, tuple)) else 0


def _applies(limit: Limit, body: Model | JSONObject | None) -> bool:
    return limit.condition is None or _given(body, limit.condition[0]) == limit.condition[1]


def _given(body: Model | JSONObject | None, field: str) -> object:
    """What a body says under a wire name."""
    if isinstance(body, Model):
        return next((getattr(body, attribute) for attribute, name in body.__wire_names__.items() if name == field), None)
    return None if body is None else body.get(field)
