"""Find the body of an operation."""

from __future__ import annotations

from codegen.errors import NoteCollector
from codegen.parser.left_out import LeftOutError
from codegen.parser.media import FORM, essence, is_json
from codegen.parser.references import References, nested
from codegen.parser.schemas import SchemaParser
from codegen.spec.document import Body, Node, Operation, child_pointer, entries

_PLAIN_JSON = frozenset({"application/json", "*/*"})


def parse_body(
    operation: Operation, owner: str, schemas: SchemaParser, references: References, notes: NoteCollector
) -> Body | None:
    """Parse the body of an operation, in the first of its content types that the client can send: JSON, or a form."""
    if "requestBody" not in operation.node:
        return None
    body, pointer = references.follow(operation.node["requestBody"], child_pointer(operation.pointer, "requestBody"))
    content = entries(body, "content")
    if not content:
        return None
    media = next(filter(is_json, content), "") or next((one for one in content if essence(one) == FORM), "")
    if not media:
        if body.get("required") is not True:
            notes.add(pointer, f"an optional body of the type `{next(iter(content))}` is passed over.")
            return None
        raise LeftOutError(f"its body is of the type `{next(iter(content))}`")
    for other in content:
        if other != media:
            notes.add(pointer, f"a body is sent as `{media}`; the type `{other}` is passed over.")
    node: Node = content[media]
    name = f"{owner}Body" if pointer.startswith("#/paths/") else pointer.rpartition("/")[2]
    schema = schemas.value(node.get("schema", {}), nested(pointer, "content", media, "schema"), name)
    has_fields = schemas.is_model(schema)
    is_form = not is_json(media)
    if is_form and not has_fields:
        raise LeftOutError("its form has no fields")
    kept = {**body, "content": {"application/json": {**node, "schema": schema}}}
    return Body(
        schema=schema,
        has_fields=has_fields,
        media="form" if is_form else "json",
        is_required=body.get("required") is True,
        node=kept,
        json_type=None if is_form or essence(media) in _PLAIN_JSON else media.strip(),
    )
