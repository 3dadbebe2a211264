"""Adopt a new document: carry over what only the present one says, decide the rest, and compare the outcome for callers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from codegen.adopt.carrying import Carrier, missing_components
from codegen.adopt.decisions import Decision, Pair, conflict_decisions, gone_decisions, match_operations
from codegen.adopt.methods import name_decisions
from codegen.adopt.paths import update
from codegen.diff.changes import Change
from codegen.diff.matching import match
from codegen.diff.run import compare, side
from codegen.diff.side import Side
from codegen.spec.document import Document, Node, entries
from codegen.spec.overlay import apply_overlay
from codegen.spec.queries import envelope_name


@dataclass(frozen=True, kw_only=True)
class Adoption:
    """What becomes of a new document."""

    overlay: Node
    document: Node
    """The new document with the overlay."""
    decided: tuple[str, ...]
    """What needed no decision, each with the reason."""
    decisions: tuple[Decision, ...]
    classes: dict[str, str]
    """The schemas of the new document that have other names, by the class that they become."""
    changes: tuple[Change, ...]
    """What changes from the present document to the new one, after all decisions."""


def adopt(present: Node, new: Node, name: str, *, keeps_texts: bool = True) -> Adoption:
    """Adopt a new document. Raises `CodegenError` for one that the client cannot read, with all that is missing.

    Args:
        present: The present document.
        new: The new one.
        name: The file of the new one.
        keeps_texts: Whether the present summaries and descriptions stay.
    """
    pairs, gone, added = match_operations(Document(present), Document(new))
    before = side(present, is_sdk=True)
    decisions = [*gone_decisions(gone, present, new), *name_decisions(Document(new), added, pairs, name)]
    chosen = [action for decision in decisions for action in decision.actions]
    classes: dict[str, str] = {}
    while True:
        carrier = Carrier(present, new, classes, keeps_texts=keeps_texts)
        named = [update(("components", "schemas", schema), {"x-cstar-class": name}) for name, schema in classes.items()]
        actions, merged = _applied(new, [*_carried(carrier, pairs), *named, *chosen], present)
        renamed = match(before.surface, side(merged, is_sdk=True).surface).classes
        renamed = {one: other for one, other in renamed.items() if other in entries(entries(new, "components"), "schemas")}
        if not renamed.keys() - classes.keys():
            break
        classes |= renamed
    decisions += _texts(carrier.differing_texts, keeps_texts=keeps_texts)
    conflicts = list(conflict_decisions(present, merged, before, side(merged, is_sdk=True)))
    actions, merged = _applied(new, [*actions, *(action for decision in conflicts for action in decision.actions)], present)
    actions, merged = _applied(new, [*actions, *_envelopes(side(merged, is_sdk=True))], present)
    after = side(merged, is_sdk=True)
    info = {"title": f"What the package cstar_async adds to {name}", "version": str(entries(new, "info").get("version") or "1")}
    return Adoption(
        overlay={"overlay": "1.0.0", "info": info, "extends": name, "actions": actions},
        document=merged,
        decided=tuple(_decided(pairs, classes, after)),
        decisions=(*decisions, *conflicts),
        classes=classes,
        changes=tuple(compare(before, after)),
    )


def _carried(carrier: Carrier, pairs: Sequence[Pair]) -> list[Node]:
    carrier.tags()
    for one, other in pairs:
        carrier.operation(one, other)
    carrier.components()
    carrier.webhooks()
    return carrier.actions


def _applied(new: Node, actions: Sequence[Node], present: Node) -> tuple[list[Node], Node]:
    """Apply actions, and those that add components which only the present document has; return all actions and the result."""
    done: list[Node] = []
    document, waiting = new, list(actions)
    while waiting:
        document = apply_overlay(document, {"overlay": "1.0.0", "actions": waiting}, name="adopt", report=_ignore)
        done += waiting
        waiting = missing_components(document, present)
    return done, document


def _envelopes(found: Side) -> Iterator[Node]:
    """Yield the actions that mark the schemas which are the envelopes of results, as the client reads these itself."""
    known = {one.name for one in found.surface.models}
    known |= {name for name, node in found.document.schemas.items() if node.get("x-cstar-envelope")}
    for name in dict.fromkeys(envelope_name(operation) for operation in found.document.operations):
        if name is not None and name not in known:
            yield update(("components", "schemas", name), {"x-cstar-envelope": True})


def _texts(count: int, *, keeps_texts: bool) -> Iterator[Decision]:
    if count:
        yield Decision(
            name="texts",
            place="#",
            question=f"{count} summaries and descriptions differ",
            default="keep the present ones" if keeps_texts else "take the new ones",
            reason="they say what is inferred; `--texts new` takes the new ones" if keeps_texts else "`--texts new` says so",
        )


def _ignore(_place: str, _message: str) -> None:
    """Pass over notes: the overlay has its title when it is written."""


def _decided(pairs: Sequence[Pair], classes: Mapping[str, str], after: Side) -> Iterator[str]:
    same = [one for one, other in pairs if (one.method, one.path) == (other.method, other.path)]
    yield f"{len(same)} operations are known: they have the method and path of a present one."
    for one, other in pairs:
        if (one.method, one.path) != (other.method, other.path):
            reason = "only names of parameters differ, or the name is the same"
            yield f"`{one.method.upper()} {one.path}` is now `{other.method.upper()} {other.path}`: {reason}."
    for name, schema in classes.items():
        yield f"the schema `{schema}` is the class `{name}`: operations use it in its place, or its fields are the same."
    operations = after.document.operations
    enveloped = sum(operation.result.has_envelope for operation in operations)
    paged = sum(operation.result.shape == "page" for operation in operations)
    yield f"{enveloped} results are in an envelope: their schemas have `data` beside `success`, `meta` or `pagination`."
    yield f"{paged} lists have pages: they take `page` and `pageSize`."
    yield "errors and limits are those that the client reads: the schema `Error` and the headers `X-RateLimit-*` have its fields."
    yield "names, evidence, examples and extensions are those of the present document: the new one has none of its own there."
