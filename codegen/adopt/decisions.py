"""Find what a new document says otherwise than the present one, and what is to be decided."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from codegen.adopt.paths import Location, json_path, location_of, replace, update, value_at
from codegen.diff.api_changes import api_changes
from codegen.diff.changes import Change
from codegen.diff.matching import operation_key
from codegen.diff.side import Side
from codegen.parser.operations import SUPPORTED_METHODS
from codegen.spec.document import METHODS, Document, Node, Operation, entries, is_object, items

Pair: TypeAlias = tuple[Operation, Operation]
"""An operation in the present document and in the new one."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Something that a maintainer has to decide, with a default."""

    name: str
    place: str
    question: str
    default: str
    reason: str
    actions: tuple[Node, ...] = ()
    """The actions of the default; empty if it is what the new document says."""


def match_operations(present: Document, new: Document) -> tuple[list[Pair], list[Operation], list[Operation]]:
    """Return the operations of both documents, by method and path and then by name, and those that only one of them has."""
    by_key = {operation_key(f"{one.method} {one.path}"): one for one in new.operations}
    found = {one.pointer: by_key.get(operation_key(f"{one.method} {one.path}")) for one in present.operations}
    taken = {one.pointer for one in found.values() if one}
    by_name = {_folded(one.id): one for one in new.operations if one.pointer not in taken and one.id}
    pairs: list[Pair] = []
    for one in present.operations:
        other = found[one.pointer] or by_name.pop(_folded(one.id), None)
        if other:
            pairs.append((one, other))
    known = {one.pointer for one, _ in pairs}, {one.pointer for _, one in pairs}
    gone = [one for one in present.operations if one.pointer not in known[0]]
    return pairs, gone, [one for one in new.operations if one.pointer not in known[1]]


def _folded(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


def gone_decisions(gone: Sequence[Operation], present: Node, new: Node) -> Iterator[Decision]:
    """Yield a decision for each operation that only the present document has."""
    known = set(entries(new, "paths"))
    for operation in (one for one in gone if one.method in SUPPORTED_METHODS):
        keeps = _is_documented(operation.node)
        item: Node = {operation.method: operation.node}
        if keeps and operation.path not in known:
            known.add(operation.path)
            item |= {key: value for key, value in present["paths"][operation.path].items() if key not in METHODS}
        yield Decision(
            name=f"{operation.namespace}.{operation.name}",
            place=operation.pointer,
            question=f"the new document has no `{operation.method.upper()} {operation.path}`",
            default="keep it" if keeps else "remove it",
            reason=_because(operation.node),
            actions=(update(("paths",), {operation.path: item}),) if keeps else (),
        )


def conflict_decisions(present: Node, new: Node, before: Side, after: Side) -> Iterator[Decision]:
    """Yield a decision for each place where the new document breaks what the present one says.

    Args:
        present: The present document.
        new: The new one, with the words that are carried over.
        before: The present document, parsed.
        after: The new one, parsed.
    """
    by_place: dict[str, list[Change]] = {}
    for change in api_changes(before, after):
        if change.is_breaking and not _is_gone_operation(change, before):
            by_place.setdefault(change.place, []).append(change)
    for place, changes in by_place.items():
        kept = _PresentParts(present, new, before, after).actions(place)
        source = kept[0] if kept else {}
        keeps = kept is not None and (_is_documented(source) or place in _single_results(before, after))
        yield Decision(
            name=changes[0].name,
            place=place,
            question="; ".join(change.message for change in changes),
            default="keep the present description" if keeps else "take the new description",
            reason=_reason(source, keeps=keeps) if kept else "nothing in the present document is at this place",
            actions=tuple(_described(kept[1], changes)) if kept and keeps else (),
        )


def _described(actions: Sequence[Node], changes: Sequence[Change]) -> Iterator[Node]:
    """Yield the actions, the first with what was decided: without these, the new description is used."""
    for index, action in enumerate(actions):
        reason = {"description": f"Kept: {changes[0].message} in the new document."} if index == 0 else {}
        yield {"target": action["target"], **reason, **action}


def _single_results(before: Side, after: Side) -> set[str]:
    """Return the places of operations that returned an object by its id, and would return a list of all things."""
    found: set[str] = set()
    for key, other in after.operations.items():
        one = before.operations.get(key)
        if one and (one.result.shape, other.result.shape) == ("object", "array") and other.path.endswith("}"):
            found.add(other.pointer)
    return found


def _is_gone_operation(change: Change, before: Side) -> bool:
    return change.kind == "removed" and change.place in before.methods and change.message.endswith("is gone")


class _PresentParts:
    """Finds the actions that put the present description in the place of a new one."""

    def __init__(self, present: Node, new: Node, before: Side, after: Side) -> None:
        self._present, self._new = present, new
        self._before, self._after = before, after

    def actions(self, place: str) -> tuple[Node, list[Node]] | None:
        """Return the present node and the actions that keep it; None if there is none."""
        location = location_of(place)
        if "parameters" in location:
            return self._parameter(location)
        if location[:2] == ("components", "schemas"):
            return self._schema(location)
        return self._operation(location) if location[0] == "paths" else self._plain(location)

    def _plain(self, location: Location) -> tuple[Node, list[Node]] | None:
        node = value_at(self._present, location)
        is_there = value_at(self._new, location) is not None
        return ({"x-evidence": "documented"}, replace(location, node, is_there=is_there)) if node is not None else None

    def _schema(self, location: Location) -> tuple[Node, list[Node]] | None:
        """Keep a property and whether it is required, or a whole schema."""
        node = value_at(self._present, location)
        if not is_object(node):
            location = location[:3]
            node = value_at(self._present, location)
        if not is_object(node):
            return None
        actions = replace(location, node, is_there=value_at(self._new, location) is not None)
        if location[-2:-1] == ("properties",):
            wire, owner = location[-1], location[:-2]
            was, is_ = (items(value_at(raw, owner) or {}, "required") for raw in (self._present, self._new))
            if (wire in was) != (wire in is_):
                required = [*is_, wire] if wire in was else [one for one in is_ if one != wire]
                actions += replace((*owner, "required"), required, is_there=bool(is_))
        return node, actions

    def _operation(self, location: Location) -> tuple[Node, list[Node]] | None:
        """Keep the body and the successful responses of an operation, as far as they differ."""
        pointer = "/".join(("#", *(str(part).replace("~", "~0").replace("/", "~1") for part in location)))
        other = next((one for one in self._after.document.operations if one.pointer == pointer), None)
        key = operation_key(f"{other.method} {other.path}") if other else ""
        one = self._before.operations.get(key)
        if one is None or other is None:
            return None
        node, actions = one.node, list[Node]()
        known = value_at(self._new, location)
        if (one.result.shape, one.result.schema) != (other.result.shape, other.result.schema):
            removed = (("responses", status) for status in other.successes)
            actions += [{"target": json_path((*location, *keys)), "remove": True} for keys in removed]
            actions += [update((*location, "responses"), {status: node["responses"][status]}) for status in one.successes]
            node = node["responses"][one.successes[0]] if one.successes else node
        if one.body != other.body and (one.body is None or other.body is None or one.body.schema != other.body.schema):
            body = one.node.get("requestBody")
            actions += replace((*location, "requestBody"), body, is_there="requestBody" in known) if body else []
        return (node, actions) if actions else None

    def _parameter(self, location: Location) -> tuple[Node, list[Node]] | None:
        """Keep a parameter where the new document has it, or add it to the operation."""
        there = value_at(self._new, location)
        if location[0] == "components" or not is_object(there):
            node = value_at(self._present, location)
            return (node, replace(location, node, is_there=there is not None)) if is_object(node) else None
        name = there.get("in"), there.get("name")
        owner = location[: location.index("parameters")]
        for operation in self._before.document.operations:
            if ("paths", operation.path, operation.method)[: len(owner)] == owner:
                for one in operation.parameters:
                    raw = value_at(self._present, location_of(one.pointer))
                    if (one.location, one.name) == name and is_object(raw):
                        target = f"{json_path((*owner, 'parameters'))}[?@.name=='{name[1]}' && @.in=='{name[0]}']"
                        return raw, [{"target": target, "remove": True}, update((*owner, "parameters"), raw)]
        return None


def _is_documented(node: Any) -> bool:
    return is_object(node) and node.get("x-evidence", "documented") == "documented"


def _reason(node: Node, *, keeps: bool) -> str:
    return "a path that ends with an id has one object" if keeps and not _is_documented(node) else _because(node)


def _because(node: Node) -> str:
    evidence = node.get("x-evidence")
    if evidence and evidence != "documented":
        return f"the present one is {'known by name only' if evidence == 'named' else 'inferred'}"
    return f"the present one is documented: {node['x-source']}" if node.get("x-source") else "callers use the present one"
