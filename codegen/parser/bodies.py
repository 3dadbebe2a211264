"""Find the body of an operation."""

from __future__ import annotations

from codegen.errors import NoteCollector
from codegen.parser.left_out import LeftOutError
from codegen.parser.media import FORM, MULTIPART, essence, is_json
from codegen.parser.references import References, nested
from codegen.parser.schemas import SchemaParser
from codegen.parser.uploads import FILE, content_types, is_file, with_files
from codegen.spec.document import Body, Node, Operation, child_pointer, entries, is_object, schema_named
from codegen.spec.queries import JSON_TYPE

_PLAIN_JSON = frozenset({"application/json", "*/*"})


def parse_body(
    operation: Operation, owner: str, schemas: SchemaParser, references: References, notes: NoteCollector
) -> Body | None:
    """Parse the body of an operation, sent as JSON if that is possible, else as a form, or else as a file."""
    if "requestBody" not in operation.node:
        return None
    body, pointer = references.follow(operation.node["requestBody"], child_pointer(operation.pointer, "requestBody"))
    content = entries(body, "content")
    if not content:
        return None
    has_upload = any(essence(one) == MULTIPART for one in content)
    media = next(filter(is_json, content), "")
    media = media or next((one for one in content if essence(one) == (MULTIPART if has_upload else FORM)), next(iter(content)))
    for other in content:
        if other != media:
            notes.add(pointer, f"a body is sent as `{media}`; the type `{other}` is passed over.")
    node: Node = content[media]
    name = f"{owner}Body" if pointer.startswith("#/paths/") else pointer.rpartition("/")[2]
    place = nested(pointer, "content", media, "schema")
    required = body.get("required") is True
    if essence(media) == MULTIPART:
        return _upload(body, node, place, name, schemas, references, notes)
    if not is_json(media) and essence(media) != FORM:
        kept = {**body, "content": {JSON_TYPE: {"schema": FILE}}}
        return Body(schema=FILE, has_fields=False, media="file", is_required=required, node=kept, types={"": media.strip()})
    schema = schemas.value(node.get("schema", {}), place, name)
    has_fields = schemas.is_model(schema)
    is_form = not is_json(media)
    if is_form and not has_fields:
        raise LeftOutError("its form has no fields")
    kept = {**body, "content": {JSON_TYPE: {**node, "schema": schema}}}
    return Body(
        schema=schema,
        has_fields=has_fields,
        media="form" if is_form else "json",
        is_required=required,
        node=kept,
        json_type=None if is_form or essence(media) in _PLAIN_JSON else media.strip(),
    )


def _upload(
    body: Node, media: Node, pointer: str, name: str, schemas: SchemaParser, references: References, notes: NoteCollector
) -> Body:
    """Parse a form with files."""
    encodings = {wire: node for wire, node in entries(media, "encoding").items() if is_object(node)}

    def find_files(wire: str, node: object, place: str) -> Node | None:
        return with_files(node, place, references, encodings.get(wire, {}))

    schema = schemas.form(media.get("schema", {}), pointer, name, find_files)
    if not schema:
        raise LeftOutError("its form has no fields")
    properties = entries(schemas.components[schema_named(schema["$ref"])], "properties")
    for wire in (wire for wire, node in encodings.items() if node.keys() & {"headers", "style", "explode"}):
        notes.add(pointer, f"`{wire}` of the form has headers or a style, which are passed over; a `File` takes headers.")
    return Body(
        schema=schema,
        has_fields=True,
        media="multipart",
        is_required=body.get("required") is True,
        node={**body, "content": {JSON_TYPE: {**media, "schema": schema}}},
        files=frozenset(wire for wire, node in properties.items() if is_file(node)),
        types=content_types(encodings, properties),
    )
