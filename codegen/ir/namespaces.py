"""Build the classes of namespaces."""

from __future__ import annotations

from dataclasses import dataclass

from codegen import naming as names
from codegen.ir.docstrings import docstring, sentence
from codegen.spec.document import Document, Operation
from codegen.spec.queries import BATCHING, function_name, namespace_ancestors, scope_of


@dataclass(frozen=True, kw_only=True)
class MethodSpec:
    """A method of a namespace."""

    name: str
    function: str
    comment: str = ""
    """What type checkers need to know of it."""


@dataclass(frozen=True, kw_only=True)
class NamespaceSpec:
    """The class of a namespace."""

    name: str
    attribute: str
    """Its attribute of the parent namespace or the client."""
    doc: str
    property_doc: str
    methods: tuple[MethodSpec, ...]
    children: tuple[NamespaceSpec, ...]
    parent: str = "Namespace"


@dataclass(frozen=True, kw_only=True)
class NamespaceModuleSpec:
    """The module of a root namespace."""

    root: NamespaceSpec
    classes: tuple[NamespaceSpec, ...]
    """All classes of the module, children before their parents."""
    is_on_client: bool
    """Whether it belongs to `CStarClient`, not to `CStarLibrary`."""


def namespace_modules(document: Document) -> tuple[NamespaceModuleSpec, ...]:
    """Build the modules of all root namespaces, in the order of the tags."""
    used = {name for operation in document.operations for name in namespace_ancestors(operation.namespace)}
    tags = {tag["name"]: tag["description"] for tag in document.raw["tags"] if tag["name"] in used}
    classes: dict[str, str] = {}
    for name in tags:
        classes[name] = names.namespace_class(name, {*document.schemas, *classes.values()})
    return tuple(_module(document, root, tags, classes) for root in tags if "." not in root)


def _module(document: Document, root: str, tags: dict[str, str], classes: dict[str, str]) -> NamespaceModuleSpec:
    operations = [operation for operation in document.operations if operation.root == root]
    root_class = _namespace(document, root, tags, classes)
    return NamespaceModuleSpec(
        root=root_class,
        classes=tuple(_deepest_first(root_class)),
        is_on_client=not any(scope_of(document, operation)[0] == "library" for operation in operations),
    )


def _namespace(document: Document, namespace: str, tags: dict[str, str], classes: dict[str, str]) -> NamespaceSpec:
    text = sentence(tags[namespace])
    below = [name for name in tags if name != namespace and namespace_ancestors(name)[:-1][-1:] == [namespace]]
    return NamespaceSpec(
        name=classes[namespace],
        attribute=namespace.rpartition(".")[2],
        doc=docstring([text], depth=1),
        property_doc=docstring([text], depth=2),
        methods=tuple(
            method for operation in document.operations if operation.namespace == namespace for method in _methods(operation)
        ),
        children=tuple(_namespace(document, name, tags, classes) for name in below),
    )


def _methods(operation: Operation) -> list[MethodSpec]:
    """Return the method of an operation and, if it can be split, the batched one."""
    one = MethodSpec(name=operation.name, function=function_name(operation))
    return (
        [one, MethodSpec(name=names.batched(one.name), function=names.batched(one.function))]
        if BATCHING in operation.node
        else [one]
    )


def _deepest_first(root_class: NamespaceSpec) -> list[NamespaceSpec]:
    return [*(inner for child in root_class.children for inner in _deepest_first(child)), root_class]
