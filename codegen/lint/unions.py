"""Check unions: components that are one of several objects, distinguished by a tag property.

A union is open, as enums are: an object with an unknown tag becomes the fallback member, which keeps all keys. The members exclude
each other in JSON Schema, since each has its tag as a `const`, and the fallback excludes all of them.
"""

from __future__ import annotations

from codegen.errors import ProblemCollector
from codegen.lint.schemas import REQUIRED_COMPONENT_KEYS
from codegen.spec.document import Document, Node, child_pointer, entries, find_keyword, items
from codegen.spec.queries import is_model, is_union, union_members, union_tags

_UNION_KEYS = frozenset({*REQUIRED_COMPONENT_KEYS, "oneOf", "discriminator", "x-cstar-unknown", "x-cstar-module", "examples"})


def inspect(document: Document, problems: ProblemCollector) -> None:
    """Check all unions, and report keys of unions in other schemas."""
    fallback_pointers: set[str] = set()
    duplicates: dict[frozenset[str], str] = {}
    for name, schema in document.schemas.items():
        pointer = child_pointer("#/components/schemas", name)
        if is_union(schema) and not schema.get("x-cstar-envelope"):
            fallback_pointers |= UnionRules(document, schema, pointer, problems).inspect()
            members = frozenset(union_members(schema))
            if members in duplicates:
                problems.add(pointer, f"`{duplicates[members]}` has the same members, so the two cannot be distinguished.")
            duplicates.setdefault(members, name)
    _inspect_misplaced_keys(document, fallback_pointers, problems)


class UnionRules:
    """Checks one union."""

    def __init__(self, document: Document, schema: Node, pointer: str, problems: ProblemCollector) -> None:
        self._document = document
        self._schema = schema
        self._pointer = pointer
        self._problems = problems

    def inspect(self) -> set[str]:
        """Check the union; return the pointer of the tag of its fallback, the only property that may have `not`."""
        for key in sorted(self._schema.keys() - _UNION_KEYS):
            self._add(f"the generator would ignore `{key}` of a union.")
        if len(union_members(self._schema)) != len(self._schema["oneOf"]):
            self._add("each member of a union must be a $ref to a component.")
            return set()
        found = entries(self._schema, "discriminator")
        if set(found) != {"propertyName", "mapping"}:
            self._add("a union must have a `discriminator` of `propertyName` and `mapping`, that distinguishes its members.")
            return set()
        fallback = self._schema.get("x-cstar-unknown")
        if fallback not in union_members(self._schema):
            self._add("a union must name one of its members in `x-cstar-unknown`, for unknown tags.")
            return set()
        self._inspect_members(str(found["propertyName"]), str(fallback))
        return {child_pointer("#/components/schemas", str(fallback), "properties", str(found["propertyName"]))}

    def _add(self, message: str) -> None:
        self._problems.add(self._pointer, message)

    def _inspect_members(self, tag: str, fallback: str) -> None:
        tags = union_tags(self._schema)
        members = union_members(self._schema)
        for text, member in tags.items():
            if member not in members or member == fallback:
                self._add(f"the mapping of `{text}` leads to `{member}`, which is not a member with a tag of its own.")
        for member in members:
            texts = [text for text, mapped in tags.items() if mapped == member]
            if not is_model(self._document.schemas[member]):
                self._add(f"the member `{member}` is not an object with properties.")
            elif member == fallback:
                self._inspect_fallback(member, tag, list(tags))
            elif len(texts) != 1:
                self._add(f"the mapping must have exactly one tag for `{member}`, got {len(texts)}.")
            else:
                self._inspect_tag(member, tag, texts[0])

    def _inspect_tag(self, member: str, tag: str, text: str) -> None:
        node = entries(self._document.schemas[member], "properties").get(tag, {})
        if node.get("const") != text or tag not in items(self._document.schemas[member], "required"):
            self._add(f"the member `{member}` must require the property `{tag}` with `const: {text}`.")

    def _inspect_fallback(self, member: str, tag: str, texts: list[str]) -> None:
        node = entries(self._document.schemas[member], "properties").get(tag, {})
        if node.get("type") != "string" or node.get("not") != {"enum": texts}:
            listed = ", ".join(texts)
            self._add(f"the fallback `{member}` must have the property `{tag}` as a string, `not: {{enum: [{listed}]}}`.")


def _inspect_misplaced_keys(document: Document, fallback_pointers: set[str], problems: ProblemCollector) -> None:
    for name, schema in document.schemas.items():
        pointer = child_pointer("#/components/schemas", name)
        for key in ("discriminator", "x-cstar-unknown"):
            if key in schema and not is_union(schema):
                problems.add(pointer, f"`{key}` has no meaning without `oneOf`.")
        for place in find_keyword(schema, "not", pointer):
            if place not in fallback_pointers:
                problems.add(place, "`not` is for the tag of a union's fallback only.")
