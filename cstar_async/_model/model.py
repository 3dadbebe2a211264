"""The base class of all models: the wire names of the fields, and a `repr()` that is safe to log."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import ClassVar, Final

from cstar_async._model.open_enum import OpenEnum
from cstar_async._types import UntypedJSON, is_array
from cstar_async._values.repr import FieldRepr

_NUMBER: Final = re.compile(r"\b(int|float|bool)\b")


def _camel_case(name: str) -> str:
    first, *rest = name.strip("_").split("_")
    return first + "".join(word.capitalize() for word in rest)


class Model(FieldRepr):
    """Share what all generated models have in common. It has no fields of its own."""

    __slots__ = ()

    __wire_names__: ClassVar[Mapping[str, str]]
    """Attribute name to wire name, for every field of the document, in its order."""

    __keeps_null__: ClassVar[bool] = False
    """Whether None is sent as null. True for the models of requests, where null clears a field and UNSET is absent."""

    __identity__: ClassVar[str] = "id"
    """The attribute that identifies an object among those of its class."""

    __deprecated_fields__: ClassVar[frozenset[str]] = frozenset()
    """The wire names of the fields that are deprecated."""

    __deprecated_values__: ClassVar[Mapping[str, tuple[object, ...]]] = MappingProxyType({})
    """Wire name to the deprecated values of a field. Those of an `OpenEnum` are in its class."""

    @classmethod
    def __attrs_init_subclass__(cls) -> None:
        """Give the fields that a user's class adds their wire names. Generated classes state theirs."""
        if "__wire_names__" not in vars(cls):
            kind: UntypedJSON = cls
            names = [field.name for field in kind.__attrs_attrs__ if field.name != "extra"]
            cls.__wire_names__ = {name: cls.__wire_names__.get(name) or _camel_case(name) for name in names}

    def _all_fields(self) -> Iterable[tuple[str, object]]:
        extra: Mapping[str, object] = getattr(self, "extra", {})
        yield from ((name, getattr(self, name)) for name in self.__wire_names__)
        if extra:
            yield "extra", extra

    def _loggable_fields(self) -> Iterable[tuple[str, object]]:
        kind: UntypedJSON = type(self)
        for field in getattr(kind, "__attrs_attrs__", ()):
            value: UntypedJSON = getattr(self, field.name)
            if (field.name == self.__identity__ and isinstance(value, (str, int))) or isinstance(value, OpenEnum):
                yield field.name, value
            elif is_array(value):
                yield field.name, len(value)
            elif isinstance(value, (int, float)) and _NUMBER.search(str(field.type)):
                # By the declared type, because a phone number or a code can arrive as a number.
                yield field.name, value
