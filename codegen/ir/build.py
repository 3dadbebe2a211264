"""Build everything that the templates render: names, types and docstrings as Python source text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from codegen.errors import ProblemCollector
from codegen.ir.client import credential_names
from codegen.ir.events import EventSpec, event_specs
from codegen.ir.evidence import EvidencePage, evidence_page
from codegen.ir.functions import FunctionBuilder, FunctionSpec
from codegen.ir.models import ModelBuilder
from codegen.ir.modules import ModelModuleSpec, ModuleAssignment, model_modules
from codegen.ir.namespaces import NamespaceModuleSpec, namespace_modules
from codegen.ir.operations import OperationSpec, operation_spec, strip_descriptions
from codegen.ir.types import TypeMapper
from codegen.ir.usage import SchemaUsage
from codegen.spec.document import Document
from codegen.spec.queries import BATCHING, function_name


@dataclass(frozen=True, kw_only=True)
class ApiModuleSpec:
    """The functions of a root namespace and of those below it."""

    name: str
    functions: tuple[FunctionSpec, ...]
    operations: tuple[OperationSpec, ...]
    """The operations that functions pass to the executor."""
    imports: tuple[tuple[str, str], ...]
    namespaces: NamespaceModuleSpec
    parents: tuple[str, ...] = ()
    """The modules of `cstar_async.api` that have parents of its namespaces."""

    @property
    def has_deprecated(self) -> bool:
        """Whether a function is deprecated."""
        return any(one.overloads or any(name.startswith("deprecated(") for name in one.decorators) for one in self.functions)

    @property
    def exports(self) -> list[str]:
        """Return the names that the package `api` offers from this module."""
        return sorted(function.name for function in self.functions if function.is_exported)

    @property
    def public_names(self) -> list[str]:
        """Return the names that the module itself offers."""
        return sorted([*(function.name for function in self.functions), *(one.name for one in self.namespaces.classes)])


@dataclass(frozen=True, kw_only=True)
class GeneratedCode:
    """All that the templates render."""

    model_modules: tuple[ModelModuleSpec, ...]
    api_modules: tuple[ApiModuleSpec, ...]
    operations: tuple[OperationSpec, ...]
    events: tuple[EventSpec, ...]
    event_imports: tuple[tuple[str, str], ...]
    """The modules of models that events import, and the names from each."""
    evidence: EvidencePage
    names: Mapping[str, Mapping[str, str]]
    """The names that the next run keeps."""
    schemas: dict[str, Any]
    unused_schemas: tuple[str, ...]
    """The schemas that no operation uses, so that they have no class."""

    @property
    def client_namespaces(self) -> tuple[NamespaceModuleSpec, ...]:
        """Return the namespaces that `CStarClient` has: all but the public library."""
        return tuple(module.namespaces for module in self.api_modules if module.namespaces.is_on_client)


def build_ir(document: Document) -> GeneratedCode:
    """Build the code of a document. Raises `CodegenError` for what is not supported."""
    problems = ProblemCollector()
    usage = SchemaUsage(document)
    types = TypeMapper(document)
    models = ModelBuilder(document, usage, types)
    assignment = ModuleAssignment(document, usage, problems)
    modules = model_modules(models, assignment)
    functions = FunctionBuilder(document, models, types)
    namespaces = namespace_modules(document)
    credentials = credential_names(document)
    operations = tuple(operation_spec(document, operation, credentials) for operation in document.operations)
    apis = tuple(_api_module(module, document, functions, operations, assignment) for module in namespaces)
    events = event_specs(document)
    emitted = {
        "constant": [(operation.root, operation.id) for operation in operations],
        "function": [(api.name, function.name) for api in apis for function in api.functions],
        "method": [(one.root.attribute, method.function) for one in namespaces for each in one.classes for method in each.methods],
    }
    _check_all_operations_emitted(document, emitted, problems)
    problems.raise_if_any()
    return GeneratedCode(
        model_modules=modules,
        api_modules=apis,
        operations=operations,
        events=events,
        event_imports=assignment.imports({name for event in events for name in event.schemas}),
        evidence=evidence_page(document),
        names=_names(document, usage),
        schemas={"components": {"schemas": _schemas(document, usage)}, "events": _events(document)},
        unused_schemas=usage.unused,
    )


def _check_all_operations_emitted(
    document: Document, emitted: Mapping[str, list[tuple[str, str]]], problems: ProblemCollector
) -> None:
    """Check that each operation became one constant, one function and one method of a module."""
    for what, found in emitted.items():
        for operation in document.operations:
            count = found.count((operation.root, operation.id if what == "constant" else function_name(operation)))
            if count != 1:
                problems.add(operation.pointer, f"the operation `{operation.id}` became a {what} {count} times.")


def _schemas(document: Document, usage: SchemaUsage) -> dict[str, Any]:
    """Return the used schemas and those that they refer to, as JSON Schemas."""
    in_use = {name: schema for name, schema in document.schemas.items() if name not in usage.unused}
    needed = in_use.keys() | document.reachable_schemas(in_use).keys()
    return {name: strip_descriptions(schema) for name, schema in document.schemas.items() if name in needed}


def _names(document: Document, usage: SchemaUsage) -> dict[str, dict[str, str]]:
    """Return the names of what is generated: those of the classes, of their fields, and of operations."""
    used = set(usage.generated)
    found = {scope: dict(chosen) for scope, chosen in document.names.items() if scope in used or not scope[:1].isupper()}
    return found | {"classes": {place: name for place, name in document.names.get("classes", {}).items() if name in used}}


def _events(document: Document) -> dict[str, Any]:
    """Return the schema of `data` for each type of event."""
    return {event.type: {"$ref": event.data["$ref"]} for event in document.events}


def _api_module(
    namespaces: NamespaceModuleSpec,
    document: Document,
    functions: FunctionBuilder,
    operations: tuple[OperationSpec, ...],
    assignment: ModuleAssignment,
) -> ApiModuleSpec:
    root = namespaces.root.attribute
    own = [operation for operation in document.operations if operation.root == root]
    single = [functions.of(operation) for operation in own]
    built = (*single, *(functions.batched(operation) for operation in own if BATCHING in operation.node))
    return ApiModuleSpec(
        name=root,
        functions=built,
        operations=tuple(operation for operation in operations if operation.root == root),
        imports=assignment.imports({name for function in built for name in function.classes}),
        namespaces=namespaces,
    )
