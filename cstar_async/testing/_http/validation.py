"""Validate query and body against the JSON Schemas of the document.

An invalid request raises an `APIFailure` with the codes of cStar: `parameter_missing` (documented), `parameter_invalid` or
`invalid_json` (inferred), and the field in `param`. Path values are not validated: one that matches no object is a 404.

Unknown parameters and unknown fields of a body are ignored, because nothing says that cStar refuses them. The request log lists the
parameters. Unknown fields of a record or of bulk data are refused, so that a test notices values that would be lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import orjson

from cstar_async._operations.operation import Operation, Parameter
from cstar_async._types import UntypedJSON, is_object
from cstar_async.testing._data.spec import Document, SchemaNode
from cstar_async.testing._errors import APIFailure
from cstar_async.testing._http.forms import MULTIPART, URLENCODED, parse_form

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator, FormatChecker
    from jsonschema.exceptions import ValidationError

_INTEGER: Final = re.compile(r"-?(0|[1-9][0-9]*)", re.ASCII)
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+")
_DATE_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_JSON_TYPE: Final = re.compile(r"application/json\s*(;.*)?", re.IGNORECASE)
_FORMS: Final[Mapping[str, str]] = {"form": URLENCODED, "multipart": MULTIPART}
"""The content type of each format of a body that is a form."""
_MAX_VALUE_LENGTH: Final = 200
_MAX_DEPTH: Final = 200
"""Levels of a body up to which no response with it is nested too deeply for orjson, which writes 254."""
_ENVELOPE_DEPTH: Final = 16
"""Levels that a response has around a value."""
_MAX_IDEMPOTENCY_KEY_LENGTH: Final = 255


class Validation:
    """Validates requests.

    Raises:
        ImportError: `jsonschema` is not installed.
    """

    def __init__(self, document: Document) -> None:
        try:
            from jsonschema import Draft202012Validator, FormatChecker
        except ImportError:
            message = "FakeCStar requires jsonschema, which is not installed: pip install 'cstar-async[testing]'"
            raise ImportError(message) from None
        self._document = document
        self._formats = _formats(FormatChecker)
        self._validator_class = Draft202012Validator
        self._validators: dict[tuple[str, str], Draft202012Validator] = {}

    def query(self, operation: Operation, query_string: str) -> dict[str, UntypedJSON]:
        """Return the parameters of a query string, parsed by their schemas.

        Raises:
            APIFailure: 400: a parameter is missing, repeated or invalid.
        """
        known = {parameter.name: parameter for parameter in operation.parameters if parameter.location == "query"}
        texts: dict[str, str] = {}
        for name, text in parse_qsl(query_string, keep_blank_values=True, errors="replace"):
            if name in texts and name in known:
                raise _invalid(name, "it is repeated")
            texts[name] = text
        for name, parameter in known.items():
            if parameter.required and name not in texts:
                raise APIFailure(400, "parameter_missing", f"The '{name}' parameter is required.", param=name)
        return {name: self._parse_parameter(operation, known[name], text) for name, text in texts.items() if name in known}

    def body(self, operation: Operation, content_type: str | None, body: bytes) -> dict[str, UntypedJSON]:
        """Return the body of a request; an empty object for an operation without one.

        Raises:
            APIFailure: 400: the body is not JSON, not an object, or invalid.
        """
        if operation.request is None:
            return {}
        if operation.body_format in _FORMS:
            return self._form(operation, operation.request, content_type or "", body)
        if not _JSON_TYPE.fullmatch(content_type or ""):
            raise APIFailure(400, "invalid_content_type", "The Content-Type of a body must be application/json.")
        try:
            value: UntypedJSON = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise APIFailure(400, "invalid_json", f"The body is not valid JSON: {error}.") from None
        if body.count(b"[") + body.count(b"{") > _MAX_DEPTH and not _is_writable(value):
            raise APIFailure(400, "invalid_json", "The body is nested too deeply.")
        if not is_object(value):
            raise APIFailure(400, "parameter_invalid", "The body must be a JSON object.")
        schema = self._document.components[operation.request]
        self._validate((operation.id, ""), schema, value, label="field", order=list(self._document.properties(operation.request)))
        return value

    def _form(self, operation: Operation, request: str, content_type: str, body: bytes) -> dict[str, UntypedJSON]:
        """Return the fields of a form, parsed by their schemas."""
        expected = _FORMS[operation.body_format]
        if content_type.partition(";")[0].strip().lower() != expected:
            raise APIFailure(400, "invalid_content_type", f"The Content-Type of a body must be {expected}.")
        try:
            texts = parse_form(content_type, body)
        except ValueError as error:
            raise APIFailure(400, "invalid_form", f"The body is not a valid form: {error}.") from None
        known = self._document.properties(request)
        fields: dict[str, UntypedJSON] = {}
        for name, values in texts.items():
            schema = known.get(name, {})
            is_list = schema.get("type") == "array" and len(values) > 1
            fields[name] = values if is_list else _parse_query_value(name, values[-1], schema)
        self._validate((operation.id, ""), self._document.components[request], fields, label="field", order=list(known))
        return fields

    def fields(self, schema: str, value: dict[str, UntypedJSON]) -> None:
        """Validate an object inside a body.

        Raises:
            APIFailure: 400: it is invalid or has an unknown field.
        """
        known = self._document.properties(schema)
        self._validate((schema, ""), self._document.components[schema], value, label="field", order=list(known))
        for name in value:
            if name not in known:
                raise _invalid(_truncate(name), "the field is not known")

    def idempotency_key(self, text: str) -> str:
        """Return a valid `Idempotency-Key`: 1 to 255 characters (inferred).

        Raises:
            APIFailure: 400: it is empty or too long.
        """
        if not 1 <= len(text) <= _MAX_IDEMPOTENCY_KEY_LENGTH:
            raise _invalid("Idempotency-Key", f"it must have 1 to {_MAX_IDEMPOTENCY_KEY_LENGTH} characters")
        return text

    def _parse_parameter(self, operation: Operation, parameter: Parameter, text: str) -> UntypedJSON:
        schema = self._document.resolved(parameter.schema)
        value = _parse_query_value(parameter.name, text, schema)
        self._validate((operation.id, parameter.name), parameter.schema, value, label="parameter", param=parameter.name)
        return value

    def _validate(
        self,
        cache_key: tuple[str, str],
        schema: SchemaNode,
        value: UntypedJSON,
        *,
        label: str,
        order: Sequence[str] = (),
        param: str | None = None,
    ) -> None:
        validator = self._validators.get(cache_key)
        if validator is None:
            document = {**schema, "components": {"schemas": self._document.components}}
            validator = self._validators[cache_key] = self._validator_class(document, format_checker=self._formats)
        found: Iterable[ValidationError] = validator.iter_errors(value)  # pyright: ignore[reportUnknownMemberType]  # untyped there
        errors = sorted(found, key=lambda error: _rank(error, order))
        if not errors:
            return
        first = errors[0]
        names = [str(step) for step in first.absolute_path]
        if first.validator == "required":
            required, instance = cast("list[str]", first.validator_value), cast("dict[str, object]", first.instance)
            names.append(next(name for name in required if name not in instance))
            missing = ".".join(names)
            raise APIFailure(400, "parameter_missing", f"The '{missing}' {label} is required.", param=missing)
        raise _invalid(param or ".".join(names) or None, _truncate(first.message))


def _rank(error: ValidationError, order: Sequence[str]) -> tuple[bool, int]:
    """Sort missing fields first, then the order of the document."""
    name = str(error.absolute_path[0]) if error.absolute_path else ""
    return error.validator != "required", order.index(name) if name in order else -1


def _parse_query_value(name: str, text: str, schema: SchemaNode) -> UntypedJSON:
    """Return a query value as JSON. Integers and booleans have one notation only."""
    match schema.get("type"):
        case "integer":
            # `int()` refuses longer numbers.
            if not _INTEGER.fullmatch(text) or len(text) > 4_000:
                raise _invalid(name, f"{_truncate(repr(text))} is not an integer")
            return int(text)
        case "boolean":
            if text not in ("true", "false"):
                raise _invalid(name, f"{_truncate(repr(text))} is not true or false")
            return text == "true"
        case "array":
            return text.split(",") if text else []
        case _:
            return text


def _formats(checker_class: type[FormatChecker]) -> FormatChecker:
    checker = checker_class(formats=())
    for name, check in (("date-time", _is_date_time), ("email", _is_email), ("uri", _is_uri), ("uuid", _is_uuid)):
        checker.checks(name, raises=ValueError)(check)
    return checker


def _is_date_time(value: object) -> bool:
    if not isinstance(value, str):
        return True
    datetime.fromisoformat(value.upper())
    return _DATE_TIME.fullmatch(value) is not None


def _is_email(value: object) -> bool:
    return not isinstance(value, str) or _EMAIL.fullmatch(value) is not None


def _is_uri(value: object) -> bool:
    return not isinstance(value, str) or bool(urlsplit(value).scheme)


def _is_uuid(value: object) -> bool:
    if isinstance(value, str):
        UUID(value)
    return True


def _invalid(param: str | None, why: str) -> APIFailure:
    what = f"The value of '{param}' is not accepted" if param else "The request is not accepted"
    return APIFailure(400, "parameter_invalid", f"{what}: {why}.", param=param)


def _truncate(text: str) -> str:
    return text if len(text) <= _MAX_VALUE_LENGTH else f"{text[:_MAX_VALUE_LENGTH]}…"


def _is_writable(value: UntypedJSON) -> bool:
    """Return whether a response can contain a value. The parser accepts deeper ones, which would break each list with it."""
    for _ in range(_ENVELOPE_DEPTH):
        value = [value]
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError:
        return False
    return True
