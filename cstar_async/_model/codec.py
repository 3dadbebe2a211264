"""Between Python and the wire: models from parsed JSON, and JSON from models and plain values.

Free JSON has no class of its own: where `dict[str, JSON]` is asked for, what came is handed out.

Reading is left to the generated decoders, which are registered with cattrs class by class as they are met; nothing is checked and
nothing coerced there. Writing is strict: what JSON cannot hold is refused with the place where it stands.
"""

from __future__ import annotations

import enum
import functools
import math
import sys
from collections.abc import Callable, Mapping
from datetime import date, datetime
from types import GenericAlias
from typing import TYPE_CHECKING, TypeGuard, TypeVar, cast
from uuid import UUID

import orjson

from cstar_async._model.decoding import format_datetime
from cstar_async._model.model import Model
from cstar_async._types import JSON, UNSET, JSONObject, UntypedJSON, is_mapping, is_object, json_type_name
from cstar_async.errors import InvalidArgumentError

if TYPE_CHECKING:
    import cattrs

T = TypeVar("T")


@functools.cache
def converter() -> cattrs.Converter:
    """The converter of this package, made when the first model is read. It is set up here and never changed afterwards."""
    import cattrs

    made = cattrs.Converter(detailed_validation=False)
    made.register_structure_hook_factory(_is_model, _structure_hook)
    made.register_unstructure_hook_factory(_is_model, _unstructure_hook)
    return made


def _is_model(kind: UntypedJSON) -> bool:
    return isinstance(kind, type) and issubclass(kind, Model)


def _is_model_object(value: object) -> TypeGuard[Model]:
    return isinstance(value, Model)


def _structure_hook(kind: type[Model]) -> Callable[[UntypedJSON, UntypedJSON], UntypedJSON]:
    """The generated decoder of a model class, in the form of a cattrs hook."""
    decode = _generated_decoder(kind)

    def hook(value: UntypedJSON, _: UntypedJSON) -> UntypedJSON:
        return decode(value) if is_object(value) else value

    return hook


def _generated_decoder(kind: type[object]) -> Callable[[dict[str, UntypedJSON]], UntypedJSON]:
    """The function that was generated to read a model class. It stands in the module of the class."""
    decoders: Mapping[type[object], Callable[[dict[str, UntypedJSON]], UntypedJSON]] = sys.modules[kind.__module__].DECODERS
    return decoders[kind]


def _unstructure_hook(_: type[Model]) -> Callable[[Model], dict[str, JSON]]:
    return model_to_wire


def decoder(kind: type[T]) -> Callable[[UntypedJSON], T]:
    """What reads a value of a class from parsed JSON: the hook that cattrs keeps for it."""
    hook: Callable[[UntypedJSON, type[T]], T] = converter().get_structure_hook(kind)
    return lambda value: hook(value, kind)


def read_row(kind: type[T], row: dict[str, UntypedJSON]) -> T:
    """A model from an object. The hook of cattrs would do the same, at the price of four more calls."""
    if isinstance(kind, GenericAlias):
        return cast("T", row)
    read: Callable[[UntypedJSON], T] = sys.modules[kind.__module__].DECODERS[kind]
    return read(row)


def read_rows(kind: type[T], rows: list[UntypedJSON]) -> list[T]:
    """The rows of a list of models; what is no object stays as it came."""
    if isinstance(kind, GenericAlias):
        return cast("list[T]", rows)
    decode = _generated_decoder(kind)
    return [decode(row) if row.__class__ is dict else row for row in rows]


def from_dict(kind: type[T], data: JSONObject) -> T:
    """Read a model from its wire form, the inverse of `to_dict`.

    Unknown fields are kept in `extra`; missing ones and null become None; values of an unexpected type are passed through as they
    are.

    Args:
        kind: A class of `cstar_async.models`.
        data: A JSON object with wire names, such as a stored webhook or the result of `to_dict`.

    Raises:
        InvalidArgumentError: *kind* is no class of a model, or *data* is not a mapping.
    """
    if not _is_model(kind):
        raise InvalidArgumentError(f"from_dict() makes objects of the classes of models, not {kind!r}")
    if not is_mapping(data):
        raise InvalidArgumentError(f"{kind.__name__} is read from an object, not from {json_type_name(data)}")
    return decoder(kind)(dict(data))


def to_dict(model: Model) -> dict[str, JSON]:
    """The wire form of a model: wire names, instants as text, unknown fields included, nulls left out.

    In the models of requests an explicit None is kept, because there it clears the field.

    Args:
        model: An object of a class of `cstar_async.models`.

    Raises:
        InvalidArgumentError: *model* is no model, holds a value that JSON cannot hold, or contains itself.
    """
    if not _is_model_object(model):
        raise InvalidArgumentError(f"to_dict() takes a model, not {type(model).__name__}")
    try:
        return cast("dict[str, JSON]", converter().unstructure(model))
    except RecursionError:
        raise InvalidArgumentError("the model contains itself, or is nested too deeply for JSON") from None


def model_to_wire(model: Model, where: str = "$") -> dict[str, JSON]:
    """A model as JSON values."""
    wire: dict[str, JSON] = {}
    kind = type(model)
    for attribute, name in kind.__wire_names__.items():
        value = getattr(model, attribute)
        if value is UNSET or (value is None and not kind.__keeps_null__):
            continue
        wire[name] = to_wire(value, f"{where}.{name}")
    extra: dict[str, object] = getattr(model, "extra", {})
    for name, value in extra.items():
        if name not in wire:
            wire[name] = to_wire(value, f"{where}.{name}")
    return wire


def to_wire(value: object, where: str = "$") -> JSON:
    """Any value that a caller may give as JSON values.

    Raises:
        InvalidArgumentError: It is not JSON; the error names the place.
    """
    if value is None or value.__class__ in {str, int, bool}:
        return cast("JSON", value)
    if isinstance(value, Model):
        return model_to_wire(value, where)
    if isinstance(value, datetime):
        return format_datetime(value, where)
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidArgumentError(f"{where}: {value} is not JSON")
    if isinstance(value, Mapping):
        return _mapping_to_wire(cast("Mapping[object, object]", value), where)
    if isinstance(value, (list, tuple)):
        items = cast("list[object] | tuple[object, ...]", value)
        return [to_wire(item, f"{where}[{index}]") for index, item in enumerate(items)]
    return _scalar_to_wire(value, where)


def _scalar_to_wire(value: object, where: str) -> JSON:
    """A single value that JSON has no word for but a usual form."""
    if value is not UNSET and isinstance(value, enum.Enum):
        return to_wire(value.value, where)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    for plain in (str, int, float):
        if isinstance(value, plain):
            return plain(value)
    raise InvalidArgumentError(f"{where}: {type(value).__name__} is not JSON")


def _mapping_to_wire(value: Mapping[object, object], where: str) -> dict[str, JSON]:
    wire: dict[str, JSON] = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise InvalidArgumentError(f"{where}: a key of a JSON object is a text, not {type(key).__name__}")
        wire[str(key)] = to_wire(item, f"{where}.{key}")
    return wire


def encode_body(body: object, extra: JSONObject | None) -> bytes:
    """A request body as bytes.

    Args:
        body: A model, or any value that JSON can hold.
        extra: Fields to send beside those of *body*, by wire name; they go over them.

    Raises:
        InvalidArgumentError: Something in it is not JSON, or there is no object for *extra* to go into.
    """
    try:
        wire = to_wire(body)
        if extra:
            if not is_mapping(extra):
                raise InvalidArgumentError("extra_body is a mapping of names to JSON values")
            if not isinstance(wire, dict):
                raise InvalidArgumentError("extra_body needs a JSON object to go into")
            wire.update(_mapping_to_wire(extra, "$"))
        return orjson.dumps(wire)
    except RecursionError:
        raise InvalidArgumentError("the body contains itself, or is nested too deeply for JSON") from None
    except orjson.JSONEncodeError as error:
        # Its text speaks of types and limits (integers beyond 64 bits, broken surrogates), never of values.
        raise InvalidArgumentError(f"the body is not JSON: {error}") from None
