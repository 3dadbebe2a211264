"""What generated decoders are made of: readers of single values, lists and maps from their wire form.

The document's types are promises of the server. What keeps the promise is read; what does not is passed through as it came.
Nothing here coerces, and nothing here raises.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NoReturn, Protocol, Self, TypeVar

from cstar_async._types import JSON, UntypedJSON, is_array, is_object
from cstar_async.errors import InvalidArgumentError

T = TypeVar("T")


class _New(Protocol):
    def __call__(self, kind: type[T], /) -> T: ...


new_instance: Final[_New] = object.__new__
"""An instance without a call of `__init__`: the decoder sets every field itself, which is twice as fast."""


_parse_instant: Final = datetime.fromisoformat
_LONGEST_DAY: Final = 10
"""Characters of a day in any form that Python reads: `2026-03-01`, `2026-W09-7`, `20260301`."""


def parse_datetime(value: UntypedJSON) -> UntypedJSON:
    """A text in ISO 8601 as an aware datetime, in UTC where it names no offset; anything else as it came.

    A day without a time of day is no instant, and stays a text: the midnight that Python reads it as was not said.
    """
    try:
        instant = _parse_instant(value)
    except (TypeError, ValueError):
        return value
    if instant.tzinfo is not None:
        return instant
    return instant.replace(tzinfo=UTC) if len(value) > _LONGEST_DAY else value


def read_list(read: Callable[[dict[str, UntypedJSON]], UntypedJSON], value: UntypedJSON) -> UntypedJSON:
    """A list of which the objects are read; anything else as it came."""
    return [read(item) if is_object(item) else item for item in value] if is_array(value) else value


def read_values(read: Callable[[UntypedJSON], UntypedJSON], value: UntypedJSON) -> UntypedJSON:
    """A list of which every item is read, whatever it is; anything else as it came."""
    return [read(item) for item in value] if is_array(value) else value


def read_map(read: Callable[[dict[str, UntypedJSON]], UntypedJSON], value: UntypedJSON) -> UntypedJSON:
    """An object with free keys, of which the values that are objects are read; anything else as it came."""
    return {key: read(item) if is_object(item) else item for key, item in value.items()} if is_object(value) else value


class _FrozenEmptyDict(dict[str, JSON]):
    """An empty mapping that stays empty, so that a hundred thousand models can share one."""

    __slots__ = ()

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("the unknown fields of a model are read, not written; make the model with extra=")

    if not TYPE_CHECKING:  # one refusal for all their signatures
        __setitem__ = __delitem__ = __ior__ = update = setdefault = pop = popitem = clear = _refuse

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _: object) -> Self:
        return self

    def __reduce__(self) -> str:
        return "EMPTY_EXTRA"


EMPTY_EXTRA: Final = _FrozenEmptyDict()
"""The unknown fields of a model that has none."""


def pop_unknown_fields(known: Mapping[str, UntypedJSON], found: dict[str, UntypedJSON]) -> dict[str, JSON]:
    """The fields that the document does not know, as they came, taken out of the union of those that it knows and those that came.

    A union keeps the order of its first part, so that what is left is as many values as the document knows fields, in its order.
    """
    return {key: found.pop(key) for key in list(found)[len(known) :]}


def select_reader(readers: Mapping[str, T], tag: UntypedJSON, fallback: T) -> T:
    """The reader that a tag asks for; the fallback for a tag that is unknown, missing or no text."""
    return readers.get(tag, fallback) if isinstance(tag, str) else fallback


def no_items() -> list[UntypedJSON]:
    """The empty list that a field begins with."""
    return []


def format_datetime(value: datetime, where: str) -> str:
    """An instant as the API writes it: UTC with a Z; fractions of a second only where there are some.

    Raises:
        InvalidArgumentError: It has no time zone, so it names no instant.
    """
    if value.tzinfo is None or value.utcoffset() is None:
        raise InvalidArgumentError(f"{where}: an instant needs a time zone, such as datetime.now(UTC)")
    try:
        utc = value.astimezone(UTC)
    except OverflowError:
        return value.isoformat()  # within a day of the first or last year there is no UTC form
    precision = "seconds" if utc.microsecond == 0 else "milliseconds" if utc.microsecond % 1000 == 0 else "microseconds"
    return utc.replace(tzinfo=None).isoformat(timespec=precision) + "Z"
