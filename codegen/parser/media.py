"""Compare media types."""

from __future__ import annotations

import re

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
EVENT_STREAM = "text/event-stream"
_LINES = r"application/(jsonl|(x-)?ndjson|(x-)?jsonlines|json-lines|json-seq)"


def essence(media: str) -> str:
    """Return a media type in lower case, without parameters."""
    return media.partition(";")[0].strip().lower()


def is_json(media: str) -> bool:
    """Return whether a media type is JSON: `application/json`, `application/problem+json`, or any type."""
    return re.fullmatch(r"\*/\*|[^/]+/(json|[^/]+\+json)", essence(media)) is not None


def is_text(media: str) -> bool:
    """Return whether a media type is text."""
    return essence(media).startswith("text/") or re.fullmatch(r"application/(xml|.+\+xml)", essence(media)) is not None


def is_items(media: str) -> bool:
    """Return whether a media type is a stream of items: server-sent events or JSON lines."""
    return essence(media) == EVENT_STREAM or re.fullmatch(_LINES, essence(media)) is not None
