"""Calls whose body has files. Most clients send none, and do not load this module."""

from __future__ import annotations

from collections.abc import Mapping

from cstar_async._client.call import Call, TransferCall
from cstar_async._operations.operation import Operation
from cstar_async._protocol.headers import CONTENT_TYPE
from cstar_async._protocol.idempotency import new_key
from cstar_async._types import UNSET, RequestOptions, is_mapping, is_str
from cstar_async.errors import InvalidArgumentError
from cstar_async.files._multipart import BodyContent, fields_of, multipart, single_file
from cstar_async.files._upload import Upload


def with_files(call: Call, operation: Operation, body: object, options: RequestOptions | None) -> Call:
    """Return the call of an operation whose body has files."""
    extra_body = None if options is None else options.extra_body
    if body is None or body is UNSET:
        return call
    if operation.body_format == "multipart":
        fields = {**fields_of(body), **(extra_body or {})}
        content = multipart(fields, operation.body_types, operation.file_fields, new_key())
    elif extra_body:
        raise InvalidArgumentError(f"extra_body must be None for a body that is a file, got {type(extra_body).__name__}")
    else:
        content = single_file(body, operation.body_types.get(""), "body")
    return _with_upload(call, content)


def with_named_files(call: Call, json: object, files: Mapping[str, object], options: RequestOptions | None) -> Call:
    """Return the call of a form with the fields of *json* and with files."""
    given: object = files
    if not is_mapping(given) or not all(is_str(name) for name in given):
        raise InvalidArgumentError(f"files must be a mapping of field names to files, got {type(files).__name__}")
    if json is not None and not is_mapping(json):
        raise InvalidArgumentError(f"json must be a mapping of fields beside files, got {type(json).__name__}")
    extra_body = None if options is None else options.extra_body
    fields = {**fields_of(json), **(extra_body or {})}
    for name, value in files.items():
        if value is None or name in fields:
            expected, got = ("a file or a list of files", "None") if value is None else ("in files or a field of json", "both")
            raise InvalidArgumentError(f"{name} must be {expected}, got {got}")
    fields.update(files)
    return _with_upload(call, multipart(fields, {}, frozenset(files), new_key()))


def _with_upload(call: Call, content: BodyContent) -> Call:
    call.body = None
    call.add_headers({CONTENT_TYPE: content.content_type})
    return TransferCall.of(call, upload=Upload(content))
