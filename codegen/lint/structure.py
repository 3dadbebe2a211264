"""Check the version of the document, its keys, its references and its tags."""

from __future__ import annotations

from codegen.errors import ProblemCollector
from codegen.spec.document import Document, child_pointer, entries, is_object, items, references_in
from codegen.spec.parts import Part, parts_of
from codegen.spec.vocabulary import ACTIONS, ALLOWED_KEYS, EVIDENCE, EXTENSION_TYPES, FAKE_KEYS

_TYPE_NAMES = {str: "a string", bool: "a boolean", dict: "a mapping", list: "a list"}
_CHOICES = {"x-evidence": EVIDENCE, "x-cstar-action": ACTIONS}


def inspect(document: Document, problems: ProblemCollector, *, has_overlays: bool = False) -> None:
    """Check what can be checked without following references."""
    _inspect_version(document, problems)
    for part in parts_of(document):
        added = FAKE_KEYS.get(part.kind, frozenset()) if has_overlays else frozenset[str]()
        _check_known_keys(part, ALLOWED_KEYS[part.kind] | added, problems)
        _check_value_types(part, problems)
    _inspect_references(document, problems)
    _inspect_tags(document, problems)


def inspect_overlay(document: Document, overlaid: Document, problems: ProblemCollector) -> None:
    """Check that the overlay of the fake server adds only its extensions."""
    known = {part.pointer for part in parts_of(document)}
    for part in parts_of(overlaid):
        if part.pointer not in known:
            problems.add(part.pointer, "the overlay of the fake server extends something that the document does not have.")
            continue
        _check_known_keys(part, ALLOWED_KEYS[part.kind] | FAKE_KEYS.get(part.kind, frozenset()), problems)
        _check_value_types(part, problems)
    for operation in overlaid.operations:
        names = {parameter.name for parameter in operation.parameters}
        for key in ("x-cstar-filter", "x-cstar-expand", "x-cstar-sort"):
            for name in entries(operation.node, key).keys() - names:
                problems.add(operation.pointer, f"`{key}` names `{name}`, which is not a parameter.")


def _inspect_version(document: Document, problems: ProblemCollector) -> None:
    version = str(document.raw.get("openapi"))
    if not version.startswith("3.1."):
        problems.add("#/openapi", f"the document must be OpenAPI 3.1, got {version}.")


def _check_known_keys(part: Part, known: frozenset[str], problems: ProblemCollector) -> None:
    if part.kind == "path item" and "$ref" in part.node:
        problems.add(part.pointer, "a path item given by $ref loses all its operations; write them here.")
        return
    for key in part.node:
        if key in known:
            continue
        if key.startswith("x-"):
            problems.add(part.pointer, f"no {part.kind} has the extension `{key}`; is it misspelt?")
        else:
            problems.add(part.pointer, f"the generator would ignore `{key}` of this {part.kind}.")


def _check_value_types(part: Part, problems: ProblemCollector) -> None:
    for key, value in part.node.items():
        form = EXTENSION_TYPES.get(key)
        if form is not None and not isinstance(value, form):
            problems.add(part.pointer, f"`{key}` must be {_TYPE_NAMES[form]}, got {value!r}.")
        elif key in ("x-source", "description", "summary") and not value.strip():
            problems.add(part.pointer, f"`{key}` must not be empty.")
        elif key in _CHOICES and value not in _CHOICES[key]:
            problems.add(part.pointer, f"`{key}` must be one of {', '.join(_CHOICES[key])}, got `{value}`.")


def _inspect_references(document: Document, problems: ProblemCollector) -> None:
    for reference, pointer in references_in(document.raw, "#"):
        if not reference.startswith("#/components/"):
            problems.add(pointer, f"the $ref `{reference}` does not lead to a component of this document.")
        elif (target := document.at(reference)) is None:
            problems.add(pointer, f"the $ref `{reference}` leads nowhere.")
        elif is_object(target) and "$ref" in target:
            problems.add(pointer, f"the $ref `{reference}` leads to another $ref; refer to the thing itself.")


def _inspect_tags(document: Document, problems: ProblemCollector) -> None:
    names = [tag.get("name", "") for tag in items(document.raw, "tags")]
    for index, tag in enumerate(items(document.raw, "tags")):
        name, pointer = tag.get("name", ""), child_pointer("#/tags", str(index))
        if not tag.get("description"):
            problems.add(pointer, f"the tag `{name}` has no description.")
        if name in names[:index]:
            problems.add(pointer, f"the tag `{name}` is declared twice.")
