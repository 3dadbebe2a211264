"""Load a YAML document as JSON values.

YAML is read by the core schema of YAML 1.2, which is what JSON can hold: `on` and `2026-03-01` are strings. A repeated key is a
problem, since YAML loaders keep one of the two without a warning.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from codegen.errors import CodegenError, Problem, ProblemCollector
from codegen.spec.document import Node, child_pointer, is_list, is_object

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
for _tag, _pattern, _first in _CORE_SCHEMA:
    _CoreLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first))


def read(path: Path) -> Node:
    """Read a document from a file. Raises `CodegenError` when it is not one object of JSON values with every key once."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CodegenError([Problem(path.name, f"the document cannot be read: {_reason(error)}.")]) from None
    raw = _load(text, path.name)
    if not is_object(raw):
        raise CodegenError([Problem(path.name, "the document is not a YAML mapping.")])
    problems = ProblemCollector()
    _check_json_values(raw, "#", problems)
    problems.raise_if_any()
    return raw


def _load(text: str, name: str) -> object:
    problems = ProblemCollector()
    loader = _CoreLoader(text)
    try:
        tree = loader.get_single_node()
        _check_unique_keys(tree, name, problems)
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


def _check_unique_keys(node: yaml.Node | None, name: str, problems: ProblemCollector, above: tuple[int, ...] = ()) -> None:
    """Check the YAML tree, which still has repeated keys."""
    if id(node) in above:
        raise CodegenError([Problem(name, "the document contains itself.")])
    if isinstance(node, yaml.MappingNode):
        lines: dict[str, int] = {}
        for key, value in node.value:
            line, text = key.start_mark.line + 1, str(key.value)
            if text in lines:
                sentence = f"the key `{text}` is repeated; line {lines[text]} has it, too."
                problems.add(f"{name}, line {line}", sentence)
            lines.setdefault(text, line)
            _check_unique_keys(value, name, problems, (*above, id(node)))
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _check_unique_keys(item, name, problems, (*above, id(node)))


def _check_json_values(value: object, pointer: str, problems: ProblemCollector) -> None:
    if is_object(value):
        for key, inner in value.items():
            location = child_pointer(pointer, str(key))
            if type(key) is not str:
                problems.add(location, "a key must be a string; put it in quotes.")
            _check_json_values(inner, location, problems)
    elif is_list(value):
        for index, inner in enumerate(value):
            _check_json_values(inner, child_pointer(pointer, str(index)), problems)
    elif not isinstance(value, str | int | float | None) or (isinstance(value, float) and not math.isfinite(value)):
        problems.add(pointer, f"{value!r} is not a JSON value.")
