"""Building of calls. Whatever is wrong with the arguments of a call is raised here or in `operation_checks`, before it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cstar_async._client.call import Call, CallTarget, RawTarget
from cstar_async._client.context import ClientContext
from cstar_async._client.operation_checks import check_can_write, check_item_limits, check_query, check_scope
from cstar_async._client.settings import CallSettings, check_request_options
from cstar_async._model.argument_check import check_body
from cstar_async._model.codec import encode_body
from cstar_async._model.model import Model
from cstar_async._operations.operation import Operation
from cstar_async._protocol import headers as _headers
from cstar_async._protocol.idempotency import new_key, validate_key
from cstar_async._protocol.retry import SAFE_METHODS
from cstar_async._protocol.urls import encode_raw_path, form_of, path_segment, query_string, validate_query
from cstar_async._types import UNSET, RequestOptions, is_str
from cstar_async._values.redaction import redact
from cstar_async._values.repr import private_repr
from cstar_async._values.validation import invalid, validate_seconds
from cstar_async.errors import InvalidArgumentError

RAW_METHODS: Final = ("GET", "POST", "PATCH", "PUT", "DELETE")
_JSON_BODY: Final = {_headers.CONTENT_TYPE: "application/json"}
_FORM_BODY: Final = {_headers.CONTENT_TYPE: "application/x-www-form-urlencoded"}
_NOT_JSON: Final = frozenset({"text", "bytes", "items"})
_WITH_FILES: Final = frozenset({"multipart", "file"})


def build_operation_call(
    context: ClientContext,
    settings: CallSettings,
    operation: Operation,
    path: tuple[str, ...],
    query: Mapping[str, object] | None,
    body: object,
    idempotency_key: str | None,
    options: RequestOptions | None,
    headers: Mapping[str, str] | None = None,
) -> Call:
    """Build the call of an operation. *headers* are those of its parameters."""
    if context.is_publishable:
        check_can_write(operation)
    if operation.scope != context.scope:
        check_scope(operation, context.scope)
    if operation.limits:
        check_item_limits(operation, body)
    if body is not None:
        check_body(body, operation.id)
    if operation.optional_body and isinstance(body, Model) and all(getattr(body, name) is UNSET for name in body.__wire_names__):
        body = None
    if query and operation.known_values:
        check_query(operation, query)
    segments = operation.segments
    relative = segments[0]
    for index, value in enumerate(path):
        relative += path_segment(value) + segments[index + 1]
    has_files = operation.body_format in _WITH_FILES
    is_team_scoped, has_key = operation.scope != "root", operation.sends_idempotency_key
    call = _build_call(
        context,
        settings,
        operation,
        relative,
        query,
        None if body is UNSET or has_files else body,
        idempotency_key,
        options,
        is_team_scoped,
        has_key,
        operation.query_styles,
    )
    if operation.nullable_body and body is None:
        call.body = b"null"
        call.add_headers(_JSON_BODY)
    if operation.body_format == "form" and call.body is not None:
        call.body = form_of(call.body, operation.form_styles)
        call.add_headers(_FORM_BODY)
    if operation.json_type is not None and call.body is not None:
        call.add_headers({_headers.CONTENT_TYPE: operation.json_type})
    if has_files:
        from cstar_async._client.uploads import with_files  # most clients send no file

        call = with_files(call, operation, body, options)
    if operation.shape in _NOT_JSON:
        call.add_headers({_headers.ACCEPT: operation.text or "*/*"})
    if headers:
        call.add_headers(headers)
    return call


def build_raw_call(
    context: ClientContext,
    settings: CallSettings,
    method: str,
    path: str,
    params: Mapping[str, object] | None,
    json: object,
    idempotency_key: str | None,
    options: RequestOptions | None,
    files: Mapping[str, object] | None = None,
) -> Call:
    """Build the call of a path given by the caller."""
    verb = method.upper() if is_str(method) else method
    if verb not in RAW_METHODS:
        raise invalid("method", "GET, POST, PATCH, PUT or DELETE", method)
    encoded = encode_raw_path(path)
    target = RawTarget("request", verb, redact(path))  # such a path has ids in it, and some ids are e-mail addresses
    if context.is_publishable:
        check_can_write(target)
    query = None if params is None else validate_query(params, "params")
    is_team_scoped = context.scope != "root" and not encoded.startswith("/api/")
    has_key = verb not in SAFE_METHODS and context.scope == "team"  # the library takes no idempotency keys
    call = _build_call(context, settings, target, encoded, query, json, idempotency_key, options, is_team_scoped, has_key)
    if files is None:
        return call
    from cstar_async._client.uploads import with_named_files

    return with_named_files(call, json, files, options)


def _build_call(
    context: ClientContext,
    settings: CallSettings,
    target: CallTarget,
    path: str,
    query: Mapping[str, object] | None,
    body: object,
    idempotency_key: str | None,
    options: RequestOptions | None,
    is_team_scoped: bool,
    has_key: bool,
    styles: Mapping[str, str] | None = None,
) -> Call:
    if options is not None:
        check_request_options(options)
    started, deadline = context.clock.monotonic(), None
    encoded_query = query_string(query, styles=styles) if query else ""
    content: bytes | None = None
    headers: Mapping[str, str] | None = None
    extra_body = None if options is None else options.extra_body
    if body is not None or extra_body:
        content, headers = encode_body({} if body is None else body, extra_body), _JSON_BODY
    if has_key:
        idempotency_key = new_key() if idempotency_key is None else validate_key(idempotency_key)
        headers = {**(headers or {}), _headers.IDEMPOTENCY_KEY: idempotency_key}
    elif idempotency_key is not None:
        got = private_repr(idempotency_key)
        raise InvalidArgumentError(
            f"idempotency_key must be None for this call, got {got}; reads and DELETE can be repeated without one"
        )
    if options is not None:
        settings = settings.replace(
            timeout=options.timeout, max_retries=options.max_retries, max_wait=options.max_wait, priority=options.priority
        )
        if options.total_timeout is not None:
            validate_seconds("total_timeout", options.total_timeout, above_zero=True)
            deadline = started + options.total_timeout
        if options.extra_query:
            encoded_query = query_string(query, validate_query(options.extra_query, "extra_query"), styles=styles)
        if options.headers:
            headers = {**(headers or {}), **_headers.validate_headers(options.headers)}
    return Call(
        target, target.method, path, encoded_query, headers, content, is_team_scoped, idempotency_key, settings, started, deadline
    )
