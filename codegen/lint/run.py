"""The rules that a document must keep so that generating code from it loses nothing: house lint, in three stages.

Each stage lists all that it finds. The first stage looks at the frame (version, words, references), since the later ones may only
follow references that lead somewhere. The rules read plain data; what they must never do is guess.
"""

from __future__ import annotations

from codegen import (
    preflight_batches,
    preflight_events,
    preflight_frame,
    preflight_names,
    preflight_operations,
    preflight_schemas,
    preflight_unions,
)
from codegen.document import Document
from codegen.problems import Findings


def inspect(document: Document) -> None:
    """Raise `CodegenError` with everything that is wrong with a document of which the shape is right."""
    findings = Findings()
    preflight_frame.inspect(document, findings)
    preflight_events.inspect_items(document, findings)
    findings.stop_if_any()
    preflight_schemas.inspect(document, findings)
    preflight_unions.inspect(document, findings)
    preflight_operations.inspect(document, findings)
    preflight_batches.inspect(document, findings)
    preflight_events.inspect(document, findings)
    findings.stop_if_any()
    preflight_names.inspect(document, findings)
    findings.stop_if_any()
