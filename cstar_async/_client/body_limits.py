"""How many things one call may carry: the sizes of arrays in bodies, as the document states them."""

from __future__ import annotations

from typing import cast

from cstar_async._model.model import Model
from cstar_async._operations.operation import Limit, Operation
from cstar_async._types import JSONObject
from cstar_async.errors import InvalidArgumentError


def refuse_too_many(operation: Operation, body: Model | JSONObject | None) -> None:
    """See that no array of a body is longer than the operation allows.

    Raises:
        InvalidArgumentError: One is; the error names the field and its limit.
    """
    for limit in operation.limits:
        count = _length(_given(body, limit.field))
        if count > limit.most and _holds(limit, body):
            circumstance = "" if limit.when is None else f" where {limit.when[0]} is {limit.when[1]}"
            advice = "" if limit.instead is None else f"; {limit.instead}() takes any number"
            error = InvalidArgumentError(f"{limit.field}: at most {limit.most} at once{circumstance}, not {count}{advice}")
            error.operation = operation.id
            raise error


def _length(items: object) -> int:
    """How many items an array has; of anything else nothing is counted."""
    return len(cast("list[object] | tuple[object, ...]", items)) if isinstance(items, (list, tuple)) else 0


def _holds(limit: Limit, body: Model | JSONObject | None) -> bool:
    return limit.when is None or _given(body, limit.when[0]) == limit.when[1]


def _given(body: Model | JSONObject | None, field: str) -> object:
    """What a body says under a wire name."""
    if isinstance(body, Model):
        return next((getattr(body, attribute) for attribute, name in body.wire_names.items() if name == field), None)
    return None if body is None else body.get(field)
