"""Map the properties of the document to Python types, and to the code that decodes them.

A type is made from a property of openapi-python-client. Whether a class is a model, a free object
or a map is looked up in the document.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from openapi_python_client.parser.properties.any import AnyProperty
from openapi_python_client.parser.properties.boolean import BooleanProperty
from openapi_python_client.parser.properties.const import ConstProperty
from openapi_python_client.parser.properties.datetime import DateTimeProperty
from openapi_python_client.parser.properties.enum_property import EnumProperty
from openapi_python_client.parser.properties.float import FloatProperty
from openapi_python_client.parser.properties.int import IntProperty
from openapi_python_client.parser.properties.list_property import ListProperty
from openapi_python_client.parser.properties.model_property import ModelProperty
from openapi_python_client.parser.properties.none import NoneProperty
from openapi_python_client.parser.properties.protocol import PropertyProtocol
from openapi_python_client.parser.properties.string import StringProperty
from openapi_python_client.parser.properties.union import UnionProperty
from openapi_python_client.parser.properties.uuid import UuidProperty

from codegen import naming as names
from codegen.errors import ProblemCollector
from codegen.spec.document import Document
from codegen.spec.queries import is_free_object, is_union, union_members


@dataclass(frozen=True, kw_only=True)
class DecodeStep:
    """A conditional statement that decodes a value."""

    condition: str
    """The condition under which the value needs decoding."""
    expression: str


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
            kind = "dict" if self.container == "decode_map" else "list"
            reader = f"{self.container}({self.object_reader or self.value_reader}, {target})"
            return (DecodeStep(condition=f"{target}.__class__ is {kind}", expression=reader),)
        if self.object_reader:
            return (DecodeStep(condition=f"{target}.__class__ is dict", expression=f"{self.object_reader}({target})"),)
        if self.is_enum:
            return (DecodeStep(condition=f"{target}.__class__ is str", expression=f"{self.members}[{target}]"),)
        if self.value_reader:
            return (DecodeStep(condition=f"{target} is not None", expression=f"{self.value_reader}({target})"),)
        return ()

    def with_models(self, models: Sequence[str]) -> PythonType:
        """Return the type of a free object, or of a list of them, that callers can also give as one of some models."""
        choices = " | ".join([*models, "JSONObject"])
        return replace(self, argument_type=self.argument_type.replace("JSONObject", choices), classes=(*self.classes, *models))


STRING = PythonType(read_type="str", argument_type="str", is_string=True)
ANY_JSON = PythonType(read_type="JSON", argument_type="JSON | JSONObject", is_string=True)
FREE_OBJECT = PythonType(read_type="dict[str, JSON]", argument_type="JSONObject")
DATETIME = PythonType(read_type="datetime", argument_type="datetime", value_reader="parse_datetime")

_LEAVES: dict[type, PythonType] = {
    StringProperty: STRING,
    UuidProperty: STRING,  # ids are opaque strings
    ConstProperty: STRING,
    IntProperty: PythonType(read_type="int", argument_type="int"),
    FloatProperty: PythonType(read_type="float", argument_type="float"),
    BooleanProperty: PythonType(read_type="bool", argument_type="bool"),
    DateTimeProperty: DATETIME,
    AnyProperty: ANY_JSON,
}


class TypeMapper:
    """Maps properties to Python types."""

    def __init__(self, document: Document, problems: ProblemCollector) -> None:
        self._document = document
        self._problems = problems
        # openapi-python-client expands references to unions; the members identify the union.
        schemas = document.schemas.items()
        self._unions = {frozenset(union_members(schema)): name for name, schema in schemas if is_union(schema)}

    def of(self, prop: PropertyProtocol, pointer: str) -> PythonType:
        """Return the type of a property; report what is not supported under *pointer*."""
        if leaf := _LEAVES.get(type(prop)):
            return leaf
        match prop:
            case EnumProperty():
                return self.of_enum(str(prop.class_info.name))
            case ModelProperty():
                return self._of_object(prop, pointer)
            case ListProperty():
                return self._of_list(self.of(prop.inner_property, pointer), pointer)
            case UnionProperty():
                return self._of_union(prop, pointer)
            case _:
                self._problems.add(pointer, f"the generator cannot express a {type(prop).__name__}.")
                return ANY_JSON

    def of_enum(self, name: str) -> PythonType:
        """Return the type of an open enum."""
        return PythonType(
            read_type=name,
            argument_type=names.like_alias(name),
            writable_type=names.like_alias(name),
            value_reader=f"{name}.__decode__",
            members=names.members(name),
            classes=(name,),
            is_string=True,
        )

    def of_component(self, name: str) -> PythonType:
        """Return the type of a component: a model, a union of models, or a free object."""
        if is_free_object(self._document.schemas[name]):
            return FREE_OBJECT
        type_ = PythonType(read_type=name, argument_type=f"{name} | JSONObject", object_reader=names.decoder(name), classes=(name,))
        if "x-cstar-string-shorthand" in self._document.schemas[name]:
            return replace(type_, object_reader="", value_reader=names.reader(name))
        return type_

    def _of_object(self, prop: ModelProperty, pointer: str) -> PythonType:
        name = str(prop.class_info.name)
        if name in self._document.schemas:
            return self.of_component(name)
        inner = prop.additional_properties
        if inner is None or isinstance(inner, AnyProperty):
            return FREE_OBJECT
        return self._of_map(self.of(inner, pointer), pointer)

    def _of_map(self, inner: PythonType, pointer: str) -> PythonType:
        if inner.container or (inner.value_reader and not inner.object_reader):
            self._problems.add(pointer, "the generator cannot express a map of anything but objects and plain values.")
        return replace(
            inner,
            read_type=f"dict[str, {inner.declared_read_type}]",
            writable_type=f"dict[str, {inner.declared_writable_type}]",
            argument_type=f"Mapping[str, {inner.declared_argument_type}]",
            container="decode_map" if inner.object_reader else "",
            is_nullable=False,
            is_string=False,
        )

    def _of_list(self, item: PythonType, pointer: str) -> PythonType:
        if item.container:
            self._problems.add(pointer, "the generator cannot express a list of lists of objects.")
        many = f"list[{item.declared_argument_type}] | tuple[{item.declared_argument_type}, ...]"
        readers = "decode_list" if item.object_reader else "decode_values" if item.value_reader else ""
        return replace(
            item,
            read_type=f"list[{item.declared_read_type}]",
            writable_type=f"list[{item.declared_writable_type}]",
            argument_type=many if item.is_string else f"Sequence[{item.declared_argument_type}]",
            item_argument_type=item.declared_argument_type,
            container=readers,
            is_nullable=False,
            is_string=False,
        )

    def _of_union(self, prop: UnionProperty, pointer: str) -> PythonType:
        members = [inner for inner in prop.inner_properties if not isinstance(inner, NoneProperty)]
        is_nullable = len(members) < len(prop.inner_properties)
        if name := self._unions.get(frozenset(str(inner.class_info.name) for inner in members if isinstance(inner, ModelProperty))):
            return replace(self.of_component(name), is_nullable=is_nullable)
        types = [self.of(inner, pointer) for inner in members]
        if len(types) == 1:
            return replace(types[0], is_nullable=is_nullable)
        if any(type_.value_reader or type_.object_reader for type_ in types):
            self._problems.add(pointer, "the generator cannot distinguish the members of a union unless all of them are plain.")
        annotation = " | ".join(_deduplicated(type_.read_type for type_ in types))
        return PythonType(
            read_type=annotation,
            argument_type=annotation,
            is_nullable=is_nullable,
            is_string=any(type_.is_string for type_ in types),
        )


def _deduplicated(annotations: Iterator[str]) -> list[str]:
    return list(dict.fromkeys(annotations))
