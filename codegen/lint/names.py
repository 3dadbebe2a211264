"""Check that everything that becomes a name in Python can be one, and that no two names are equal.

openapi-python-client would silently keep the later of two equal names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from codegen import naming as names
from codegen.errors import ProblemCollector
from codegen.spec.document import Document, child_pointer
from codegen.spec.queries import BATCHING, namespace_ancestors, path_scope
from codegen.spec.vocabulary import RESERVED_CLIENT_NAMES


def inspect(document: Document, problems: ProblemCollector) -> None:
    """Check all names."""
    _inspect_schemas(document, problems)
    _inspect_operation_ids(document, problems)
    _inspect_namespaces(document, problems)


def _report_clashes(
    things: Iterable[tuple[str, str]], python_name: Callable[[str], str], what: str, problems: ProblemCollector
) -> None:
    """Report names whose Python name is that of an earlier one. Each comes with its pointer."""
    taken: dict[str, str] = {}
    for name, pointer in things:
        derived = python_name(name)
        if derived in taken:
            problems.add(pointer, f"the {what} `{taken[derived]}` and `{name}` would both be `{derived}` in Python.")
        taken.setdefault(derived, name)


def _inspect_schemas(document: Document, problems: ProblemCollector) -> None:
    pointers = [(name, child_pointer("#/components/schemas", name)) for name in document.schemas]
    for name, pointer in pointers:
        if names.class_of(name) != name:
            problems.add(pointer, f"the schema `{name}` would become the class `{names.class_of(name)}`; call it that.")
        if name in names.RESERVED_CLASSES:
            problems.add(pointer, f"a schema cannot be called `{name}`; generated code uses that name.")
        alias = name.removesuffix("Like")
        if alias != name and "enum" in document.schemas.get(alias, {}):
            problems.add(pointer, f"`{name}` is the name of the type that arguments for the enum `{alias}` have.")
    _report_clashes(pointers, names.function_stem, "schemas", problems)


def _inspect_operation_ids(document: Document, problems: ProblemCollector) -> None:
    roots = {operation.root for operation in document.operations}
    for operation in document.operations:
        if not names.is_plain(operation.id):
            problems.add(operation.pointer, f"the operationId `{operation.id}` must be in snake_case, such as `get_ticket`.")
        if operation.id in names.RESERVED_FUNCTIONS or operation.id in roots:
            problems.add(operation.pointer, f"an operation cannot be called `{operation.id}`; that name is taken.")
    ids = [(operation.id, operation.pointer) for operation in document.operations]
    ids += [(names.batched(operation.id), operation.pointer) for operation in document.operations if BATCHING in operation.node]
    _report_clashes(ids, names.function_stem, "operationIds", problems)


def _inspect_namespaces(document: Document, problems: ProblemCollector) -> None:
    scopes: dict[str, str] = {}
    for operation in document.operations:
        method = operation.name
        if not all(map(names.is_plain, (*operation.namespace.split("."), method))):
            problems.add(operation.pointer, f"`{operation.namespace}.{method}` must be snake_case names joined by dots.")
        if operation.root in RESERVED_CLIENT_NAMES | names.RESERVED_ROOTS:
            problems.add(operation.pointer, f"a namespace cannot be called `{operation.root}`; that name is taken.")
        if path_scope(operation.path)[0] == "library" and operation.namespace == operation.root and method in RESERVED_CLIENT_NAMES:
            problems.add(operation.pointer, f"a method of the library cannot be called `{method}`; `CStarLibrary` needs that name.")
        scope = "library" if path_scope(operation.path)[0] == "library" else "client"
        if scopes.setdefault(operation.root, scope) != scope:
            problems.add(operation.pointer, f"the namespace `{operation.root}` has operations of the library and others.")
    _inspect_members(document, problems)


def _inspect_members(document: Document, problems: ProblemCollector) -> None:
    """Check the methods of namespaces and the namespaces below them."""
    namespaces = sorted({parent for operation in document.operations for parent in namespace_ancestors(operation.namespace)})
    classes = [(namespace, "#/tags") for namespace in namespaces]
    _report_clashes(classes, names.namespace_class, "namespaces", problems)
    owned: dict[tuple[str, str], str] = {}
    for operation in document.operations:
        key = (operation.namespace, operation.name)
        qualified_name = ".".join(key)
        if key in owned:
            problems.add(operation.pointer, f"`{qualified_name}` is the method of `{owned[key]}` and of `{operation.id}`.")
        owned.setdefault(key, operation.id)
        if qualified_name in namespaces:
            problems.add(operation.pointer, f"`{qualified_name}` is a method and a namespace.")
    for operation in document.operations:
        method = names.batched(operation.name)
        if BATCHING in operation.node and (operation.namespace, method) in owned:
            qualified_name = f"{operation.namespace}.{method}"
            problems.add(
                operation.pointer,
                f"`{qualified_name}` is the method of `{owned[operation.namespace, method]}` and of `{BATCHING}`.",
            )
    for operation in document.operations:
        # In the class body, such a method would hide the function of that name.
        method = operation.name
        if method != operation.id and method in {
            other.id for other in document.operations if other.namespace == operation.namespace
        }:
            problems.add(operation.pointer, f"the method `{operation.namespace}.{method}` has the name of another operation.")
