"""An overlay of a user: private fields, a new value, and private endpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from codegen.__main__ import DONE, main
from codegen.spec.document import Node

SCHEMAS = "$.components.schemas"
TEAM = "/api/v1/teams/{teamId}"


def enveloped(data: Node) -> Node:
    """Return the responses of an operation with an enveloped result."""
    schema = {"allOf": [ref("Envelope"), {"type": "object", "required": ["data"], "properties": {"data": data}}]}
    return {"200": {"description": "It worked.", "content": {"application/json": {"schema": schema}}}}


def ref(name: str) -> Node:
    """Return a reference to a schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def overlay(*actions: Node) -> Node:
    """Return an overlay for the document of cStar."""
    return {"overlay": "1.0.0", "info": {"title": "Private", "version": "1"}, "extends": "cstar.yaml", "actions": [*actions]}


def update(target: str, change: Any) -> Node:
    """Return an action that updates a node."""
    return {"target": target, "update": change}


def operation(path: str, responses: Node, method: str = "get", **more: Any) -> Node:
    """Return an action that adds an operation, named after the last part of its path."""
    return update("$.paths", {path: {method: {"operationId": path.rpartition("/")[2], "responses": responses, **more}}})


TICKET_ID = [{"name": "ticketId", "in": "path", "required": True, "schema": {"type": "string"}}]
FILE = {
    "type": "object",
    "required": ["file"],
    "properties": {"file": {"type": "string", "format": "binary"}, "note": {"type": "string"}},
}
UPLOAD = {"required": True, "content": {"multipart/form-data": {"schema": FILE}}}
UPLOADED = {"x-cstar-namespace": "tickets.attachments", "x-cstar-method": "upload", "parameters": TICKET_ID}
ATTACHMENT = {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}, "note": {"type": "string"}}}
MOOD = {"type": "object", "required": ["id", "name"], "properties": {"id": {"type": "string"}, "name": {"type": "string"}}}
MOOD_CREATE = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
PRIVATE = overlay(
    update(f"{SCHEMAS}.Ticket.properties", {"sentiment": {"type": "string", "x-evidence": "observed"}, "mood": ref("Mood")}),
    update(f"{SCHEMAS}.TicketCreate.properties", {"sentiment": {"type": "string"}}),
    update(f"{SCHEMAS}.TicketStatus.enum", "snoozed"),
    update(f"{SCHEMAS}.Tag.properties", {"owner": {"type": "string"}}),
    update(SCHEMAS, {"Mood": MOOD, "MoodCreate": MOOD_CREATE, "Attachment": ATTACHMENT}),
    operation(f"{TEAM}/tickets/{{ticketId}}/upload", enveloped(ref("Attachment")), "post", requestBody=UPLOAD, **UPLOADED),
    update(
        "$.paths",
        {
            f"{TEAM}/moods": {
                "get": {
                    "operationId": "list_moods",
                    "x-cstar-method": "list",
                    "tags": ["moods"],
                    "responses": enveloped({"type": "array", "items": ref("Mood")}),
                    "x-cstar-collection": "moods",
                    "x-cstar-action": "list",
                },
                "post": {
                    "operationId": "create_mood",
                    "x-cstar-method": "create",
                    "parameters": [{"$ref": "#/components/parameters/IdempotencyKey"}],
                    "tags": ["moods"],
                    "requestBody": {"required": True, "content": {"application/json": {"schema": ref("MoodCreate")}}},
                    "responses": enveloped(ref("Mood")),
                    "x-cstar-collection": "moods",
                    "x-cstar-action": "create",
                },
            },
            f"{TEAM}/tickets/{{ticketId}}/mood": {
                "get": {
                    "operationId": "get_ticket_mood",
                    "x-cstar-namespace": "tickets",
                    "x-cstar-method": "mood",
                    "parameters": [{"name": "ticketId", "in": "path", "required": True, "schema": {"type": "string"}}],
                    "responses": enveloped(ref("Mood")),
                }
            },
        },
    ),
)


def bare(schema: Node, media: str = "application/json") -> Node:
    """Return the responses of an operation whose result has no envelope."""
    return {"200": {"description": "It worked.", "content": {media: {"schema": schema}}}}


def of(operation_id: str) -> str:
    """Return the target of an operation."""
    return f"$.paths.*[?@.operationId=='{operation_id}']"


RATED = {"type": "object", "required": ["score"], "properties": {"score": {"type": "integer"}, "ok": {"type": "boolean"}}}
FORM = {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": RATED}}}
OK = {"type": "object", "properties": {"ok": {"type": "boolean"}}}
CHILD = {"x-cstar-namespace": "tickets.moods", "x-cstar-method": "get", "parameters": TICKET_ID}
DEEP = {"x-cstar-namespace": "tickets.messages.deep", "x-cstar-method": "get"}
COMPATIBLE = overlay(
    update(f"{SCHEMAS}.Ticket.properties.title", {"description": "Another text."}),
    update(f"{SCHEMAS}.Ticket.required", "notes"),
    update(f"{SCHEMAS}[?@.properties.id].properties", {"private": {"type": "string"}}),
    update(f"{SCHEMAS}.Ticket.properties", {"inline": OK, "kind": {"type": "string", "enum": ["a", "b"]}}),
    update(f"{SCHEMAS}.Ticket.properties", {"many": {"type": "array", "items": {"type": ["string", "integer"]}}}),
    update(f"{SCHEMAS}.Ticket.properties", {"map": {"type": "object", "additionalProperties": {"type": "integer"}}}),
    update(f"{SCHEMAS}.AutomationActionAddTags.properties", {"private": {"type": "string"}}),
    update(f"{SCHEMAS}.BulkRun.properties", {"dryRun": {"type": "boolean"}}),
    update(f"{SCHEMAS}.LibraryArticle.properties", {"private": {"type": "string"}}),
    update(f"{SCHEMAS}[?@.enum].enum", "private"),
    update(f"{of('list_tickets')}.parameters", {"name": "private", "in": "query", "schema": {"type": "string"}}),
    update(of("get_ticket"), {"deprecated": True}),
    operation(f"{TEAM}/tickets/{{ticketId}}/child", enveloped(ref("Ticket")), **CHILD),
    operation(f"{TEAM}/deep", enveloped({"type": "object"}), **DEEP),
    operation("/api/health", bare(OK)),
    operation(f"{TEAM}/report", bare({"type": "string"}, "text/plain")),
    operation(f"{TEAM}/survey", enveloped(OK), "post", requestBody=FORM),
    operation(f"{TEAM}/picture", bare({"type": "string", "format": "binary"}, "image/png")),
    operation(f"{TEAM}/reset", {"204": {"description": "It worked."}}, "post"),
)
"""Additions of many kinds, none of which contradicts what is there."""

NEW_ACTION = {"type": "object", "required": ["type"], "properties": {"type": {"const": "x", "type": "string"}}}
CONTRADICTING = overlay(
    update(f"{SCHEMAS}.TicketCreate.properties", {"private": {"type": "string"}}),
    update(f"{SCHEMAS}.TicketCreate.required", "private"),
    {"target": f"{SCHEMAS}.Ticket.required[?@=='title']", "remove": True},
    update(f"{SCHEMAS}.Customer.properties.name", {"type": "integer"}),
    update(f"{SCHEMAS}.Article.properties.tags", {"items": {"type": "integer"}}),
    update(f"{of('list_members')}.parameters", {"name": "q", "in": "query", "required": True, "schema": {"type": "string"}}),
    {"target": f"{of('list_tickets')}.parameters[?@.name=='search']", "remove": True},
    update(SCHEMAS, {"AutomationActionX": NEW_ACTION}),
    update(f"{SCHEMAS}.AutomationAction.oneOf", ref("AutomationActionX")),
    update(f"{SCHEMAS}.AutomationAction.discriminator.mapping", {"x": "#/components/schemas/AutomationActionX"}),
)
"""Changes after which code for the one does not work with the other."""


def generate(folder: Path, *overlays: Node, name: str = "acme") -> Path:
    """Generate the package of a user from the document of cStar and overlays."""
    arguments: list[str] = []
    for index, one in enumerate(overlays):
        path = folder / f"overlay{index}.yaml"
        path.write_text(yaml.safe_dump(one, sort_keys=False), encoding="utf-8")
        arguments += ["--overlay", str(path)]
    assert DONE == main([*arguments, "--output", str(folder / name), "--no-type-check"])
    return folder / name
