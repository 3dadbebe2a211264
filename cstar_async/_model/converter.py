"""The public `cattrs` converter. Nothing else of the package uses cattrs."""

from __future__ import annotations

from datetime import datetime
from typing import Final, get_args, get_origin

from cattrs import Converter

from cstar_async._model.codec import from_dict, to_dict
from cstar_async._model.decoding import format_datetime, parse_datetime
from cstar_async._model.model import Model
from cstar_async._model.open_enum import OpenEnum
from cstar_async._types import UntypedJSON
from cstar_async.errors import InvalidArgumentError


def _structure_str(value: UntypedJSON, target: type[OpenEnum | datetime]) -> UntypedJSON:
    structured = target.__decode__(value) if issubclass(target, OpenEnum) else parse_datetime(value)
    if not isinstance(structured, target):
        form = "a str" if issubclass(target, OpenEnum) else "a str with an ISO 8601 date and time"
        raise InvalidArgumentError(f"{target.__name__} must be {form}, got {type(value).__name__}")
    return structured


def _is_json(target: UntypedJSON) -> bool:
    """Return whether a type is `JSON`, whose forward references may be resolved."""
    members = {get_origin(member) or member for member in get_args(target)}
    return members == {dict, list, str, int, float, bool, type(None)}


def make_converter() -> Converter:
    """Return a converter with the hooks of this package."""
    made = Converter()
    made.register_structure_hook(Model, lambda value, model: from_dict(model, value))
    made.register_unstructure_hook(Model, to_dict)
    made.register_structure_hook(OpenEnum, _structure_str)
    made.register_unstructure_hook(OpenEnum, str)
    made.register_structure_hook(datetime, _structure_str)
    made.register_unstructure_hook(datetime, lambda value: format_datetime(value, "datetime"))
    made.register_structure_hook_func(_is_json, lambda value, _: value)
    return made


converter: Final = make_converter()
"""Structures and unstructures models, open enums and datetimes, also inside a user's attrs classes and collections.

`converter.structure(data, list[Ticket])` reads wire names and keeps unknown fields in `extra`; `converter.unstructure(ticket)` is
`to_dict(ticket)`. Data of another type raises `InvalidArgumentError`, and inside a user's class the error of cattrs that contains
it. Register further hooks on a copy: `converter.copy()`.
"""
