"""Check the document against the rules of this project, in three stages.

Each stage reports all its problems. The first one checks versions, keys and references, since the later ones follow references.
"""

from __future__ import annotations

from codegen.errors import ProblemCollector
from codegen.lint import events, names, operations, schemas, structure, unions
from codegen.spec import batches
from codegen.spec.document import Document


def lint(document: Document, *, has_overlays: bool = False) -> None:
    """Raise `CodegenError` with all problems of a document.

    Args:
        document: The document.
        has_overlays: Whether overlays were applied, which may describe the behaviour of the fake server, too.
    """
    problems = ProblemCollector()
    structure.inspect(document, problems, has_overlays=has_overlays)
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
    """Raise `CodegenError` with all problems of the overlay of the fake server."""
    problems = ProblemCollector()
    structure.inspect_overlay(document, overlaid, problems)
    problems.raise_if_any()
