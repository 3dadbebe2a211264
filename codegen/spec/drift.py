"""Merge overlays with proposals of several observers, such as those of `DriftCounter.report(format="overlay")`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from codegen.errors import CodegenError, Problem
from codegen.spec.document import Node, is_list, is_object
from codegen.spec.jsonpath import InvalidPathError, find
from codegen.spec.loader import read
from codegen.spec.overlay import Report, check_overlay


def merge_overlays(document: Node, overlays: Iterable[Path], report: Report) -> list[Node]:
    """Return the actions of several overlays, each once, without those that the document agrees with already.

    Raises `CodegenError` for a file that is no overlay.
    """
    actions: dict[str, Node] = {}
    for path in overlays:
        overlay = read(path)
        check_overlay(overlay, path.name, report)
        for index, action in enumerate(overlay["actions"]):
            key = json.dumps({name: value for name, value in action.items() if name != "description"}, sort_keys=True)
            if key not in actions and not _agrees(document, action, f"{path.name}#/actions/{index}"):
                actions[key] = action
    return [*actions.values()]


def _agrees(document: Node, action: Node, place: str) -> bool:
    """Return whether an action changes nothing, but for its evidence."""
    try:
        nodes = [node.value for node in find(action["target"], document)]
    except InvalidPathError as error:
        raise CodegenError([Problem(f"{place}/target", f"the target `{action['target']}` {error}.")]) from None
    if action.get("remove"):
        return not nodes
    return bool(nodes) and all(_contains(node, action.get("update")) for node in nodes)


def _contains(node: Any, update: Any) -> bool:
    if is_object(update) and is_object(node):
        return all(key.startswith("x-") or (key in node and _contains(node[key], value)) for key, value in update.items())
    if is_list(node):
        return all(one in node for one in update) if is_list(update) else update in node
    return bool(update in (node, [node]))
