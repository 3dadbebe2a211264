"""Compare media types."""

from __future__ import annotations

import re

FORM = "application/x-www-form-urlencoded"


def essence(media: str) -> str:
    """Return a media type in lower case, without parameters."""
    return media.partition(";")[0].strip().lower()


def is_json(media: str) -> bool:
    """Return whether a media type is JSON: `application/json`, `application/problem+json`, or any type."""
    return re.fullmatch(r"\*/\*|[^/]+/(json|[^/]+\+json)", essence(media)) is not None


def is_text(media: str) -> bool:
    """Return whether a media type is text."""
    return essence(media).startswith("text/") or re.fullmatch(r"application/(xml|.+\+xml)", essence(media)) is not None
