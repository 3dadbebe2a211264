"""Load a document, JSON or YAML, as JSON values.

YAML is read by the core schema of YAML 1.2, which is what JSON can hold: `on` and `2026-03-01` are strings. A repeated key is a
problem, since YAML loaders keep one of the two without a warning.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from codegen.errors import CodegenError, Problem, ProblemCollector
from codegen.spec.document import Node, child_pointer, is_list, is_object

_MAX_DEPTH = 120
MAX_VALUES = 1_000_000
_TOO_DEEP = f"the document is nested more than {_MAX_DEPTH} levels deep."
_MERGE = "<<"
"""The key that merges other mappings into one."""

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml where it is there: seven times as fast


class _CoreLoader(_Loader):  # type: ignore[misc]  # chosen at run time
    """A loader of YAML 1.2's core schema."""

    # Instead of the inherited resolvers, which are YAML 1.1's (dates, `on`, sexagesimal numbers). They are filled in below.
    yaml_implicit_resolvers: Mapping[str, Any] = {}  # the loader's own protocol


_CORE_SCHEMA = (
    ("bool", "true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", "[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("float", r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", "-+."),
    ("null", "~|null|Null|NULL|", ["~", "n", "N", ""]),
)
_CoreLoader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile("^<<$"), ["<"])
for _tag, _pattern, _first in _CORE_SCHEMA:
    _CoreLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first))


def read(path: Path) -> Node:
    """Read a document from a file, as JSON or as YAML.

    Raises `CodegenError` when it is not one object of JSON values with every key once.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CodegenError([Problem(path.name, f"the document cannot be read: {_reason(error)}.")]) from None
    try:
        raw = _load(text, path.name)
        if not is_object(raw):
            raise CodegenError([Problem(path.name, "the document is not a mapping.")])
        return json_values(raw, path.name)
    except RecursionError:
        raise CodegenError([Problem(path.name, _TOO_DEEP)]) from None


def json_values(raw: Node, name: str) -> Node:
    """Return a document as JSON values. Raises `CodegenError` for one that is too large, too deep, or has other values."""
    return _JsonValues(name).converted(raw)


def _load(text: str, name: str) -> object:
    if text.lstrip()[:1] == "{":
        try:
            return json.loads(text, object_pairs_hook=_object)
        except ValueError as error:
            if isinstance(error, _RepeatedKeyError) or name.endswith(".json"):
                raise CodegenError([Problem(name, f"the document is not valid JSON: {_reason(error)}.")]) from None
    return _load_yaml(text, name)


class _RepeatedKeyError(ValueError):
    """An object of a JSON text has a key twice."""


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _RepeatedKeyError(f"the key `{next(key for key in keys if keys.count(key) > 1)}` is repeated in an object")
    return found


def _load_yaml(text: str, name: str) -> object:
    problems = ProblemCollector()
    loader = _CoreLoader(text)
    try:
        tree = loader.get_single_node()
        _check_unique_keys(tree, name, problems, set(), set())
        problems.raise_if_any()
        return loader.construct_document(tree) if tree else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        location = f"{name}, line {mark.line + 1}" if mark else name
        raise CodegenError([Problem(location, f"the document is not valid YAML: {error.problem or error.context}.")]) from None
    except (yaml.YAMLError, ValueError) as error:
        raise CodegenError([Problem(name, f"the document is not valid YAML: {_reason(error)}.")]) from None
    finally:
        loader.dispose()


def _reason(error: Exception) -> str:
    return " ".join(str(getattr(error, "strerror", None) or error).split()).rstrip(".")


def _check_unique_keys(node: yaml.Node | None, name: str, problems: ProblemCollector, above: set[int], done: set[int]) -> None:
    """Check the YAML tree, which still has repeated keys. An alias is the node itself, which is checked once."""
    if id(node) in above:
        raise CodegenError([Problem(name, "the document contains itself.")])
    if id(node) in done or not isinstance(node, yaml.MappingNode | yaml.SequenceNode):
        return
    above.add(id(node))
    if isinstance(node, yaml.MappingNode):
        lines: dict[str, int] = {}
        for key, value in node.value:
            line, text = key.start_mark.line + 1, str(key.value)
            if text in lines and text != _MERGE:
                sentence = f"the key `{text}` is repeated; line {lines[text]} has it, too."
                problems.add(f"{name}, line {line}", sentence)
            lines.setdefault(text, line)
            _check_unique_keys(value, name, problems, above, done)
    else:
        for item in node.value:
            _check_unique_keys(item, name, problems, above, done)
    above.discard(id(node))
    done.add(id(node))


class _JsonValues:
    """Converts what YAML has and JSON has not: keys that are numbers, and values that are in several places."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._count = 0
        self._problems = ProblemCollector()

    def converted(self, raw: Node) -> Node:
        """Return a document as JSON values. Raises `CodegenError` for values that JSON cannot hold."""
        found: Node = self._value(raw, "#", 0)
        self._problems.raise_if_any()
        return found

    def _value(self, value: object, pointer: str, depth: int) -> Any:
        self._count += 1
        if self._count > MAX_VALUES:
            raise CodegenError([Problem(self._name, f"the document has more than {MAX_VALUES} values; do its aliases multiply?")])
        if depth > _MAX_DEPTH:
            raise CodegenError([Problem(self._name, _TOO_DEEP)])
        if is_object(value):
            return {
                self._key(key, pointer): self._value(inner, child_pointer(pointer, str(key)), depth + 1)
                for key, inner in value.items()
            }
        if is_list(value):
            return [self._value(inner, child_pointer(pointer, str(index)), depth + 1) for index, inner in enumerate(value)]
        if not isinstance(value, str | int | float | None) or (isinstance(value, float) and not math.isfinite(value)):
            self._problems.add(pointer, f"{value!r} is not a JSON value.")
        elif isinstance(value, str) and not _is_unicode(value):
            self._problems.add(pointer, "a str must not have half of a surrogate pair.")
        return value

    def _key(self, key: object, pointer: str) -> str:
        """Return a key; a status such as 200 needs no quotes."""
        if isinstance(key, int) and not isinstance(key, bool):
            return str(key)
        if not isinstance(key, str):
            self._problems.add(child_pointer(pointer, str(key)), "a key must be a string; put it in quotes.")
        elif not _is_unicode(key):
            self._problems.add(pointer, "a key must not have half of a surrogate pair.")
        return str(key)


def _is_unicode(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)
