"""Helpers of the generated decoders. They pass on a value of another type than the document states, and never raise or coerce."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final, NoReturn, Protocol, Self, TypeAlias, TypeVar

import orjson

from cstar_async._types import JSON, UntypedJSON, is_array, is_object, is_str
from cstar_async.errors import InvalidArgumentError

T = TypeVar("T")

ObjectDecoder: TypeAlias = Callable[[dict[str, UntypedJSON]], T]
UnionRules: TypeAlias = tuple[tuple[frozenset[str], Mapping[str, tuple[JSON, ...]], ObjectDecoder[T]], ...]
"""How the members of a union are distinguished, in the order in which to try them.

Each has the properties that it must have, the values of some of them, and the decoder.
"""


class _New(Protocol):
    def __call__(self, kind: type[T], /) -> T: ...


new_instance: Final[_New] = object.__new__
"""Make an instance without calling `__init__`. The decoder sets every field itself, which is twice as fast."""

parse_iso: Final = datetime.fromisoformat
"""Decoders call it themselves: a page has hundreds of datetimes, and nearly all of them have an offset."""
_MAX_DATE_LENGTH: Final = 10
"""Characters of a date in any form that Python parses: `2026-03-01`, `2026-W09-7`, `20260301`."""


def keys_of_parser(names: Iterable[str]) -> list[str]:
    """Return names as the strings that orjson gives the keys of objects, which it caches.

    A lookup of the same string compares no characters. Nothing else depends on it.
    """
    return list(orjson.loads(orjson.dumps(dict.fromkeys(names))))


def parse_datetime(value: UntypedJSON) -> UntypedJSON:
    """Parse an ISO 8601 str to an aware datetime, in UTC if it has no offset. A date alone stays a str: it states no time."""
    try:
        parsed = parse_iso(value)
    except (TypeError, ValueError):
        # Python does not parse a lower-case z, which RFC 3339 allows.
        upper = parse_datetime(f"{value[:-1]}Z") if is_str(value) and value.endswith("z") else value
        return upper if isinstance(upper, datetime) else value
    if parsed.tzinfo is not None:
        return parsed
    return parsed.replace(tzinfo=UTC) if len(value) > _MAX_DATE_LENGTH else value


def parse_date(value: UntypedJSON) -> UntypedJSON:
    """Parse a date such as `2026-03-01`. Any other value is passed on."""
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        return value


def format_datetime(value: datetime, where: str) -> str:
    """Format a datetime as the API does: in UTC with a Z, with fractions of a second only if there are any."""
    if value.tzinfo is None or value.utcoffset() is None:
        raise InvalidArgumentError(f"{where} must be a datetime with a time zone, got one without; use datetime.now(UTC)")
    try:
        utc = value.astimezone(UTC)
    except OverflowError:
        return value.isoformat()  # within a day of the first or last year there is no UTC form
    precision = "seconds" if utc.microsecond == 0 else "milliseconds" if utc.microsecond % 1000 == 0 else "microseconds"
    return utc.replace(tzinfo=None).isoformat(timespec=precision) + "Z"


def decode_list(decode: Callable[[dict[str, UntypedJSON]], UntypedJSON], value: UntypedJSON) -> UntypedJSON:
    """Decode the objects of a list."""
    return [decode(item) if is_object(item) else item for item in value] if is_array(value) else value


def decode_values(decode: Callable[[UntypedJSON], UntypedJSON], value: UntypedJSON) -> UntypedJSON:
    """Decode every item of a list, of whatever type."""
    return [decode(item) for item in value] if is_array(value) else value


def decode_map(decode: Callable[[dict[str, UntypedJSON]], UntypedJSON], value: UntypedJSON) -> UntypedJSON:
    """Decode the objects among the values of an object with free keys."""
    return {key: decode(item) if is_object(item) else item for key, item in value.items()} if is_object(value) else value


def decode_map_values(decode: Callable[[UntypedJSON], UntypedJSON], value: UntypedJSON) -> UntypedJSON:
    """Decode every value of an object with free keys, of whatever type."""
    return {key: decode(item) for key, item in value.items()} if is_object(value) else value


def keep_object(wire: dict[str, UntypedJSON]) -> dict[str, JSON]:
    """Return an object as it arrived: one of a union whose tag is not known."""
    return wire


def select_decoder(decoders: Mapping[str, T], tag: UntypedJSON, fallback: T) -> T:
    """Return the decoder for a tag; the fallback if the tag is unknown, missing or not a str."""
    return decoders.get(tag, fallback) if isinstance(tag, str) else fallback


def match_decoder(rules: UnionRules[T], wire: dict[str, UntypedJSON], fallback: ObjectDecoder[T]) -> ObjectDecoder[T]:
    """Return the decoder of the first rule that an object obeys, or the fallback."""
    for required, values, decode in rules:
        if required <= wire.keys() and all(wire[name] in known for name, known in values.items()):
            return decode
    return fallback


def empty_list() -> list[UntypedJSON]:
    """Return the default of a list field."""
    return []


class _FrozenEmptyDict(dict[str, JSON]):
    """An empty mapping that cannot change, so that all models can share it."""

    __slots__ = ()

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("extra must not be changed; make the model with extra=")

    if not TYPE_CHECKING:  # one method for all their signatures
        __setitem__ = __delitem__ = __ior__ = update = setdefault = pop = popitem = clear = _refuse

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _: object) -> Self:
        return self

    def __reduce__(self) -> str:
        return "EMPTY_EXTRA"


EMPTY_EXTRA: Final = _FrozenEmptyDict()
"""The `extra` of a model without unknown fields."""


def pop_unknown_fields(defaults: Mapping[str, UntypedJSON], fields: dict[str, UntypedJSON]) -> dict[str, JSON]:
    """Remove the unknown fields from `defaults | received`, and return them.

    A union keeps the order of its first operand, so the known fields come first, in the document's order.
    """
    return {key: fields.pop(key) for key in list(fields)[len(defaults) :]}
