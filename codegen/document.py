"""The document as data: YAML in, JSON values out, with pointers to every place and the few look-ups that all stages need.

It knows how an OpenAPI document is built and nothing of what ours may say (`preflight`) or of the code to be made from it (`view`).
YAML is read as YAML 1.2's core schema, which is what JSON can hold: `on` and `2026-03-01` are texts. A key that stands twice is a problem,
since loaders keep one of the two and say nothing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from codegen.problems import CodegenError, Findings, Problem

Node: TypeAlias = dict[str, Any]
"""An object of the document. Its values are whatever the author wrote, hence Any."""

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml where it is there: seven times as fast


class _CoreLoader(_Loader):  # type: ignore[misc]  # chosen at run time
    """YAML 1.2's core schema, and no key twice."""

    findings: Findings
    name_of_source: str

    # Instead of the inherited resolvers, which are YAML 1.1's (dates, `on`, sexagesimal numbers) and are filled in below.
    yaml_implicit_resolvers: Mapping[str, Any] = {}

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        self._look_for_repeated_keys(node)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        return mapping

    def construct_yaml_map(self, node: yaml.MappingNode) -> Iterator[dict[Any, Any]]:
        mapping: dict[Any, Any] = {}
        yield mapping
        mapping.update(self.construct_mapping(node))

    def _look_for_repeated_keys(self, node: yaml.MappingNode) -> None:
        lines: dict[str, int] = {}
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if key.value in lines:
                sentence = f"the key `{key.value}` stands here a second time; line {lines[key.value]} has it already."
                self.findings.add(f"{self.name_of_source}, line {line}", sentence)
            lines.setdefault(key.value, line)


_CORE_SCHEMA = (
    ("bool", "true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", "[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("float", r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", "-+."),
    ("null", "~|null|Null|NULL|", ["~", "n", "N", ""]),
)
_CoreLoader.add_constructor("tag:yaml.org,2002:map", _CoreLoader.construct_yaml_map)
for _tag, _pattern, _first in _CORE_SCHEMA:
    _CoreLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first))


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A parameter of an operation, its `$ref` followed."""

    pointer: str
    node: Node

    @property
    def name(self) -> str:
        """The name on the wire."""
        return str(self.node.get("name", ""))

    @property
    def location(self) -> str:
        """`path`, `query`, `header` or `cookie`."""
        return str(self.node.get("in", ""))

    @property
    def is_supplied_by_client(self) -> bool:
        """Whether the runtime fills it in, so that callers never see it."""
        return self.node.get("x-cstar-supplied") == "client"


@dataclass(frozen=True, kw_only=True)
class Operation:
    """An operation as the document has it."""

    pointer: str
    path: str
    method: str
    node: Node
    parameters: tuple[Parameter, ...]

    @property
    def id(self) -> str:
        """Its operationId."""
        return str(self.node.get("operationId", ""))

    @property
    def namespace(self) -> str:
        """Where the client has it, such as `tickets.messages`."""
        return str(self.node.get("x-cstar-namespace", ""))

    @property
    def root(self) -> str:
        """The first part of its namespace, which names its modules."""
        return self.namespace.partition(".")[0]

    @property
    def placeholders(self) -> list[str]:
        """The names in the braces of its path, in order."""
        return re.findall(r"\{([^{}]*)\}", self.path)

    @property
    def successes(self) -> list[str]:
        """The statuses of its good answers."""
        return [status for status in self.node.get("responses", {}) if status.startswith("2")]


class Document:
    """An OpenAPI document of which the shape is known to be right."""

    def __init__(self, raw: Node) -> None:
        self.raw = raw

    @property
    def components(self) -> Node:
        """All components, by kind."""
        return self.raw.get("components") or {}

    @property
    def schemas(self) -> dict[str, Node]:
        """The component schemas, by name, in the document's order."""
        return self.components.get("schemas") or {}

    def at(self, reference: str) -> Any:
        """What a local reference such as `#/components/schemas/Ticket` points at; None: nothing."""
        node: Any = self.raw
        for part in reference.removeprefix("#/").split("/"):
            key = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(node, dict) or key not in node:
                return None
            node = node[key]
        return node

    def follow(self, node: Node, pointer: str) -> tuple[Node, str]:
        """A node and its place, or what it refers to and the place of that. What stands beside a `$ref` goes over what it leads to."""
        reference = node.get("$ref")
        if not reference:
            return node, pointer
        beside = {key: value for key, value in node.items() if key != "$ref"}
        return {**self.at(reference), **beside}, reference

    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        """All operations, in the document's order."""
        return tuple(self._operations())

    def _operations(self) -> Iterator[Operation]:
        for path, item in (self.raw.get("paths") or {}).items():
            item_pointer = below("#/paths", path)
            shared = self._parameters(item, item_pointer)
            for method in (key for key in item if key in METHODS):
                pointer = below(item_pointer, method)
                own = self._parameters(item[method], pointer)
                yield Operation(pointer=pointer, path=path, method=method, node=item[method], parameters=(*shared, *own))

    def _parameters(self, owner: Node, pointer: str) -> tuple[Parameter, ...]:
        found = (
            self.follow(node, below(pointer, "parameters", str(index))) for index, node in enumerate(owner.get("parameters") or ())
        )
        return tuple(Parameter(node=node, pointer=place) for node, place in found)

    def schemas_reached_from(self, node: Any) -> dict[str, None]:
        """The names of the component schemas that a part of the document needs, directly or through others, in a stable order."""
        reached: dict[str, None] = {}
        waiting = [node]
        while waiting:
            for name in _schemas_named_in(waiting.pop()):
                if name not in reached:
                    reached[name] = None
                    waiting.append(self.schemas.get(name, {}))
        return reached


def below(pointer: str, *parts: str) -> str:
    """The JSON pointer of something inside the place that *pointer* names."""
    return "/".join((pointer, *(part.replace("~", "~0").replace("/", "~1") for part in parts)))


def schema_named(reference: str) -> str:
    """The name of the component that `#/components/schemas/<name>` points at."""
    return reference.rpartition("/")[2]


def references_in(node: Any, pointer: str) -> Iterator[tuple[str, str]]:
    """Every `$ref` inside a node, with the place of the object that has it."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"], pointer
        for key, value in node.items():
            yield from references_in(value, below(pointer, str(key)))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from references_in(value, below(pointer, str(index)))


def _schemas_named_in(node: Any) -> Iterator[str]:
    for reference, _ in references_in(node, ""):
        if reference.startswith("#/components/schemas/"):
            yield schema_named(reference)


def read(path: Path) -> Node:
    """Read a document from a file. Raises `CodegenError` when it is not one object of JSON values with every key once."""
    findings = Findings()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CodegenError([Problem(path.name, f"the document cannot be read: {_reason(error)}.")]) from None
    raw = _load(text, path.name, findings)
    findings.stop_if_any()
    if not isinstance(raw, dict):
        raise CodegenError([Problem(path.name, "the document is not a YAML mapping.")])
    _look_for_what_json_cannot_hold(raw, "#", findings)
    findings.stop_if_any()
    return raw


def _load(text: str, name: str, findings: Findings) -> Any:
    loader = _CoreLoader(text)
    loader.findings, loader.name_of_source = findings, name
    try:
        return loader.get_single_data()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{name}, line {mark.line + 1}" if mark else name
        raise CodegenError([Problem(place, f"the document is not valid YAML: {error.problem or error.context}.")]) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise CodegenError([Problem(name, f"the document is not valid YAML: {_reason(error)}.")]) from None
    finally:
        loader.dispose()


def _reason(error: BaseException) -> str:
    return " ".join(str(getattr(error, "strerror", None) or error).split()).rstrip(".")


def _look_for_what_json_cannot_hold(value: Any, pointer: str, findings: Findings) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str):
                findings.add(pointer, f"the key {key!r} is not a text; put it in quotes.")
            _look_for_what_json_cannot_hold(inner, below(pointer, str(key)), findings)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _look_for_what_json_cannot_hold(inner, below(pointer, str(index)), findings)
    elif not isinstance(value, str | int | float | bool | None) or (isinstance(value, float) and not math.isfinite(value)):
        findings.add(pointer, f"{value!r} is nothing that JSON can hold.")
