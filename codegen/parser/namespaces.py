"""Find the namespace of each operation: that of its extension, its first tag, or the first word of its path."""

from __future__ import annotations

import re
from collections.abc import Sequence

from codegen import naming as names
from codegen.parser.names import FUNCTIONS, NameChooser
from codegen.spec.document import Document, Node, Operation, is_object, items
from codegen.spec.queries import BATCHING, namespace_ancestors, scope_of
from codegen.spec.vocabulary import RESERVED_CLIENT_NAMES

_UNTAGGED = "default"
_MAX_BYTES = 150
_VERSION = re.compile(r"v?\d+([._]\d+)*|api|rest", re.IGNORECASE)


class Namespaces:
    """The namespaces of a document."""

    def __init__(self, document: Document, operations: Sequence[Operation], chooser: NameChooser) -> None:
        self._document = document
        given = dict.fromkeys(_source_of(operation, document) for operation in operations)
        extended = {str(operation.node["x-cstar-namespace"]) for operation in operations if "x-cstar-namespace" in operation.node}
        roots = {name.partition(".")[0] for name in extended}
        joined = {name: found for name in given if name not in extended and (found := _namespace(name)) in roots}
        derived = {name: name for name in given if name not in extended | joined.keys()}
        functions = chooser.kept.get(FUNCTIONS, {})
        taken = roots | {functions[operation.pointer] for operation in operations if operation.pointer in functions}
        self._names = {name: name for name in extended} | joined | chooser.choose("namespaces", derived, _namespace, taken=taken)
        self.roots = {name.partition(".")[0] for name in self._names.values()}
        """The root namespaces."""
        self.batched = {
            names.batched(str(operation.node.get("operationId"))) for operation in operations if BATCHING in operation.node
        }
        """The names of functions that split operations."""

    def of(self, operation: Operation) -> str:
        """Return the namespace of an operation."""
        return self._names[_source_of(operation, self._document)]

    def below(self, namespace: str) -> set[str]:
        """Return the names of the namespaces directly below one."""
        prefix = f"{namespace}."
        return {name.removeprefix(prefix).partition(".")[0] for name in self._names.values() if name.startswith(prefix)}

    def tags(self, operations: Sequence[Operation]) -> list[Node]:
        """Return the namespaces of operations with their descriptions, in the order of the document's tags."""
        texts = {str(tag.get("name")): tag for tag in items(self._document.raw, "tags") if is_object(tag)}
        used = {above: None for operation in operations for above in namespace_ancestors(operation.namespace)}
        sources = {namespace: name for name, namespace in self._names.items()} | {name: name for name in used if name in texts}
        given = {self._names.get(name, name): None for name in texts}
        found: list[Node] = []
        for namespace in [name for name in given | used if name in used]:
            name = sources.get(namespace, namespace)
            tag = texts.get(name, {})
            text = str(tag.get("description") or "").strip() or f"Operations of `{name}`."
            found.append({**tag, "name": namespace, "description": text})
        return found


def _source_of(operation: Operation, document: Document) -> str:
    """Return the name that the namespace is derived from."""
    if given := str(operation.node.get("x-cstar-namespace") or ""):
        return given
    tags = [tag for tag in items(operation.node, "tags") if isinstance(tag, str) and tag.strip()]
    if tags:
        return str(tags[0])
    path = operation.path.removeprefix(scope_of(document, operation)[1])
    words = [part for part in path.split("/") if part and "{" not in part and not _VERSION.fullmatch(part)]
    return words[0] if words else _UNTAGGED


def _namespace(text: str) -> str:
    """Return the name of a namespace. It is that of a file, too, which file systems limit to 255 bytes."""
    text = names.snake_case(text).encode()[:_MAX_BYTES].decode(errors="ignore") or text
    return names.identifier(text, "namespace", RESERVED_CLIENT_NAMES | names.RESERVED_ROOTS)
