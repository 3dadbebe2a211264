"""Reduce the code of a document with overlays to what it adds to the package `cstar_async`.

What the overlays leave alone is imported from `cstar_async`. A class with more fields, values or methods is a subclass of the one
there, so that code for the one works with the other. A class that contradicts the one there is no subclass of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from codegen import naming as names
from codegen.errors import NoteCollector
from codegen.ir.build import ApiModuleSpec, GeneratedCode
from codegen.ir.client import service_spec
from codegen.ir.functions import FunctionSpec
from codegen.ir.model_specs import EnumSpec, FieldSpec, ModelSpec, UnionSpec
from codegen.ir.modules import ModelModuleSpec
from codegen.ir.namespaces import MethodSpec, NamespaceSpec
from codegen.ir.operations import OperationSpec
from codegen.ir.types import members_of
from codegen.spec.document import Document, child_pointer

PACKAGE = "cstar_async"
_Class: TypeAlias = EnumSpec | ModelSpec | UnionSpec

_MYPY = "  # type: ignore[assignment]"
_PYRIGHT = "  # pyright: ignore[reportIncompatibleVariableOverride]"
"""A subclass may give a field a narrower type, because nothing writes to the field of a response."""


@dataclass(frozen=True, kw_only=True)
class ExportSpec:
    """A module whose names the package offers."""

    name: str
    exports: list[str]


@dataclass(frozen=True, kw_only=True)
class Extension:
    """What a package has beside that of `cstar_async`."""

    code: GeneratedCode
    models: tuple[ExportSpec, ...]
    api: tuple[ExportSpec, ...]


def extension(code: GeneratedCode, base: GeneratedCode, package: str, notes: NoteCollector) -> Extension:
    """Reduce the code of the whole document.

    Args:
        code: The code of the document with the overlays.
        base: The code of the document without them, which is that of `cstar_async`.
        package: The name of the package.
        notes: Collects the classes that are no subclasses.
    """
    reduced = _Reduction(code, base, package)
    for name, reason in reduced.conflicts.items():
        message = f"the class `{name}` is no subclass of that of {PACKAGE}: {reason}."
        notes.add(child_pointer("#/components/schemas", name), message)
    models = tuple(reduced.model_module(module) for module in code.model_modules if reduced.has_own(module))
    api = tuple(module for module in map(reduced.api_module, code.api_modules) if module.functions)
    return Extension(
        code=replace(code, model_modules=models, api_modules=api, operations=reduced.operations(api)),
        models=_exports(package, "models", models, base.model_modules),
        api=_exports(package, "api", api, base.api_modules),
    )


def note_what_stays(document: Document, base: Document, notes: NoteCollector) -> None:
    """Add a note for each change of a document that has no effect on the code, because `cstar_async` has that part."""
    if service_spec(document) != service_spec(base):
        notes.add("#/servers", f"the client has the URL and version of {PACKAGE}; pass `base_url` or `api_version` to it.")
    ids = {operation.id for operation in document.operations}
    for operation in base.operations:
        if operation.id not in ids:
            notes.add(operation.pointer, f"the client still has `{operation.namespace}.{operation.name}`, which it inherits.")
    before = {event.type: base.reachable_schemas(event.data) for event in base.events}
    for event in document.events:
        names_now = document.reachable_schemas(event.data)
        is_same = event.type in before and all(document.schemas[name] == base.schemas.get(name) for name in names_now)
        if not is_same:
            notes.add(event.pointer, f"events are those of {PACKAGE}; what they have beyond is in `extra`.")


def _exports(
    package: str,
    folder: str,
    own: Iterable[ModelModuleSpec | ApiModuleSpec],
    inherited: Iterable[ModelModuleSpec | ApiModuleSpec],
) -> tuple[ExportSpec, ...]:
    found = [ExportSpec(name=f"{package}.{folder}.{module.name}", exports=module.exports) for module in own]
    known = {name for export in found for name in export.exports}
    for module in inherited:
        rest = [name for name in module.exports if name not in known]
        found += [ExportSpec(name=f"{PACKAGE}.{folder}.{module.name}", exports=rest)] if rest else []
    return tuple(sorted(found, key=lambda export: export.name))


class _Reduction:
    def __init__(self, code: GeneratedCode, base: GeneratedCode, package: str) -> None:
        self._code = code
        self._package = package
        self._new, self._old = _classes_of(code), _classes_of(base)
        self._modules, self._old_modules = _modules_of(code), _modules_of(base)
        self._old_functions = {function.name: function for module in base.api_modules for function in module.functions}
        self._old_operations = {operation.id: operation for operation in base.operations}
        self._old_namespaces = {
            namespace.name: module.name for module in base.api_modules for namespace in module.namespaces.classes
        }
        self._changed = self._find_changed()
        self.conflicts = self._find_conflicts()
        """The classes that are no subclasses of those of `cstar_async`, with the reason."""

    def _find_changed(self) -> set[str]:
        """Return the classes that differ, and those that use them."""
        changed = {name for name, spec in self._new.items() if _form(spec) != _form(self._old.get(name))}
        while more := {name for name, spec in self._new.items() if name not in changed and _used(spec) & changed}:
            changed |= more
        return changed

    def _find_conflicts(self) -> dict[str, str]:
        found: dict[str, str] = {}
        while True:
            rest = [name for name in self._new if name in self._changed & self._old.keys() and name not in found]
            more = {name: reason for name in rest if (reason := next(self._conflicts_of(name, found), None))}
            if not more:
                return found
            found |= more

    def _conflicts_of(self, name: str, conflicts: Mapping[str, str]) -> Iterator[str]:
        new, old = self._new[name], self._old[name]
        if isinstance(new, EnumSpec) and isinstance(old, EnumSpec):
            values = {member.constant: member.value for member in new.members}
            yield from (f"it has no value `{one.value}`" for one in old.members if values.get(one.constant) != one.value)
        elif isinstance(new, ModelSpec) and isinstance(old, ModelSpec):
            fields = {field.wire: field for field in new.fields}
            for known in old.fields:
                field = fields.get(known.wire)
                if field is None or field.attribute != known.attribute:
                    yield f"it has no field `{known.attribute}`"
                elif self._override(field, known, conflicts) is None:
                    yield f"its field `{known.attribute}` has another type"
        elif isinstance(new, UnionSpec) and isinstance(old, UnionSpec):
            added = set(members_of(new.members)) - set(members_of(old.members))
            yield from (f"it can be a `{member}`" for member in sorted(added))
            yield from (f"its `{member}` is none" for member in members_of(new.members) if member in conflicts)
        else:
            yield "it is of another kind"

    def _override(self, field: FieldSpec, known: FieldSpec, conflicts: Mapping[str, str]) -> str | None:
        """Return the comment with which a field replaces that of the parent; None if it cannot."""
        comment = ""
        for member in members_of(field.annotation):
            others = members_of(known.annotation)
            used = {name for name in field.type_.classes if name in self._changed and name in _words(member)}
            if used & conflicts.keys() or (member not in others and not (self._is_text(member) and "str" in others)):
                return None
            if used and ("list[" in member or "dict[" in member):  # invariant
                comment = _MYPY
            elif comment != _MYPY and (used or field.annotation != known.annotation):
                comment = _PYRIGHT
        return comment or (_PYRIGHT if field.annotation != known.annotation else "")

    def _is_text(self, member: str) -> bool:
        return isinstance(self._new.get(member.removesuffix("Like")), EnumSpec)

    def _is_subclass(self, name: str) -> bool:
        return name in self._old and name in self._changed and name not in self.conflicts

    def has_own(self, module: ModelModuleSpec) -> bool:
        """Return whether a module has a class that differs from that of `cstar_async`."""
        return any(self._modules[name] == module.name for name in self._changed)

    def model_module(self, module: ModelModuleSpec) -> ModelModuleSpec:
        """Return a module with the classes that differ."""
        models = tuple(self._model(spec) for spec in module.models if spec.name in self._changed)
        unions = tuple(spec for spec in module.unions if spec.name in self._changed)
        enums = tuple(self._enum(spec) for spec in module.enums if spec.name in self._changed)
        users: tuple[ModelSpec | UnionSpec, ...] = (*models, *unions)
        subclasses: tuple[ModelSpec | EnumSpec, ...] = (*models, *enums)
        used = {name for spec in users for name in spec.classes}
        in_use = sorted({name for spec in models for name in spec.enums})
        parents = sorted({self._old_modules[spec.name] for spec in subclasses if self._is_subclass(spec.name)})
        return replace(
            module,
            enums=enums,
            members=tuple((names.members(name), name) for name in in_use),
            models=models,
            unions=unions,
            imports=self._imports(used, beside=f"{self._package}.models.{module.name}"),
            parents=tuple(parents),
        )

    def _enum(self, spec: EnumSpec) -> EnumSpec:
        old = self._old.get(spec.name)
        if not self._is_subclass(spec.name) or not isinstance(old, EnumSpec):
            return spec
        known = {member.constant for member in old.members}
        members = tuple(replace(one, comment=_PYRIGHT) if one.constant in known else one for one in spec.members)
        return replace(spec, parent=f"cstar_{self._old_modules[spec.name]}.{spec.name}", members=members)

    def _model(self, spec: ModelSpec) -> ModelSpec:
        old = self._old.get(spec.name)
        if not self._is_subclass(spec.name) or not isinstance(old, ModelSpec):
            return spec
        known = {field.wire: field for field in old.fields}
        fields = tuple(self._field(field, known.get(field.wire)) for field in spec.fields)
        return replace(spec, parent=f"cstar_{self._old_modules[spec.name]}.{spec.name}", fields=fields)

    def _field(self, field: FieldSpec, known: FieldSpec | None) -> FieldSpec:
        if known is None:
            return field
        is_same = field.declaration == known.declaration and not self._changed & set(field.type_.classes)
        return replace(field, is_inherited=is_same, comment=self._override(field, known, self.conflicts) or "")

    def _imports(self, used: Iterable[str], *, beside: str = "") -> tuple[tuple[str, str], ...]:
        """Return the modules of some classes, except *beside*, and the names to import from each."""
        found: dict[str, list[str]] = {}
        for name in sorted(used):
            is_own = name in self._changed
            module = f"{self._package}.models.{self._modules[name]}" if is_own else f"{PACKAGE}.models.{self._old_modules[name]}"
            if module != beside:
                found.setdefault(module, []).extend(_names_with(self._new[name]))
        return tuple((module, ", ".join(found[module])) for module in sorted(found))

    def api_module(self, module: ApiModuleSpec) -> ApiModuleSpec:
        """Return a module with the functions that differ, and the namespaces that have them."""
        operations = {one.id: one for one in module.operations}
        functions = tuple(one for one in module.functions if self._is_own(one, operations))
        own = {function.name: function for function in functions}
        called = {function.operation for function in functions}
        classes: dict[str, NamespaceSpec] = {}
        for namespace in module.namespaces.classes:  # children first
            reduced = self._namespace(namespace, own, classes)
            if reduced.methods or reduced.children:
                classes[namespace.name] = reduced
        root = classes.get(module.namespaces.root.name, module.namespaces.root)
        parents = {self._old_namespaces[name] for name in classes if name in self._old_namespaces}
        return replace(
            module,
            functions=functions,
            operations=tuple(one for one in module.operations if one.id in called),
            imports=self._imports({name for function in functions for name in function.classes}),
            namespaces=replace(module.namespaces, root=root, classes=tuple(classes.values())),
            parents=tuple(sorted(parents)),
        )

    def _is_own(self, function: FunctionSpec, operations: Mapping[str, object]) -> bool:
        differs = self._old_functions.get(function.name) != function or bool(function.classes & self._changed)
        return differs or operations[function.operation] != self._old_operations.get(function.operation)

    def _namespace(
        self, namespace: NamespaceSpec, own: Mapping[str, FunctionSpec], classes: Mapping[str, NamespaceSpec]
    ) -> NamespaceSpec:
        """Return a namespace with its own methods and children; those of `cstar_async` are inherited."""
        methods = tuple(self._method(method, own[method.function]) for method in namespace.methods if method.function in own)
        children = tuple(classes[child.name] for child in namespace.children if child.name in classes)
        if namespace.name not in self._old_namespaces:
            return replace(namespace, children=children)
        parent = f"cstar_{self._old_namespaces[namespace.name]}.{namespace.name}"
        return replace(namespace, parent=parent, methods=methods, children=children)

    def _method(self, method: MethodSpec, function: FunctionSpec) -> MethodSpec:
        old = self._old_functions.get(method.function)
        return method if old is None or self._can_replace(function, old) else replace(method, comment=_MYPY)

    def _can_replace(self, new: FunctionSpec, old: FunctionSpec) -> bool:
        """Return whether a type checker accepts a method in place of that of the parent."""
        returned = set(_words(new.returns)) & self._changed
        if returned & self.conflicts.keys() or (returned and ("list[" in new.returns or "dict[" in new.returns)):
            return False
        if new.keyword != old.keyword or any(one not in members_of(old.returns) for one in members_of(new.returns)):
            return False
        given, known = _parameters(new.parameters), _parameters(old.parameters)
        narrowed = {name for name in self._changed & self._old.keys() if not isinstance(self._new[name], EnumSpec)}
        for name, annotation in known.items():
            accepted = members_of(given.get(name, "").partition(" = ")[0])
            if any(one not in accepted for one in members_of(annotation.partition(" = ")[0])) or narrowed & set(_words(annotation)):
                return False
            if " = " in annotation and " = " not in given[name]:
                return False
        return all(name in known or " = " in annotation or name in ("*", "/") for name, annotation in given.items())

    def operations(self, modules: Iterable[ApiModuleSpec]) -> tuple[OperationSpec, ...]:
        """Return the operations that the package has itself."""
        return tuple(operation for module in modules for operation in module.operations)


def _classes_of(code: GeneratedCode) -> dict[str, _Class]:
    return {spec.name: spec for module in code.model_modules for spec in module.classes}


def _modules_of(code: GeneratedCode) -> dict[str, str]:
    return {spec.name: module.name for module in code.model_modules for spec in module.classes}


def _form(spec: _Class | None) -> _Class | None:
    """Return a class without what has no effect on its code."""
    if not isinstance(spec, ModelSpec):
        return spec
    return replace(spec, fields=tuple(replace(field, node={}) for field in spec.fields))


def _used(spec: _Class) -> frozenset[str]:
    return frozenset() if isinstance(spec, EnumSpec) else spec.classes


def _names_with(spec: _Class) -> list[str]:
    """Return a class, and what is imported with it."""
    if isinstance(spec, EnumSpec):
        return [spec.name, spec.alias]
    readers = [reader.name for reader in spec.shorthand_readers] if isinstance(spec, ModelSpec) else []
    return [spec.name, spec.decoder, *readers]


def _words(annotation: str) -> list[str]:
    return "".join(character if character.isalnum() or character == "_" else " " for character in annotation).split()


def _parameters(text: str) -> dict[str, str]:
    """Return the annotation and the default of each parameter."""
    found: list[str] = []
    depth, start = 0, 0
    for index, character in enumerate(f"{text},"):
        depth += (character in "([{") - (character in ")]}")
        if character == "," and depth == 0:
            found.append(text[start:index].strip())
            start = index + 1
    return {name: annotation.strip() for name, _, annotation in (one.partition(":") for one in found)}
