"""The form into which the parser brings a document."""

from __future__ import annotations

from codegen.spec.document import Document
from tests.codegen.documents import notes_on, parsed, whole


def test_document_of_the_package_has_the_form_already() -> None:
    """The parser changes nothing in it, and passes nothing over."""
    raw = whole()
    found = parsed(whole())

    assert raw == found.raw
    assert [(one.node, one.parameters) for one in Document(raw).operations] == [
        (one.node, one.parameters) for one in found.operations
    ]
    assert [] == notes_on(whole())
