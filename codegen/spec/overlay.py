"""Apply OpenAPI Overlays 1.0 to a document."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeAlias

from codegen.errors import CodegenError, Problem, ProblemCollector
from codegen.spec.document import Node, child_pointer, is_list, is_object
from codegen.spec.jsonpath import InvalidPathError, find
from codegen.spec.loader import MAX_VALUES, json_values, read

Report: TypeAlias = Callable[[str, str], None]
"""Called with the location of an action without effect, and a sentence: the `add` of notes, or of problems."""

_ACTION_KEYS = frozenset({"target", "description", "update", "remove"})


def read_overlaid(document: Path, overlays: Iterable[Path], report: Report) -> Node:
    """Read a document and apply overlays in order.

    Raises `CodegenError` for a file that is not what it must be. What has no effect is reported.
    """
    raw = read(document)
    for path in overlays:
        overlay = read(path)
        if (given := overlay.get("extends")) is not None and str(given).rpartition("/")[2] != document.name:
            report(f"{path.name}#/extends", f"the overlay is for `{given}`, and is applied to `{document.name}`.")
        raw = apply_overlay(raw, overlay, name=path.name, report=report)
    return raw


def apply_overlay(raw: Node, overlay: Node, *, name: str, report: Report) -> Node:
    """Return a copy of a document with an overlay applied.

    Args:
        raw: The document.
        overlay: The overlay.
        name: The file of the overlay, for messages.
        report: Called for what has no effect, such as a target that matches nothing.
    """
    check_overlay(overlay, name, report)
    result, problems = copy.deepcopy(raw), ProblemCollector()
    for index, action in enumerate(overlay["actions"]):
        pointer = child_pointer(f"{name}#/actions", str(index))
        try:
            nodes = find(action["target"], result)
        except InvalidPathError as error:
            problems.add(child_pointer(pointer, "target"), f"the target `{_short(action['target'])}` {error}.")
            continue
        if not nodes:
            report(pointer, f"the target `{_short(action['target'])}` matches nothing.")
        if action.get("remove") is True:
            _remove(result, [node.location for node in nodes], pointer, problems)
        elif "update" in action:
            if len(nodes) * _size(action["update"]) > MAX_VALUES:
                problems.add(pointer, f"the action adds more than {MAX_VALUES} values; name more of the path.")
                break
            for node in nodes:
                _update(node.value, action["update"], pointer, problems)
    problems.raise_if_any()
    return json_values(result, name)


def check_overlay(overlay: Node, name: str, report: Report) -> None:
    """Raise `CodegenError` for an overlay that cannot be applied, and report what is passed over."""
    version, actions = overlay.get("overlay"), overlay.get("actions")
    if not str(version).startswith("1."):
        raise CodegenError([Problem(name, f"the file must be an OpenAPI overlay, `overlay: 1.0.0`, got `{version}`.")])
    if not is_list(actions) or not actions:
        raise CodegenError([Problem(f"{name}#/actions", "an overlay must have a list of `actions`.")])
    if not is_object(overlay.get("info")) or not {"title", "version"} <= overlay["info"].keys():
        report(f"{name}#/info", "an overlay must have an `info` with `title` and `version`.")
    problems = ProblemCollector()
    for index, action in enumerate(actions):
        pointer = child_pointer(f"{name}#/actions", str(index))
        if not is_object(action) or not isinstance(action.get("target"), str):
            problems.add(pointer, "an action must have a `target`, a JSONPath.")
            continue
        if not isinstance(action.get("remove", False), bool):
            problems.add(child_pointer(pointer, "remove"), f"`remove` must be a boolean, got `{action['remove']}`.")
        if "update" not in action and not action.get("remove"):
            report(pointer, "an action without `update` or `remove: true` changes nothing.")
        for key in action.keys() - _ACTION_KEYS:
            if not key.startswith("x-"):
                report(child_pointer(pointer, key), f"`{key}` of an action is passed over.")
    problems.raise_if_any()


def _size(value: Any) -> int:
    inner = value.values() if is_object(value) else value if is_list(value) else ()
    return 1 + sum(map(_size, inner))


def _short(target: str) -> str:
    return target if len(target) <= 200 else f"{target[:200]}…"


def _remove(document: Node, locations: list[tuple[int | str, ...]], pointer: str, problems: ProblemCollector) -> None:
    """Remove nodes, the last of a list first, so that the indexes of the others stay right."""
    for location in sorted(locations, key=lambda location: [(isinstance(key, int), key) for key in location], reverse=True):
        if not location:
            problems.add(child_pointer(pointer, "target"), "the document itself cannot be removed.")
            continue
        *above, key = location
        owner: Any = document
        for step in above:
            owner = owner[step]
        del owner[key]


def _update(node: object, update: object, pointer: str, problems: ProblemCollector) -> None:
    if is_list(node):
        node.append(copy.deepcopy(update))
    elif not is_object(node):
        problems.add(child_pointer(pointer, "target"), "only objects and arrays can be updated; choose what contains it.")
    elif not is_object(update):
        problems.add(child_pointer(pointer, "update"), "the update of an object must be an object.")
    else:
        _merge(node, update)


def _merge(node: Node, update: Node) -> None:
    """Merge objects key by key and append to lists, as specified for overlays. Other values are replaced."""
    for key, value in update.items():
        known = node.get(key)
        if is_object(value) and is_object(known):
            _merge(known, value)
        elif is_list(value) and is_list(known):
            known.extend(copy.deepcopy(value))
        else:
            node[key] = copy.deepcopy(value)
