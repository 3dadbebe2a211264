"""Requests and responses of paged lists: the query of one page, and what its response states about the next."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, TypeAlias
from urllib.parse import quote, unquote_plus, urljoin, urlsplit

import attrs

from cstar_async._protocol.envelope import as_object, parse_body, parse_envelope, request_id_of
from cstar_async._protocol.messages import RawResponse
from cstar_async._protocol.urls import encode_query_value
from cstar_async._types import PageInfo, UntypedJSON, is_array, is_int, is_object, is_str, json_type_name
from cstar_async.errors import DecodeError, InvalidArgumentError, PaginationError
from cstar_async.pagination._paging import Paging, Path

_MAX_DIGITS: Final = 15
"""Digits of a page number or total that arrives as a str."""
_BOOLEANS: Final = {"true": True, "false": False}
_LINK: Final = r'<([^<>]*)>((?:[^,"<]|"[^"]*")*)'
_PARAMETER: Final = r';\s*([\w*-]+)\s*=\s*(?:"([^"]*)"|([^\s;,"]+))'
_MAX_CURSOR: Final = 65_536
"""Characters of a cursor, or of the URL of a page. Servers refuse a request whose URL is much shorter."""
_URL_CHARACTERS: Final = "%/:@!$&'()*+,;=~?[]|"


@attrs.define(eq=False, repr=False)
class ParsedPage:
    """The response to a request for one page."""

    envelope: dict[str, UntypedJSON]
    data: list[UntypedJSON]
    info: PageInfo
    following: str | None = None
    """The next cursor, or the URL of the next page, in a list by cursor."""


@attrs.frozen(eq=False, repr=False)
class Origin:
    """Where a page was requested: what the URL of the next page may point to, and what a cursor must not contain."""

    host: str
    path: str
    filters: str
    """The query without position and size."""
    secrets: frozenset[str] = frozenset()
    """The parameters of the query that are credentials."""


def parse_page(paging: Paging, response: RawResponse, size: int | None, offset: int = 0) -> ParsedPage:
    """Parse a response to a request for one page; *size* is what was requested, and *offset* the items before the page."""
    if paging.is_of_cstar:
        envelope = parse_envelope(response)
        data = _array(envelope["data"], paging.items_path, response, envelope)
        return ParsedPage(envelope, data, parse_page_info(envelope, len(data), paging.first))
    body = parse_body(response)
    envelope = body if is_object(body) else {}
    data = _array(_value(body, paging.items_path), paging.items_path, response, envelope)
    has_more = parse_boolean(_value(body, paging.has_more)) if paging.has_more else None
    if paging.is_numbered:
        # A short page is the last one, unless the server returns less than was requested.
        is_last = size is not None and len(data) < size <= (paging.max_size or 0)
        if has_more is None:
            has_more = _more(paging, body, response)
        if has_more is None and paging.kind == "offset" and paging.total:
            total = count_of(_value(body, paging.total))
            has_more = None if total is None else bool(data) and offset + len(data) < total
        return ParsedPage(envelope, data, _info(paging, body, len(data), has_more, is_last=is_last))
    following = None if has_more is False else _following(paging, body, data, response.headers)
    if has_more and following is None:
        raise PaginationError("the server states that there is another page, but not where")
    return ParsedPage(envelope, data, _info(paging, body, len(data), following is not None), following)


def parse_page_info(envelope: dict[str, UntypedJSON], item_count: int, first: int = 1) -> PageInfo:
    """Return the pagination of cStar from either location and form: the documentation pages "Responses" and "Pagination" disagree.

    `has_more` is computed if it is missing. Without any pagination, the response is the only page. If the totals cannot be read, a
    full page is followed by another one, because an iteration must not end early without an error.
    """
    stated: UntypedJSON = envelope.get("pagination")
    if not is_object(stated):
        stated = as_object(envelope.get("meta")).get("pagination")
    if not is_object(stated):
        return PageInfo()
    return page_info(stated, item_count, first)


def page_info(
    stated: Mapping[str, UntypedJSON], item_count: int, first: int, *, is_last_if_unknown: bool | None = None
) -> PageInfo:
    """Return the position of a page from the values that a response states, under the names of cStar and of whatever types.

    *is_last_if_unknown* is for a response that states nothing. None: a page with items is followed by another one if something was
    stated that cannot be read.
    """
    total, total_pages = stated.get("total"), stated.get("totalPages")
    is_stated = total is not None or total_pages is not None
    page, page_size, total, total_pages = map(count_of, (stated.get("page"), stated.get("pageSize"), total, total_pages))
    has_more = parse_boolean(stated.get("hasMore"))
    if has_more is None:
        pages_read = 1 if page is None else page - first + 1
        if total_pages is not None:
            has_more = pages_read < total_pages
        elif total is not None:
            has_more = pages_read * (page_size or item_count) < total
        elif page_size:
            has_more = item_count >= page_size
        elif is_last_if_unknown is None or is_stated:
            has_more = item_count > 0 and is_stated
        else:
            has_more = item_count > 0 and not is_last_if_unknown
    return PageInfo(total=total, page=page, page_size=page_size, has_more=has_more, total_pages=total_pages)


def parse_boolean(value: UntypedJSON) -> bool | None:
    """Return a boolean that may arrive as a str; None for any other value."""
    value = _BOOLEANS.get(value.strip().lower()) if is_str(value) else value
    return value if isinstance(value, bool) else None


def count_of(value: UntypedJSON) -> int | None:
    """Return a number of items or pages that may arrive as a str or float; None for any other value."""
    if value.__class__ is str and len(value) <= _MAX_DIGITS:
        value = value.strip()
        return int(value) if value.isdecimal() else None
    if value.__class__ is float and value.is_integer() and value < 10**_MAX_DIGITS:
        value = int(value)
    return value if value.__class__ is int and value >= 0 else None  # unlike isinstance, not for bool


def _array(value: UntypedJSON, path: Path, response: RawResponse, envelope: dict[str, UntypedJSON]) -> list[UntypedJSON]:
    if is_array(value):
        return value
    where = ".".join(("$", *path))
    message = f"{path[-1] if path else 'the response'} must be an array, got {json_type_name(value)}"
    raise DecodeError(message, where=where, status=response.status, request_id=request_id_of(envelope))


def _info(paging: Paging, body: UntypedJSON, item_count: int, has_more: bool | None, *, is_last: bool = False) -> PageInfo:
    paths = {"page": paging.page, "pageSize": paging.page_size, "total": paging.total, "totalPages": paging.total_pages}
    stated = {name: _value(body, path) for name, path in paths.items() if path}
    return page_info({**stated, "hasMore": has_more}, item_count, paging.first, is_last_if_unknown=is_last)


def _more(paging: Paging, body: UntypedJSON, response: RawResponse) -> bool | None:
    """Return whether a numbered page is followed by another, as far as the response states that without numbers."""
    parent = _value(body, paging.next[:-1]) if paging.next else None
    if is_object(parent) and paging.next[-1] in parent:
        return _text(parent[paging.next[-1]]) is not None
    links = link_header(response.headers)
    return "next" in links if links else None


def _following(paging: Paging, body: UntypedJSON, data: list[UntypedJSON], headers: Mapping[str, str]) -> str | None:
    source, path = (body, paging.next) if paging.next else (data[-1] if data else None, paging.last_item)
    found = _text(_value(source, path)) if path else None
    return found or link_header(headers).get("next")


def _value(body: UntypedJSON, path: Path) -> UntypedJSON:
    """Return the value at a path; None if there is none. The empty path is the body."""
    for key in path:
        body = body.get(key) if is_object(body) else None
    return body


def _text(value: UntypedJSON) -> str | None:
    """Return a cursor as a str; None for what is no cursor: null, an empty str, false and 0."""
    if is_int(value) and value:
        return str(value)
    return value if is_str(value) and value else None


def link_header(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the URLs of a `Link` header by relation (RFC 8288). One that states that it has no results is left out."""
    found: dict[str, str] = {}
    getall = getattr(headers, "getall", None)
    for header in [headers.get("Link", "")] if getall is None else getall("Link", ()):
        for url, text in re.findall(_LINK, header):
            parameters: dict[str, str] = {}
            for name, quoted, token in re.findall(_PARAMETER, text):
                parameters.setdefault(name.lower(), (quoted or token).lower())
            names = parameters.get("rel", "").split()
            for name in [""] if names and parameters.get("results") == "false" else names:
                found.setdefault(name, url if name else "")
    return found


def cursor_position(paging: Paging, following: str, origin: Origin) -> str:
    """Return the position of the page that a cursor or a URL names, as `cursor_request` takes it.

    It contains no filter of the list and no credential, so that it can be saved.
    """
    if len(following) > _MAX_CURSOR:
        raise PaginationError(f"the cursor of the next page is longer than {_MAX_CURSOR} characters")
    is_url = following.startswith(("http://", "https://")) or (following[0] in "/?" and "?" in following)
    if paging.parameter is not None and not is_url:
        return f"{encode_query_value(paging.parameter)}={encode_query_value(following)}"
    try:
        url = urlsplit(urljoin(origin.path, following))
        is_own = not url.netloc or url.hostname == origin.host
    except ValueError:
        raise PaginationError("the URL of the next page cannot be parsed") from None
    own = {_decoded(pair): index for index, pair in enumerate(origin.filters.split("&")) if pair}
    pairs = [pair for pair in url.query.split("&") if pair and _decoded(pair)[0] not in origin.secrets]
    query = "&".join(f"#{own[key]}" if (key := _decoded(pair)) in own else _quoted(pair) for pair in pairs)
    # Another host gets nothing: its query is sent to this one.
    path = _quoted(url.path) if is_own and url.path and url.path != origin.path else ""
    return f"{path}?{query}"


def cursor_request(position: str, filters: str, size: str) -> tuple[str | None, str]:
    """Return the path, where it is not that of the list, and the query of the page at a position, perhaps of a checkpoint.

    *size* is the parameter of the size, encoded; it may be empty.
    """
    path, is_url, query = position.rpartition("?")
    if not is_url:
        return None, "&".join(part for part in (filters, size, _quoted(position)) if part)
    own = filters.split("&")
    pairs: list[str] = []
    for pair in query.split("&"):
        index = pair.removeprefix("#") if pair.startswith("#") else ""
        if index and not (index.isdecimal() and int(index) < len(own)):
            raise InvalidArgumentError("checkpoint must be unchanged, got a damaged one; start the iteration again")
        pairs.append(own[int(index)] if index else _quoted(pair))
    return (_quoted(path) if path.startswith("/") else None), "&".join(filter(None, pairs))


_Pair: TypeAlias = tuple[str, str]


def _decoded(pair: str) -> _Pair:
    name, _, value = pair.partition("=")
    return unquote_plus(name), unquote_plus(value)


def _quoted(text: str) -> str:
    """Return a part of a URL with everything encoded that a URL cannot contain; existing escapes are kept."""
    return quote(text, safe=_URL_CHARACTERS, errors="replace")
