"""Everything that the templates show, worked out: names, types and prose as finished Python text.

The views know what the output looks like and the document says; they never write a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from codegen.errors import ProblemCollector
from codegen.ir.events import EventView, event_views
from codegen.ir.evidence import EvidenceView, evidence_view
from codegen.ir.functions import FunctionView, FunctionViews
from codegen.ir.models import ModelViews
from codegen.ir.modules import ModelModuleView, ModuleAssignment, model_modules
from codegen.ir.namespaces import NamespaceModuleView, namespace_modules
from codegen.ir.operations import OperationView, operation_view, strip_descriptions
from codegen.ir.types import Shapes
from codegen.ir.usage import SchemaUsage
from codegen.lint.batches import RUN_ALL
from codegen.parser import Parsed
from codegen.spec.document import Document


@dataclass(frozen=True, kw_only=True)
class ApiModuleView:
    """The functions of a root namespace and of everything under it."""

    name: str
    functions: tuple[FunctionView, ...]
    operations: tuple[OperationView, ...]
    """The operations that functions pass to the executor."""
    imports: tuple[tuple[str, str], ...]
    namespaces: NamespaceModuleView

    @property
    def exports(self) -> list[str]:
        """Return the names that the package `api` offers from this module."""
        return sorted(function.name for function in self.functions)

    @property
    def public_names(self) -> list[str]:
        """Return the names that the module itself offers."""
        return sorted([*self.exports, *(one.name for one in self.namespaces.classes)])


@dataclass(frozen=True, kw_only=True)
class GeneratedCode:
    """The whole output, before it is text."""

    model_modules: tuple[ModelModuleView, ...]
    api_modules: tuple[ApiModuleView, ...]
    operations: tuple[OperationView, ...]
    events: tuple[EventView, ...]
    event_imports: tuple[tuple[str, str], ...]
    """The modules of models that the events need, and the names from each."""
    evidence: EvidenceView
    schemas: dict[str, Any]
    unused_schemas: tuple[str, ...]
    """The schemas of the document that no operation takes or gives, so that nothing is made of them."""

    @property
    def client_namespaces(self) -> tuple[NamespaceModuleView, ...]:
        """Return the namespaces that `CStarClient` has: all but the public library."""
        return tuple(module.namespaces for module in self.api_modules if module.namespaces.is_on_client)


def build_ir(parsed: Parsed) -> GeneratedCode:
    """The view of a parsed document. Raises `CodegenError` for what cannot be expressed."""
    findings = ProblemCollector()
    document = parsed.document
    usage = SchemaUsage(document, findings)
    findings.raise_if_any()
    shapes = Shapes(document, findings)
    models = ModelViews(parsed, usage, shapes, findings)
    findings.raise_if_any()
    placement = ModuleAssignment(document, usage, findings)
    modules = model_modules(models, placement, findings)
    functions = FunctionViews(parsed, models, shapes)
    namespaces = namespace_modules(document)
    operations = tuple(operation_view(document, operation) for operation in document.operations)
    apis = tuple(_api_module(module, parsed, functions, operations, placement) for module in namespaces)
    events = event_views(document)
    shown = {
        "constant": [operation.id for operation in operations],
        "function": [function.name for api in apis for function in api.functions],
        "method": [method.function for module in namespaces for one in module.classes for method in one.methods],
    }
    _check_all_operations_emitted(document, shown, findings)
    findings.raise_if_any()
    return GeneratedCode(
        model_modules=modules,
        api_modules=apis,
        operations=operations,
        events=events,
        event_imports=placement.imports({name for event in events for name in event.schemas}),
        evidence=evidence_view(document),
        schemas={"components": {"schemas": _schemas(document, usage)}, "events": _events(document)},
        unused_schemas=usage.idle,
    )


def _check_all_operations_emitted(document: Document, shown: dict[str, list[str]], findings: ProblemCollector) -> None:
    """Every operation of the document is a constant, a function and a method, once each."""
    for what, ids in shown.items():
        for operation in document.operations:
            if ids.count(operation.id) != 1:
                findings.add(operation.pointer, f"the operation `{operation.id}` became a {what} {ids.count(operation.id)} times.")


def _schemas(document: Document, usage: SchemaUsage) -> dict[str, Any]:
    """The schemas as data for the fake server: those that are in use, and what they refer to."""
    in_use = {name: schema for name, schema in document.schemas.items() if name not in usage.idle}
    needed = in_use.keys() | document.reachable_schemas(in_use).keys()
    return {name: strip_descriptions(schema) for name, schema in document.schemas.items() if name in needed}


def _events(document: Document) -> dict[str, Any]:
    """What the events carry, as data for the fake server: the schema of `data` of each type."""
    return {event.type: {"$ref": event.data["$ref"]} for event in document.events}


def _api_module(
    namespaces: NamespaceModuleView,
    parsed: Parsed,
    functions: FunctionViews,
    operations: tuple[OperationView, ...],
    placement: ModuleAssignment,
) -> ApiModuleView:
    root = namespaces.root.attribute
    own = [operation for operation in parsed.document.operations if operation.root == root]
    single = [functions.of(operation) for operation in own]
    made = (*single, *(functions.batched(operation) for operation in own if RUN_ALL in operation.node))
    return ApiModuleView(
        name=root,
        functions=made,
        operations=tuple(operation for operation in operations if operation.root == root),
        imports=placement.imports({name for function in made for name in function.classes}),
        namespaces=namespaces,
    )
