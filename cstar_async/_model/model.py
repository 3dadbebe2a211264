"""What every generated model shares: a careful repr, and the names that its fields have on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from cstar_async._model.open_enum import OpenEnum


class Model:
    """The common ancestor of all generated models. It holds no data of its own."""

    __slots__ = ()

    __wire_names__: ClassVar[Mapping[str, str]]
    """Attribute name to wire name, for every field of the document, in its order."""

    __keeps_null__: ClassVar[bool] = False
    """Whether None is written as null. True for the models of requests, where null clears a field; absent is UNSET there."""

    __identity__: ClassVar[str] = "id"
    """The attribute that tells one object from another of its kind."""

    def __repr__(self) -> str:
        """The class, the identity and the enum fields: enough to find an object, nothing that belongs to a person."""
        shown: list[str] = []
        for attribute in self.__wire_names__:
            value = getattr(self, attribute)
            if (attribute == self.__identity__ and value is not None) or isinstance(value, OpenEnum):
                shown.append(f"{attribute}={value!r}")
        return f"{type(self).__name__}({', '.join(shown)})"
