"""What a document becomes: types, names, prose and places, before ruff has seen them."""

from __future__ import annotations

import ast
import functools
from collections import defaultdict
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from openapi_python_client.parser.properties.date import DateProperty
from openapi_python_client.parser.properties.datetime import DateTimeProperty
from openapi_python_client.parser.properties.int import IntProperty
from openapi_python_client.parser.properties.union import UnionProperty

from codegen.errors import CodegenError, ProblemCollector
from codegen.ir.build import build_ir
from codegen.ir.docstrings import Section, described, docstring, in_python_words
from codegen.ir.functions import FunctionSpec
from codegen.ir.models import FieldSpec, ModelSpec
from codegen.ir.namespaces import namespace_modules
from codegen.ir.operations import OperationSpec, strip_descriptions
from codegen.ir.types import TypeMapper
from codegen.spec.document import Document, Node
from cstar_async._model import decoding as _wire
from cstar_async._model.codec import from_dict
from cstar_async._types import UNSET
from cstar_async.models import tickets
from tests.codegen.documents import BOSS, LIBRARY, TICKET, TICKETS, model, operation, reading, real, said, schema, view_of

SCHEMAS = "#/components/schemas"


def _models(raw: Node) -> dict[str, ModelSpec]:
    return {one.name: one for module in view_of(raw).model_modules for one in module.models}


def _functions(raw: Node) -> dict[str, FunctionSpec]:
    return {one.name: one for module in view_of(raw).api_modules for one in module.functions}


def _operations(raw: Node) -> dict[str, OperationSpec]:
    return {one.id: one for one in view_of(raw).operations}


def _read(field: FieldSpec, **wire: Any) -> Any:
    """What a decoder would make of a field."""
    raw = SimpleNamespace(**{field.attribute: wire.get(field.wire)})
    scope = {**vars(_wire), **vars(tickets), "wire": wire, "found": defaultdict(lambda: None, wire), "raw": raw}
    for lookup in field.lookups:
        setattr(raw, field.attribute, eval(lookup, scope))
    for one in field.decode_steps:
        if eval(one.condition, scope):
            setattr(raw, field.attribute, eval(one.expression, scope))
    return getattr(raw, field.attribute)


MESSAGE = {"$ref": f"{SCHEMAS}/Message"}
STATUS = {"$ref": f"{SCHEMAS}/TicketStatus"}
DATETIME = {"type": "string", "format": "date-time"}
NULL = {"type": "null"}


ANSWERS: list[tuple[Node, str]] = [
    ({"type": "string"}, "str"),
    ({"type": "string", "format": "uuid"}, "str"),
    ({"type": "string", "const": "x"}, "str"),
    ({"type": ["integer", "null"]}, "int"),
    ({"type": ["string", "number", "boolean"]}, "str | float | bool"),
    ({}, "JSON"),
    ({"type": "object", "additionalProperties": True}, "dict[str, JSON]"),
    ({"$ref": f"{SCHEMAS}/FreeObject"}, "dict[str, JSON]"),
    ({"type": "object", "additionalProperties": {"type": "integer"}}, "dict[str, int]"),
    ({"type": "object", "additionalProperties": MESSAGE}, "dict[str, Message]"),
    ({"type": "array", "items": {"type": ["string", "null"]}}, "list[str | None]"),
    ({"type": ["array", "null"], "items": MESSAGE}, "list[Message]"),
    ({"type": "array", "items": STATUS}, "list[TicketStatus]"),
    (STATUS, "TicketStatus"),
    ({"oneOf": [STATUS, NULL]}, "TicketStatus"),
    ({"oneOf": [MESSAGE, NULL]}, "Message"),
    (DATETIME, "datetime"),
]
BODIES: list[tuple[Node, str]] = [
    ({"type": "string"}, "str"),
    ({"type": ["string", "null"]}, "str | None"),
    ({}, "JSON | JSONObject"),
    ({"type": "object", "additionalProperties": True}, "JSONObject"),
    (STATUS, "TicketStatusLike"),
    ({"type": "array", "items": {"type": "string"}}, "list[str] | tuple[str, ...]"),
    ({"type": "array", "items": MESSAGE}, "Sequence[Message | JSONObject]"),
    (MESSAGE, "Message | JSONObject"),
    ({"type": "object", "additionalProperties": {"type": "integer"}}, "Mapping[str, int]"),
    (DATETIME, "datetime"),
]
READINGS: list[tuple[Node, Any, Any]] = [
    ({"type": "string"}, 5, 5),
    (STATUS, "open", tickets.TicketStatus.OPEN),
    (STATUS, 5, 5),
    (DATETIME, "2026-03-01T12:00:00Z", datetime(2026, 3, 1, 12, tzinfo=UTC)),
    (DATETIME, "soon", "soon"),
    (MESSAGE, {"id": "msg_1"}, tickets.decode_message({"id": "msg_1"})),
    (MESSAGE, "msg_1", "msg_1"),
    ({"type": "array", "items": MESSAGE}, [{"id": "msg_1"}, 5], [tickets.decode_message({"id": "msg_1"}), 5]),
    ({"type": "array", "items": STATUS}, ["open", None], [tickets.TicketStatus.OPEN, None]),
    ({"type": "array", "items": DATETIME}, ["2026-03-01T12:00:00Z"], [datetime(2026, 3, 1, 12, tzinfo=UTC)]),
    (
        {"type": "object", "additionalProperties": MESSAGE},
        {"a": {"id": "msg_1"}, "b": 5},
        {"a": tickets.decode_message({"id": "msg_1"}), "b": 5},
    ),
]
ALIASED: Node = {**STATUS, "x-cstar-aliases": ["older", "oldest"]}
NODES: list[Node] = [*(row[0] for row in (*ANSWERS, *BODIES, *READINGS)), ALIASED]


@functools.cache
def _fields() -> dict[str, list[FieldSpec]]:
    """The views of all fields of this file, in an answer and in a body: one document for all of them."""
    raw = real()
    for name in ("Ticket", "TicketUpdate"):
        schema(raw, name)["properties"] |= {f"more{index}": said("More.", **node) for index, node in enumerate(NODES)}
    models = _models(raw)
    return {name: [field for field in models[name].fields if field.wire.startswith("more")] for name in ("Ticket", "TicketUpdate")}


def _field_of(schema_name: str, node: Node) -> FieldSpec:
    """The view of a field that is put into a schema."""
    return _fields()[schema_name][NODES.index(node)]


@pytest.mark.parametrize(
    ("node", "kind"),
    ANSWERS,
)
def test_field_of_an_answer_may_be_none(node: Node, kind: str) -> None:
    """A field has the type of the document, and is None where it may be missing; JSON may be null by itself."""
    annotation = kind if kind == "JSON" else f"{kind} | None"
    assert f": {annotation} = None" == _field_of("Ticket", node).declaration.lstrip("more_0123456789")


@pytest.mark.parametrize(
    ("node", "kind"),
    BODIES,
)
def test_field_of_a_body_may_be_left_out(node: Node, kind: str) -> None:
    """A field of a body may be left out, which is not null, and takes enums as text and models as mappings."""
    assert f": {kind} | Unset = UNSET" == _field_of("TicketUpdate", node).declaration.lstrip("more_0123456789")


@pytest.mark.parametrize(
    ("node", "value", "expected"),
    READINGS,
)
@pytest.mark.parametrize("schema_name", ["Ticket", "TicketUpdate"])
def test_field_is_read_as_it_came_or_better(schema_name: str, node: Node, value: Any, expected: Any) -> None:
    """What keeps the promise of the document is read, what does not is passed through."""
    field = _field_of(schema_name, node)
    found = _read(field, **{field.wire: value})

    assert (expected, type(expected)) == (found, type(found))


def test_absent_and_null_are_told_apart_in_bodies_alone() -> None:
    """In an answer both are None; in a body what was left out stays UNSET."""
    ticket, update = from_dict(tickets.Ticket, {}), from_dict(tickets.TicketUpdate, {})
    nulled = from_dict(tickets.TicketUpdate, {"assignedTo": None})

    assert (None, UNSET, None) == (ticket.assigned_to, update.assigned_to, nulled.assigned_to)


def test_alias_is_read_like_the_name() -> None:
    """A field is found under every name that it has been seen under."""
    field = _field_of("Ticket", ALIASED)

    assert [tickets.TicketStatus.OPEN] * 3 == [_read(field, **{name: "open"}) for name in (field.wire, "older", "oldest")]


def test_null_beside_an_alias_says_nothing_in_an_answer_alone() -> None:
    """What another name says counts where the first is null; in a body a null clears the field."""
    answer, body = _field_of("Ticket", ALIASED), _field_of("TicketUpdate", ALIASED)

    assert tickets.TicketStatus.OPEN == _read(answer, **{answer.wire: None, "older": None, "oldest": "open"})
    assert _read(body, **{body.wire: None, "older": "open"}) is None


def test_field_called_as_a_keyword_gets_an_underscore() -> None:
    """`from` cannot be an attribute; its wire name stays."""
    raw = real()
    schema(raw, "Ticket")["properties"]["from"] = said("Whence.", type="string")

    view = _models(raw)["Ticket"]

    assert "from_: str | None = None" in [field.declaration for field in view.fields]
    assert "'from_': 'from'" in view.wire_names


def test_required_field_that_may_be_null_has_no_default() -> None:
    """Required and nullable are two things."""
    raw = real()
    schema(raw, "Ticket")["required"].append("notes")

    assert "notes: str | None" in [field.declaration for field in _models(raw)["Ticket"].fields]


def test_aliases_are_known_names() -> None:
    """A field that came under another name is no unknown field."""
    raw = real()
    schema(raw, "Ticket")["properties"]["title"]["x-cstar-aliases"] = ["subject"]

    assert "dict.fromkeys((*Ticket.__wire_names__.values(), 'subject'))" == _models(raw)["Ticket"].absent_fields


def test_identity_is_the_attribute_of_its_property() -> None:
    """A tag has no id; its name stands for it."""
    assert ("'name'",) == _models(real())["Tag"].identities


def test_required_arguments_come_first() -> None:
    """Whatever the order of the document, what must be given stands before what may be."""
    raw = real()
    schema(raw, "MessageCreate")["required"].append("metadata")

    signature = _functions(raw)["create_ticket_message"].parameters

    assert signature.startswith("client: SupportsExecute, ticket_id: str, /, *, content: str, metadata: JSONObject, sender: ")
    assert signature.endswith(", idempotency_key: str | None = None, options: RequestOptions | None = None")


def test_list_in_the_query_takes_one_or_several() -> None:
    """One value need not be wrapped in a list."""
    one = "TicketExpandLike"

    assert f"expand: {one} | list[{one}] | tuple[{one}, ...] | Unset = UNSET" in _functions(real())["list_tickets"].parameters


def test_required_query_parameter_has_no_default() -> None:
    """What the server insists on must be given."""
    raw = real()
    operation(raw, TICKETS, "get")["parameters"].append(
        said(
            "From when on.",
            **{"name": "since", "in": "query", "required": True, "schema": {"type": "string", "format": "date-time"}},
        )
    )

    assert "/, *, since: datetime, page: int | Unset = UNSET" in _functions(raw)["list_tickets"].parameters


def test_argument_called_body_or_query_is_passed_on() -> None:
    """Functions have no locals that an argument could clash with."""
    raw = real()
    schema(raw, "TicketUpdate")["properties"] |= {"body": said("Text.", type="string"), "query": said("Text.", type="string")}

    assert "body=body, query=query)" in _functions(raw)["update_ticket"].call


def test_free_result_is_a_dict() -> None:
    """An answer of which only that it is an object is known is a dict, and the operation has no result schema."""
    raw = real()
    data = operation(raw, TICKET, "get")["responses"]["200"]["content"]["application/json"]["schema"]["allOf"][1]["properties"]
    data["data"] = {"$ref": f"{SCHEMAS}/FreeObject"}

    view = _functions(raw)["get_ticket"]

    assert "dict[str, JSON]" == view.returns
    assert "await client.__executor__.execute(operations.GET_TICKET, dict[str, JSON], ticket_id, options=options)" == view.call
    assert "result=None" in _operations(raw)["get_ticket"].arguments


def test_list_of_free_objects_is_a_list_of_json() -> None:
    """A list of objects of which nothing is known has no class for its rows."""
    view = _functions(real())["list_activity"]

    assert "Paginator[dict[str, JSON]]" == view.returns
    assert "client.__executor__.paginate(operations.LIST_ACTIVITY, dict[str, JSON], options=options)" == view.call


def test_free_objects_make_no_class() -> None:
    """What is known by name only leaves no model behind."""
    named = {"SlaMetrics", "CsatSettings", "CsatStats", "CsatSurvey", "ActivityEntry", "Domain", "EmailSettings", "AiKey"}

    assert set() == named & set(_models(real()))


def test_docstring_says_that_the_fields_of_a_free_response_are_not_documented() -> None:
    """The result is plain JSON."""
    assert "The fields of the response are not documented." in " ".join(_functions(real())["list_activity"].doc.split())


def test_open_schema_without_fields_is_a_model() -> None:
    """An object of which no key is known but that it has some is a class all the same, unlike a free one."""
    found = _models(real())["Preferences"]

    assert ("{}", ()) == (found.wire_names, found.fields)


def test_body_without_known_fields_has_no_arguments() -> None:
    """What nobody knows cannot be an argument; the docstring tells how it is sent."""
    view = _functions(real())["update_preferences"]

    assert (
        "client: SupportsExecute, /, *, idempotency_key: str | None = None, options: RequestOptions | None = None"
        == view.parameters
    )
    assert "body=PreferencesUpdate()" in view.call
    assert "options=RequestOptions(extra_body={…})" in view.doc


def test_closed_body_has_no_word_on_unknown_fields() -> None:
    """Where all fields are known there is nothing to say."""
    assert "extra_body" not in _functions(real())["update_ticket"].doc


def test_data_that_may_be_null_may_be_none() -> None:
    """Null is part of the result's type where the document has it."""
    raw = real()
    view = _functions(raw)["get_game_boss"]

    assert "Boss | None" == view.returns
    assert "await client.__executor__.execute(operations.GET_GAME_BOSS, Boss, options=options)" == view.call
    assert "nullable=True" in _operations(raw)["get_game_boss"].arguments
    assert "None: there is none." in " ".join(view.doc.split())


def test_data_that_may_be_null_may_be_free() -> None:
    """A free object or null needs no class either."""
    raw = real()
    place = operation(raw, BOSS, "get")["responses"]["200"]["content"]["application/json"]["schema"]["allOf"][1]["properties"]
    place["data"] = {"oneOf": [{"$ref": f"{SCHEMAS}/SlaMetrics"}, {"type": "null"}]}
    for name in ("Boss", "BossStatus"):
        del raw["components"]["schemas"][name]

    assert "dict[str, JSON] | None" == _functions(raw)["get_game_boss"].returns


def test_answer_that_may_be_empty_is_marked() -> None:
    """The runtime and the reader of the docstring both learn that there may be no body."""
    raw = real()

    assert "may_be_empty=True" in _operations(raw)["record_library_view"].arguments
    assert "may_be_empty" not in _operations(raw)["get_library_article"].arguments
    assert "Without fields when the server sends no body." in " ".join(_functions(raw)["record_library_view"].doc.split())


def test_positional_query_parameter_follows_the_ids() -> None:
    """Some words read better without a name; everything else stays a keyword."""
    raw = real()
    view = _functions(raw)["search_library"]

    assert view.parameters.startswith("client: SupportsExecute, q: str, /, *, limit: int | Unset = UNSET")
    assert "query={'q': q, 'limit': limit}" in view.call
    assert "positional=True" in _operations(raw)["search_library"].arguments


def test_operation_of_the_library_is_apart_from_the_client() -> None:
    """The public library has a scope and a class of its own, which the client does not offer."""
    raw = real()

    assert "scope='library', segments=('/articles/', '')" in _operations(raw)["get_library_article"].arguments
    assert "library" in [module.name for module in view_of(raw).api_modules]
    assert "library" not in [module.root.attribute for module in view_of(raw).client_namespaces]


def test_namespace_of_library_and_client_is_refused() -> None:
    """A namespace belongs to the library or to the client."""
    raw = real()
    operation(raw, f"{LIBRARY}/articles/{{slug}}", "get").update({"tags": ["articles"], "x-cstar-namespace": "articles"})

    with pytest.raises(Exception, match="the namespace `articles` has operations of the library and others"):
        view_of(raw)


@pytest.mark.parametrize(
    ("name", "module"),
    [("Ticket", "tickets"), ("Deleted", "shared"), ("Category", "categories"), ("TicketPriority", "tickets"), ("Whoami", "auth")],
)
def test_schema_lives_with_those_who_need_it(name: str, module: str) -> None:
    """One user: with it. Several: with the one it is named after, else in `shared`."""
    raw = real()
    tags = operation(raw, "/api/v1/teams/{teamId}/tags", "get")["responses"]["200"]["content"]["application/json"]["schema"]
    tags["allOf"][1]["properties"]["data"]["items"] = {"$ref": f"{SCHEMAS}/Ticket"}
    schema(raw, "Tag")["properties"]["category"] = said("Its category.", **{"$ref": f"{SCHEMAS}/Category"})

    modules = {one: view.name for view in view_of(raw).model_modules for one in view.exports}

    assert module == modules[name]


def test_named_module_overrules_the_rest() -> None:
    """`x-cstar-module` says where a schema lives."""
    raw = real()
    schema(raw, "Whoami")["x-cstar-module"] = "shared"

    assert "Whoami" in next(view.exports for view in view_of(raw).model_modules if view.name == "shared")


def test_prose_is_left_out_of_schemas_but_names_stay() -> None:
    """A property may be called `description`, and data may look like prose."""
    node = {
        "description": "Prose.",
        "x-source": "A page",
        "x-cstar-initial": {"description": "data"},
        "default": {"examples": 1},
        "properties": {"description": {"type": "string", "description": "Prose.", "examples": ["x"]}},
        "allOf": [{"items": {"x-enum-descriptions": {}, "type": "string"}}],
    }

    assert {
        "x-cstar-initial": {"description": "data"},
        "default": {"examples": 1},
        "properties": {"description": {"type": "string"}},
        "allOf": [{"items": {"type": "string"}}],
    } == strip_descriptions(node)


def test_the_fake_is_told_what_events_carry() -> None:
    """The schema of `data` stands beside the components, by type."""
    schemas = view_of(real()).schemas

    assert {"$ref": f"{SCHEMAS}/TicketEventData"} == schemas["events"]["ticket.created"]
    assert {"$ref": f"{SCHEMAS}/EventData"} == schemas["events"]["survey.submitted"]
    assert "EventTicket" in schemas["components"]["schemas"]


@pytest.mark.parametrize(
    "text", ['says "no"', 'ends with """', "a \\ and \\n", "C:\\", "x" * 200, 'quote \'""""\' inside', "bell \x07"]
)
def test_any_text_is_safe_in_a_docstring(text: str) -> None:
    """Quotes, backslashes and control characters neither end a docstring nor change it."""
    found = ast.literal_eval(docstring([text], depth=0))

    assert text.replace(" \x07", "") == found.strip()


def test_docstring_keeps_to_the_width() -> None:
    """No line is longer than 132 columns, wherever the docstring stands."""
    text = docstring(
        ["word " * 100, Section("Args", (("name", "word " * 60),)), Section("Returns", (("", "word " * 60),))], depth=2
    )

    assert max(len(line) for line in f"        {text}".splitlines()) <= 132


def test_description_of_what_is_not_documented_is_marked() -> None:
    """Once, even where the description says so itself."""
    assert "A field (inferred)." == described({"description": "A field", "x-evidence": "inferred"})
    assert "A field (inferred)." == described({"description": "A field (inferred).", "x-evidence": "inferred"})
    assert "A field." == described({"description": "A field.", "x-evidence": "documented"})


def test_description_uses_the_words_of_python() -> None:
    """The constants of JSON and the wire names of the operation become those of Python."""
    text = "`customerId` is `null` or `true`; null clears it, `other` stays."

    assert "`customer_id` is `None` or `True`; None clears it, `other` stays." == in_python_words(
        text, {"customerId": "customer_id"}
    )


def test_model_of_its_own_kind_is_expressed() -> None:
    """A schema may refer to itself."""
    raw = real()
    raw["components"]["schemas"]["Tree"] = model(
        "A tree.", below=said("Branches.", type="array", items={"$ref": f"{SCHEMAS}/Tree"}), name=said("Name.", type="string")
    )
    schema(raw, "Ticket")["properties"]["tree"] = said("A tree.", **{"$ref": f"{SCHEMAS}/Tree"})

    assert "below: list[Tree] | None = None" == _models(raw)["Tree"].fields[0].declaration


def _complaints_of(prop: Any) -> list[str]:
    problems = ProblemCollector()
    TypeMapper(Document(real()), problems).of(prop, "#/here")
    with pytest.raises(CodegenError) as caught:
        problems.raise_if_any()
    return [str(problem) for problem in caught.value.problems]


def _property(kind: Any, **more: Any) -> Any:
    return kind(name="x", required=True, default=None, python_name="x", description=None, example=None, **more)


def test_property_of_a_new_kind_is_refused() -> None:
    """A kind of property that the generator was never told of is no guess."""
    assert ["#/here: the generator cannot express a DateProperty."] == _complaints_of(_property(DateProperty))


def test_union_that_needs_telling_apart_is_refused() -> None:
    """Of an instant or a number, only the wire knows which it is."""
    union = _property(UnionProperty, inner_properties=[_property(DateTimeProperty), _property(IntProperty)])

    assert ["#/here: the generator cannot tell apart the members of a union unless all of them are plain."] == _complaints_of(union)


def test_property_that_the_library_lost_is_missed() -> None:
    """The census goes down to properties."""
    parsed = reading(real())
    tag = parsed.models["Tag"]
    object.__setattr__(tag, "required_properties", [])

    with pytest.raises(CodegenError, match="openapi-python-client lost the property `name`"):
        build_ir(parsed)


def test_operation_that_gets_no_method_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The census goes from the document to the code that is written."""
    parsed = reading(real())
    monkeypatch.setattr("codegen.ir.build.namespace_modules", lambda document: namespace_modules(document)[1:])

    with pytest.raises(CodegenError) as caught:
        build_ir(parsed)

    place = "#/paths/~1api~1v1~1auth~1whoami/get"
    assert [f"{place}: the operation `whoami` became a {what} 0 times." for what in ("function", "method")] == [
        str(problem) for problem in caught.value.problems
    ]
