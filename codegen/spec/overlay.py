"""Apply an OpenAPI Overlay 1.0 to a document.

A target is a JSONPath of names, indexes, `*` and filters such as `[?@.operationId=='get_ticket']`.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

from codegen.errors import ProblemCollector
from codegen.spec.document import Node, child_pointer, is_list, is_object, items

_SEGMENT = re.compile(
    r"\.(?P<name>[\w-]+)|\['(?P<quoted>[^']*)'\]|\[(?P<index>\d+)\]|(?P<wildcard>\.\*|\[\*\])"
    r"|\[\?\(?\s*@\.(?P<field>[\w-]+)\s*==\s*'(?P<value>[^']*)'\s*\)?\]"
)


def apply_overlay(raw: Node, overlay: Node, *, name: str) -> Node:
    """Return a copy of a document with an overlay applied. Raises `CodegenError` for a target that matches nothing."""
    result, problems = copy.deepcopy(raw), ProblemCollector()
    for index, action in enumerate(items(overlay, "actions")):
        pointer = child_pointer(f"{name}#/actions", str(index))
        segments = _parse(str(action.get("target", "")))
        if segments is None:
            problems.add(pointer, f"the target `{action.get('target')}` is not a supported JSONPath.")
            continue
        matches = [result]
        for segment in segments:
            matches = [child for node in matches for child in _children(node, segment)]
        if not matches:
            problems.add(pointer, f"the target `{action['target']}` matches nothing.")
        for node in matches:
            _merge(node, action.get("update", {}))
    problems.raise_if_any()
    return result


def _parse(target: str) -> list[re.Match[str]] | None:
    """Return the segments of a JSONPath; None if one is not supported."""
    segments, end = list[re.Match[str]](), 1
    while found := _SEGMENT.match(target, end):
        segments.append(found)
        end = found.end()
    return segments if target.startswith("$") and end == len(target) else None


def _children(node: Any, segment: re.Match[str]) -> Iterator[Any]:
    name = segment["name"] or segment["quoted"]
    if name is not None:
        if is_object(node) and name in node:
            yield node[name]
    elif segment["index"] is not None:
        if is_list(node):
            yield from node[int(segment["index"]) :][:1]
    else:
        children = list(node.values()) if is_object(node) else node if is_list(node) else []
        for child in children:
            if segment["wildcard"] or (is_object(child) and child.get(segment["field"]) == segment["value"]):
                yield child


def _merge(node: Any, update: Any) -> None:
    """Merge objects key by key and append to lists, as specified for overlays."""
    if is_list(node):
        node.append(copy.deepcopy(update))
        return
    for key, value in update.items():
        if is_object(value) and is_object(node.get(key)):
            _merge(node[key], value)
        elif is_list(value) and is_list(node.get(key)):
            node[key].extend(copy.deepcopy(value))
        else:
            node[key] = copy.deepcopy(value)
