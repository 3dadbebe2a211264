"""Bring schemas into one form.

A component is a model, an enum of strings, a union of models with a tag, or a free object. Any other value is a reference to a
component, a plain value, an array, a map, or one of several such values. So `nullable`, `allOf` and aliases are resolved. Inline
objects, enums and unions become components, named after their owner and property.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from codegen import naming as names
from codegen.errors import NoteCollector, ProblemCollector
from codegen.parser.merging import flattened, without_nullable
from codegen.parser.names import CLASS, NAME, NameChooser
from codegen.parser.references import References, nested, owner_of, unescaped
from codegen.parser.unions import Tags, find_rules, find_tags, options_of
from codegen.spec.document import Document, Node, child_pointer, entries, is_list, is_object, items, schema_named
from codegen.spec.queries import UNION_RULES, is_free_object, is_model, types_of

_BESIDE = frozenset({"summary", "description", "default", "deprecated", "readOnly", "writeOnly", "title", "example", "examples"})
"""The keys beside a `$ref` that have a meaning there."""
Options: TypeAlias = list[tuple[int, Node]]
"""Options of a union, with their indexes."""
NOT_DISTINCT = "the objects of this union have no common tag, and no required fields of their own; they stay dicts."
FindFiles: TypeAlias = Callable[[str, object, str], Node | None]
"""Returns the schema of a field of a form if it takes files: its name, its schema and where that is."""
COMPONENTS = "#/components/schemas"
CLASSES = "classes"
"""The scope of the names of classes."""
INPUT = "#input"
"""The end of the place of a class that is the body of a request."""
MAX_DEPTH = 40
"""The deepest nesting of inline schemas; a deeper value stays JSON."""


class SchemaParser:
    """Parses the schemas of a document."""

    def __init__(
        self,
        document: Document,
        references: References,
        problems: ProblemCollector,
        notes: NoteCollector,
        chooser: NameChooser,
    ) -> None:
        self._schemas = document.schemas
        self._chooser = chooser
        self._references = references
        self._problems = problems
        self._notes = notes
        kept = chooser.kept.get(CLASSES, {}).items()
        self.class_names = names.ClassNames(
            {place: name for place, name in kept if document.at(f"#{place[1:].partition('#')[0]}") is not None}
        )
        self._classes = self._class_of_each_component()
        self._components: dict[str, Node] = {}
        self._hoisted: dict[str, str] = {}
        """The class of each inline schema, by its pointer."""
        self._flat: dict[str, tuple[Node, bool]] = {}
        """Each schema without `allOf` and `nullable`, and whether it allows null, by its pointer."""
        self._kinds: dict[str, str] = {}
        self._inlined: list[str] = []
        """The aliases that are being resolved."""

    def _class_of_each_component(self) -> dict[str, str]:
        """Return the class of each component. Those that the document gives come first."""
        places = {name: child_pointer(COMPONENTS, name) for name in self._schemas}
        given = {name: self._class(node, name, places[name]) for name, node in self._schemas.items() if CLASS in node}
        others = self.class_names.add_all({place: name for name, place in places.items() if name not in given})
        return {name: given.get(name) or others[place] for name, place in places.items()}

    def _class(self, node: Node, name: str, place: str) -> str:
        """Return the class of a schema: the one that it gives, or one made from a name."""
        given = node.get(CLASS)
        if not isinstance(given, str):
            return self.class_names.add(name, place)
        found = self.class_names.add(given, place, is_given=True)
        if found != given:
            self._problems.add(place, f"`{CLASS}` must be a free name of a class in CamelCase, got `{given}`.")
        return found

    def parse_components(self) -> None:
        """Parse all components."""
        kept = {name: node for name, node in self._schemas.items() if self._kind(node, child_pointer(COMPONENTS, name))}
        for name, node in kept.items():
            self._components[self._classes[name]] = self._component(node, child_pointer(COMPONENTS, name), self._classes[name])

    @property
    def components(self) -> dict[str, Node]:
        """The components by the names of their classes: those of the document in its order, inline ones before their owners."""
        return self._components

    @property
    def places(self) -> dict[str, str]:
        """The pointer of each component in the document: inline ones are where they were."""
        given = {self._classes[name]: child_pointer(COMPONENTS, name) for name in self._schemas}
        return given | {name: pointer for pointer, name in self._hoisted.items()}

    def flat(self, node: Node, pointer: str) -> Node:
        """Return a schema without `allOf`."""
        return self._flattened(node, pointer)[0]

    def is_model(self, schema: Node) -> bool:
        """Return whether a parsed schema is a model."""
        return "$ref" in schema and is_model(self._components[schema_named(schema["$ref"])])

    def is_object(self, schema: Node) -> bool:
        """Return whether a parsed schema is a model or a free object."""
        target = self._components[schema_named(schema["$ref"])] if "$ref" in schema else schema
        return is_model(target) or is_free_object(target)

    def value(self, node: object, pointer: str, owner: str) -> Node:
        """Parse the schema of a value.

        Args:
            node: The schema.
            pointer: Where it is.
            owner: The name of its class, if it becomes one.
        """
        if not is_object(node):
            return {}
        if "$ref" in node:
            return self._reference(node, pointer, owner)
        flat, is_nullable = self._flattened(node, pointer)
        if "$ref" in flat:
            return _nullable(self._reference(flat, pointer, owner), is_nullable=is_nullable)
        if self._kind(node, pointer) in ("model", "enum", "union"):
            return _nullable(self._hoist(flat, pointer, owner), is_nullable=is_nullable)
        if pointer.count("/") > MAX_DEPTH:
            self._notes.add(pointer, f"what is nested more than {MAX_DEPTH} levels deep stays JSON.")
            return {}
        return _nullable(self._plain(flat, pointer, owner), is_nullable=is_nullable)

    def form(self, node: object, pointer: str, owner: str, find_files: FindFiles) -> Node:
        """Parse the schema of a form with files, which has a class of its own. Return an empty one if it has no fields."""
        target, place = self._references.resolve(node, pointer) if is_object(node) else ({}, pointer)
        flat = self.flat(target, place)
        properties = {wire: one for wire, one in entries(flat, "properties").items() if not _is_read_only(one)}
        if not properties:
            return {}
        name = self._hoisted[nested(pointer, "form")] = self.class_names.add(owner, f"{pointer}#form")
        attributes = self._attributes(name, properties, place)
        parsed = {key: value for key, value in flat.items() if key in ("description", "required", "examples")}
        parsed |= {"type": "object", "properties": {}}
        for wire, inner in properties.items():
            at = nested(place, "properties", wire)
            found = find_files(wire, inner, at) or self.value(inner, at, names.joined(name, wire))
            parsed["properties"][wire] = _named(found, wire, attributes[wire])
        parsed["required"] = [wire for wire in items(flat, "required") if wire in properties]
        self._components[name] = parsed
        return {"$ref": f"{COMPONENTS}/{name}"}

    def _reference(self, node: Node, pointer: str, owner: str) -> Node:
        target, place = self._references.resolve({"$ref": node["$ref"]}, pointer)
        is_nullable = node.get("nullable") is True or self._flattened(target, place)[1]
        name = owner_of(place)
        if name in self._classes and self._kind(target, place):
            reference = f"{COMPONENTS}/{self._classes[name]}"
            kept = {key: value for key, value in node.items() if key in _BESIDE or key == "$ref" or key.startswith("x-")}
            parsed = {key: reference if key == "$ref" else value for key, value in kept.items()}
            return _nullable(parsed, is_nullable=is_nullable)
        beside = {key: value for key, value in node.items() if key in _BESIDE or key.startswith("x-")}
        if place in self._inlined:
            self._notes.add(pointer, "a value that contains itself without an object between stays JSON.")
            return beside
        self._inlined.append(place)
        try:
            parsed = self.value(target, place, self._classes.get(name) or self._name_at(place) or owner)
        finally:
            self._inlined.pop()
        return _nullable({**parsed, **beside}, is_nullable=is_nullable)

    def _name_at(self, place: str) -> str:
        """Return the class of an inline schema by its place in a component; empty for any other place."""
        prefix, _, rest = place.removeprefix(f"{COMPONENTS}/").partition("/")
        if not place.startswith(f"{COMPONENTS}/") or unescaped(prefix) not in self._classes:
            return ""
        name, keys = self._classes[unescaped(prefix)], iter(rest.split("/"))
        for key in keys:
            if key == "properties":
                name = names.joined(name, unescaped(next(keys, "")))
            else:
                name += {"items": "Item", "additionalProperties": "Value"}.get(key, "")
        return name

    def _flattened(self, node: Node, pointer: str) -> tuple[Node, bool]:
        found = self._flat.get(pointer)
        if found is None:
            flat = flattened(node, pointer, self._references, self._notes) if is_object(node) else {}
            found = self._flat[pointer] = without_nullable(flat)
        return found

    def _kind(self, node: Node, pointer: str) -> str:
        """Return `model`, `enum`, `union` or `free` for what is a component, and an empty string for any other value."""
        if pointer not in self._kinds:
            self._kinds[pointer] = "" if "$ref" in node else self._kind_of(self._flattened(node, pointer)[0], pointer)
        return self._kinds[pointer]

    def _kind_of(self, node: Node, pointer: str) -> str:
        if "$ref" in node:
            return ""
        if "enum" in node:
            return "enum" if node["enum"] and all(isinstance(value, str) for value in node["enum"]) else ""
        if options_of(node)[1]:
            return "union" if self._distinguished(node, pointer, options_of(node)[1]) else ""
        if is_model(node) or (node.get("properties") and "type" not in node):
            return "model"
        is_free = types_of(node) == ["object"] and node.get("additionalProperties") is True
        return "free" if is_free and owner_of(pointer) else ""

    def _distinguished(self, node: Node, pointer: str, options: Options) -> Tags | list[Node] | None:
        """Return the tags of a union of models, or its rules; None if it is no such union, or nothing distinguishes its members."""
        keyword, _ = options_of(node)
        members: dict[str, Node] = {}
        for index, option in options:
            target, place = self._references.resolve(option, nested(pointer, keyword, index))
            members[place] = self._flattened(target, place)[0]
        if not all(entries(member, "properties") and types_of(member) in ([], ["object"]) for member in members.values()):
            return None
        return find_tags(node, members, self._references, pointer) or find_rules(members, self._references)

    def _hoist(self, node: Node, pointer: str, owner: str) -> Node:
        name = self._hoisted.get(pointer)
        if name is None:
            name = self._hoisted[pointer] = self._class(node, owner, pointer)
            self._components[name] = self._component(node, pointer, name)
        return {"$ref": f"{COMPONENTS}/{name}", **_prose(node)}

    def _component(self, node: Node, pointer: str, name: str) -> Node:
        if node.get("x-cstar-envelope"):
            return node
        node, _ = self._flattened(node, pointer)
        if "enum" in node:
            return self._enum(node, name)
        if options_of(node)[1]:
            return self._union(node, pointer, name, options_of(node)[1])
        if "properties" not in node:
            return node
        parsed = {"type": "object", **node} if "type" not in node else dict(node)
        attributes = self._attributes(name, node["properties"], pointer)
        parsed["properties"] = {
            wire: _named(self.value(inner, nested(pointer, "properties", wire), names.joined(name, wire)), wire, attributes[wire])
            for wire, inner in node["properties"].items()
        }
        if "required" in node:
            parsed["required"] = [wire for wire in node["required"] if wire in node["properties"]]
        return parsed

    def _attributes(self, name: str, properties: Node, pointer: str) -> dict[str, str]:
        """Return the attribute of each property of a class."""
        given: dict[str, Node] = {wire: inner for wire, inner in properties.items() if is_object(inner)}
        owners = {wire: (inner, nested(pointer, "properties", wire)) for wire, inner in given.items()}
        return self._chooser.choose(name, {wire: wire for wire in properties}, names.attribute, owners=owners)

    def _enum(self, node: Node, name: str) -> Node:
        """Return an enum with the name of each value: the one given by `x-enum-varnames`, or one made from the value."""
        values = list(dict.fromkeys(node["enum"]))
        given: object = node.get("x-enum-varnames")
        if is_list(given):
            given = dict(zip(map(str, node["enum"]), given, strict=False))
        texts = {str(value): str(given.get(str(value), value) if is_object(given) else value) for value in values}
        constants = self._chooser.choose(name, texts, names.constant)
        unread = {"x-enum-varnames", "properties", *(["type"] if node.get("type") == "object" else [])}
        beside = {key: value for key, value in node.items() if key not in unread}
        named = [*constants.values()] != [names.constant(str(value)) for value in values]
        return {**beside, "enum": values, **({"x-enum-varnames": [*constants.values()]} if named else {})}

    def _union(self, node: Node, pointer: str, name: str, options: Options) -> Node:
        keyword, _ = options_of(node)
        members: dict[str, Node] = {}
        for index, option in options:
            _, place = self._references.resolve(option, nested(pointer, keyword, index))
            members[place] = self.value(option, place, f"{name}Option{index + 1}")
        parsed: Node = {"oneOf": [{"$ref": member["$ref"]} for member in members.values()]}
        found = self._distinguished(node, pointer, options)
        if isinstance(found, tuple):
            mapping = {text: members[place]["$ref"] for text, place in found[1].items()}
            parsed["discriminator"] = {"propertyName": found[0], "mapping": mapping}
        else:
            parsed[UNION_RULES] = found
        unread = {"anyOf", "type", "discriminator"} - parsed.keys()
        kept = {key: parsed.get(key, value) for key, value in node.items() if key not in unread}
        return {**kept, **parsed}

    def _joins_models(self, node: Node, pointer: str, owner: str, parsed: dict[int, Node]) -> bool:
        """Put a union of their own in the place of the models among the options, if there are several.

        Returns False if nothing distinguishes them.
        """
        keyword, options = options_of(node)
        places = {index: self._references.resolve(one, nested(pointer, keyword, index)) for index, one in options}
        models = [(index, one) for index, one in options if self._kind(*places[index]) == "model"]
        if len({places[index][1] for index, _ in models}) < 2:
            return True
        if not self._distinguished(node, pointer, models):
            return False
        place = f"{pointer}#objects"
        if place not in self._hoisted:
            name = self._hoisted[place] = self.class_names.add(f"{owner}Object", place)
            self._components[name] = self._union({keyword: node[keyword]}, pointer, name, models)
        parsed |= {index: {"$ref": f"{COMPONENTS}/{self._hoisted[place]}"} for index, _ in models}
        return True

    def _plain(self, node: Node, pointer: str, owner: str) -> Node:
        keyword, options = options_of(node)
        if options:
            parsed_options = {
                index: self.value(option, nested(pointer, keyword, index), f"{owner}Option{index + 1}") for index, option in options
            }
            if not self._joins_models(node, pointer, owner, parsed_options):
                self._notes.add(pointer, NOT_DISTINCT)
            only = parsed_options[options[0][0]]
            if len(options) == 1 and "$ref" not in only:
                return {**only, **{key: value for key, value in node.items() if key != keyword}}
            given = enumerate(node[keyword])
            kept = [parsed_options.get(index, {"type": "null"}) for index, _ in given]
            return {**node, keyword: [one for index, one in enumerate(kept) if one not in kept[:index]]}
        parsed = dict(node)
        if "type" not in node:
            parsed.update(_implied_type(node))
        types = types_of(parsed)
        if "array" in types:
            inner: object = {} if "prefixItems" in node else node.get("items", {})  # the first ones may be of other types
            parsed["items"] = self.value(inner, nested(pointer, "items"), f"{owner}Item")
        if "object" in types:
            values = node.get("additionalProperties")
            is_map = is_object(values) and bool(values) and "patternProperties" not in node
            parsed["additionalProperties"] = (
                self.value(values, nested(pointer, "additionalProperties"), f"{owner}Value") if is_map else True
            )
        return parsed


def _named(node: Node, wire: str, attribute: str) -> Node:
    """Return a parsed property with its Python name, if that is not the one that the rule gives."""
    beside = {key: value for key, value in node.items() if key != NAME}
    return beside if attribute == names.attribute(wire) else {**beside, NAME: attribute}


def _is_read_only(node: object) -> bool:
    return is_object(node) and node.get("readOnly") is True


def _prose(node: Node) -> Node:
    return {key: node[key] for key in ("description", "deprecated", "default") if key in node}


def _nullable(node: Node, *, is_nullable: bool) -> Node:
    """Return a parsed schema that also allows null."""
    if not is_nullable or not node:
        return node
    if "$ref" in node:
        beside = {key: value for key, value in node.items() if key != "$ref"}
        return {"oneOf": [{"$ref": node["$ref"]}, {"type": "null"}], **beside}
    for keyword in ("oneOf", "anyOf"):
        if keyword in node:
            options = node[keyword]
            return node if {"type": "null"} in options else {**node, keyword: [*options, {"type": "null"}]}
    types = node["type"] if is_list(node.get("type")) else [node["type"]] if "type" in node else []
    return {**node, "type": [*types, "null"]} if types and "null" not in types else node


def _implied_type(node: Node) -> Iterator[tuple[str, str]]:
    """Yield the type that other keywords imply, for a schema without one."""
    values: list[object] = [*(node.get("enum") or []), *([node["const"]] if "const" in node else [])]
    for type_name, python in (("boolean", bool), ("string", str), ("integer", int), ("number", (int, float))):
        if values and all(isinstance(value, python) for value in values):
            yield "type", type_name
            return
    for keys, type_name in (({"items"}, "array"), ({"additionalProperties"}, "object"), ({"format", "pattern"}, "string")):
        if keys & node.keys():
            yield "type", type_name
            return
