"""Find the tags by which the members of a union are distinguished."""

from __future__ import annotations

from codegen.parser.merging import is_null
from codegen.parser.references import References, nested, owner_of
from codegen.spec.document import Node, entries, is_object, items
from codegen.spec.queries import types_of

Tags = tuple[str, dict[str, str]]
"""The wire name of the tag property, and the pointer of the member for each tag."""


def options_of(node: Node) -> tuple[str, list[tuple[int, Node]]]:
    """Return the keyword of a union and its options without null, with their indexes."""
    keyword = "oneOf" if "oneOf" in node else "anyOf"
    return keyword, [
        (index, option) for index, option in enumerate(items(node, keyword)) if is_object(option) and not is_null(option)
    ]


def find_tags(node: Node, members: dict[str, Node], references: References, pointer: str) -> Tags | None:
    """Return the tags of a union of models; None if its members cannot be distinguished.

    Args:
        node: The union.
        members: Its members by pointer, without `allOf`.
        references: The references of the document.
        pointer: Where the union is.
    """
    are_models = all(entries(member, "properties") and types_of(member) in ([], ["object"]) for member in members.values())
    if len(members) < 2 or not are_models:
        return None
    discriminator = node.get("discriminator")
    if is_object(discriminator) and isinstance(discriminator.get("propertyName"), str):
        return _declared(node, discriminator, members, references, pointer)
    first, *others = ([str(name) for name in items(member, "required")] for member in members.values())
    for name in (name for name in first if all(name in other for other in others)):
        texts = {place: _texts(member, name, references, place) for place, member in members.items()}
        tags = {text: place for place, given in texts.items() for text in given}
        if all(texts.values()) and len(tags) == sum(map(len, texts.values())):
            return name, tags
    return None


def _declared(node: Node, discriminator: Node, members: dict[str, Node], references: References, pointer: str) -> Tags | None:
    name = discriminator["propertyName"]
    tags: dict[str, str] = {}
    for text, target in entries(discriminator, "mapping").items():
        reference = target if str(target).startswith("#/") else f"#/components/schemas/{target}"
        _, place = references.resolve({"$ref": reference}, nested(pointer, "discriminator", "mapping", text))
        if place in members:
            tags[text] = place
    for place, member in members.items():
        owner = owner_of(place)
        if place in tags.values() or (owner and owner == node.get("x-cstar-unknown")):
            continue
        texts = _texts(member, name, references, place) or [owner]
        if not all(texts):
            return None
        tags |= {text: place for text in texts if text not in tags}
    return name, tags


def _texts(member: Node, name: str, references: References, place: str) -> list[str]:
    """Return the values that a tag property can have, if it can have only some."""
    node, _ = references.resolve(entries(member, "properties").get(name, {}), nested(place, "properties", name))
    values = [node["const"]] if "const" in node else items(node, "enum")
    return values if all(isinstance(value, str) for value in values) else []
