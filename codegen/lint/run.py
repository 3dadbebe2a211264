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
    findings = ProblemCollector()
    structure.inspect(document, findings)
    events.inspect_items(document, findings)
    findings.raise_if_any()
    schemas.inspect(document, findings)
    unions.inspect(document, findings)
    operations.inspect(document, findings)
    batches.inspect(document, findings)
    events.inspect(document, findings)
    findings.raise_if_any()
    names.inspect(document, findings)
    findings.raise_if_any()


def lint_overlay(document: Document, overlaid: Document) -> None:
    """Raise `CodegenError` with everything that is wrong with the overlay of the fake server."""
    findings = ProblemCollector()
    structure.inspect_overlay(document, overlaid, findings)
    findings.raise_if_any()
