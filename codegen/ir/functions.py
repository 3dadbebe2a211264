"""Operations as functions: their arguments, their prose, and the one call that each makes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from codegen import naming as names
from codegen.ir.batches import docstring_for_all
from codegen.ir.docstrings import Section, described, docstring, sentence, source_of
from codegen.ir.errors import raises
from codegen.ir.models import FieldView, ModelView, ModelViews, request_annotation
from codegen.ir.operations import id_for_all, own_parameters, shape_of_answer, text_of_answer
from codegen.ir.types import PythonType, Shapes
from codegen.ir.usage import body_name, data_schema, result_name, success_response
from codegen.lint.operations import IDEMPOTENCY_KEY, is_nullable
from codegen.lint.schemas import is_free, is_open
from codegen.parser import Parsed
from codegen.spec.document import Document, Operation, Parameter

IDEMPOTENCY_KEY_DOC = (
    "A text that names this one intent, the same however often it is tried, so that the server carries it out once. "
    "None: a key is made for the call."
)
OPTIONS_PROSE = "Settings for this call alone."
OPEN_BODY_PROSE = (
    "The body may have fields that the document does not know. Send them with `options=RequestOptions(extra_body={…})`, by their "
    "wire names."
)
NAMED_PROSE = "Only the path is known: nothing is documented of what it answers, so the JSON comes as it is."
FREE_PROSE = "The fields of the answer are not known, so the JSON comes as it is."
NULL_PROSE = "None: there is none."
EMPTY_PROSE = "The server may send no body at all; the object has no fields then."


@dataclass(frozen=True, kw_only=True)
class FunctionView:
    """A function of the endpoints' modules."""

    name: str
    keyword: str
    parameters: str
    returns: str
    doc: str
    call: str
    classes: frozenset[str]
    """The schemas that its code names."""


@dataclass(frozen=True, kw_only=True)
class Argument:
    """What a caller gives beside ids, nearly always by keyword."""

    name: str
    wire: str
    declaration: str
    is_required: bool
    prose: str
    classes: tuple[str, ...]
    is_positional: bool = False


class FunctionViews:
    """Makes the views of functions."""

    def __init__(self, parsed: Parsed, models: ModelViews, shapes: Shapes) -> None:
        self._parsed = parsed
        self._document = parsed.document
        self._models = models
        self._shapes = shapes

    def of(self, operation: Operation) -> FunctionView:
        """The function for an operation."""
        shape = _call_kind(self._document, operation)
        result = self._shapes.of_component(result_name(self._document, operation))
        ids = [parameter for parameter in own_parameters(operation) if parameter.location == "path"]
        in_path = [names.argument(parameter.name) for parameter in ids]
        constant = f"operations.{operation.id.upper()}"
        query = self._query(operation)
        body = self._body(operation)
        has_key = any(parameter.name == IDEMPOTENCY_KEY for parameter in operation.parameters)
        arguments = sorted([*query, *(_body_argument(field) for field in (body.fields if body else ()))], key=_argument_order)
        sender, returns = _SENDER[shape], _RETURNS[shape].format(result.read_type)
        if text_of_answer(self._document, operation) is not None:
            sender, returns = "await client.sender.call_or_text", f"{result.read_type} | str"
        elif is_nullable(data_schema(self._document, operation)):
            sender, returns = "await client.sender.call_or_none", f"{result.read_type} | None"
        return FunctionView(
            name=operation.id,
            keyword="def" if shape in _PAGINATED else "async def",
            parameters=_signature(in_path, arguments, has_key=has_key),
            returns=returns,
            doc=self._doc(operation, ids, arguments, has_key=has_key),
            call=_call(sender, [constant, result.read_type, *in_path], query, body, has_key=has_key),
            classes=frozenset({*result.classes, *_classes_of(body), *(name for one in query for name in one.classes)}),
        )

    def batched(self, operation: Operation) -> FunctionView:
        """The function that carries an operation out for an array of any length."""
        one = self.of(operation)
        body = self._body(operation)
        prose = {field.attribute: described(field.node) for field in (body.fields if body else ())}
        leading = ["client.sender", f"operations.{operation.id.upper()}_ALL", one.returns]
        return replace(
            one,
            name=id_for_all(operation),
            doc=docstring_for_all(self._document, operation, prose),
            call=_call("await run_in_batches", leading, [], body, has_key=True),
        )

    def _body(self, operation: Operation) -> ModelView | None:
        name = body_name(self._document, operation)
        return self._models.models[name] if name else None

    def _query(self, operation: Operation) -> list[Argument]:
        endpoint = self._parsed.endpoints[operation.id]
        properties = {prop.name.get_untrusted_value(): prop for prop in endpoint.query_parameters}
        return [
            _query_argument(parameter, self._shapes.of(properties[parameter.name], parameter.pointer))
            for parameter in own_parameters(operation)
            if parameter.location == "query"
        ]

    def _notes(self, operation: Operation) -> list[str]:
        """What a caller must know where the document itself knows little."""
        body, result = body_name(self._document, operation), result_name(self._document, operation)
        notes = [OPEN_BODY_PROSE] if body and is_open(self._document.schemas[body]) else []
        if is_free(self._document.schemas[result]):
            notes.append(NAMED_PROSE if operation.node["x-evidence"] == "named" else FREE_PROSE)
        return notes

    def _doc(self, operation: Operation, ids: list[Parameter], arguments: list[Argument], *, has_key: bool) -> str:
        entries = [(names.argument(parameter.name), described(parameter.node)) for parameter in ids]
        entries += [(argument.name, argument.prose) for argument in arguments]
        entries += [("idempotency_key", IDEMPOTENCY_KEY_DOC)] if has_key else []
        entries += [("options", OPTIONS_PROSE)]
        shape = _call_kind(self._document, operation)
        response = success_response(self._document, operation)
        returned = [described(response)]
        # Of what is known by name only, not even that is known.
        returned += [_RETURNS_PROSE[shape]] if operation.node["x-evidence"] != "named" else []
        if text := text_of_answer(self._document, operation):
            returned.append(f"A text where the server answers with `{text}`, read as UTF-8; what is none becomes \ufffd.")
        returned += [NULL_PROSE] if is_nullable(data_schema(self._document, operation)) else []
        returned += [EMPTY_PROSE] if response.get("x-cstar-may-be-empty") else []
        return docstring(
            [
                sentence(operation.node["summary"]),
                sentence(operation.node["description"]),
                *self._notes(operation),
                Section("Args", tuple(entries)),
                Section("Returns", (("", " ".join(filter(None, returned))),)),
                Section("Raises", tuple(raises(self._document, operation, is_paged=shape in _PAGINATED))),
                source_of(operation.node),
            ],
            depth=1,
        )


_PAGINATED = frozenset({"page", "whole"})
"""The kinds of calls that return a `Paginator`."""
_SENDER = {
    "page": "client.sender.paginate",
    "whole": "client.sender.paginate",
    "array": "await client.sender.call_list",
    "object": "await client.sender.call",
    "deleted": "await client.sender.call",
}
_RETURNS = {"page": "Paginator[{}]", "whole": "Paginator[{}]", "array": "list[{}]", "object": "{}", "deleted": "{}"}
_RETURNS_PROSE = {
    "page": (
        "Await the `Paginator` for one `Page`, or walk it with `async for` for the rows of all pages; nothing is sent before."
        " No row comes twice in a walk, but rows that move meanwhile may be missed."
    ),
    "whole": (
        "Await the `Paginator` for the whole list as one `Page`, or iterate over it with `async for`. Either takes one request;"
        " nothing is sent before."
    ),
    "array": "The whole list comes at once and may be empty.",
    "object": "",
    "deleted": "",
}


def _call_kind(document: Document, operation: Operation) -> str:
    """The shape of the response; `whole` for a GET whose list is not paged, which returns a `Paginator` of one page."""
    shape = shape_of_answer(document, operation)
    return "whole" if shape == "array" and operation.method == "get" else shape


def _argument_order(argument: Argument) -> tuple[bool, bool]:
    """The order of arguments: those by position, the required ones, the optional ones."""
    return not argument.is_positional, not argument.is_required


def _classes_of(model: ModelView | None) -> set[str]:
    return {model.name, *(name for field in model.fields for name in field.shape.classes)} if model else set()


def _query_argument(parameter: Parameter, shape: PythonType) -> Argument:
    is_required = parameter.node.get("required") is True
    if shape.item_argument_type:
        shape = replace(shape, argument_type=f"{shape.item_argument_type} | {shape.argument_type}")
    annotation, default = request_annotation(shape, is_required=is_required)
    name = names.argument(parameter.name)
    return Argument(
        name=name,
        wire=parameter.name,
        declaration=f"{name}: {annotation}{default}",
        is_required=is_required,
        prose=described(parameter.node),
        classes=shape.classes,
        is_positional=parameter.is_positional,
    )


def _body_argument(field: FieldView) -> Argument:
    name = names.argument(field.wire)
    return Argument(
        name=name,
        wire=field.wire,
        declaration=name + field.declaration.removeprefix(field.attribute),
        is_required=field.is_required,
        prose=described(field.node),
        classes=field.shape.classes,
    )


def _signature(ids: list[str], arguments: list[Argument], *, has_key: bool) -> str:
    """The client, the ids and what the document wants so by position, everything else by name."""
    positional = ["client: SupportsExecute", *(f"{name}: str" for name in ids)]
    positional += [argument.declaration for argument in arguments if argument.is_positional]
    named = [argument.declaration for argument in arguments if not argument.is_positional]
    named += ["idempotency_key: str | None = None"] if has_key else []
    named += ["options: RequestOptions | None = None"]
    return ", ".join([*positional, "/", "*", *named])


def _call(sender: str, leading: list[str], query: list[Argument], body: ModelView | None, *, has_key: bool) -> str:
    """The one call that the function makes."""
    given = list(leading)
    if query:
        given.append(f"query={{{', '.join(f'{argument.wire!r}: {argument.name}' for argument in query)}}}")
    if body:
        given.append(f"body={body.name}({', '.join(f'{field.attribute}={names.argument(field.wire)}' for field in body.fields)})")
    given += ["idempotency_key=idempotency_key"] if has_key else []
    given += ["options=options"]
    return f"{sender}({', '.join(given)})"
