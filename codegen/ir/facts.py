"""Say in words what a schema states about its values: the default, and limits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from codegen.spec.document import Node, is_list, is_object

_UNITS = (("minimum", "maximum", ""), ("minLength", "maxLength", " characters"), ("minItems", "maxItems", " items"))


def facts_about(schema: Node, text: str) -> list[str]:
    """Return a sentence for each fact that a description does not have.

    Args:
        schema: The schema of the value.
        text: Its description.
    """
    return [sentence for sentence, words in _facts(schema) if not any(word in text.lower() for word in words)]


def _facts(schema: Node) -> Iterator[tuple[str, list[str]]]:
    """Yield each fact, with the words by which a description states it."""
    for lower, upper, unit in _UNITS:
        low, high = _number(schema.get(lower)), _number(schema.get(upper))
        if high is not None:
            yield f"{'At most' if low in (None, 0) else f'{low} to'} {_count(high, unit)}.", [str(high)]
        elif low is not None and low != 0 and (low, unit) != (1, " characters"):
            yield f"At least {_count(low, unit)}.", [str(low)]
    for key, words in (("exclusiveMinimum", "Above"), ("exclusiveMaximum", "Below")):
        if (limit := _number(schema.get(key))) is not None:
            yield f"{words} {limit}.", [str(limit)]
    if (step := _number(schema.get("multipleOf"))) not in (None, 1):
        yield f"A multiple of {step}.", [str(step)]
    if values := _values(schema.get("enum")):
        yield (
            f"One of {', '.join(_labelled(schema, index, value) for index, value in enumerate(values))}.",
            [repr(values[0]).lower()],
        )
    if "const" in schema and schema["const"] is not None:
        yield f"Always `{schema['const']!r}`.", [str(schema["const"]).lower()]
    if isinstance(pattern := schema.get("pattern"), str) and len(pattern) <= 60 and "`" not in pattern:
        yield f"Pattern: `{pattern}`.", [pattern.lower()]
    if (default := _default(schema.get("default"))) is not None:
        yield f"The server's default is {default}.", ["default"]


def _values(given: Any) -> list[Any]:
    """Return the values of an enum that has no class, because they are not texts; none if there are many."""
    values: list[Any] = given if is_list(given) and len(given) <= 20 else []
    return [] if all(isinstance(value, str) for value in values) else values


def _labelled(schema: Node, index: int, value: Any) -> str:
    """Return a value of an enum, with the name or the description that the document gives it."""
    names, texts = schema.get("x-enum-varnames"), schema.get("x-enum-descriptions")
    name = names[index : index + 1] if is_list(names) else [names.get(str(value))] if is_object(names) else []
    label = (texts.get(str(value)) if is_object(texts) else None) or next(iter(name), None)
    return f"`{value!r}` ({str(label).strip().rstrip('.')})" if label else f"`{value!r}`"


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _count(number: float, unit: str) -> str:
    return f"{number}{unit.removesuffix('s') if number == 1 else unit}"


def _default(value: Any) -> str | None:
    """Return a plain default as Python code."""
    return f"`{value!r}`" if isinstance(value, str | int | float) and value != "" else None
