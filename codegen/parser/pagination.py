"""Recognise how the list of an operation is divided into pages: by number, offset or cursor, or by URLs of the next page.

What is read is what other APIs have in common: the names of query parameters and of the fields beside the items. Names are compared
in lower case without separators. An extension can say it instead, `x-cstar-pagination`: the kind (`page`, `offset`, `cursor`,
`link`, or `none`), or the arguments of `cstar_async.pagination.Paging` that are found otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from codegen.parser.references import References, nested
from codegen.parser.schemas import SchemaParser
from codegen.spec.document import Node, Operation, Parameter, entries, is_list, is_object, items, schema_named
from codegen.spec.queries import types_of
from codegen.spec.vocabulary import PAGINATION, PAGINATION_PATHS

_NUMBERS = ("page", "pagenumber", "pageno", "pagenum", "pageindex", "currentpage")
_SIZES = (
    *("pagesize", "perpage", "limit", "pagelimit", "limitperpage", "itemsperpage", "resultsperpage", "maxresults", "maxitems"),
    *("maxpagesize", "pagelen", "size", "top", "rows", "take", "count", "max", "first"),
)
_OFFSETS = ("offset", "pageoffset", "startat", "startindex", "startoffset", "skip", "firstresult", "start")
_CURSORS = (
    *("cursor", "pagetoken", "startingafter", "nexttoken", "nextcursor", "nextpagetoken", "pagecursor", "pageafter", "aftercursor"),
    *("startcursor", "continuationtoken", "continuation", "skiptoken", "marker", "scrollparam", "bookmark", "startafter", "after"),
)
_RANGES = frozenset({"start", "skip"})
"""Offsets only beside a size, and without an end."""
_SIZE_ALONE = frozenset({"pagesize", "perpage", "limit"})
_LAST_ITEM = frozenset({"startingafter", "startafter"})
"""The cursors that are the id of the last item, if a response states no cursor."""
_TOKENS = (
    *("nextcursor", "nextpagetoken", "nexttoken", "nextpagecursor", "nextoffset", "nextmarker", "nextstartingafter", "nextafter"),
    *("endcursor", "continuationtoken", "nextkey", "scrollparam"),
)
_URLS = ("nextpageurl", "nexturl", "nextlink", "odatanextlink", "nexthref", "nextpageuri", "nexturi", "nextpagelink")
_UNDER_NEXT = ("startingafter", "after", "cursor", "pagetoken", "token")
_URL_UNDER_NEXT = ("href", "url", "link", "uri")
_PARENTS = frozenset({"pagination", "paging", "pages", "page", "meta", "cursors", "pageinfo", "responsemetadata", "metadata"})
_HAS_MORE = ("hasmore", "hasnext", "hasnextpage", "hasmoreitems", "moreresultsavailable", "istruncated", "morepages")
_TOTALS = ("total", "totalcount", "totalitems", "totalresults", "totalelements", "totalrecords", "totalsize", "totalrows")
_TOTAL_PAGES = ("totalpages", "pagecount", "lastpage", "numpages", "pages", "pagestotal")
_PAGES = ("page", "currentpage", "pagenumber", "pageno", "pageindex")
_PAGE_SIZES = ("perpage", "pagesize", "itemsperpage")
_ITEMS = (
    "data",
    "items",
    "results",
    "records",
    "values",
    "entries",
    "content",
    "list",
    "rows",
    "objects",
    "elements",
    "collection",
)
_NO_ITEMS = frozenset({"errors", "warnings", "links", "included", "facets"})
_MAX_DEPTH = 3
_STATED_LIMIT = re.compile(
    r"(?:max(?:imum)?|up to|at most|no more than|between 1 and|1 ?(?:-|to)) ?\D{0,30}?(\d{1,5})\b", re.IGNORECASE
)
_FROM_ZERO = re.compile(r"\b(?:0|zero)-(?:based|indexed)|start(?:s|ing)? (?:at|from|with) (?:0|zero)\b", re.IGNORECASE)
_ITERATION_SIZE = 100
"""Items a page that an iteration requests, if the API allows it."""


@dataclass(frozen=True)
class Found:
    """The pages of a list."""

    arguments: dict[str, Any]
    """The arguments of `Paging`."""
    items: Node
    """The schema of the array."""
    pointer: str
    read: frozenset[tuple[str, ...]]
    """The paths of the fields that the client reads."""
    ignored: tuple[str, ...]
    """The fields of the body that it does not read."""


@dataclass(frozen=True)
class _Field:
    path: tuple[str, ...]
    node: Node
    pointer: str

    @property
    def name(self) -> str:
        return folded(self.path[-1])

    @property
    def parent(self) -> str:
        return folded(self.path[-2]) if len(self.path) > 1 else ""

    def is_one_of(self, *types: str) -> bool:
        """Return whether its type is one of these, or not stated."""
        found = types_of(self.node)
        return not found or bool(set(types) & set(found))


@dataclass(frozen=True)
class _Query:
    """A parameter of the query."""

    name: str
    node: Node
    schema: Node


class PaginationFinder:
    """Finds the pagination of operations."""

    def __init__(self, schemas: SchemaParser, references: References) -> None:
        self._schemas = schemas
        self._references = references

    def find(self, operation: Operation, body: Node, pointer: str, headers: Iterable[str]) -> Found | None:
        """Return the pages of a list; None if there is no list, or no way to its pages is known.

        Args:
            operation: A GET, with its parameters.
            body: The schema of its response.
            pointer: Where that is.
            headers: The headers of the response.
        """
        stated = operation.node.get(PAGINATION)
        if stated == "none":
            return None
        body, pointer = self._references.resolve(body, pointer)
        given: dict[str, Any] = dict(stated) if is_object(stated) else {}
        fields = list(self._fields(self._schemas.flat(body, pointer), pointer, (), 0))
        array = self._array(body, pointer, fields, given.get("items"))
        if array is None:
            return None
        others = [field for field in fields if field.path[: len(array.path)] != array.path or not array.path]
        query = {
            folded(one.name): _Query(one.name, one.node, self._parsed(one))
            for one in operation.parameters
            if one.location == "query"
        }
        kind = given.get("kind", stated if isinstance(stated, str) else None)
        found = _Scheme(query, others, self._items(array), {name.lower() for name in headers}, kind).arguments()
        if "kind" not in given and (found is None or not _is_list(array, fields, found)):
            return None
        explicit = {key: _paths(key, value) for key, value in given.items()}
        arguments: dict[str, Any] = {"items": array.path, **(found or {}), **explicit}
        read: frozenset[tuple[str, ...]] = frozenset(arguments[key] for key in PAGINATION_PATHS if key in arguments)
        used = {path[0] for path in read if path}
        ignored = tuple(field.path[0] for field in fields if len(field.path) == 1 and field.path[0] not in used)
        return Found(arguments, array.node, array.pointer, read, ignored)

    def is_suspect(self, operation: Operation) -> bool:
        """Return whether a parameter asks for a part of a list."""
        names = {folded(one.name) for one in operation.parameters if one.location == "query"}
        return bool(names & {*_NUMBERS, *_OFFSETS, *_CURSORS, *_SIZE_ALONE, "pages", "before"})

    def _fields(self, node: Node, pointer: str, path: tuple[str, ...], depth: int) -> Iterator[_Field]:
        for name, inner in entries(node, "properties").items():
            if not is_object(inner):
                continue
            target, place = self._references.resolve(inner, nested(pointer, "properties", name))
            flat = self._schemas.flat(target, place)
            options = [
                one for one in (*items(flat, "anyOf"), *items(flat, "oneOf")) if is_object(one) and one.get("type") != "null"
            ]
            if len(options) == 1:
                target, place = self._references.resolve(options[0], place)
                flat = self._schemas.flat(target, place)
            yield _Field((*path, name), flat, place)
            if depth + 1 < _MAX_DEPTH:
                yield from self._fields(flat, place, (*path, name), depth + 1)

    def _array(self, body: Node, pointer: str, fields: list[_Field], given: object) -> _Field | None:
        """Return the array of items."""
        if "array" in types_of(self._schemas.flat(body, pointer)):
            return _Field((), self._schemas.flat(body, pointer), pointer)
        path = _paths("items", given) if given is not None else None
        arrays = [one for one in fields if "array" in types_of(one.node) and one.name not in _NO_ITEMS and len(one.path) <= 2]
        if path is not None:
            return next((one for one in arrays if one.path == path), None)
        top = [one for one in arrays if len(one.path) == 1]
        if len(top) == 1:
            return top[0]
        candidates = top or arrays
        if len(candidates) == 1:
            return candidates[0]
        return next((one for name in _ITEMS for one in candidates if one.name == name), None)

    def _parsed(self, parameter: Parameter) -> Node:
        """Return the schema of a parameter; the component, if it is one."""
        schema = parameter.node["schema"]
        return self._schemas.components[schema_named(schema["$ref"])] if "$ref" in schema else schema

    def _items(self, array: _Field) -> Node:
        node = array.node.get("items")
        if not is_object(node):
            return {}
        target, place = self._references.resolve(node, nested(array.pointer, "items"))
        return self._schemas.flat(target, place)


class _Scheme:
    """What the parameters and the response of one operation say about pages."""

    def __init__(self, query: dict[str, _Query], fields: list[_Field], item: Node, headers: set[str], kind: str | None) -> None:
        self._query = query
        self._fields = fields
        self._item = item
        self._has_link = "link" in headers
        self._kind = kind

    def arguments(self) -> dict[str, Any] | None:
        """Return the arguments of `Paging` but `items`; None if no way to the pages is known."""
        found = self._scheme()
        return None if found is None else {name: value for name, value in (self._size() | found).items() if value != ()}

    def _scheme(self) -> dict[str, Any] | None:
        number, offset, cursor = self._parameter(_NUMBERS), self._parameter(_OFFSETS), self._parameter(_CURSORS, is_text=True)
        token, url = self._token(cursor), self._url()
        if cursor and (token or url) and self._allows("cursor"):
            return {"kind": "cursor", "parameter": cursor.name, "next": (token or url or _NO_FIELD).path} | self._counts()
        if number and self._allows("page"):
            following = url or self._field(("nextpage", "next"), "string", "integer")
            first = 0 if _is_from_zero(number) else 1
            return {"parameter": number.name, "first": first, "next": following.path if following else ()} | self._counts(page=True)
        if offset and token and token.name in ("nextoffset", "next"):
            return {"kind": "cursor", "parameter": offset.name, "next": token.path} | self._counts()
        if offset and self._allows("offset"):
            following = url or self._field(("next",), "string", "integer")
            return {"kind": "offset", "parameter": offset.name, "next": following.path if following else ()} | self._counts()
        if cursor and folded(cursor.name) in _LAST_ITEM and "id" in entries(self._item, "properties"):
            counts = self._counts()
            if "has_more" in counts and self._allows("cursor"):
                return {"kind": "cursor", "parameter": cursor.name, "last_item": ("id",)} | counts
        return self._without_parameter(cursor, token, url)

    def _without_parameter(self, cursor: _Query | None, token: _Field | None, url: _Field | None) -> dict[str, Any] | None:
        if url and self._allows("link"):
            return {"kind": "cursor", "parameter": None, "next": url.path} | self._counts()
        if token and token.name in _CURSORS and self._allows("cursor"):
            return {"kind": "cursor", "parameter": token.path[-1], "next": token.path} | self._counts()
        if self._has_link and self._allows("link"):
            return {"kind": "cursor", "parameter": cursor.name if cursor else None} | self._counts()
        return None

    def _allows(self, kind: str) -> bool:
        return self._kind in (None, kind)

    def _parameter(self, names: Iterable[str], *, is_text: bool = False) -> _Query | None:
        for name in names:
            found = self._query.get(name)
            if found is None:
                continue
            schema = found.schema
            types = set(types_of(schema))
            fits = not types or bool(
                types & ({"string", "integer"} if is_text or name == "page" else {"integer", "number", "string"})
            )
            is_time = str(schema.get("format", "")).startswith("date") or "enum" in schema
            is_range = name in _RANGES and not ({*_SIZES} & self._query.keys() and not {"end", "stop", "to"} & self._query.keys())
            if fits and not is_time and not is_range and not (is_text and name == "after" and "integer" in types):
                return found
        return None

    def _field(self, names: Iterable[str], *types: str) -> _Field | None:
        """Return the field of one of these names that is nearest to the root."""
        for name in names:
            found = [one for one in self._fields if one.name == name and one.is_one_of(*types)]
            if found:
                return min(found, key=lambda one: len(one.path))
        return None

    def _token(self, cursor: _Query | None) -> _Field | None:
        """Return the field of the next cursor."""
        if found := self._field(_TOKENS, "string", "integer"):
            return found
        under_next = [one for one in self._fields if one.parent == "next" and one.name in _UNDER_NEXT]
        if under_next:
            return min(under_next, key=lambda one: _UNDER_NEXT.index(one.name))
        if cursor is None:
            return None
        names = {"next", *_CURSORS}
        texts = [one for one in self._fields if one.name in names and one.is_one_of("string") and one.parent in {*_PARENTS, ""}]
        return next((one for one in texts if "object" not in types_of(one.node)), None)

    def _url(self) -> _Field | None:
        """Return the field of the URL of the next page."""
        if found := self._field(_URLS, "string"):
            return found
        under_next = [one for one in self._fields if one.parent == "next" and one.name in _URL_UNDER_NEXT]
        if under_next:
            return under_next[0]
        found = self._field(("next",), "string")
        if found is None or "object" in types_of(found.node):
            return None
        is_link = found.node.get("format") in ("uri", "url", "uri-reference") or "link" in found.parent
        siblings = {one.name for one in self._fields if one.path[:-1] == found.path[:-1]}
        says = re.search(r"\b(url|link)\b", str(found.node.get("description", "")), re.IGNORECASE)
        return found if is_link or says or {"previous", "prev"} & siblings or found.parent in _PARENTS else None

    def _counts(self, *, page: bool = False) -> dict[str, Any]:
        """Return the paths of what a response states about its position."""
        integer = ("integer", "number", "string")
        found = {"has_more": self._field(_HAS_MORE, "boolean"), "total": self._field(_TOTALS, *integer)}
        if found["total"] is None and self._field(("next",), "string") and self._field(("previous",), "string"):
            found["total"] = self._field(("count",), *integer)
        if page:
            found |= {
                "total_pages": self._field(_TOTAL_PAGES, *integer),
                "page": self._field(_PAGES, *integer),
                "page_size": self._field(_PAGE_SIZES, *integer),
            }
        return {name: field.path for name, field in found.items() if field and "object" not in types_of(field.node)}

    def _size(self) -> dict[str, Any]:
        parameter = self._parameter(_SIZES)
        if parameter is None:
            parameter = next((one for name in _SIZES for one in [self._query.get(name)] if one and "enum" in one.schema), None)
        if parameter is None:
            return {"size_parameter": None, "max_size": None}
        schema = parameter.schema
        sizes = sorted(int(str(value)) for value in items(schema, "enum") if str(value).isdecimal())
        low = schema.get("minimum")
        high = schema.get("maximum", max(sizes, default=None) if sizes else _limit_in(parameter, schema))
        high = int(high) if isinstance(high, int | float) and high >= 1 else None
        low = sizes[0] if sizes else int(low) if isinstance(low, int | float) and low >= 1 else 1
        best = [size for size in sizes if size <= _ITERATION_SIZE][-1:] or sizes[:1]
        size = best[0] if best else max(low, min(_ITERATION_SIZE, high or _ITERATION_SIZE))
        return {"size_parameter": parameter.name, "size": size, "min_size": low, "max_size": high}


_NO_FIELD = _Field((), {}, "")


def _is_list(array: _Field, fields: list[_Field], found: dict[str, Any]) -> bool:
    """Return whether an object is a page of items, and not a single object that has some."""
    states_more = any(found.get(name) for name in ("next", "last_item", "has_more", "total", "total_pages", "page"))
    return states_more or not array.path or folded(array.path[-1]) in _ITEMS or sum(len(one.path) == 1 for one in fields) == 1


def folded(name: str) -> str:
    """Return a name in lower case without separators."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _paths(key: str, value: Any) -> Any:
    """Return an argument of the extension; a path as its keys."""
    if key not in PAGINATION_PATHS:
        return value
    return tuple(value) if is_list(value) else tuple(str(value).split(".")) if value else ()


def _limit_in(parameter: _Query, schema: Node) -> int | None:
    """Return the largest size that a description states."""
    found = _STATED_LIMIT.search(f"{parameter.node.get('description', '')} {schema.get('description', '')}")
    return int(found[1]) if found and int(found[1]) >= 1 else None


def _is_from_zero(parameter: _Query) -> bool:
    schema = parameter.schema
    if "default" in schema:
        return str(schema["default"]) == "0"
    return schema.get("minimum") == 0 or bool(_FROM_ZERO.search(str(parameter.node.get("description", ""))))
