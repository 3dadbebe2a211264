"""Changes of the document of cStar, as its owner or a maintainer of this package makes them."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from codegen.spec.document import Node
from tests.codegen.changes.document_rows import at, drop, put
from tests.codegen.changes.rows import Edit
from tests.codegen.documents import TICKET, TICKETS, model

STRING = {"type": "string"}
FIELDS = ("components", "schemas", "Ticket", "properties")
UPDATE = ("components", "schemas", "TicketUpdate", "properties")
_GET, _LIST, _PATCH, _POST = (
    ("paths", path, method) for path, method in ((TICKET, "get"), (TICKETS, "get"), (TICKET, "patch"), (TICKETS, "post"))
)


@dataclass(frozen=True, kw_only=True)
class SdkChange:
    """An edit of the document, and expressions about the code with what they must contain."""

    name: str
    edit: Edit
    check: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    problem: str = ""

    @property
    def outcome(self) -> str:
        """What comes of it."""
        return "refused" if self.problem else "note" if self.notes else "right"


def _row(name: str, edit: Edit, *check: tuple[str, str], **more: Any) -> SdkChange:
    return SdkChange(name=name, edit=edit, check=check, **more)


def _field(attribute: str, owner: str = "Ticket") -> str:
    return f"next(one.declaration for one in models[{owner!r}].fields if one.attribute == {attribute!r})"


def _new_field(name: str, schema: Any, declaration: str, **schemas: Node) -> SdkChange:
    def edit(raw: Node) -> None:
        raw["components"]["schemas"].update(copy.deepcopy(schemas))
        put(*FIELDS, "newField", value=schema)(raw)

    return _row(f"new field: {name}", edit, (_field("new_field"), declaration))


_LABEL = {"type": "object", "properties": {"text": STRING}}
NEW_FIELDS = (
    _new_field("string", STRING, "new_field: str | None = None"),
    _new_field("nullable", {"type": ["string", "null"]}, "new_field: str | None = None"),
    _new_field("integer", {"type": "integer"}, "new_field: int | None = None"),
    _new_field("number", {"type": "number"}, "new_field: float | None = None"),
    _new_field("boolean", {"type": "boolean"}, "new_field: bool | None = None"),
    _new_field("date-time", {**STRING, "format": "date-time"}, "new_field: datetime | None = None"),
    _new_field("date", {**STRING, "format": "date"}, "new_field: Date | None = None"),
    _new_field("list", {"type": "array", "items": STRING}, "new_field: list[str] | None = None"),
    _new_field("map", {"type": "object", "additionalProperties": {"type": "integer"}}, "new_field: dict[str, int] | None = None"),
    _new_field("free object", {"type": "object", "additionalProperties": True}, "new_field: dict[str, JSON] | None = None"),
    _new_field("inline object", _LABEL, "new_field: TicketNewField | None = None"),
    _new_field("inline enum", {**STRING, "enum": ["a", "b"]}, "new_field: TicketNewField | None = None"),
    _new_field("list of inline objects", {"type": "array", "items": _LABEL}, "new_field: list[TicketNewFieldItem] | None = None"),
    _new_field("component", {"$ref": "#/components/schemas/TicketLabel"}, "new_field: TicketLabel | None = None", TicketLabel=_LABEL),
    _new_field("nullable component", {"oneOf": [{"$ref": "#/components/schemas/TicketLabel"}, {"type": "null"}]},
               "new_field: TicketLabel | None = None", TicketLabel=_LABEL),
    _new_field("one of two types", {"type": ["string", "integer"]}, "new_field: str | int | None = None"),
    _new_field("anything", {}, "new_field: JSON = None"),
    _new_field("the ticket itself", {"$ref": "#/components/schemas/Ticket"}, "new_field: Ticket | None = None"),
)  # fmt: skip


def _new_operation(raw: Node, path: str = f"{TICKET}/peek", **more: Any) -> None:
    node = copy.deepcopy(at("paths", TICKET, "get")(raw))
    node |= {"operationId": "peek_at_ticket", "x-cstar-method": "peek", **more}
    raw["paths"][path] = {"parameters": raw["paths"][TICKET]["parameters"], "get": node}


def _returns(schema: Node) -> Edit:
    envelope = {"type": "object", "required": ["data"], "properties": {"data": schema}}
    content = {"application/json": {"schema": {"allOf": [{"$ref": "#/components/schemas/Envelope"}, envelope]}}}
    return put(*_GET, "responses", "200", "content", value=content)


def _enveloped_list() -> Node:
    data = {"type": "array", "items": {"$ref": "#/components/schemas/Ticket"}}
    envelope = {"type": "object", "required": ["data"], "properties": {"data": data}}
    return {
        "description": "All.",
        "content": {"application/json": {"schema": {"allOf": [{"$ref": "#/components/schemas/Envelope"}, envelope]}}},
    }


def _query(name: str, schema: Node, annotation: str, **more: Any) -> SdkChange:
    parameter = {"name": "newFilter", "in": "query", "schema": schema, **more}
    return _row(
        f"new filter: {name}",
        lambda raw: at(*_LIST, "parameters")(raw).append(parameter),
        ("functions['list_tickets'].parameters", annotation),
    )


OPERATIONS = (
    _row("new operation", _new_operation, ("functions['peek_at_ticket'].returns", "Ticket"), ("operations['peek_at_ticket'].arguments", "'/peek'")),
    _row("new operation without our extensions", lambda raw: (_new_operation(raw), [raw["paths"][f"{TICKET}/peek"]["get"].pop(key) for key in
         ("x-cstar-namespace", "x-cstar-method", "x-cstar-key", "x-evidence", "x-source")]), ("functions['peek_at_ticket'].returns", "Ticket")),
    _row("new operation in camel case", lambda raw: _new_operation(raw, operationId="peekAtTicket"), ("functions['peek_at_ticket'].keyword", "async def")),
    _row("new namespace", lambda raw: (_new_operation(raw, **{"x-cstar-namespace": "peeks", "tags": ["peeks"]}),), ("functions['peek_at_ticket'].name", "peek_at_ticket")),
    _row("operation removed", drop("paths", TICKET, "delete"), ("str('delete_ticket' in functions)", "False")),
    _row("operation renamed", put(*_GET, "operationId", value="fetch_ticket"), ("str('get_ticket' in functions)", "False"), ("functions['fetch_ticket'].returns", "Ticket")),
    _row("method renamed", put(*_GET, "x-cstar-method", value="fetch"), ("operations['get_ticket'].arguments", "name='fetch'")),
    _row("operationId twice", put(*_GET, "operationId", value="update_ticket"), problem="is not the only one of this name."),
    _row("operation deprecated", put(*_GET, "deprecated", value=True), ("functions['get_ticket'].doc", "eprecated")),
    _row("operation with a summary", put(*_GET, "summary", value="Fetch one ticket"), ("functions['get_ticket'].doc", "Fetch one ticket.")),
    _row("result: another model", _returns({"$ref": "#/components/schemas/Customer"}), ("functions['get_ticket'].returns", "Customer")),
    _row("result: nullable", _returns({"oneOf": [{"$ref": "#/components/schemas/Ticket"}, {"type": "null"}]}), ("functions['get_ticket'].returns", "Ticket | None")),
    _row("result: an inline object", _returns(_LABEL), ("functions['get_ticket'].returns", "Response")),
    _row("result: a list", _returns({"type": "array", "items": {"$ref": "#/components/schemas/Ticket"}}), ("functions['get_ticket'].returns", "Paginator[Ticket]")),
    _row("result: a string", _returns(STRING), ("functions['get_ticket'].returns", "str")),
    _row("result: a map", _returns({"type": "object", "additionalProperties": {"type": "integer"}}), ("functions['get_ticket'].returns", "dict[str, int]")),
    _row("result: nothing", put(*_GET, "responses", value={"204": {"description": "Nothing."}}), ("functions['get_ticket'].returns", "None")),
    _row("status 201 becomes 200", lambda raw: at(*_POST, "responses")(raw).update({"200": at(*_POST, "responses")(raw).pop("201")}),
         ("functions['create_ticket'].returns", "Ticket")),
    _row("a second good status", put(*_PATCH, "responses", "202", value={"description": "Later."}), ("functions['update_ticket'].returns", "Ticket | None")),
    _row("an error of its own", put(*_GET, "responses", "410", value={"description": "It is gone for good."}), ("functions['get_ticket'].doc", "It is gone for good.")),
    _row("an array by POST", put(*_POST, "responses", "201", value=_enveloped_list()), ("functions['create_ticket'].returns", "list[Ticket]")),
    _row("secret key needed", put(*_GET, "x-cstar-key", value="secret"), ("operations['get_ticket'].arguments", "required_key='secret'")),
    _row("PUT instead of PATCH", lambda raw: at("paths", TICKET)(raw).update(put=at("paths", TICKET)(raw).pop("patch")), ("operations['update_ticket'].arguments", "'PUT'")),
    _row("HEAD", lambda raw: at("paths", TICKET)(raw).update(head={"responses": {"200": {"description": "Yes."}}}), notes=("the client sends no HEAD",)),
    _row("another path", lambda raw: raw["paths"].update({TICKET.replace("tickets", "cases"): raw["paths"].pop(TICKET)}),
         ("operations['get_ticket'].arguments", "/cases/")),
    _row("a path outside the team", lambda raw: raw["paths"].update({"/api/v1/tickets/{ticketId}": raw["paths"].pop(TICKET)}),
         ("operations['get_ticket'].arguments", "scope='root'"), notes=("a parameter of the path that the path does not have",)),
    _query("string", STRING, "new_filter: str | Unset = UNSET"),
    _query("required", STRING, "new_filter: str,", required=True),
    _query("enum", {**STRING, "enum": ["a", "b"]}, "new_filter: ListTicketsNewFilterLike | Unset = UNSET"),
    _query("list", {"type": "array", "items": STRING}, "new_filter: str | list[str] | tuple[str, ...] | Unset = UNSET"),
    _query("date", {**STRING, "format": "date"}, "new_filter: Date | Unset = UNSET"),
    _query("boolean", {"type": "boolean"}, "new_filter: bool | Unset = UNSET"),
    _row("filter removed", lambda raw: put(*_LIST, "parameters", value=[one for one in at(*_LIST, "parameters")(raw) if one.get("name") != "status"])(raw),
         ("str('status' in functions['list_tickets'].parameters)", "False")),
    _row("header parameter", lambda raw: at(*_LIST, "parameters")(raw).append({"name": "X-Trace", "in": "header", "schema": STRING}),
         ("functions['list_tickets'].statement", "headers = {'X-Trace': x_trace}")),
)  # fmt: skip


def _rename(raw: Node, old: str, new: str) -> None:
    schemas = raw["components"]["schemas"]
    raw["components"]["schemas"] = {new if name == old else name: node for name, node in schemas.items()}

    def visit(node: Any) -> None:
        for value in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            if isinstance(value, dict) and value.get("$ref") == f"#/components/schemas/{old}":
                value["$ref"] = f"#/components/schemas/{new}"
            visit(value)

    visit(raw)


def _argument(function: str, text: str) -> tuple[str, str]:
    return f"functions[{function!r}].parameters", text


def _run_all(raw: Node) -> None:
    raw["components"]["schemas"]["TicketUpdate"] = model("A body.", runAll=STRING, options=STRING)


SCHEMAS = (
    _row("field removed", drop(*FIELDS, "notes"), ("str([one.attribute for one in models['Ticket'].fields if one.attribute == 'notes'])", "[]")),
    _row("field renamed", lambda raw: put(*FIELDS, "remarks", value=at(*FIELDS)(raw).pop("notes"))(raw), (_field("remarks"), "remarks: ")),
    _row("field deprecated", put(*FIELDS, "notes", "deprecated", value=True), ("models['Ticket'].doc", "notes")),
    _row("field described again", put(*FIELDS, "notes", "description", value="Words of the team."), ("models['Ticket'].doc", "Words of the team.")),
    _row("field without evidence", put(*FIELDS, "bare", value={"type": "string"}), (_field("bare"), "bare: str | None = None")),
    _row("argument added", put(*UPDATE, "newField", value=STRING), _argument("update_ticket", "new_field: str | Unset = UNSET")),
    _row("argument nullable", put(*UPDATE, "newField", value={"type": ["string", "null"]}), _argument("update_ticket", "new_field: str | None | Unset = UNSET")),
    _row("argument required", lambda raw: (put(*UPDATE, "newField", value=STRING)(raw), put("components", "schemas", "TicketUpdate", "required", value=["newField"])(raw)),
         _argument("update_ticket", "new_field: str,")),
    _row("arguments with reserved names", _run_all, _argument("update_ticket", "run_all: str | Unset = UNSET, options_: str | Unset = UNSET")),
    _row("enum value added", lambda raw: at("components", "schemas", "TicketStatus", "enum")(raw).append("on-hold"), ("str(models['Ticket'].fields)", "TicketStatus")),
    _row("enum value removed", lambda raw: at("components", "schemas", "TicketStatus", "enum")(raw).remove("closed"), ("str(models['Ticket'].fields)", "TicketStatus")),
    _row("enum becomes a string", put("components", "schemas", "TicketStatus", value={"type": "string", "description": "Any."}), (_field("status"), "status: str")),
    _row("default", put(*UPDATE, "title", "default", value="New"), ("functions['update_ticket'].doc", "The server's default is `'New'`.")),
    _row("limit", put(*UPDATE, "title", "maxLength", value=77), ("functions['update_ticket'].doc", "77 characters")),
    _row("pattern", put(*UPDATE, "title", "pattern", value="^[A-Z]"), ("functions['update_ticket'].doc", "Pattern: `^[A-Z]`.")),
    _row("class renamed", lambda raw: _rename(raw, "TicketPriority", "Urgency"), (_field("priority"), "priority: Urgency")),
    _row("vendor's extension", put(*FIELDS, "notes", "x-vendor", value=1), notes=("`x-vendor` of a schema is passed over.",)),
    _row("misspelt extension", put(*_GET, "x-cstar-metod", value="get"), notes=("is it misspelt for `x-cstar-method`?",)),
    _row("xml, title and example", lambda raw: at(*FIELDS, "notes")(raw).update(title="Notes", example="n")),
    _row("server", put("servers", value=[{"url": "https://eu.cstar.help"}]), ("service.base_url", "'https://eu.cstar.help'")),
    _row("API version", put("components", "parameters", "ApiVersion", "schema", "examples", value=["2027-01-01"]), ("service.api_version", "'2027-01-01'")),
    _row("error field added", put("components", "schemas", "Error", "properties", "hint", value=STRING), notes=("does not read `hint` of a `Error`.",)),
    _row("error code renamed", lambda raw: put("components", "schemas", "Error", "properties", "slug", value=at("components", "schemas", "Error", "properties")(raw).pop("code"))(raw),
         problem="reads `code` of a `Error`"),
    _row("webhook added", put("webhooks", "ticket.snoozed", value={"post": {"summary": "Snoozed", "requestBody": {"$ref": "#/components/requestBodies/TicketEvent"},
         "responses": {"2XX": {"description": "Taken."}}}}), ("str([one.type for one in code.events])", "ticket.snoozed")),
    _row("webhook removed", drop("webhooks", "ticket.assigned"), ("str('ticket.assigned' in [one.type for one in code.events])", "False")),
    _row("callbacks", put(*_GET, "callbacks", value={}), notes=("`callbacks` of an operation is passed over.",)),
)  # fmt: skip


ROWS: tuple[SdkChange, ...] = (*NEW_FIELDS, *OPERATIONS, *SCHEMAS)
