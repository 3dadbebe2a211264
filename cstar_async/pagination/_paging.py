"""How an API divides a list into pages, as data: what requests send, and where responses state what follows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import attrs

from cstar_async._types import is_str
from cstar_async._values.validation import check_choice, check_str, invalid, validate_count
from cstar_async.errors import InvalidArgumentError

Path: TypeAlias = tuple[str, ...]
"""The keys that lead to a value in the body of a response. Empty: the body does not state it."""


def _path(value: str | Sequence[str]) -> Path:
    """Return a path given as `pages.next` or as keys."""
    keys = value.split(".") if is_str(value) and value else value
    if not isinstance(keys, (list, tuple, str)) or not all(isinstance(key, str) for key in keys):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidArgumentError(f"a path must be a str such as 'pages.next', or a tuple of keys, got {type(value).__name__}")
    return tuple(keys)


def _validate_count(_: object, field: attrs.Attribute[int], value: object) -> None:
    if value is not None or field.name != "max_size":
        validate_count(field.name, value, 0 if field.name == "first" else 1)


def _validate_name(_: object, field: attrs.Attribute[str], value: object) -> None:
    if value is not None:
        check_str(field.name, value)
        if not value:
            raise invalid(field.name, "the name of a query parameter", value)


@attrs.frozen(kw_only=True)
class Paging:
    """How an API divides a list into pages. Default: as cStar does, by numbers from 1, with up to 100 items a page.

    Paths lead to values in the body, such as `pages.next`, or are sequences of keys. A list by cursor whose responses have neither
    `next` nor `last_item` follows the `Link` header.
    """

    kind: Literal["page", "offset", "cursor"] = "page"
    """Whether a request names the number of a page, how many items are before it, or a cursor of the response before."""
    parameter: str | None = attrs.field(default="page", validator=_validate_name)
    """The query parameter of that. None: only URLs of the next page are followed."""
    size_parameter: str | None = attrs.field(default="pageSize", validator=_validate_name)
    """The query parameter of the page size, or None."""
    first: int = attrs.field(default=1, validator=_validate_count)
    """The number of the first page. A list by offset begins at offset 0, whatever it is."""
    size: int = attrs.field(default=100, validator=_validate_count)
    """Items a page that an iteration requests."""
    min_size: int = attrs.field(default=1, validator=_validate_count)
    """The smallest size that the API takes."""
    max_size: int | None = attrs.field(default=100, validator=_validate_count)
    """The largest page that it returns. None: not known, so a short page need not be the last."""
    items: Path | None = attrs.field(default=None, converter=attrs.converters.optional(_path))
    """The path of the items; the empty path is the whole body. None: `data`."""
    next: Path = attrs.field(default=(), converter=_path)
    """The path of the next cursor, or of the URL or number of the next page."""
    last_item: Path = attrs.field(default=(), converter=_path)
    """The path, in the last item of a page, of the next cursor."""
    has_more: Path = attrs.field(default=(), converter=_path)
    total: Path = attrs.field(default=(), converter=_path)
    total_pages: Path = attrs.field(default=(), converter=_path)
    page: Path = attrs.field(default=(), converter=_path)
    """The path of the number of this page."""
    page_size: Path = attrs.field(default=(), converter=_path)

    is_of_cstar: bool = attrs.field(init=False, repr=False)
    """Whether the responses are those of cStar, whose pagination comes in two places and forms."""

    def __attrs_post_init__(self) -> None:
        check_choice("kind", self.kind, ("page", "offset", "cursor"))
        if self.parameter is None and self.is_numbered:
            raise invalid("parameter", f"the name of a query parameter for lists by {self.kind}", None)
        paths = (self.next, self.last_item, self.has_more, self.total, self.total_pages, self.page, self.page_size)
        object.__setattr__(self, "is_of_cstar", self.is_numbered and self.items is None and not any(paths))

    @property
    def items_path(self) -> Path:
        """The path of the items."""
        return ("data",) if self.items is None else self.items

    @property
    def is_numbered(self) -> bool:
        """Whether any page can be requested at any time, by its number or offset."""
        return self.kind != "cursor"


PAGES = Paging()
"""The pages of cStar."""
