"""Assign each schema to a module, and build the modules of models.

A schema that one root namespace uses goes to the module of that namespace. A schema that several use goes to the one whose name it
begins with (`TicketStatus` to `tickets`), else to `shared`. `x-cstar-module` overrides both. The modules import each other at run
time, because annotations must be resolvable, so they may not form a cycle: what would close one goes to `shared`.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from codegen import naming as names
from codegen.errors import ProblemCollector
from codegen.ir.model_specs import EnumSpec, ModelSpec, UnionSpec
from codegen.ir.models import ModelBuilder
from codegen.ir.usage import SchemaUsage
from codegen.spec.document import Document, child_pointer, entries, items, schemas_named_in
from codegen.spec.queries import READ_AS

SHARED = "shared"


@dataclass(frozen=True, kw_only=True)
class ModelModuleSpec:
    """A module of models."""

    name: str
    enums: tuple[EnumSpec, ...]
    members: tuple[tuple[str, str], ...]
    """The mappings from strings to members of the enums that fields of these models use, and the enums.

    They are looked up once for a module, because attributes of a class are slow to look up.
    """
    models: tuple[ModelSpec, ...]
    unions: tuple[UnionSpec, ...]
    imports: tuple[tuple[str, str], ...]
    """Other modules, and the names that may be imported from them; ruff removes unused ones."""
    parents: tuple[str, ...] = ()
    """The modules of `cstar_async.models` that have parents of its classes."""

    @property
    def classes(self) -> tuple[EnumSpec | ModelSpec | UnionSpec, ...]:
        """Return all its classes."""
        return (*self.enums, *self.models, *self.unions)

    @property
    def has_deprecated(self) -> bool:
        """Whether a field has an old name."""
        return any(model.old_fields for model in self.models)

    @property
    def old_names(self) -> list[tuple[str, str]]:
        """Return the names that classes had before, each with the present one."""
        found = [(one.old_name, one.name) for one in self.classes if one.old_name]
        return found + [(names.like_alias(one.old_name), one.alias) for one in self.enums if one.old_name]

    @property
    def deprecated(self) -> list[str]:
        """Return the names of classes that are deprecated."""
        return [one.name for one in self.classes if one.is_deprecated]

    @property
    def exports(self) -> list[str]:
        """Return the names that the package `models` exports from this module."""
        inputs = [name for enum in self.enums for name in (enum.name, enum.alias)]
        return sorted([*inputs, *(model.name for model in self.models), *(union.name for union in self.unions)])


class ModuleAssignment:
    """The module of every schema."""

    def __init__(self, document: Document, usage: SchemaUsage, problems: ProblemCollector) -> None:
        self._document = document
        self._usage = usage
        self._modules = {name: self._module_for(name, problems) for name in usage.generated}
        self._break_cycles()

    def __getitem__(self, schema: str) -> str:
        return self._modules[schema]

    def imports(self, classes: Iterable[str], *, beside: str = "") -> tuple[tuple[str, str], ...]:
        """Return the modules of some schemas, except *beside*, and the names to import from each."""
        found: dict[str, list[str]] = {}
        for schema in sorted(classes):
            if self[schema] != beside:
                is_enum = "enum" in self._document.schemas[schema]
                companion = names.like_alias(schema) if is_enum else names.decoder(schema)
                readers = [names.reader(schema)] if "x-cstar-string-shorthand" in self._document.schemas[schema] else []
                found.setdefault(self[schema], []).extend((schema, companion, *readers))
        return tuple((module, ", ".join(found[module])) for module in sorted(found))

    def _needs(self) -> dict[str, set[str]]:
        """Return the modules that each module imports."""
        found: dict[str, set[str]] = {module: set() for module in self._modules.values()}
        for schema, module in self._modules.items():
            found[module] |= {self._modules[used] for used in self._used_by(schema)} - {module}
        return found

    def _used_by(self, schema: str) -> Iterator[str]:
        node = self._document.schemas[schema]
        named = [name for inner in entries(node, "properties").values() for name in items(inner, "x-cstar-models")]
        named += [str(node[key]) for key in (READ_AS,) if key in node]
        return (name for name in (*schemas_named_in(node), *named) if name in self._modules)

    def _break_cycles(self) -> None:
        """Move to `shared` what modules of a cycle need of each other, with all that it needs itself."""
        while cycle := _cycle_in(self._needs()):
            waiting = [used for schema in self._in(cycle) for used in self._used_by(schema) if self[used] != self[schema]]
            waiting += [schema for schema in self._in(cycle) if self[schema] == SHARED]
            moved: set[str] = set()
            while waiting:
                schema = waiting.pop()
                if schema not in moved:
                    moved.add(schema)
                    waiting += [used for used in self._used_by(schema) if self[used] in cycle]
            self._modules |= dict.fromkeys(moved, SHARED)

    def _in(self, modules: Container[str]) -> list[str]:
        return [schema for schema, module in self._modules.items() if module in modules]

    def _module_for(self, schema: str, problems: ProblemCollector) -> str:
        roots = {operation.root for operation in self._document.operations}
        given = self._document.schemas[schema].get("x-cstar-module")
        if given is not None:
            if given not in roots | {SHARED}:
                problems.add(child_pointer("#/components/schemas", schema), f"the module `{given}` is not a root namespace.")
            return str(given)
        users = self._usage.roots[schema]
        if len(users) == 1:
            return next(iter(users))
        owners = {len(prefix): root for root in sorted(users) if (prefix := _own_prefix(root, schema))}
        return owners[max(owners)] if owners else SHARED


def _own_prefix(root: str, schema: str) -> str:
    """Return the prefix of a schema's name that is the name of a namespace, in the plural or singular; empty if there is none."""
    camel_case = "".join(part.capitalize() for part in root.split("_"))
    for prefix in (
        camel_case,
        f"{camel_case.removesuffix('ies')}y" if camel_case.endswith("ies") else camel_case.removesuffix("s"),
    ):
        rest = schema.removeprefix(prefix)
        if rest != schema and not rest[:1].islower():
            return prefix
    return ""


def _cycle_in(needs: Mapping[str, set[str]]) -> list[str]:
    """Return modules that import each other in a cycle; empty if there are none."""
    try:
        TopologicalSorter({module: sorted(needed) for module, needed in needs.items()}).prepare()
    except CycleError as error:
        cycle: list[str] = error.args[1]
        return cycle
    return []


def model_modules(builder: ModelBuilder, assignment: ModuleAssignment) -> tuple[ModelModuleSpec, ...]:
    """Build the modules of models, each after those that it imports."""
    modules = sorted({assignment[name] for name in (*builder.enums, *builder.models, *builder.unions)})
    users: tuple[ModelSpec | UnionSpec, ...] = (*builder.models.values(), *builder.unions.values())
    used = {module: [one for user in users if assignment[user.name] == module for one in user.classes] for module in modules}
    needs = {module: sorted({assignment[one] for one in needed} - {module}) for module, needed in used.items()}
    return tuple(_model_module(module, builder, assignment) for module in TopologicalSorter(needs).static_order())


def _model_module(module: str, builder: ModelBuilder, assignment: ModuleAssignment) -> ModelModuleSpec:
    models = tuple(model for name, model in builder.models.items() if assignment[name] == module)
    unions = tuple(union for name, union in builder.unions.items() if assignment[name] == module)
    users: tuple[ModelSpec | UnionSpec, ...] = (*models, *unions)
    return ModelModuleSpec(
        name=module,
        enums=tuple(enum for name, enum in builder.enums.items() if assignment[name] == module),
        members=tuple((names.members(name), name) for name in sorted({name for model in models for name in model.enums})),
        models=models,
        unions=unions,
        imports=assignment.imports({used for user in users for used in user.classes}, beside=module),
    )
