"""Conversion of models and plain values to JSON and back. Decoding is tolerant and generated, encoding is strict."""

from __future__ import annotations

import enum
import math
import sys
from collections.abc import Callable, Mapping
from datetime import date, datetime
from types import GenericAlias, NoneType
from typing import Final, TypeVar, cast
from uuid import UUID

import attrs
import orjson

from cstar_async._model.decoding import format_datetime
from cstar_async._model.model import Model
from cstar_async._types import JSON, UNSET, JSONObject, UntypedJSON, is_mapping, is_object
from cstar_async._values.validation import TOO_DEEP, invalid
from cstar_async.errors import InvalidArgumentError

T = TypeVar("T")

_PLAIN: Final = frozenset({str, int, bool, NoneType})
"""What is in JSON as it is."""


def decode_item(item_type: type[T], data: dict[str, UntypedJSON]) -> T:
    """Decode an object, with the generated decoder in the module of its class. Free JSON, `dict[str, JSON]`, stays as it is."""
    if isinstance(item_type, GenericAlias):
        return cast("T", data)
    decoder: Callable[[dict[str, UntypedJSON]], T] = sys.modules[item_type.__module__].DECODERS[item_type]
    return decoder(data)


def decode_items(item_type: type[T], data: list[UntypedJSON]) -> list[T]:
    """Decode the objects of a list. Free JSON stays as it is, and so do values that are no objects."""
    if isinstance(item_type, GenericAlias):
        return cast("list[T]", data)
    decode: Callable[[dict[str, UntypedJSON]], UntypedJSON] = sys.modules[item_type.__module__].DECODERS[item_type]
    return [decode(item) if item.__class__ is dict else item for item in data]


def from_dict(model: type[T], data: JSONObject) -> T:
    """Read a model from its wire form; the inverse of `to_dict`.

    Unknown fields are kept in `extra`. Missing fields and nulls become None. A value of an unexpected type stays as it is.

    Args:
        model: A class of `cstar_async.models` or of `cstar_async.webhooks`, or an attrs class of yours that inherits from one. A
            field that it adds has its name in camel case on the wire. Its value is the JSON value, passed through its `converter`.
        data: A JSON object with wire names, such as a stored webhook or the result of `to_dict`.

    Raises:
        InvalidArgumentError: *model* is no such class, or *data* is no mapping.
    """
    decode = find_decoder(model)
    if decode is None:
        raise invalid("model", "a class of cstar_async.models", model)
    if not is_mapping(data):
        raise InvalidArgumentError(f"data of {model.__name__} must be a mapping, got {type(data).__name__}")
    fields: UntypedJSON = dict(data)
    return decode(fields)


def find_decoder(model: type[T]) -> Callable[[dict[str, UntypedJSON]], T] | None:
    """Return the decoder of a generated class or of a class that inherits from one; None for anything else."""
    target = cast("object", model)
    if not isinstance(target, type) or not issubclass(target, Model):
        return None
    for base in target.__mro__:
        decode: Callable[[dict[str, UntypedJSON]], T] | None = getattr(sys.modules.get(base.__module__), "DECODERS", {}).get(base)
        if decode is not None:
            return decode if base is target else _decoder_of_subclass(model, decode)
    return None


def _decoder_of_subclass(model: type[T], decode: Callable[[dict[str, UntypedJSON]], T]) -> Callable[[dict[str, UntypedJSON]], T]:
    kind: UntypedJSON = model

    def decode_subclass(data: dict[str, UntypedJSON]) -> T:
        base: UntypedJSON = decode(data)
        extra = dict(base.extra)
        values: dict[str, UntypedJSON] = {}
        for field in kind.__attrs_attrs__:
            wire = kind.__wire_names__.get(field.name)
            if hasattr(base, field.name):
                values[field.alias] = getattr(base, field.name)
            elif field.init and (wire in extra or field.default is attrs.NOTHING):
                values[field.alias] = extra.pop(wire, None)
        return model(**{**values, "extra": extra})

    return decode_subclass


def to_dict(model: Model) -> dict[str, JSON]:
    """Return the wire form of a model: wire names, datetimes as str, unknown fields included, None left out.

    In the models of requests an explicit None is kept as null, because there it clears the field.

    Args:
        model: An instance of a class of `cstar_async.models` or of `cstar_async.webhooks`.

    Raises:
        InvalidArgumentError: *model* is no model, has a value that JSON cannot hold, or contains itself.
    """
    given = cast("object", model)
    if not isinstance(given, Model):
        raise InvalidArgumentError(f"model must be an instance of a model class, got {type(model).__name__}")
    try:
        return _model_to_wire(given, "$")
    except RecursionError:
        raise InvalidArgumentError(f"model must be of limited depth, got {TOO_DEEP}") from None


def _model_to_wire(model: Model, where: str) -> dict[str, JSON]:
    wire: dict[str, JSON] = {}
    for attribute, name in model.__wire_names__.items():
        value = getattr(model, attribute)
        if value is UNSET or (value is None and not model.__keeps_null__):
            continue
        wire[name] = value if value.__class__ in _PLAIN else to_wire(value, f"{where}.{name}")
    extra: dict[str, object] = getattr(model, "extra", {})
    for name, value in extra.items():
        if name not in wire:
            wire[name] = to_wire(value, f"{where}.{name}")
    return wire


def to_wire(value: object, where: str = "$") -> JSON:
    """Convert any value that a caller may pass to JSON values; *where* is its path, for errors."""
    if value.__class__ in _PLAIN:
        return cast("JSON", value)
    if isinstance(value, Model):
        return _model_to_wire(value, where)
    if isinstance(value, datetime):
        return format_datetime(value, where)
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidArgumentError(f"{where} must be a finite number, got {value}")
    if isinstance(value, Mapping):
        return _mapping_to_wire(cast("Mapping[object, object]", value), where)
    if isinstance(value, (list, tuple)):
        items = cast("list[object] | tuple[object, ...]", value)
        return [to_wire(item, f"{where}[{index}]") for index, item in enumerate(items)]
    return _scalar_to_wire(value, where)


def _scalar_to_wire(value: object, where: str) -> JSON:
    if value is not UNSET and isinstance(value, enum.Enum):
        return to_wire(value.value, where)
    if isinstance(value, (date, UUID)):
        return str(value)
    for plain in (str, int, float):
        if isinstance(value, plain):
            return plain(value)
    raise InvalidArgumentError(f"{where} must be a JSON value, got {type(value).__name__}")


def _mapping_to_wire(value: Mapping[object, object], where: str) -> dict[str, JSON]:
    wire: dict[str, JSON] = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise InvalidArgumentError(f"{where} must have keys of type str, got {type(key).__name__}")
        wire[str(key)] = cast("JSON", item) if item.__class__ in _PLAIN else to_wire(item, f"{where}.{key}")
    return wire


def encode_body(body: object, extra: JSONObject | None) -> bytes:
    """Encode a request body. The fields of *extra* are added to it by wire name, and override its own."""
    try:
        wire = to_wire(body)
        if extra:
            if not is_mapping(extra):
                raise InvalidArgumentError(f"extra_body must be a mapping, got {type(extra).__name__}")
            if not is_object(wire):
                raise InvalidArgumentError(f"the body must be an object to take extra_body, got {type(body).__name__}")
            wire.update(_mapping_to_wire(extra, "$"))
        return orjson.dumps(wire)
    except RecursionError:
        raise InvalidArgumentError(f"the body must be of limited depth, got {TOO_DEEP}") from None
    except orjson.JSONEncodeError as error:
        # Its message names types and limits (integers beyond 64 bits, broken surrogates), never values.
        raise InvalidArgumentError(f"the body must be JSON, got a value that has none: {error}") from None
