"""Compare what Python callers use. A change breaks if a caller that passed a type checker may not pass it any more.

What a caller passes may become wider, and what a caller gets may become narrower.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from codegen.diff.changes import Change, Kind
from codegen.diff.matching import Matching, argument_pairs, match, operation_key, renamed_events
from codegen.diff.surface import Alias, Argument, EnumClass, Function, ModelClass, PythonSurface, Use
from codegen.diff.types import AnyOf, Types, takes
from codegen.naming import like_alias
from codegen.spec.queries import namespace_ancestors

_Class: TypeAlias = ModelClass | EnumClass | Alias
_Deprecable: TypeAlias = Function | Argument
_KEPT = ", and its old name is deprecated"


def python_changes(old: PythonSurface, new: PythonSurface) -> list[Change]:
    """Return the changes from one surface to another."""
    return list(_Comparison(old, new).all())


def _change(kind: Kind, name: str, place: str, message: str, *, breaks: bool) -> Change:
    return Change(surface="python", kind=kind, is_breaking=breaks, name=name, place=place, message=message)


class _Comparison:
    def __init__(self, old: PythonSurface, new: PythonSurface) -> None:
        self._old, self._new = old, new
        self._matching: Matching = match(old, new)
        self._strings = frozenset(one.name for one in new.enums)
        self._old_types = _types(old, self._matching.classes)
        self._new_types = _types(new, {})

    def all(self) -> Iterator[Change]:
        yield from self._namespaces()
        yield from self._functions()
        yield from self._models()
        yield from self._enums()
        yield from self._aliases()
        yield from self._events()
        yield from self._clients()

    def _namespaces(self) -> Iterator[Change]:
        old, new = _namespaces(self._old.functions), _namespaces(self._new.functions)
        moved = self._moved_namespaces()
        for name, place in old.items():
            if name not in new and name in moved:
                yield _change("renamed", name, place, f"the namespace is now `{moved[name]}`", breaks=True)
            elif name not in new:
                yield _change("removed", name, place, "the namespace is gone", breaks=True)
        for name, place in new.items():
            if name not in old and name not in moved.values():
                yield _change("added", name, place, "a new namespace", breaks=False)

    def _moved_namespaces(self) -> dict[str, str]:
        """Return the new name of each namespace whose functions are all in one other namespace, which is new."""
        known = _namespaces(self._old.functions)
        targets: dict[str, set[str]] = {}
        for one, other in self._matching.functions:
            targets.setdefault(one.namespace, set()).add(other.namespace)
        return {name: found.pop() for name, found in targets.items() if len(found) == 1 and not found & known.keys()}

    def _functions(self) -> Iterator[Change]:
        moved = self._moved_namespaces()
        methods = {(operation_key(one.operation), one.path) for one in self._new.functions}
        functions = {(operation_key(one.operation), one.name) for one in self._new.functions}
        for one in self._matching.removed:
            yield _change("removed", one.path, one.place, f"the method and `api.{one.name}` are gone", breaks=True)
        for one, other in self._matching.functions:
            key = operation_key(one.operation)
            is_moved = (moved.get(one.namespace), one.method) == (other.namespace, other.method)
            if one.path != other.path and (key, one.path) not in methods and not is_moved:
                yield _change("renamed", one.path, other.place, f"the method is now `{other.path}`", breaks=True)
            if one.name != other.name and (key, one.name) not in functions:
                yield _change("renamed", f"api.{one.name}", other.place, f"the function is now `api.{other.name}`", breaks=True)
            elif one.name == other.name and one.module != other.module:
                message = f"the function is now in `api.{other.module}`"
                yield _change("moved", f"api.{one.module}.{one.name}", other.place, message, breaks=True)
            yield from _deprecation(other.path, one, other, "method", other.place)
            yield from self._arguments(other.path, one.arguments, other.arguments, other.place)
            yield from self._result(one, other)
        for one in self._matching.added:
            yield _change("added", one.path, one.place, f"a new method, and `api.{one.name}`", breaks=False)

    def _result(self, one: Function, other: Function) -> Iterator[Change]:
        name = f"{other.path}()"
        if one.is_async != other.is_async:
            message = "it is now awaited for a result" if other.is_async else "it now returns a `Paginator`"
            yield _change("changed", name, other.place, message, breaks=True)
        elif one.returns == "None" != other.returns:  # no caller uses None
            yield _change("added", name, other.place, f"it now returns `{other.returns}`", breaks=False)
        else:
            yield from self._given(name, one.returns, other.returns, other.place, "returns")

    def _given(self, name: str, old: str, new: str, place: str, verb: str) -> Iterator[Change]:
        """Compare what a caller gets."""
        before, after = self._old_types.of(old), self._new_types.of(new)
        if before != after:
            fits, fits_old = self._takes(before, after), self._takes(after, before)
            kind: Kind = "changed" if fits == fits_old else "narrowed" if fits else "widened"
            yield _change(kind, name, place, f"{verb} `{new}`, was `{old}`", breaks=not fits)

    def _takes(self, wanted: AnyOf, given: AnyOf) -> bool:
        return takes(wanted, given, self._strings)

    def _arguments(
        self, owner: str, old: Sequence[Argument], new: Sequence[Argument], place: str, *, is_class: bool = False
    ) -> Iterator[Change]:
        """Compare what a caller passes."""
        show = _field_name if is_class else _argument_name
        noun = "field" if is_class else "argument"
        pairs = argument_pairs(old, new, self._matching.classes)
        for one in (one for one in old if one not in [first for first, _ in pairs]):
            yield _change("removed", show(owner, one), one.place or place, f"the {noun} is gone", breaks=True)
        for one, other in pairs:
            name = show(owner, other)
            if one.name != other.name:
                is_kept = other.old_name == one.name
                message = f"the {noun} is now `{other.name}`{_KEPT if is_kept else ''}"
                yield _change("renamed", show(owner, one), other.place or place, message, breaks=not is_kept)
            if other.is_required and not one.is_required:
                yield _change("narrowed", name, other.place or place, f"the {noun} is now required", breaks=True)
            elif one.is_required and not other.is_required:
                yield _change("widened", name, other.place or place, f"the {noun} is now optional", breaks=False)
            yield from self._passed(name, one, other, place)
            yield from _deprecation(name, one, other, noun, other.place or place)
        for one in (one for one in new if one not in [second for _, second in pairs]):
            what = f"a new required {noun}" if one.is_required else f"a new {noun}"
            yield _change("added", show(owner, one), one.place or place, what, breaks=one.is_required)
        yield from _positions(owner, pairs, old, new, place)

    def _passed(self, name: str, one: Argument, other: Argument, place: str) -> Iterator[Change]:
        before, after = self._old_types.of(one.annotation), self._new_types.of(other.annotation)
        if one.is_required != other.is_required:  # that it may be left out was said already
            before, after = _given_only(before), _given_only(after)
        if before != after:
            fits, fits_old = self._takes(after, before), self._takes(before, after)
            kind: Kind = "changed" if fits == fits_old else "widened" if fits else "narrowed"
            message = f"takes `{other.annotation}`, was `{one.annotation}`"
            yield _change(kind, name, other.place or place, message, breaks=not fits)

    def _models(self) -> Iterator[Change]:
        old, new = {one.name: one for one in self._old.models}, {one.name: one for one in self._new.models}
        yield from self._classes(old, new)
        for name, one in old.items():
            if other := new.get(self._matching.classes.get(name, name)):
                yield from self._model(one, other)

    def _classes(self, old: Mapping[str, _Class], new: Mapping[str, _Class]) -> Iterator[Change]:
        """Compare the names of classes of one kind."""
        renamed = self._matching.classes
        for name, one in old.items():
            if name in renamed:
                other = new[renamed[name]]
                is_kept = other.old_name == name
                message = f"the class is now `{other.name}`{_KEPT if is_kept else ''}"
                yield _change("renamed", f"models.{name}", other.place, message, breaks=not is_kept)
            elif name not in new:
                yield _change("removed", f"models.{name}", one.place, "the class is gone", breaks=True)
        for name, one in new.items():
            if name not in old and name not in renamed.values():
                yield _change("added", f"models.{name}", one.place, "a new class", breaks=False)

    def _model(self, one: ModelClass, other: ModelClass) -> Iterator[Change]:
        if one.module != other.module:
            message = f"the class is now in `models.{other.module}`; import it from `models`"
            yield _change("moved", f"models.{other.name}", other.place, message, breaks=False)
        if one.use != "read":
            yield from self._arguments(other.name, one.fields, other.fields, other.place, is_class=True)
        if one.use == "written":
            return
        pairs = argument_pairs(one.fields, other.fields, self._matching.classes)
        is_shown = one.use == "both"
        for field in one.fields if not is_shown else ():
            if field not in [first for first, _ in pairs]:
                yield _change("removed", f"{one.name}.{field.name}", field.place, "the field is gone", breaks=True)
        for field, new in pairs:
            name = f"{other.name}.{new.name}"
            if field.name != new.name and not is_shown:
                is_kept = new.old_name == field.name
                message = f"the field is now `{new.name}`{_KEPT if is_kept else ''}"
                yield _change("renamed", f"{one.name}.{field.name}", new.place, message, breaks=not is_kept)
            yield from self._given(name, field.annotation, new.annotation, new.place, "is")
            if not is_shown:
                yield from _deprecation(name, field, new, "field", new.place)
        for field in other.fields if not is_shown else ():
            if field not in [second for _, second in pairs]:
                yield _change("added", f"{other.name}.{field.name}", field.place, "a new field", breaks=False)

    def _enums(self) -> Iterator[Change]:
        old, new = {one.name: one for one in self._old.enums}, {one.name: one for one in self._new.enums}
        yield from self._classes(old, new)
        for name, one in old.items():
            if other := new.get(self._matching.classes.get(name, name)):
                yield from _constants(one, other)

    def _aliases(self) -> Iterator[Change]:
        old, new = {one.name: one for one in self._old.aliases}, {one.name: one for one in self._new.aliases}
        yield from self._classes(old, new)
        for name, one in old.items():
            if other := new.get(self._matching.classes.get(name, name)):
                yield from self._union(name, one.annotation, other.annotation, other.place, one.use)

    def _union(self, name: str, old: str, new: str, place: str, use: Use) -> Iterator[Change]:
        if use == "read":
            yield from self._given(f"models.{name}", old, new, place, "is")
            return
        one, other = Argument(name=name, annotation=old), Argument(name=name, annotation=new)
        yield from self._passed(f"models.{name}", one, other, place)
        if use == "both":
            yield from self._given(f"models.{name}", old, new, place, "is")

    def _events(self) -> Iterator[Change]:
        old, new = {one.type: one for one in self._old.events}, {one.type: one for one in self._new.events}
        renamed = renamed_events(self._old, self._new)
        for one in (one for one in old.values() if one.type not in new):
            if one.type in renamed:
                other = new[renamed[one.type]]
                is_kept = other.old_type == one.type
                message = f"the event is now `{other.type}`, and its class `{other.name}`{_KEPT if is_kept else ''}"
                yield _change("renamed", f"webhooks.{one.name}", other.place, message, breaks=not is_kept)
            else:
                yield _change("removed", f"webhooks.{one.name}", one.place, f"the event `{one.type}` is gone", breaks=True)
        for one in new.values():
            if one.type not in old and one.type not in renamed.values():
                yield _change("added", f"webhooks.{one.name}", one.place, f"a new event, `{one.type}`", breaks=False)
        for type_ in old.keys() & new.keys():
            one, other = old[type_], new[type_]
            if one.name != other.name:
                yield _change("renamed", f"webhooks.{one.name}", other.place, f"the class is now `{other.name}`", breaks=True)
            yield from self._given(f"webhooks.{other.name}.data", one.data, other.data, other.place, "is")

    def _clients(self) -> Iterator[Change]:
        for one, other in zip(self._old.clients, self._new.clients, strict=False):
            if one.name != other.name:
                yield _change("renamed", one.name, "#/info/title", f"the client is now `{other.name}`", breaks=True)
            yield from self._arguments(other.name, one.arguments, other.arguments, "#/components/securitySchemes")


def _deprecation(name: str, old: _Deprecable, new: _Deprecable, noun: str, place: str) -> Iterator[Change]:
    if new.is_deprecated and not old.is_deprecated:
        yield _change("changed", name, place, f"the {noun} is now deprecated", breaks=False)


def _types(surface: PythonSurface, renamed: dict[str, str]) -> Types:
    unions = {one.name: one.annotation for one in surface.aliases}
    texts = {like_alias(one.name): f"{one.name} | str" for one in surface.enums}
    return Types(unions | texts, renamed)


def _given_only(union: AnyOf) -> AnyOf:
    """Return a type without the type of `UNSET`."""
    return frozenset(type_ for type_ in union if type_.name != "Unset")


def _namespaces(functions: Sequence[Function]) -> dict[str, str]:
    """Return all namespaces, each with the place of its first operation."""
    found: dict[str, str] = {}
    for function in functions:
        for name in namespace_ancestors(function.namespace):
            found.setdefault(name, function.place)
    return found


def _constants(one: EnumClass, other: EnumClass) -> Iterator[Change]:
    values = {value: constant for constant, value in other.constants.items()}
    for constant, value in one.constants.items():
        name = f"{one.name}.{constant}"
        if value in values:
            if values[value] != constant:
                yield _change("renamed", name, other.place, f"the constant is now `{values[value]}`", breaks=True)
        elif constant in other.constants:
            message = f"the value is now `{other.constants[constant]}`, was `{value}`"
            yield _change("changed", name, other.place, message, breaks=True)
        else:
            yield _change("removed", name, other.place, f"the value `{value}` is gone", breaks=True)
    for constant, value in other.constants.items():
        if constant not in one.constants and value not in one.constants.values():
            yield _change("added", f"{other.name}.{constant}", other.place, f"a new value, `{value}`", breaks=False)


def _positions(
    owner: str, pairs: Sequence[tuple[Argument, Argument]], old: Sequence[Argument], new: Sequence[Argument], place: str
) -> Iterator[Change]:
    """Report arguments that a caller cannot pass by the same position any more."""
    positions = {other.name: index for index, other in enumerate(other for other in new if other.is_positional)}
    before = {one.name: index for index, one in enumerate(one for one in old if one.is_positional)}
    if any(one.is_positional and positions.get(other.name) != before[one.name] for one, other in pairs):
        yield _change("changed", f"{owner}()", place, "its positional arguments have another order", breaks=True)


def _argument_name(owner: str, argument: Argument) -> str:
    return f"{owner}({argument.name}=)"


def _field_name(owner: str, argument: Argument) -> str:
    return f"{owner}.{argument.name}"
