"""Build the endpoint functions: their signatures and the one call that each makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from codegen import naming as names
from codegen.ir.docstrings import INDENT, LINE_LENGTH, described, docstring, sentence, text_of
from codegen.ir.function_docs import batched_docstring, function_docstring, python_names
from codegen.ir.model_specs import FieldSpec, ModelSpec
from codegen.ir.models import ModelBuilder, request_annotation
from codegen.ir.types import PythonType, TypeMapper, joined
from codegen.spec.document import Document, Node, Operation, Parameter, entries
from codegen.spec.queries import (
    BODY,
    NEW_NAME,
    OLD_FUNCTION,
    OLD_NAME,
    argument_names,
    body_name,
    call_kind,
    caller_parameters,
    deprecated_values,
    function_name,
    kinds_of,
    sends_idempotency_key,
)


@dataclass(frozen=True, kw_only=True)
class DecoderSpec:
    """The function that decodes a result which is no model."""

    name: str
    doc: str
    annotation: str
    expression: str


@dataclass(frozen=True, kw_only=True)
class FunctionSpec:
    """An endpoint function."""

    name: str
    operation: str
    """The id of its operation."""
    keyword: str
    parameters: str
    returns: str
    doc: str
    statement: str
    """The call, with `return` if it has a result. Before it, the query or the body of a long call is assigned to a variable."""
    classes: frozenset[str]
    """The schemas that its code uses."""
    decoders: tuple[DecoderSpec, ...] = ()
    """The decoder of its result, if that needs one."""
    decorators: tuple[str, ...] = ()
    """What warns about a call that is deprecated, or that has a deprecated argument."""
    overloads: tuple[OverloadSpec, ...] = ()
    """The signatures for type checkers, where arguments have old names."""
    is_exported: bool = True
    """Whether the package `api` offers it, not only its module."""


@dataclass(frozen=True, kw_only=True)
class Argument:
    """An argument of a function."""

    name: str
    wire: str
    location: str
    declaration: str
    is_required: bool
    description: str
    classes: tuple[str, ...]
    is_positional: bool = False
    value: str = ""
    """The expression of its value in the call."""
    is_deprecated: bool = False
    deprecated_values: tuple[object, ...] = ()
    """The values that it should not have."""
    old_name: str = ""
    """A name that it had before, and that works as well."""


@dataclass(frozen=True, kw_only=True)
class OverloadSpec:
    """A signature of a function that has several."""

    parameters: str
    decorators: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Result:
    """What a function returns, and how the client decodes it."""

    returns: str
    decoded_as: str
    """The argument of the executor: a class, or the name of a decoder. Empty for a download, which has none."""
    classes: tuple[str, ...]
    decoders: tuple[DecoderSpec, ...] = ()


class FunctionBuilder:
    """Builds functions."""

    def __init__(self, document: Document, models: ModelBuilder, types: TypeMapper) -> None:
        self._document = document
        self._models = models
        self._types = types

    def of(self, operation: Operation) -> FunctionSpec:
        """Build the function for an operation."""
        arguments = self._arguments(operation)
        result = self._result(operation)
        has_key = sends_idempotency_key(operation)
        kind = call_kind(operation)
        method = {"page": "paginate", "whole": "paginate", "bytes": "download", "items": "stream"}.get(kind, "")
        is_called_later = bool(method)
        in_path = [argument.value for argument in arguments if argument.location == "path"]
        decoded_as = [result.decoded_as] if result.decoded_as else []
        function = f"client.__executor__.{method}" if is_called_later else "await client.__executor__.execute"
        function = function if result.returns == "None" else f"return {function}"
        leading = [f"operations.{operation.id.upper()}", *decoded_as, *in_path]
        return FunctionSpec(
            name=function_name(operation),
            operation=operation.id,
            is_exported=OLD_FUNCTION not in operation.node,
            keyword="def" if is_called_later else "async def",
            parameters=_signature(arguments, has_key=has_key),
            returns=result.returns,
            doc=function_docstring(self._document, operation, [(one.name, one.description) for one in arguments]),
            statement=self._call(function, leading, arguments, operation),
            classes=frozenset(
                {*result.classes, *(name for one in arguments for name in one.classes), *self._body_classes(operation)}
            ),
            decoders=result.decoders,
            decorators=_decorators(operation, arguments),
            overloads=_overloads(operation, arguments, has_key=has_key),
        )

    def batched(self, operation: Operation) -> FunctionSpec:
        """Build the function that splits an operation over several requests."""
        one = self.of(operation)
        fields = [argument for argument in self._arguments(operation) if argument.location == BODY]
        leading = ["client.__executor__", f"operations.{operation.id.upper()}_BATCHES", one.returns]
        return replace(
            one,
            name=names.batched(one.name),
            doc=batched_docstring(self._document, operation, [(field.name, field.description) for field in fields]),
            statement=self._call("return await run_in_batches", leading, fields, operation),
        )

    def _result(self, operation: Operation) -> _Result:
        result, kind = operation.result, call_kind(operation)
        if kind in ("none", "text", "bytes"):
            python = {"none": "None", "text": "str", "bytes": "Download"}[kind]
            return _Result(returns=python, decoded_as={"none": "NoneType", "text": "str", "bytes": ""}[kind], classes=())
        if kind == "items" and result.has_events:
            return _Result(returns="Stream[ServerSentEvent]", decoded_as="None", classes=())
        if kind in ("value", "items"):
            value = self._value(operation)
            return value if kind == "value" else replace(value, returns=f"Stream[{value.decoders[0].annotation}]")
        schema = entries(result.schema, "items") if kind in ("page", "whole", "array") else result.schema
        type_ = self._types.of(schema)
        returns = {"page": "Paginator[{}]", "whole": "Paginator[{}]", "array": "list[{}]"}.get(kind, "{}").format(type_.read_type)
        decoded_as = returns if kind == "array" else type_.read_type
        if result.text is not None:
            returns += " | str"
        elif result.is_nullable:
            returns += " | None"
        return _Result(returns=returns, decoded_as=decoded_as, classes=type_.classes)

    def _value_by_status(self, operation: Operation) -> _Result:
        """Return a result that each status decodes in its own way."""
        types = {status: self._types.of(schema) for status, schema in operation.result.by_status}
        decoders = {status: f"_decode_{operation.id}_{status or 'other'}" for status in types}
        annotations = [*(type_.declared_read_type for type_ in types.values()), *(["None"] if operation.result.is_nullable else [])]
        return _Result(
            returns=joined([*annotations, *(["str"] if operation.result.text else [])]),
            decoded_as=f"{{{', '.join(f'{status}: {name}' for status, name in decoders.items())}}}",
            classes=tuple(name for type_ in types.values() for name in type_.classes),
            decoders=tuple(
                DecoderSpec(
                    name=decoders[status],
                    doc=docstring([f"Decode the result of `{operation.id}` with {_status_text(status)}."], depth=1),
                    annotation=type_.declared_read_type,
                    expression=type_.decoding_of("value"),
                )
                for status, type_ in types.items()
            ),
        )

    def _value(self, operation: Operation) -> _Result:
        if operation.result.by_status:
            return self._value_by_status(operation)
        type_ = self._types.of(operation.result.schema)
        is_nullable = operation.result.is_nullable and not type_.is_nullable
        annotation = type_.optional_read_type if is_nullable else type_.declared_read_type
        name = f"_decode_{operation.id}"
        decoder = DecoderSpec(
            name=name,
            doc=docstring([f"Decode the result of `{operation.id}`."], depth=1),
            annotation=annotation,
            expression=type_.decoding_of("value"),
        )
        returns = annotation if operation.result.text is None or operation.result.shape == "items" else f"{annotation} | str"
        return _Result(returns=returns, decoded_as=name, classes=type_.classes, decoders=(decoder,))

    def _body_model(self, operation: Operation) -> ModelSpec | None:
        name = body_name(operation)
        return self._models.models[name] if name else None

    def _body_classes(self, operation: Operation) -> set[str]:
        model = self._body_model(operation)
        return {model.name} if model else set()

    def _arguments(self, operation: Operation) -> list[Argument]:
        """Return the arguments: those of the path first, then the positional, the required and the optional ones."""
        wire_to_python = python_names(self._document, operation)
        given = argument_names(self._document, operation)
        found = [
            self._parameter(parameter, given[parameter.location, parameter.name], wire_to_python)
            for parameter in caller_parameters(operation)
        ]
        if model := self._body_model(operation):
            found += [self._body_field(field, given[BODY, field.wire], wire_to_python) for field in model.fields]
        elif operation.body:
            found.append(self._body(operation, given[BODY, ""]))
        return sorted(found, key=_argument_order)

    def _parameter(self, parameter: Parameter, name: str, wire_to_python: dict[str, str]) -> Argument:
        is_required = parameter.node.get("required") is True
        type_ = self._types.of(parameter.node["schema"])
        if parameter.location == "path":
            annotation, default = type_.argument_type, ""
            value = self._path_value(parameter, name, type_)
        else:
            if type_.item_argument_type:
                type_ = replace(type_, argument_type=f"{type_.item_argument_type} | {type_.argument_type}")
            annotation, default = request_annotation(replace(type_, is_nullable=False), is_required=is_required)
            value = name if parameter.location == "query" else self._header_value(parameter, name)
        schema_text = text_of(parameter.node["schema"], "description")
        return Argument(
            name=name,
            wire=parameter.name,
            location=parameter.location,
            declaration=f"{name}: {annotation}{default}",
            is_required=is_required,
            description=described(
                parameter.node,
                wire_to_python,
                fallback=sentence(schema_text or f"The {parameter.location} parameter `{parameter.name}`"),
            ),
            classes=type_.classes,
            is_positional=parameter.is_positional or parameter.location == "path",
            is_deprecated=parameter.node.get("deprecated") is True,
            deprecated_values=self._deprecated_values(parameter.node["schema"]),
            old_name=str(parameter.node.get(OLD_NAME, "")),
            value=value,
        )

    def _path_value(self, parameter: Parameter, name: str, type_: PythonType) -> str:
        """Return the expression of a value in the path, as text."""
        style = "json" if "content" in parameter.node else str(parameter.node.get("style") or "simple")
        if style != "simple" or {"array", "object"} & kinds_of(self._document, parameter.node["schema"]):
            given = [repr(style)] if style != "simple" else []
            given += ["explode=True"] if parameter.node.get("explode") is True else []
            given += [f"wire_name={parameter.name!r}"] if style == "matrix" else []
            return f"path_value({', '.join([name, repr(name), *given])})"
        is_text = type_.is_string and type_.read_type != "JSON"
        return name if is_text else f"path_text({name}, {name!r})"

    def _header_value(self, parameter: Parameter, name: str) -> str:
        """Return the expression of a value in a header or a cookie."""
        if "content" in parameter.node:
            return f"header_value({name}, {name!r}, is_json=True)"
        if "object" not in kinds_of(self._document, parameter.node["schema"]):
            return name
        is_exploded = parameter.location == "header" and parameter.node.get("explode") is True
        return f"header_value({name}, {name!r}{', explode=True' if is_exploded else ''})"

    def _body(self, operation: Operation, name: str) -> Argument:
        """Return the one argument for a body that is no model."""
        body = operation.body
        is_required = body is not None and body.is_required
        type_ = self._types.of(body.schema if body else {})
        annotation, default = request_annotation(type_, is_required=is_required)
        return Argument(
            name=name,
            wire="",
            location=BODY,
            declaration=f"{name}: {annotation}{default}",
            is_required=is_required,
            description=described(body.node if body else {}, fallback="The body of the request."),
            classes=type_.classes,
            deprecated_values=self._deprecated_values(body.schema) if body else (),
            value=name,
        )

    def _body_field(self, field: FieldSpec, name: str, wire_to_python: dict[str, str]) -> Argument:
        return Argument(
            name=name,
            wire=field.wire,
            location=BODY,
            declaration=name + field.declaration.removeprefix(field.attribute),
            is_required=field.is_required,
            description=described(field.node, wire_to_python, fallback=f"The field `{field.wire}`."),
            classes=field.type_.classes,
            is_deprecated=field.is_deprecated,
            deprecated_values=self._deprecated_values(field.node),
            old_name=str(field.node.get(OLD_NAME, "")),
            value=name,
        )

    def _deprecated_values(self, schema: Node) -> tuple[object, ...]:
        return tuple(dict.fromkeys(deprecated_values(self._document, schema)))

    def _call(self, method: str, leading: Sequence[str], arguments: Sequence[Argument], operation: Operation) -> str:
        """Return the call that the function makes, after the assignments of what would make it too long for a line."""
        given: dict[str, str] = {}
        for keyword, location in (("query", "query"), ("headers", "header"), ("cookies", "cookie")):
            if values := ", ".join(f"{one.wire!r}: {one.value}" for one in arguments if one.location == location):
                given[keyword] = f"{{{values}}}"
        model = self._body_model(operation)
        fields = {one.wire: one for one in arguments if one.location == BODY}
        if model:
            given["body"] = f"{model.name}({', '.join(f'{one.attribute}={fields[one.wire].name}' for one in model.fields)})"
        elif fields:
            given["body"] = fields[""].name
        given |= {"idempotency_key": "idempotency_key"} if sends_idempotency_key(operation) else {}
        given |= {"options": "options"}
        taken = {one.name for one in arguments}
        if len(_call_of(method, leading, given)) <= LINE_LENGTH - len(INDENT):
            return _call_of(method, leading, given)
        moved = {keyword: value for keyword, value in given.items() if value[-1] in ")}" and keyword not in taken}
        lines = [f"{keyword} = {value}" for keyword, value in moved.items()]
        return f"\n{INDENT}".join([*lines, _call_of(method, leading, given | {keyword: keyword for keyword in moved})])


def _call_of(method: str, leading: Sequence[str], given: Mapping[str, str]) -> str:
    return f"{method}({', '.join([*leading, *(f'{keyword}={value}' for keyword, value in given.items())])})"


def _status_text(status: int) -> str:
    return f"the status {status}" if status else "another status"


def _decorators(operation: Operation, arguments: Sequence[Argument]) -> tuple[str, ...]:
    """Return the decorators that warn. An argument that a call cannot do without is left to the docstring."""
    renamed = [f"{one.old_name}={one.name!r}" for one in arguments if one.old_name]
    found = [f"renamed_arguments({', '.join(renamed)})"] if renamed else []
    if names_given := [one.name for one in arguments if one.is_deprecated and not one.is_required and not one.is_positional]:
        found.append(f"deprecated_arguments({', '.join(map(repr, names_given))})")
    if old_values := [f"{one.name}={one.deprecated_values!r}" for one in arguments if one.deprecated_values]:
        found.append(f"deprecated_values({', '.join(old_values)})")
    if operation.node.get("deprecated") is True:
        new_name = operation.node.get(NEW_NAME)
        message = f"{operation.namespace}.{operation.name} is {f'now {new_name}' if new_name else 'deprecated'}"
        found.append(f"deprecated({message!r})")
    return tuple(reversed(found))


def _overloads(operation: Operation, arguments: Sequence[Argument], *, has_key: bool) -> tuple[OverloadSpec, ...]:
    """Return the signature, and the deprecated one with the old names of arguments, if there are any."""
    renamed = {one.old_name: one.name for one in arguments if one.old_name}
    if not renamed:
        return ()
    old = [
        replace(one, declaration=one.old_name + one.declaration.removeprefix(one.name)) if one.old_name else one
        for one in arguments
    ]
    message = f"{operation.namespace}.{operation.name}: {', '.join(f'{one} is now {other}' for one, other in renamed.items())}"
    return (
        OverloadSpec(parameters=_signature(arguments, has_key=has_key), decorators=()),
        OverloadSpec(parameters=_signature(old, has_key=has_key), decorators=(f"deprecated({message!r})",)),
    )


def _argument_order(argument: Argument) -> tuple[bool, bool, bool]:
    return argument.location != "path", not argument.is_positional, not argument.is_required


def _signature(arguments: Sequence[Argument], *, has_key: bool) -> str:
    """Return the parameters: the client, ids by position or by name, then those by name."""
    positional = [argument.declaration for argument in arguments if argument.is_positional]
    named = [argument.declaration for argument in arguments if not argument.is_positional]
    named += ["idempotency_key: str | None = None"] if has_key else []
    named += ["options: RequestOptions | None = None"]
    return ", ".join(["client: SupportsExecute", "/", *positional, "*", *named])
