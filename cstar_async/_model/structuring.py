"""Structure responses as classes that the caller names: models, or anything that the public converter can make."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, TypeVar, cast

from cstar_async._model.codec import find_decoder
from cstar_async._model.model import Model
from cstar_async._types import UntypedJSON, is_object
from cstar_async._values.validation import invalid

T = TypeVar("T")

_KEY: Final = re.compile(r"\[['\"]")
"""The beginning of a key of a mapping in a path: the repr of a str, in either quotes."""


class StructureError(Exception):
    """A value is not what the class needs. Its text is the JSON path of the first part that is not; it shows no value."""


def structure_as(model: type[T]) -> Callable[[UntypedJSON], T]:
    """Return the function that makes a *model* of parsed JSON; it raises `StructureError`.

    Raises:
        InvalidArgumentError: *model* is no class that the converter can make.
    """
    decode = find_decoder(model)
    if decode is not None:
        return _with_check(decode)
    target = cast("object", model)
    if isinstance(target, type) and issubclass(target, Model):
        raise invalid("model", "a class of a generated package, or an attrs class", model)
    from cattrs import transform_error

    from cstar_async._model.converter import converter

    try:
        hook = converter.get_structure_hook(model)
    except Exception:
        raise invalid("model", "a class that `converter` can structure", model) from None

    def structure(value: UntypedJSON) -> T:
        try:
            made: T = hook(value, model)
        except Exception as error:
            path = transform_error(error, "", lambda _error, _type: "")[0].partition("@ ")[2]
        else:
            return made
        raise StructureError(_KEY.split(path)[0])  # keys of a mapping can be anything, such as e-mail addresses

    return structure


def _with_check(decode: Callable[[dict[str, UntypedJSON]], T]) -> Callable[[UntypedJSON], T]:
    """Return a decoder that refuses what is no object."""

    def structure(value: UntypedJSON) -> T:
        if not is_object(value):
            raise StructureError("")
        return decode(value)

    return structure
