"""The parser leaves the document of this package as it is."""

from __future__ import annotations

from tests.codegen.documents import parsed, whole


def test_document_of_the_package_has_the_form_already() -> None:
    """The parser changes nothing in it but the bodies with an attachment, whose path may be cleared."""
    raw, found = whole(), parsed(whole()).raw
    before, after = raw["components"].pop("schemas"), found["components"].pop("schemas")

    assert raw == found
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    assert {"CommunityAttachmentInput", "CommunityCommentCreate", "CommunityPostCreate"} == changed
