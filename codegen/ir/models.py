"""Build models, enums and unions: their fields, their docstrings and their decoders."""

from __future__ import annotations

from codegen import naming as names
from codegen.ir.docstrings import (
    DEPRECATED,
    Block,
    Section,
    described,
    docstring,
    in_short,
    paragraphs,
    sentence,
    source_of,
    text_of,
)
from codegen.ir.model_specs import EnumSpec, FieldSpec, MemberSpec, ModelSpec, OldFieldSpec, ShorthandReaderSpec, UnionSpec
from codegen.ir.types import PythonType, TypeMapper
from codegen.ir.usage import SchemaUsage
from codegen.spec.document import Document, Node, entries, items
from codegen.spec.queries import (
    DEPRECATED_VALUES,
    OLD_CONSTANTS,
    OLD_NAME,
    UNION_RULES,
    attribute_names,
    deprecated_values,
    is_model,
    is_union,
    union_members,
    union_tags,
)


class ModelBuilder:
    """Builds all schemas that become classes."""

    def __init__(self, document: Document, usage: SchemaUsage, types: TypeMapper) -> None:
        self._document = document
        self._usage = usage
        self._types = types
        schemas = document.schemas
        self._tables = {names.members(name) for name in usage.generated if "enum" in schemas[name] or is_union(schemas[name])}
        self.enums = {name: self._enum(name, schemas[name]) for name in usage.generated if "enum" in schemas[name]}
        self.models = {name: self._model(name, schemas[name]) for name in usage.generated if is_model(schemas[name])}
        self.unions = {name: _union(name, schemas[name]) for name in usage.generated if is_union(schemas[name])}

    def _enum(self, name: str, schema: Node) -> EnumSpec:
        derived = [names.constant(value) for value in schema["enum"]]
        constants = dict(zip(schema["enum"], schema.get("x-enum-varnames", derived), strict=True))
        texts = {value: sentence(str(text)) for value, text in entries(schema, "x-enum-descriptions").items()}
        docs = {value: _described_value(value, constants[value], texts.get(value, "")) for value in schema["enum"]}
        old_values = items(schema, DEPRECATED_VALUES)
        docs |= {value: f"{docs[value]} Deprecated." for value in old_values if "deprecated" not in docs[value].lower()}
        values = tuple((constants[value], doc) for value, doc in docs.items())
        members = tuple(
            MemberSpec(constant=constants[value], value=value, doc=docstring([doc], depth=1), is_deprecated=value in old_values)
            for value, doc in docs.items()
        )
        renamed = entries(schema, OLD_CONSTANTS)
        old_docs = {
            old: docstring([f"Deprecated: the old name of `{constants[value]}`."], depth=1) for old, value in renamed.items()
        }
        members += tuple(MemberSpec(constant=old, value=renamed[old], doc=doc, is_deprecated=True) for old, doc in old_docs.items())
        return EnumSpec(
            name=name,
            alias=names.like_alias(name),
            doc=docstring(
                [_described(schema, name), *_deprecated(schema), Section("Attributes", values), *source_of(schema)], depth=1
            ),
            alias_doc=docstring([f"The type of an argument for `{name}`: a constant or a str, known or not."], depth=0),
            members=members,
            known=repr({member.constant: member.value for member in members}),
            literal=", ".join(repr(value) for value in schema["enum"]),
            old_name=str(schema.get(OLD_NAME, "")),
            is_deprecated=schema.get("deprecated") is True,
        )

    def _model(self, name: str, schema: Node) -> ModelSpec:
        is_request = name in self._usage.requests
        wire_to_python = attribute_names(schema)
        fields: list[FieldSpec] = []
        for wire, node in entries(schema, "properties").items():
            models = [model for model in node.get("x-cstar-models", ()) if model in self._usage.generated]
            type_ = self._types.of(node).with_models(models)
            is_required = wire in items(schema, "required")
            fields.append(self._field(name, wire, node, type_, wire_to_python, is_required=is_required))
        stem = names.function_stem(name).upper()
        aliases = [alias for field in fields for alias in field.node.get("x-cstar-aliases", ())]
        known = f"{name}.__wire_names__.values()"
        known = f"(*{known}, {', '.join(map(repr, aliases))})" if aliases else known
        return ModelSpec(
            name=name,
            doc=docstring(_model_doc(name, schema, wire_to_python), depth=1),
            wire_names=repr({field.attribute: field.wire for field in fields}),
            keeps_null=("True",) if is_request else (),
            identities=tuple(
                repr(wire_to_python[schema[key]]) for key in ("x-cstar-identity",) if schema.get(key) in wire_to_python
            ),
            fields=tuple(fields),
            decoder=names.decoder(name),
            decoder_doc=docstring([f"Decode JSON to `{name}`."], depth=1),
            shorthand_readers=tuple(_shorthand_reader(name, schema[key]) for key in ("x-cstar-string-shorthand",) if key in schema),
            assignment_targets=(", ".join([*(f"raw.{field.attribute}" for field in fields), *(["*_"] if aliases else [])]),)
            if fields
            else (),
            size=len(fields) + len(aliases),
            defaults_name=f"_NO_{stem}" if f"_NO_{stem}" not in self._tables else f"_NO_{stem}_",
            absent_fields=f"dict.fromkeys(keys_of_parser({known}){', UNSET' if is_request else ''})",
            enums=frozenset(used for field in fields if field.type_.is_enum for used in field.type_.classes),
            classes=frozenset(used for field in fields for used in field.type_.classes) - {name},
            old_fields=tuple(_old_field(field) for field in fields if OLD_NAME in field.node),
            old_name=str(schema.get(OLD_NAME, "")),
            is_deprecated=schema.get("deprecated") is True,
        )

    def _field(
        self, owner: str, wire: str, node: Node, type_: PythonType, wire_to_python: dict[str, str], *, is_required: bool
    ) -> FieldSpec:
        attribute = wire_to_python[wire]
        is_request = owner in self._usage.requests
        if is_request:
            annotation, default = request_annotation(type_, is_required=is_required)
        elif owner in self._usage.shared:
            annotation, default = (
                (type_.declared_writable_type, "")
                if is_required
                else (f"{type_.writable_type or type_.read_type} | None", " = None")
            )
        elif is_required:
            annotation, default = type_.declared_read_type, ""
        else:
            annotation, default = type_.optional_read_type, " = None"
        if is_required and "const" in node:
            default = f" = {node['const']!r}"  # the only possible value
        elif is_required and not is_request and node.get("default") == []:
            default = " = attrs.field(factory=empty_list)"
        return FieldSpec(
            wire=wire,
            attribute=attribute,
            type_=type_,
            is_required=is_required,
            node=node,
            declaration=f"{attribute}: {annotation}{default}",
            doc=docstring([described(node, wire_to_python, fallback=f"The field `{wire}`.")], depth=1),
            lookups=_lookups(wire, node.get("x-cstar-aliases", ()), null_counts=is_request),
            decode_steps=type_.decode_steps(f"raw.{attribute}"),
            deprecated_values=tuple(value for value in deprecated_values(self._document, node) if not isinstance(value, str)),
        )


def _old_field(field: FieldSpec) -> OldFieldSpec:
    return OldFieldSpec(
        name=str(field.node[OLD_NAME]),
        attribute=field.attribute,
        annotation=repr(field.annotation),
        doc=docstring([f"Deprecated: the old name of `{field.attribute}`."], depth=1),
    )


def _described_value(value: str, constant: str, text: str) -> str:
    """Return the description of a constant, with its value where the name does not show it."""
    shown = f"`{value}`." if value else "An empty str."
    return text if text and value == constant.lower() else f"{shown} {text}".rstrip()


def _described(schema: Node, name: str) -> str:
    """Return the description of a class, or its name as words."""
    return sentence(text_of(schema, "description") or names.function_stem(name).replace("_", " ").capitalize())


def _deprecated(schema: Node) -> list[str]:
    return [DEPRECATED] if schema.get("deprecated") is True else []


def _model_doc(name: str, schema: Node, wire_to_python: dict[str, str]) -> list[Block]:
    """Return the blocks of a class docstring, with a short list of the fields for `help()`."""
    properties = entries(schema, "properties").items()
    fields = tuple(
        (wire_to_python[wire], in_short(node, wire_to_python, fallback=f"The field `{wire}`.")) for wire, node in properties
    )
    attributes = [Section("Attributes", fields)] if fields else []
    texts = paragraphs(schema, wire_to_python)
    first = [] if texts and isinstance(texts[0], str) else [sentence(names.function_stem(name).replace("_", " ").capitalize())]
    return [*first, *texts, *_deprecated(schema), *attributes, *source_of(schema)]


def _shorthand_reader(name: str, wire: str) -> ShorthandReaderSpec:
    doc = f"Decode JSON to `{name}`: an object, or a str that is its `{wire}`. Any other value is passed on."
    return ShorthandReaderSpec(name=names.reader(name), doc=docstring([doc], depth=1), wire=repr(wire))


def _union(name: str, schema: Node) -> UnionSpec:
    members, fallback = union_members(schema), schema.get("x-cstar-unknown")
    tagged = "".join(f"{tag!r}: {names.decoder(member)}, " for tag, member in union_tags(schema).items())
    has_tag = "discriminator" in schema
    unknown = f"a `{fallback}`" if fallback else "the object as it arrived"
    when = "the tag is not known" if has_tag else "it is none of them"
    return UnionSpec(
        name=name,
        doc=docstring([_described(schema, name), *_deprecated(schema), *source_of(schema)], depth=0),
        members=" | ".join([*members, *([] if fallback else ["dict[str, JSON]"])]),
        tag=repr(schema["discriminator"]["propertyName"]) if has_tag else "",
        decoders=f"{{{tagged}}}" if has_tag else _rules(members, items(schema, UNION_RULES)),
        fallback=names.decoder(str(fallback)) if fallback else "keep_object",
        decoder=names.decoder(name),
        decoder_doc=docstring([f"Decode JSON to `{name}`; {unknown} if {when}."], depth=1),
        table=names.members(name),
        classes=frozenset(members),
        old_name=str(schema.get(OLD_NAME, "")),
        is_deprecated=schema.get("deprecated") is True,
    )


def _rules(members: list[str], rules: list[Node]) -> str:
    """Return the rules of a union without a tag, as a literal."""
    literals: list[str] = []
    for rule in rules:
        values = ", ".join(f"{name!r}: ({', '.join(map(repr, known))},)" for name, known in rule["values"].items())
        required = ", ".join(map(repr, rule["required"]))
        member = members[int(rule["option"])]
        literals.append(f"(frozenset({{{required}}}), {{{values}}}, {names.decoder(member)})")
    return f"({', '.join(literals)},)"


def request_annotation(type_: PythonType, *, is_required: bool) -> tuple[str, str]:
    """Return the annotation and the default of an argument."""
    return (type_.declared_argument_type, "") if is_required else (f"{type_.declared_argument_type} | Unset", " = UNSET")


def _lookups(wire: str, aliases: list[str], *, null_counts: bool) -> tuple[str, ...]:
    """Return the expression that looks a field up under each of its wire names; empty if it has only one.

    `fields` has every field, `wire` only those that arrived. In a response, null under one name gives way to a value under another.
    In a body, null clears the field.
    """
    if not aliases:
        return ()
    *earlier, last = (wire, *aliases)
    test = "{name!r} in wire" if null_counts else "fields[{name!r}] is not None"
    lookup = f"fields[{{name!r}}] if {test} else "
    return ("".join(lookup.format(name=name) for name in earlier) + f"fields[{last!r}]",)
