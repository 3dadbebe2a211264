"""The rules that a document must keep so that generating code from it loses nothing: house lint, in three stages.

Each stage lists all that it finds. The first stage looks at the frame (version, words, references), since the later ones may only
follow references that lead somewhere. The rules read plain data; what they must never do is guess.
"""

from __future__ import annotations

from codegen.errors import ProblemCollector
from codegen.lint import batches, events, names, operations, schemas, structure, unions
from codegen.spec.document import Document


def lint(document: Document) -> None:
    """Raise `CodegenError` with everything that is wrong with a document of which the shape is right."""
    problems = ProblemCollector()
    structure.inspect(document, problems)
    events.inspect_items(document, problems)
    problems.raise_if_any()
    schemas.inspect(document, problems)
    unions.inspect(document, problems)
    operations.inspect(document, problems)
    batches.inspect(document, problems)
    events.inspect(document, problems)
    problems.raise_if_any()
    names.inspect(document, problems)
    problems.raise_if_any()


def lint_overlay(document: Document, overlaid: Document) -> None:
    """Raise `CodegenError` with everything that is wrong with the overlay of the fake server."""
    problems = ProblemCollector()
    structure.inspect_overlay(document, overlaid, problems)
    problems.raise_if_any()
