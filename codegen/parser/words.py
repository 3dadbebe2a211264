"""Note the words of a document that have no effect, and report extensions of this project that have another form."""

from __future__ import annotations

from difflib import get_close_matches

from codegen.errors import NoteCollector, ProblemCollector
from codegen.parser.references import References
from codegen.spec.document import Document, is_object
from codegen.spec.parts import Part, parts_of
from codegen.spec.vocabulary import EXTENSION_TYPES, PAGINATION, PAGINATION_KEYS, PAGINATION_KINDS, READ_KEYS

_TYPE_NAMES = {str: "a string", bool: "a boolean", dict: "a mapping", list: "a list"}
_ARTICLES = {"operation": "an", "info": "an", "event": "an"}
_COMPONENT = "#/components/"


def check_words(document: Document, references: References, problems: ProblemCollector, notes: NoteCollector) -> None:
    """Check all keys and references of a document."""
    for part in parts_of(document):
        for key, value in part.node.items():
            form = EXTENSION_TYPES.get(key)
            if key not in READ_KEYS[part.kind]:
                notes.add(part.pointer, _note_on(key, part))
            elif key.startswith("x-") and form is not None and not isinstance(value, form):
                problems.add(part.pointer, f"`{key}` must be {_TYPE_NAMES[form]}, got {value!r}.")
        if part.kind == "operation" and PAGINATION in part.node:
            _check_pagination(part, problems)
        if part.kind == "reference":
            _check_reference(part, references, problems)


def _note_on(key: str, part: Part) -> str:
    owner = f"{_ARTICLES.get(part.kind, 'a')} {part.kind}"
    if not key.startswith("x-cstar-"):
        return f"`{key}` of {owner} is passed over."
    close = get_close_matches(key, [known for known in READ_KEYS[part.kind] if known.startswith("x-cstar-")], n=1)
    advice = f"; is it misspelt for `{close[0]}`?" if close else "; is it misspelt?"
    return f"{owner} has no extension `{key}`{advice}"


def _check_pagination(part: Part, problems: ProblemCollector) -> None:
    given = part.node[PAGINATION]
    if is_object(given):
        for key in given.keys() - set(PAGINATION_KEYS):
            problems.add(part.pointer, f"`{PAGINATION}` has no key `{key}`; it has {', '.join(PAGINATION_KEYS)}.")
    elif given not in PAGINATION_KINDS:
        problems.add(part.pointer, f"`{PAGINATION}` must be {', '.join(PAGINATION_KINDS)}, or a mapping, got {given!r}.")


def _check_reference(part: Part, references: References, problems: ProblemCollector) -> None:
    reference = part.node["$ref"]
    if not isinstance(reference, str):
        problems.add(part.pointer, f"`$ref` must be a string, got {reference!r}.")
        return
    references.resolve(part.node, part.pointer)
    kind = reference.removeprefix(_COMPONENT).partition("/")[0] if reference.startswith(_COMPONENT) else part.target
    if kind != part.target:
        problems.add(part.pointer, f"the $ref `{reference}` must lead to one of the {part.target}, got one of the {kind}.")
