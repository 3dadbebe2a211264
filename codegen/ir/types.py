"""Map schemas to Python types, and to the code that decodes their values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from codegen import naming as names
from codegen.spec.document import Document, Node, is_object, schema_named
from codegen.spec.queries import FILE_MARK, READ_AS, alternatives, is_free_object, types_of


@dataclass(frozen=True, kw_only=True)
class DecodeStep:
    """A conditional statement that decodes a value."""

    condition: str
    """The condition under which the value needs decoding."""
    expression: str
    quick_expression: str = ""
    """An expression that is tried first and may raise `TypeError` or `ValueError`; empty if there is none."""


@dataclass(frozen=True, kw_only=True)
class PythonType:
    """The Python type of a value."""

    read_type: str
    """The annotation of a field that was decoded."""
    argument_type: str
    """The annotation of an argument."""
    value_reader: str = ""
    """The function that decodes any value; empty if values stay as they are."""
    members: str = ""
    """The mapping from strings to members, for enums."""
    object_reader: str = ""
    """The function that decodes an object."""
    container: str = ""
    """The function that decodes a container of such values or objects."""
    classes: tuple[str, ...] = ()
    """The schemas that the annotations use."""
    item_argument_type: str = ""
    """The annotation of an argument that takes one item of a list."""
    writable_type: str = ""
    """The annotation of a field of a model that callers create, too; empty if it is that of a decoded one."""
    is_nullable: bool = False
    is_string: bool = False
    """Whether a str is such a value. An array of it is then not a `Sequence` in an argument, since a str is one, too."""

    @property
    def is_enum(self) -> bool:
        """Whether it is one value of an enum."""
        return bool(self.members) and not self.container

    @property
    def optional_read_type(self) -> str:
        """The annotation of an optional field."""
        return self.read_type if self.read_type == "JSON" else f"{self.read_type} | None"  # JSON may be null itself

    @property
    def declared_read_type(self) -> str:
        """The annotation of a required field."""
        return self.optional_read_type if self.is_nullable else self.read_type

    @property
    def is_datetime(self) -> bool:
        """Whether the value is a datetime. Most objects have several, so decoders parse them without calling our function."""
        return self.value_reader == "parse_datetime"

    @property
    def declared_writable_type(self) -> str:
        """The annotation of a required field of a model that callers create, too."""
        given = self.writable_type or self.read_type
        return f"{given} | None" if self.is_nullable else given

    @property
    def declared_argument_type(self) -> str:
        """The annotation of a required argument."""
        return f"{self.argument_type} | None" if self.is_nullable else self.argument_type

    def decode_steps(self, target: str) -> tuple[DecodeStep, ...]:
        """Return the statements that decode a value in a variable or attribute; empty if it stays as it is.

        The condition comes first, because most fields are absent or plain, and a call for each would double the time of a decoder.

        Args:
            target: The expression of the variable or attribute.
        """
        if self.container:
            kind = "dict" if self.container in MAP_READERS else "list"
            return (DecodeStep(condition=f"{target}.__class__ is {kind}", expression=self.container_reader(target)),)
        if self.object_reader:
            return (DecodeStep(condition=f"{target}.__class__ is dict", expression=f"{self.object_reader}({target})"),)
        if self.is_enum:
            return (DecodeStep(condition=f"{target}.__class__ is str", expression=f"{self.members}[{target}]"),)
        if self.value_reader:
            decoded = f"{self.value_reader}({target})"
            quick = f"parsed if (parsed := parse_iso({target})).tzinfo is not None else {decoded}" if self.is_datetime else ""
            return (DecodeStep(condition=f"{target} is not None", expression=decoded, quick_expression=quick),)
        return ()

    def decoding_of(self, value: str) -> str:
        """Return the expression that decodes any value."""
        if self.container:
            return self.container_reader(value)
        if self.object_reader:
            return f"{self.object_reader}({value}) if is_object({value}) else {value}"
        return f"{self.value_reader}({value})" if self.value_reader else value

    def container_reader(self, target: str) -> str:
        """Return the expression that decodes a container in a variable or attribute."""
        return f"{self.container}({self.object_reader or self.value_reader}, {target})"

    def with_models(self, models: Sequence[str]) -> PythonType:
        """Return the type of a free object, or of a list of them, that callers can also give as one of some models."""
        choices = " | ".join([*models, "JSONObject"])
        return replace(self, argument_type=self.argument_type.replace("JSONObject", choices), classes=(*self.classes, *models))


MAP_READERS = ("decode_map", "decode_map_values")
"""The functions that decode maps; the others decode lists."""

FILE = PythonType(read_type="FileInput", argument_type="FileInput")
STRING = PythonType(read_type="str", argument_type="str", is_string=True)
ANY_JSON = PythonType(read_type="JSON", argument_type="JSON | JSONObject", is_string=True)
FREE_OBJECT = PythonType(read_type="dict[str, JSON]", argument_type="JSONObject")
DATETIME = PythonType(read_type="datetime", argument_type="datetime", value_reader="parse_datetime")

_PLAIN: dict[str, PythonType] = {
    "string": STRING,
    "integer": PythonType(read_type="int", argument_type="int"),
    "number": PythonType(read_type="float", argument_type="float"),
    "boolean": PythonType(read_type="bool", argument_type="bool"),
}
_FORMATS = {
    "date-time": DATETIME,
    "date": PythonType(read_type="Date", argument_type="Date", value_reader="parse_date"),
}
"""The formats of strings that have a type of their own. Ids are opaque strings, also those of the format `uuid`."""


class TypeMapper:
    """Maps schemas in the form that the parser gives them."""

    def __init__(self, document: Document) -> None:
        self._document = document

    def of(self, node: Node) -> PythonType:
        """Return the type of a value."""
        if "$ref" in node:
            return self.of_component(schema_named(node["$ref"]))
        options, is_nullable = alternatives(node)
        types = [self.of(option) for option in options] if options else [self._of_type(one, node) for one in types_of(node)]
        if len(types) != 1:
            return _any_of(types, is_nullable=is_nullable) if types else ANY_JSON
        return replace(types[0], is_nullable=types[0].is_nullable or is_nullable)

    def of_component(self, name: str) -> PythonType:
        """Return the type of a component: an enum, a model, a union of models, or a free object."""
        schema = self._document.schemas[name]
        if "enum" in schema:
            return self._of_enum(name)
        if is_free_object(schema):
            return FREE_OBJECT
        classes = (name, *(str(schema[key]) for key in (READ_AS,) if key in schema))
        given = " | ".join((*classes, "JSONObject"))
        type_ = PythonType(read_type=name, argument_type=given, object_reader=names.decoder(name), classes=classes)
        if "x-cstar-string-shorthand" in schema:
            return replace(type_, object_reader="", value_reader=names.reader(name))
        return type_

    def _of_enum(self, name: str) -> PythonType:
        return PythonType(
            read_type=name,
            argument_type=names.like_alias(name),
            writable_type=names.like_alias(name),
            value_reader=f"{name}.__decode__",
            members=names.members(name),
            classes=(name,),
            is_string=True,
        )

    def _of_type(self, type_name: str, node: Node) -> PythonType:
        if type_name == "array":
            return _list_of(self.of(node.get("items", {})))
        if type_name == "object":
            values = node.get("additionalProperties")
            return _map_of(self.of(values)) if is_object(values) and values else FREE_OBJECT
        if FILE_MARK in node:
            return FILE
        plain = _PLAIN.get(type_name, ANY_JSON)
        return _FORMATS.get(str(node.get("format")), plain) if plain is STRING else plain


def _map_of(inner: PythonType) -> PythonType:
    inner = _read_by_value(inner)
    return replace(
        inner,
        read_type=f"dict[str, {inner.declared_read_type}]",
        writable_type=f"dict[str, {inner.declared_writable_type}]",
        argument_type=f"Mapping[str, {inner.declared_argument_type}]",
        container="decode_map" if inner.object_reader else "decode_map_values" if inner.value_reader else "",
        is_nullable=False,
        is_string=False,
    )


def _list_of(item: PythonType) -> PythonType:
    item = _read_by_value(item)
    many = f"list[{item.declared_argument_type}] | tuple[{item.declared_argument_type}, ...]"
    return replace(
        item,
        read_type=f"list[{item.declared_read_type}]",
        writable_type=f"list[{item.declared_writable_type}]",
        argument_type=many if item.is_string else f"Sequence[{item.declared_argument_type}]",
        item_argument_type=item.declared_argument_type,
        container="decode_list" if item.object_reader else "decode_values" if item.value_reader else "",
        is_nullable=False,
        is_string=False,
    )


def _read_by_value(type_: PythonType) -> PythonType:
    """Return a type whose containers are decoded by a function of one value, so that a container of them can be decoded."""
    if not type_.container:
        return type_
    return replace(type_, value_reader=f"lambda value: {type_.container_reader('value')}", object_reader="", container="")


def _any_of(types: Sequence[PythonType], *, is_nullable: bool) -> PythonType:
    """Return the type of a value of one of several types. What cannot be distinguished from another is not decoded."""
    if ANY_JSON in types:
        return ANY_JSON
    are_objects = [type_ for type_ in types if _kind_in_json(type_) == "object"]
    decoded = next((type_ for type_ in are_objects if type_.object_reader and not type_.container and len(are_objects) == 1), None)
    undecoded = [type_ if type_ is decoded else _undecoded(type_) for type_ in types]
    return PythonType(
        read_type=joined(type_.declared_read_type for type_ in undecoded),
        writable_type=joined(type_.declared_writable_type for type_ in undecoded),
        argument_type=joined(type_.argument_type for type_ in types),
        object_reader=decoded.object_reader if decoded else "",
        classes=tuple(dict.fromkeys(name for type_ in types for name in type_.classes)),
        is_nullable=is_nullable or any(type_.is_nullable for type_ in types),
        is_string=any(type_.is_string for type_ in types),
    )


def _kind_in_json(type_: PythonType) -> str:
    if type_.read_type.startswith("list["):
        return "array"
    is_object_type = type_.read_type.startswith("dict[") or bool(type_.object_reader)
    return "object" if is_object_type else "plain"


def _undecoded(type_: PythonType) -> PythonType:
    """Return the type of a value that stays as it arrived."""
    if not (type_.container or type_.object_reader or type_.value_reader):
        return type_
    read_type = {"array": "list[JSON]", "object": "dict[str, JSON]"}.get(_kind_in_json(type_), "str")
    return PythonType(read_type=read_type, argument_type=type_.argument_type, is_string=type_.is_string)


def joined(annotations: Iterable[str]) -> str:
    """Join annotations to a union that has each member once."""
    return " | ".join(dict.fromkeys(member for annotation in annotations for member in members_of(annotation)))


def members_of(annotation: str) -> list[str]:
    """Return the members of a union, or its only member."""
    members: list[str] = []
    member = ""
    for part in annotation.split(" | "):
        member = f"{member} | {part}" if member else part
        if member.count("[") == member.count("]"):
            members.append(member)
            member = ""
    return members
