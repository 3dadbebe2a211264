"""Lists of the API: their pages, as a `Paginator` requests them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import attrs

from cstar_async._client.call import Call
from cstar_async._client.operation_checks import check_query
from cstar_async._client.request_builder import build_operation_call, build_raw_call
from cstar_async._client.settings import check_request_options
from cstar_async._model.codec import decode_items
from cstar_async._model.structuring import StructureError, structure_as
from cstar_async._operations.operation import Operation
from cstar_async._protocol.envelope import request_id_of
from cstar_async._protocol.paging import Origin, ParsedPage, cursor_position, cursor_request, parse_page
from cstar_async._protocol.urls import encode_query_value, page_query, parameter_text, path_segment, query_string, validate_query
from cstar_async._rate_limit.interface import NO_LIMIT
from cstar_async._types import UNSET, RequestOptions, UntypedJSON, is_int, is_str
from cstar_async._values.validation import MAX_COUNT, check_choice, check_instance, validate_count
from cstar_async.errors import DecodeError, PaginationError
from cstar_async.pagination import Page, Paginator, Paging
from cstar_async.pagination._checkpoint import ListKey
from cstar_async.pagination._page import Position, cursor_page, linked_page

if TYPE_CHECKING:
    from cstar_async._client.executor import ClientExecutor

T = TypeVar("T")


def paginate_operation(
    executor: ClientExecutor,
    operation: Operation,
    item: type[T],
    path: tuple[str, ...],
    query: Mapping[str, object] | None,
    headers: Mapping[str, str] | None,
    options: RequestOptions | None,
) -> Paginator[T]:
    """Return a paginator over the items of an operation."""
    check_request_options(options)
    if query and operation.known_values:
        check_query(operation, query)
    build = partial(build_operation_call, executor.context, executor.settings, operation, path, None, None, None, options, headers)
    return _paginator(
        executor,
        build,
        partial(decode_items, item),
        operation.paging if operation.shape == "page" else None,
        _filters(query, options),
        operation,
        (operation.id, "/".join(map(path_segment, path))),
        options,
    )


def paginate_path(
    executor: ClientExecutor,
    method: str,
    path: str,
    model: type[Any] | None,
    params: Mapping[str, object] | None,
    paging: Paging,
    options: RequestOptions | None,
) -> Paginator[Any]:
    """Return a paginator over the items of a path given by the caller."""
    check_choice("method", method.upper() if is_str(method) else method, ("GET",))
    check_instance("paging", paging, Paging, "a Paging")
    check_request_options(options)
    structure = None if model is None else structure_as(model)
    build = partial(build_raw_call, executor.context, executor.settings, method, path, None, None, None, options)
    build()  # raises for a path that cannot be sent
    filters = _filters(None if params is None else validate_query(params, "params"), options)
    decode: Callable[[list[UntypedJSON]], list[Any]]
    decode = (lambda data: data) if structure is None else partial(_structured, structure)
    return _paginator(executor, build, decode, paging, filters, None, ("request", path), options)


def _structured(structure: Callable[[UntypedJSON], T], data: list[UntypedJSON]) -> list[T]:
    items: list[T] = []
    for index, item in enumerate(data):
        try:
            items.append(structure(item))
        except StructureError as failure:
            raise StructureError(f"[{index}]{failure}") from None
    return items


def _filters(query: Mapping[str, object] | None, options: RequestOptions | None) -> dict[str, object]:
    filters = {} if query is None else {name: value for name, value in query.items() if value is not UNSET}
    if options is not None and options.extra_query:
        filters.update(validate_query(options.extra_query, "extra_query"))
    return filters


def _paginator(
    executor: ClientExecutor,
    build: Callable[[], Call],
    decode: Callable[[list[UntypedJSON]], list[T]],
    paging: Paging | None,
    filters: dict[str, object],
    operation: Operation | None,
    key: tuple[str, str],
    options: RequestOptions | None,
) -> Paginator[T]:
    """Return a paginator for a `PagedList` with these filters. *key* names it in checkpoints: the operation and the path."""
    position: Position | None = None
    size: int | None = None
    begin = 0
    if paging is not None:
        if paging.size_parameter and (given := filters.pop(paging.size_parameter, None)) is not None:
            size = _count(operation, paging.size_parameter, given, 1)
        if paging.parameter and (given := filters.pop(paging.parameter, None)) is not None:
            if paging.kind == "page":
                position = _count(operation, paging.parameter, given, paging.first)
            elif paging.kind == "offset":
                begin = _count(operation, paging.parameter, given, 0)
            else:
                cursor = parameter_text(given, _argument(operation, paging.parameter))
                position = f"{encode_query_value(paging.parameter)}={encode_query_value(cursor)}"
    encoded = query_string(filters, styles=None if operation is None else operation.query_styles) if filters else ""
    context, priority = executor.context, executor.settings.priority
    if options is not None and options.priority is not None:
        priority = options.priority

    def read_quota() -> tuple[int | None, datetime | None]:
        state, remaining = context.limiter.state, context.limiter.remaining(priority, context.clock)
        return None if remaining > NO_LIMIT // 2 else remaining, None if state is None else state.reset_at

    selected = f"{encoded}&offset={begin}" if begin else encoded
    return Paginator(
        PagedList(executor, operation, build, decode, paging, encoded, begin).fetch,
        first_page=position,
        page_size=size,
        list_key=ListKey(key[0], f"{key[1]}?{selected}", by_cursor=paging is not None and not paging.is_numbered),
        read_quota=read_quota,
        paging=paging,
    )


def _argument(operation: Operation | None, parameter: str) -> str:
    """Return the name of the argument for a parameter."""
    parameters = () if operation is None else operation.parameters
    return next((one.attribute for one in parameters if one.name == parameter), parameter)


def _count(operation: Operation | None, parameter: str, value: object, minimum: int) -> int:
    """Return a number of a page or of items, which some APIs take as a str."""
    if is_int(value) and minimum <= value <= MAX_COUNT:
        return value
    is_text = is_str(value) and value.isdecimal() and value.isascii() and len(value) < len(str(2**53))
    return validate_count(_argument(operation, parameter), int(str(value)) if is_text else value, minimum)


@attrs.define(eq=False, repr=False)
class PagedList(Generic[T]):
    """A list: how its pages are requested and read."""

    executor: ClientExecutor
    operation: Operation | None
    """None: the path was given by the caller."""
    build: Callable[[], Call]
    """Builds a call without a query."""
    decode: Callable[[list[UntypedJSON]], list[T]]
    paging: Paging | None
    """None: the whole list comes at once."""
    filters: str
    """The query without position and size, encoded."""
    begin: int
    """The offset of the first item."""

    async def fetch(self, position: Position | None, size: int | None) -> Page[T]:
        """Fetch one page."""
        paging = self.paging
        if paging is None:
            call = await self._send(None, None, None)
            envelope = self.executor.parse_envelope(call, cast("Operation", self.operation))  # only such lists come at once
            return self.executor.finish(call, envelope, Page(self.decode(envelope["data"])))
        if paging.kind == "offset":
            return await self._fetch_offsets(paging, position, size)
        call = await self._send(paging, position, size)
        parsed, items = self._read(call, paging, size)
        if paging.is_numbered:
            page = linked_page(self.fetch, items, parsed.info, position if is_int(position) else paging.first, size)
        else:
            page = cursor_page(self.fetch, items, parsed.info, size)
        return self.executor.finish(call, parsed.envelope, page)

    async def _fetch_offsets(self, paging: Paging, number: Position | None, size: int | None) -> Page[T]:
        """Fetch one page by its number; in several calls, if the server returns fewer items than were requested.

        Offsets are numbers of pages, because any page can be requested at any time. Without a number, one call is sent.
        """
        if not is_int(number) or size is None:
            return await self._fetch_offset(paging, None, size)
        begin = self.begin + (number - paging.first) * size
        page = await self._fetch_offset(paging, begin, size)
        items = page.data
        while page.has_more and len(items) < size:
            page = await self._fetch_offset(paging, begin + len(items), size)
            items = [*items, *page.data]
        info = attrs.evolve(page.info, page=number, has_more=page.has_more or len(items) > size)
        return linked_page(self.fetch, items[:size], info, number, size)

    async def _fetch_offset(self, paging: Paging, offset: int | None, size: int | None) -> Page[T]:
        """Fetch the items from an offset."""
        begin = self.begin if offset is None else offset
        call = await self._send(paging, begin if offset is not None or begin else None, size)
        parsed, items = self._read(call, paging, size, begin)
        info = attrs.evolve(parsed.info, page=None, page_size=None, total_pages=None)
        following = partial(self._fetch_offset, paging, begin + len(items), size)
        return self.executor.finish(call, parsed.envelope, Page(items, info, fetch_next=following))

    async def _send(self, paging: Paging | None, position: Position | None, size: int | None) -> Call:
        """Send the request for one page."""
        call = self.build()
        if paging is None:
            call.query = self.filters
        elif is_str(position):
            path, call.query = cursor_request(position, self.filters, _size_query(paging, size))
            prefix = self.executor.context.path_prefix
            if path is not None and path.startswith(f"{prefix}/"):
                call.path, call.is_team_scoped = path.removeprefix(prefix), False
        else:
            call.query = page_query(
                self.filters, paging.parameter, None if position is None else str(position), _size_query(paging, size)
            )
        await self.executor.send_with_retries(call)
        return call

    def _read(self, call: Call, paging: Paging, size: int | None, offset: int = 0) -> tuple[ParsedPage, list[T]]:
        """Return the page of a response, and its items."""
        executor = self.executor
        try:
            parsed = parse_page(paging, call.response, size, offset)
            if executor.context.hooks.has_drift_hooks and self.operation is not None:
                executor.report_drift(call, self.operation, parsed.data)
            items = self._decoded(paging, parsed, call.response.status)
            if parsed.following is not None:
                cursor = cursor_position(paging, parsed.following, self._origin(call))
                parsed.info = attrs.evolve(parsed.info, next_cursor=cursor)
        except (DecodeError, PaginationError) as error:
            executor.fail_decoding(call, error)
            raise
        return parsed, items

    def _decoded(self, paging: Paging, parsed: ParsedPage, status: int) -> list[T]:
        try:
            return self.decode(parsed.data)
        except StructureError as failure:
            error = DecodeError(
                "an item does not have the form of the model",
                where=f"{'.'.join(('$', *paging.items_path))}{failure}",
                status=status,
                request_id=request_id_of(parsed.envelope),
            )
        raise error

    def _origin(self, call: Call) -> Origin:
        context = self.executor.context
        secrets = context.credentials.query_names if context.credentials else frozenset[str]()
        return Origin(context.host, call.path, self.filters, secrets)


def _size_query(paging: Paging, size: int | None) -> str:
    name = paging.size_parameter
    return "" if size is None or name is None else f"{encode_query_value(name)}={size}"
