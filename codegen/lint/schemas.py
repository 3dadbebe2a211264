"""Check component schemas, and which schemas may be used where.

A component is an object with properties, a free object, an enum, or a union of objects. Nested objects must be components that are
referenced by `$ref`, so that the document gives each class its name.
"""

from __future__ import annotations

from codegen.errors import ProblemCollector
from codegen.spec.document import Document, Node, child_pointer, entries, is_list, is_object, items, schema_named
from codegen.spec.queries import is_free_object, is_model, is_open, is_union, types_of
from codegen.spec.vocabulary import FORMATS

REQUIRED_COMPONENT_KEYS = ("description", "x-evidence", "x-source")
REQUIRED_PROPERTY_KEYS = ("description", "x-evidence", "x-source")


def inspect(document: Document, problems: ProblemCollector) -> None:
    """Check all component schemas."""
    for name, schema in document.schemas.items():
        pointer = child_pointer("#/components/schemas", name)
        if not schema.get("x-cstar-envelope"):
            SchemaRules(document, problems).inspect_component(schema, pointer)


_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


def _has_type(type_name: str, value: object) -> bool:
    """Return whether a value has a JSON type. A bool is not a number in JSON."""
    return isinstance(value, _PYTHON_TYPES[type_name]) and (type_name == "boolean" or not isinstance(value, bool))


class SchemaRules:
    """Checks schemas."""

    def __init__(self, document: Document, problems: ProblemCollector) -> None:
        self._document = document
        self._problems = problems

    def inspect_component(self, schema: Node, pointer: str) -> None:
        """Check a component."""
        for key in REQUIRED_COMPONENT_KEYS:
            if not schema.get(key):
                self._problems.add(pointer, f"the schema has no `{key}`.")
        if is_open(schema) and (types_of(schema) != ["object"] or schema.get("additionalProperties") is not True):
            self._problems.add(pointer, "what is `x-cstar-additional-fields` must be an object with `additionalProperties: true`.")
        if "enum" in schema:
            self._inspect_enum(schema, pointer)
        elif is_model(schema):
            self._inspect_model(schema, pointer)
        elif not is_free_object(schema) and not is_union(schema):
            self._problems.add(
                pointer,
                "a component must be an object with properties, an object with `additionalProperties: true`, an enum of strings, or"
                " a union of objects.",
            )

    def _inspect_enum(self, schema: Node, pointer: str) -> None:
        values = schema["enum"]
        if schema.get("type") != "string" or not all(isinstance(value, str) for value in values):
            self._problems.add(pointer, "an enum must be of `type: string` and list strings only.")
            return
        for value in sorted({value for value in values if values.count(value) > 1}):
            self._problems.add(pointer, f"the enum lists `{value}` twice.")
        described = schema.get("x-enum-descriptions")
        if not is_object(described):
            self._problems.add(pointer, "the enum has no `x-enum-descriptions`.")
            return
        for value in values:
            if not isinstance(described.get(value), str) or not described[value].strip():
                self._problems.add(pointer, f"`x-enum-descriptions` has no description of `{value}`.")
        for value in described:
            if value not in values:
                self._problems.add(pointer, f"`x-enum-descriptions` describes `{value}`, which the enum does not list.")

    def _inspect_model(self, schema: Node, pointer: str) -> None:
        properties = entries(schema, "properties")
        if "allOf" in schema:
            self._problems.add(pointer, "the generator reads the `properties` of a model alone; write those of `allOf` there.")
        for name in items(schema, "required"):
            if name not in properties:
                self._problems.add(pointer, f"`required` names `{name}`, which is not a property.")
        if schema.get("additionalProperties", True) is not True:
            self._problems.add(pointer, "a model keeps unknown fields in `extra` anyway; leave `additionalProperties` out.")
        text_as = schema.get("x-cstar-string-shorthand")
        if text_as is not None and "string" not in types_of(properties.get(text_as, {})):
            self._problems.add(pointer, f"`x-cstar-string-shorthand` names `{text_as}`, which is not a property of type string.")
        identity = schema.get("x-cstar-identity")
        if identity is not None and identity not in list(properties):
            self._problems.add(pointer, f"`x-cstar-identity` names `{identity}`, which is not a property.")
        for name, node in properties.items():
            self._inspect_property(node, child_pointer(pointer, "properties", name), properties)

    def _inspect_property(self, node: Node, pointer: str, siblings: Node) -> None:
        for key in REQUIRED_PROPERTY_KEYS:
            if not node.get(key):
                self._problems.add(pointer, f"the property has no `{key}`.")
        aliases = node.get("x-cstar-aliases", [])
        if not is_list(aliases) or not all(isinstance(alias, str) and alias not in siblings for alias in aliases):
            self._problems.add(pointer, "`x-cstar-aliases` must list wire names that are not properties themselves.")
        for name in node.get("x-cstar-models", ()):
            if name in self._document.schemas and not is_model(self._document.schemas[name]):  # absent with its operations
                self._problems.add(pointer, f"`x-cstar-models` names `{name}`, which is not an object with properties.")
        self.inspect_value(node, pointer)

    def inspect_value(self, node: Node, pointer: str) -> None:
        """Check the schema of a property, an item or a parameter."""
        for key in ("discriminator", "x-cstar-unknown"):
            if key in node:
                self._problems.add(pointer, f"a union must be a component of its own; `{key}` has no meaning here.")
        if "$ref" in node:
            self._inspect_reference(node, pointer)
        elif "enum" in node:
            self._problems.add(pointer, "an enum must be a component of its own; refer to it with $ref.")
        elif "allOf" in node:
            self._problems.add(pointer, "`allOf` is for responses in their envelope; write `$ref` with the description beside it.")
        elif "oneOf" in node:
            self._inspect_one_of(node, pointer)
        else:
            self._inspect_plain(node, pointer)

    def _inspect_reference(self, node: Node, pointer: str) -> None:
        reference = node["$ref"]
        if not reference.startswith("#/components/schemas/"):
            self._problems.add(pointer, f"the $ref `{reference}` does not lead to a schema.")
        elif self._document.schemas[schema_named(reference)].get("x-cstar-envelope"):
            self._problems.add(pointer, f"`{schema_named(reference)}` is part of the envelope, which callers never see.")
        elif "default" in node and node["default"] not in items(self._document.at(reference), "enum"):
            self._problems.add(pointer, f"the default `{node['default']}` is not a value of `{schema_named(reference)}`.")

    def _inspect_one_of(self, node: Node, pointer: str) -> None:
        options = node["oneOf"]
        named = [option for option in options if "$ref" in option]
        if len(options) != 2 or len(named) != 1 or {"type": "null"} not in options or "type" in node:
            self._problems.add(pointer, "`oneOf` is supported as `[{$ref: …}, {type: 'null'}]` only.")
        else:
            self._inspect_reference(named[0], pointer)

    def _inspect_plain(self, node: Node, pointer: str) -> None:
        types = types_of(node)
        if node.get("type") in ("null", ["null"]):
            self._problems.add(pointer, "a value must have a type other than null.")
        if "format" in node and node["format"] not in FORMATS:
            self._problems.add(pointer, f"the generator does not support the format `{node['format']}`.")
        if "format" in node and len(types) != 1:
            self._problems.add(pointer, "`format` needs exactly one type beside null.")
        if len(types) > 1 and {"array", "object"} & set(types):
            self._problems.add(pointer, "arrays and objects cannot share a place with other types.")
        if "const" in node and (types != ["string"] or not isinstance(node["const"], str)):
            self._problems.add(pointer, "`const` is supported for strings only.")
        if "default" in node and "array" in types and node["default"] != []:
            self._problems.add(pointer, "the default of an array can only be the empty one.")
        elif "default" in node and types and not any(_has_type(type_name, node["default"]) for type_name in types):
            self._problems.add(pointer, f"the default {node['default']!r} is of another type.")
        self._inspect_array(node, pointer, is_array="array" in types)
        self._inspect_inline_object(node, pointer, of_objects="object" in types)

    def _inspect_array(self, node: Node, pointer: str, *, is_array: bool) -> None:
        if is_array and "items" not in node:
            self._problems.add(pointer, "the array has no `items`.")
        elif is_array:
            self.inspect_value(node["items"], child_pointer(pointer, "items"))
        elif "items" in node:
            self._problems.add(pointer, "`items` has no meaning without `type: array`.")

    def _inspect_inline_object(self, node: Node, pointer: str, *, of_objects: bool) -> None:
        values = node.get("additionalProperties")
        if "properties" in node or "required" in node:
            self._problems.add(pointer, "an object with properties must be a component of its own; refer to it with $ref.")
        elif not of_objects and values is not None:
            self._problems.add(pointer, "`additionalProperties` has no meaning without `type: object`.")
        elif of_objects and is_object(values):
            self.inspect_value(values, child_pointer(pointer, "additionalProperties"))
        elif of_objects and values is not True:
            self._problems.add(
                pointer, "the object has no `additionalProperties`; write `additionalProperties: true` for any content."
            )
