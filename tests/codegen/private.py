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


def update(target: str, change: Any) -> Node:
    """Return an action that updates a node."""
    return {"target": target, "update": change}


def overlay(*actions: Node) -> Node:
    """Return an overlay for the document of cStar."""
    return {"overlay": "1.0.0", "info": {"title": "Private", "version": "1"}, "extends": "cstar.yaml", "actions": [*actions]}


MOOD = {"type": "object", "required": ["id", "name"], "properties": {"id": {"type": "string"}, "name": {"type": "string"}}}
MOOD_CREATE = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
PRIVATE = overlay(
    update(f"{SCHEMAS}.Ticket.properties", {"sentiment": {"type": "string", "x-evidence": "observed"}, "mood": ref("Mood")}),
    update(f"{SCHEMAS}.TicketCreate.properties", {"sentiment": {"type": "string"}}),
    update(f"{SCHEMAS}.TicketStatus.enum", "snoozed"),
    update(f"{SCHEMAS}.Tag.properties", {"owner": {"type": "string"}}),
    update(SCHEMAS, {"Mood": MOOD, "MoodCreate": MOOD_CREATE}),
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


def generate(folder: Path, *overlays: Node, name: str = "acme") -> Path:
    """Generate the package of a user from the document of cStar and overlays."""
    arguments: list[str] = []
    for index, one in enumerate(overlays):
        path = folder / f"overlay{index}.yaml"
        path.write_text(yaml.safe_dump(one, sort_keys=False), encoding="utf-8")
        arguments += ["--overlay", str(path)]
    assert DONE == main([*arguments, "--output", str(folder / name), "--client", "AcmeClient", "--no-type-check"])
    return folder / name
