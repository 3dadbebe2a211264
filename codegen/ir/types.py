"""Map the properties of the document to Python types: of a field, of an argument, and what decodes them.

A shape is made from the library's property classes. What the library cannot tell (whether a class is ours, a free object or a map)
is looked up in the document beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
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
    """How a value is read."""

    condition: str
    """What must hold for it to need reading."""
    expression: str


@dataclass(frozen=True, kw_only=True)
class PythonType:
    """What a value may be."""

    read_type: str
    """The type of a field that holds it after it was read."""
    argument_type: str
    """The type of an argument that takes it."""
    value_reader: str = ""
    """The function that reads one value from its wire form, whatever came; empty: values stay as they came."""
    members: str = ""
    """The mapping that has a member for every text; set for enums."""
    object_reader: str = ""
    """The function that reads one object from its wire form."""
    container: str = ""
    """The function that reads a container of what one of the two readers reads."""
    classes: tuple[str, ...] = ()
    """The schemas whose names the spellings need."""
    item_argument_type: str = ""
    """For a list: the type of an argument that takes one item of it."""
    writable_type: str = ""
    """The type of a field that is set by callers as well as read; empty: the type of a field that is only read."""
    is_nullable: bool = False
    is_string: bool = False
    """Whether a text would do, so that an array of it must not be taken as a `Sequence`: a text is one, too."""

    @property
    def is_enum(self) -> bool:
        """Whether it is one value of an enum."""
        return bool(self.members) and not self.container

    @property
    def optional_read_type(self) -> str:
        """The type of a field that is None when the wire has nothing."""
        return self.read_type if self.read_type == "JSON" else f"{self.read_type} | None"  # JSON may be null itself

    @property
    def declared_read_type(self) -> str:
        """The type of a field, None only where the document has null."""
        return self.optional_read_type if self.is_nullable else self.read_type

    @property
    def declared_writable_type(self) -> str:
        """The type of a field that is set by callers as well as read, None only where the document has null."""
        given = self.writable_type or self.read_type
        return f"{given} | None" if self.is_nullable else given

    @property
    def declared_argument_type(self) -> str:
        """The type of an argument, None only where the document has null."""
        return f"{self.argument_type} | None" if self.is_nullable else self.argument_type

    def decode_steps(self, place: str) -> tuple[DecodeStep, ...]:
        """How it is read from its wire form where that stands; none: it stays as it came.

        What needs no reading is told apart before: most fields are absent or plain, and a call for each of them would double the
        time of a decoder.

        Args:
            place: The expression of the place.
        """
        if self.container:
            kind = "dict" if self.container == "decode_map" else "list"
            reader = f"{self.container}({self.object_reader or self.value_reader}, {place})"
            return (DecodeStep(condition=f"{place}.__class__ is {kind}", expression=reader),)
        if self.object_reader:
            return (DecodeStep(condition=f"{place}.__class__ is dict", expression=f"{self.object_reader}({place})"),)
        if self.is_enum:
            return (DecodeStep(condition=f"{place}.__class__ is str", expression=f"{self.members}[{place}]"),)
        if self.value_reader:
            return (DecodeStep(condition=f"{place} is not None", expression=f"{self.value_reader}({place})"),)
        return ()


STRING = PythonType(read_type="str", argument_type="str", is_string=True)
ANY_JSON = PythonType(read_type="JSON", argument_type="JSON | JSONObject", is_string=True)
FREE_OBJECT = PythonType(read_type="dict[str, JSON]", argument_type="JSONObject")
DATETIME = PythonType(read_type="datetime", argument_type="datetime", value_reader="parse_datetime")

_LEAVES: dict[type, PythonType] = {
    StringProperty: STRING,
    UuidProperty: STRING,  # ids are opaque texts; a UUID object would refuse those that are not
    ConstProperty: STRING,
    IntProperty: PythonType(read_type="int", argument_type="int"),
    FloatProperty: PythonType(read_type="float", argument_type="float"),
    BooleanProperty: PythonType(read_type="bool", argument_type="bool"),
    DateTimeProperty: DATETIME,
    AnyProperty: ANY_JSON,
}


class TypeMapper:
    """Makes shapes of the library's properties."""

    def __init__(self, document: Document, problems: ProblemCollector) -> None:
        self._document = document
        self._problems = problems
        # The library writes a union out wherever it is referred to, without its name; its members tell which one it is.
        schemas = document.schemas.items()
        self._unions = {frozenset(union_members(schema)): name for name, schema in schemas if is_union(schema)}

    def of(self, prop: PropertyProtocol, place: str) -> PythonType:
        """The shape of a property; what it cannot express is noted under *place*."""
        if leaf := _LEAVES.get(type(prop)):
            return leaf
        match prop:
            case EnumProperty():
                return self.of_enum(str(prop.class_info.name))
            case ModelProperty():
                return self._of_object(prop, place)
            case ListProperty():
                return self._of_list(self.of(prop.inner_property, place), place)
            case UnionProperty():
                return self._of_union(prop, place)
            case _:
                self._problems.add(place, f"the generator cannot express a {type(prop).__name__}.")
                return ANY_JSON

    def of_enum(self, name: str) -> PythonType:
        """An open enum."""
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
        """An object that is a component: a model, a union of models, or a free object."""
        if is_free_object(self._document.schemas[name]):
            return FREE_OBJECT
        shape = PythonType(read_type=name, argument_type=f"{name} | JSONObject", object_reader=names.decoder(name), classes=(name,))
        if "x-cstar-string-shorthand" in self._document.schemas[name]:
            return replace(shape, object_reader="", value_reader=names.reader(name))
        return shape

    def _of_object(self, prop: ModelProperty, place: str) -> PythonType:
        name = str(prop.class_info.name)
        if name in self._document.schemas:
            return self.of_component(name)
        inner = prop.additional_properties
        if inner is None or isinstance(inner, AnyProperty):
            return FREE_OBJECT
        return self._of_map(self.of(inner, place), place)

    def _of_map(self, inner: PythonType, place: str) -> PythonType:
        if inner.container or (inner.value_reader and not inner.object_reader):
            self._problems.add(place, "the generator cannot express a map of anything but objects and plain values.")
        return replace(
            inner,
            read_type=f"dict[str, {inner.declared_read_type}]",
            writable_type=f"dict[str, {inner.declared_writable_type}]",
            argument_type=f"Mapping[str, {inner.declared_argument_type}]",
            container="decode_map" if inner.object_reader else "",
            is_nullable=False,
            is_string=False,
        )

    def _of_list(self, item: PythonType, place: str) -> PythonType:
        if item.container:
            self._problems.add(place, "the generator cannot express a list of lists of objects.")
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

    def _of_union(self, prop: UnionProperty, place: str) -> PythonType:
        members = [inner for inner in prop.inner_properties if not isinstance(inner, NoneProperty)]
        is_nullable = len(members) < len(prop.inner_properties)
        if name := self._unions.get(frozenset(str(inner.class_info.name) for inner in members if isinstance(inner, ModelProperty))):
            return replace(self.of_component(name), is_nullable=is_nullable)
        shapes = [self.of(inner, place) for inner in members]
        if len(shapes) == 1:
            return replace(shapes[0], is_nullable=is_nullable)
        if any(shape.value_reader or shape.object_reader for shape in shapes):
            self._problems.add(place, "the generator cannot tell apart the members of a union unless all of them are plain.")
        spelt = " | ".join(_deduplicated(shape.read_type for shape in shapes))
        return PythonType(
            read_type=spelt, argument_type=spelt, is_nullable=is_nullable, is_string=any(shape.is_string for shape in shapes)
        )


def _deduplicated(words: Iterator[str]) -> list[str]:
    return list(dict.fromkeys(words))
