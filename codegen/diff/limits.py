"""Compare the limits and defaults of two schemas."""

from __future__ import annotations

from collections.abc import Iterator

from codegen.diff.changes import Kind
from codegen.spec.document import Node, is_list

_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_OTHER = ("pattern", "multipleOf", "uniqueItems", "const", "enum")


def limit_changes(old: Node, new: Node) -> Iterator[tuple[Kind, str]]:
    """Yield what is allowed now that was not, or the other way round: the kind of change, and a phrase without a subject."""
    for key in (*_UPPER, *_LOWER, *_OTHER):
        before, after = old.get(key), new.get(key)
        if before != after:
            if before is None:
                text = f"has `{key}: {after}`"
            elif after is None:
                text = f"has no `{key}` any more, was `{before}`"
            else:
                text = f"has `{key}: {after}`, was `{before}`"
            yield ("widened" if _is_wider(key, before, after) else "narrowed"), text
    if old.get("default") != new.get("default"):
        yield "changed", f"has the default `{new.get('default')}`, was `{old.get('default')}`"


def _is_wider(key: str, before: object, after: object) -> bool:
    if after is None:
        return True
    if isinstance(before, (int, float)) and isinstance(after, (int, float)):
        return (after > before and key in _UPPER) or (after < before and key in _LOWER)
    return key == "enum" and is_list(before) and is_list(after) and all(value in after for value in before)
