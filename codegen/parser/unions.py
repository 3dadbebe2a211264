"""Find out how the members of a union are distinguished: by a tag, or by what only one of them must have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from codegen.parser.merging import is_null
from codegen.parser.references import References, nested, owner_of
from codegen.spec.document import Node, entries, is_object, items

Tags = tuple[str, dict[str, str]]
"""The wire name of the tag property, and the pointer of the member for each tag."""


@dataclass(frozen=True)
class _Member:
    """What the objects of a member have in responses."""

    index: int
    properties: frozenset[str]
    required: tuple[str, ...]
    values: dict[str, list[Any]]
    """The only values of each property that can have only some."""
    checked: dict[str, list[Any]] = field(default_factory=dict[str, list[Any]])
    """Those by which it is distinguished."""

    def requires_more_than(self, other: _Member) -> bool:
        """Return whether it must have a property that the other one does not have."""
        return any(name not in other.properties for name in self.required)

    def differs_from(self, other: _Member) -> list[str]:
        """Return the properties that it must have with other values than the other one."""
        return [name for name in self.required if _are_apart(self.values.get(name), other.values.get(name))]


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
    if len(members) < 2:
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


def find_rules(members: dict[str, Node], references: References) -> list[Node] | None:
    """Return a rule for each member of a union of models, in the order in which to try them; None if that is not sure.

    An object is of the first member of which it has all required properties. So each member must require a property that those
    after it do not have, or have with other values.

    Args:
        members: The members by pointer, without `allOf`.
        references: The references of the document.
    """
    found = [_member(index, member, references, place) for index, (place, member) in enumerate(members.items())]
    if len(found) < 2 or not all(member.required for member in found):
        return None
    for one, other in combinations(found, 2):
        if not one.requires_more_than(other) and not other.requires_more_than(one):
            for first, second in ((one, other), (other, one)):
                first.checked.update({name: first.values[name] for name in first.differs_from(second)})
    ordered: list[_Member] = []
    while waiting := [member for member in found if member not in ordered]:
        following = next((one for one in waiting if all(_is_before(one, other) for other in waiting if other is not one)), None)
        if following is None:
            return None
        ordered.append(following)
    return [{"option": one.index, "required": list(one.required), "values": one.checked} for one in ordered]


def _is_before(one: _Member, other: _Member) -> bool:
    return one.requires_more_than(other) or bool(one.checked.keys() & one.differs_from(other))


def _member(index: int, member: Node, references: References, place: str) -> _Member:
    given: Node = {}
    for name, node in entries(member, "properties").items():
        target, _ = references.resolve(node, nested(place, "properties", name)) if is_object(node) else ({}, "")
        if {**target, **(node if is_object(node) else {})}.get("writeOnly") is not True:
            given[name] = target
    values = {name: list(_values(node)) for name, node in given.items()}
    required = tuple(str(name) for name in items(member, "required") if name in given)
    return _Member(index, frozenset(given), required, {name: known for name, known in values.items() if known})


def _values(node: Node) -> Iterator[Any]:
    """Yield the only values of a schema that are no containers; none if it can have any."""
    for value in [node["const"]] if "const" in node else items(node, "enum"):
        if isinstance(value, (str, int, float)):
            yield value


def _are_apart(values: list[Any] | None, others: list[Any] | None) -> bool:
    return bool(values and others) and not any(value in (others or ()) for value in values or ())


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
