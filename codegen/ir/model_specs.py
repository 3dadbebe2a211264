"""What the templates need to know of models, enums, unions and their fields."""

from __future__ import annotations

from dataclasses import dataclass

from codegen.ir.types import DecodeStep, PythonType
from codegen.spec.document import Node


@dataclass(frozen=True, kw_only=True)
class MemberSpec:
    """A known value of an enum."""

    constant: str
    value: str
    doc: str
    is_deprecated: bool = False
    comment: str = ""
    """What type checkers need to know of it."""


@dataclass(frozen=True, kw_only=True)
class EnumSpec:
    """An open enum."""

    name: str
    alias: str
    doc: str
    alias_doc: str
    members: tuple[MemberSpec, ...]
    known: str
    literal: str
    parent: str = "OpenEnum"
    old_name: str = ""
    is_deprecated: bool = False

    @property
    def deprecated(self) -> tuple[str, ...]:
        """Return the constants that are deprecated."""
        return tuple(member.constant for member in self.members if member.is_deprecated)


@dataclass(frozen=True, kw_only=True)
class FieldSpec:
    """A field of a model."""

    wire: str
    attribute: str
    type_: PythonType
    is_required: bool
    node: Node
    declaration: str
    doc: str
    lookups: tuple[str, ...]
    """The expression that looks it up, if it has other wire names."""
    decode_steps: tuple[DecodeStep, ...]
    """The statements that decode it."""
    is_inherited: bool = False
    """Whether the parent class has it as it is."""
    comment: str = ""
    """What type checkers need to know of it."""
    deprecated_values: tuple[object, ...] = ()
    """The values that it should not have, without those of enums, whose classes know them."""

    @property
    def is_deprecated(self) -> bool:
        """Return whether the document marks it as deprecated."""
        return self.node.get("deprecated") is True

    @property
    def annotation(self) -> str:
        """Return the type in its declaration."""
        return self.declaration.partition(": ")[2].partition(" = ")[0]


@dataclass(frozen=True, kw_only=True)
class UnionSpec:
    """One of several models, distinguished by a tag or by what only one of them must have."""

    name: str
    doc: str
    members: str
    tag: str
    """The wire name of the tag property, as a literal; empty without one."""
    decoders: str
    """The decoder of each tag, as a dict literal. Without a tag, the rules in their order, as a tuple."""
    fallback: str
    decoder: str
    decoder_doc: str
    table: str
    classes: frozenset[str]
    """The other schemas that its code uses."""
    old_name: str = ""
    is_deprecated: bool = False


@dataclass(frozen=True, kw_only=True)
class ShorthandReaderSpec:
    """The function that decodes a model from an object, or from a string that is one of its fields."""

    name: str
    doc: str
    wire: str
    """The wire name of that field, as a literal."""


@dataclass(frozen=True, kw_only=True)
class OldFieldSpec:
    """The old name of a field, as an attribute and as an argument of the constructor."""

    name: str
    attribute: str
    annotation: str
    """The type of the field, as a literal."""
    doc: str


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """A model."""

    name: str
    doc: str
    wire_names: str
    identities: tuple[str, ...]
    """The attribute with the id, where it is not `id`."""
    keeps_null: tuple[str, ...]
    """`True` for a request model, whose None is sent as null."""
    fields: tuple[FieldSpec, ...]
    decoder: str
    decoder_doc: str
    shorthand_readers: tuple[ShorthandReaderSpec, ...]
    assignment_targets: tuple[str, ...]
    """The fields as targets of an assignment, in the document's order; empty without fields."""
    size: int
    """The number of wire names of its fields."""
    defaults_name: str
    """The name of the dict that has the default of each wire name."""
    absent_fields: str
    enums: frozenset[str]
    """The enums that are the types of its fields."""
    classes: frozenset[str]
    """The other schemas that its code uses."""
    parent: str = "Model"
    old_fields: tuple[OldFieldSpec, ...] = ()
    old_name: str = ""
    is_deprecated: bool = False

    @property
    def deprecated(self) -> str:
        """Return the names of its own fields that are deprecated, as literals."""
        return ", ".join(repr(field.attribute) for field in self.fields if field.is_deprecated and not field.is_inherited)

    @property
    def deprecated_values(self) -> dict[str, tuple[object, ...]]:
        """Return the deprecated values of fields, by wire name."""
        return {field.wire: field.deprecated_values for field in self.fields if field.deprecated_values}

    @property
    def constructors(self) -> tuple[str, str]:
        """Return the arguments of the constructor, and those with the old names of fields."""
        old = {field.attribute: field.name for field in self.old_fields}
        new_names, old_names = (
            [_constructor_argument(field, renamed.get(field.attribute, field.attribute)) for field in self.fields]
            for renamed in ({}, old)
        )
        return ", ".join(new_names), ", ".join(old_names)

    @property
    def renaming(self) -> str:
        """Return what the constructor warns of."""
        return repr(f"{self.name}: {', '.join(f'{field.name} is now {field.attribute}' for field in self.old_fields)}")


def _constructor_argument(field: FieldSpec, name: str) -> str:
    return f"{name}: {field.annotation}{' = ...' if ' = ' in field.declaration else ''}"
