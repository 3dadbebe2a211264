"""Documents with another version, unknown keys or wrong references are refused."""

from __future__ import annotations

from tests.codegen.documents import (
    TICKETS,
)
from tests.codegen.edits import (
    GET,
    GET_KEYS,
    LIST,
    LIST_KEYS,
    SCHEMAS,
    TICKET_SCHEMA,
    Case,
    all_of,
    assert_refused,
    drop,
    parameters,
    put,
)

CASES = {
    "another version": Case(put("openapi", to="3.0.3"), "#/openapi", "the document must be OpenAPI 3.1, got 3.0.3."),
    "a $ref that leads nowhere": Case(
        put(*TICKET_SCHEMA, "properties", "status", "$ref", to="#/components/schemas/Nothing"),
        f"{SCHEMAS}/Ticket/properties/status",
        "the $ref `#/components/schemas/Nothing` leads nowhere.",
    ),
    "a $ref to another document": Case(
        put(*TICKET_SCHEMA, "properties", "status", "$ref", to="other.yaml#/Status"),
        f"{SCHEMAS}/Ticket/properties/status",
        "the $ref `other.yaml#/Status` does not lead to a component of this document.",
    ),
    "a $ref to a $ref": Case(
        all_of(
            put("components", "parameters", "Other", to={"$ref": "#/components/parameters/Page"}),
            put(*LIST_KEYS, "parameters", 0, to={"$ref": "#/components/parameters/Other"}),
        ),
        f"{LIST}/parameters/0",
        "the $ref `#/components/parameters/Other` leads to another $ref; refer to the thing itself.",
    ),
    "a path item by $ref": Case(
        put("paths", TICKETS, to={"$ref": "#/components/pathItems/Tickets"}),
        "#/paths/~1api~1v1~1teams~1{teamId}~1tickets",
        "a path item given by $ref loses all its operations; write them here.",
    ),
    "an event that is not a post": Case(
        lambda raw: raw["webhooks"]["ticket.created"].update(get=raw["webhooks"]["ticket.created"].pop("post")),
        "#/webhooks/ticket.created",
        "an event is described by `post` and nothing else.",
    ),
    "an unknown extension": Case(
        put(*GET_KEYS, "x-cstar-namspace", to="tickets"),
        GET,
        "no operation has the extension `x-cstar-namspace`; is it misspelt?",
    ),
    "an extension in the wrong place": Case(
        put(*TICKET_SCHEMA, "x-cstar-key", to="any"),
        f"{SCHEMAS}/Ticket",
        "no schema has the extension `x-cstar-key`; is it misspelt?",
    ),
    "an extension of the wrong type": Case(
        put(*LIST_KEYS, "x-cstar-method", to=5), LIST, "`x-cstar-method` must be a string, got 5."
    ),
    "an unknown evidence": Case(
        put(*TICKET_SCHEMA, "x-evidence", to="guessed"),
        f"{SCHEMAS}/Ticket",
        "`x-evidence` must be one of documented, inferred, named, observed, got `guessed`.",
    ),
    "an empty description": Case(
        put(*TICKET_SCHEMA, "description", to=" "), f"{SCHEMAS}/Ticket", "`description` must not be empty."
    ),
    "a deprecated operation": Case(
        put(*GET_KEYS, "deprecated", to=True), GET, "the generator would ignore `deprecated` of this operation."
    ),
    "a null for a keyword": Case(
        put(*GET_KEYS, "parameters", to=None), f"{GET}/parameters", "a value must not be null; leave the key out."
    ),
    "a value of the wrong type": Case(
        put(*TICKET_SCHEMA, "properties", to=[]), f"{SCHEMAS}/Ticket/properties", "Input should be an object."
    ),
    "no paths": Case(put("paths", to={}), "#/paths", "the document has no operations."),
    "a tag without description": Case(drop("tags", 1, "description"), "#/tags/1", "the tag `tickets` has no description."),
    "a repeated tag": Case(
        lambda raw: raw["tags"].insert(2, dict(raw["tags"][1])), "#/tags/2", "the tag `tickets` is declared twice."
    ),
}
KEYWORDS: dict[str, object] = {
    "$defs": {},
    "anyOf": [],
    "example": {},
    "if": {},
    "nullable": True,
    "patternProperties": {},
    "prefixItems": [],
    "readOnly": True,
    "title": "Ticket",
}
for keyword, value in KEYWORDS.items():
    CASES[f"the keyword {keyword}"] = Case(
        put(*TICKET_SCHEMA, keyword, to=value), f"{SCHEMAS}/Ticket", f"the generator would ignore `{keyword}` of this schema."
    )


@parameters(CASES)
def test_wrong_structure_is_refused(case: Case) -> None:
    """The problem is reported with its pointer."""
    assert_refused(case)
