"""Checks of a call by what the spec states about its operation: who may call it, its query, and the arrays of its body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from cstar_async._client.call import CallTarget
from cstar_async._model.argument_check import warn_if_misspelt
from cstar_async._model.model import Model
from cstar_async._model.open_enum import OpenEnum
from cstar_async._operations.operation import Limit, Operation, Scope
from cstar_async._types import UNSET, is_mapping
from cstar_async.errors import ConfigurationError, InvalidArgumentError


def check_query(operation: Operation, query: Mapping[str, object]) -> None:
    """Warn about values of enums that are not known, but close to a known one."""
    for name, known in operation.known_values.items():
        value = query.get(name, UNSET)
        if value is UNSET or value is None or (value.__class__ is str and value in known):
            continue
        values = cast("list[object] | tuple[object, ...]", value) if isinstance(value, (list, tuple)) else (value,)
        unknown = [one for one in values if isinstance(one, str) and one not in known and not isinstance(one, OpenEnum)]
        for one in dict.fromkeys(unknown):
            attribute = next(parameter.attribute for parameter in operation.parameters if parameter.name == name)
            warn_if_misspelt(attribute, one, known)


def check_can_write(target: CallTarget) -> None:
    """Refuse a write with a publishable key."""
    if target.method != "GET":
        error = ConfigurationError("a publishable key can only read; use a secret key (sk_live_… or sk_test_…) to write")
        error.operation = target.id
        raise error


def check_scope(operation: Operation, scope: Scope) -> None:
    """Refuse an operation of the other client class; those outside any team work with every key."""
    if operation.scope == "root" and scope == "team":
        return
    owner = "CStarLibrary" if operation.scope == "library" else "CStarClient"
    error = ConfigurationError(f"{operation.id} is an operation of {owner}; call it there")
    error.operation = operation.id
    raise error


def check_item_limits(operation: Operation, body: object) -> None:
    """Check that no array of a body is longer than the operation allows.

    Raises:
        InvalidArgumentError: One is longer; the error names the field and its limit.
    """
    for limit in operation.limits:
        items = _field(body, limit.field)
        count = len(cast("list[object] | tuple[object, ...]", items)) if isinstance(items, (list, tuple)) else 0
        if count > limit.max_items and _applies(limit, body):
            condition = "" if limit.condition is None else f" where {limit.condition[0]} is {limit.condition[1]}"
            advice = "" if limit.alternative is None else f"; {limit.alternative}() takes any number"
            error = InvalidArgumentError(f"{limit.field} must have at most {limit.max_items} items{condition}, got {count}{advice}")
            error.operation = operation.id
            raise error


def _applies(limit: Limit, body: object) -> bool:
    return limit.condition is None or _field(body, limit.condition[0]) == limit.condition[1]


def _field(body: object, wire_name: str) -> object:
    if isinstance(body, Model):
        return next((getattr(body, attribute) for attribute, name in body.__wire_names__.items() if name == wire_name), None)
    return body.get(wire_name) if is_mapping(body) else None
