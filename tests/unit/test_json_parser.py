"""The JSON parser for what the server sent: half of a surrogate pair becomes U+FFFD, and nothing else changes."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cstar_async._protocol.json_parser import parse_json
from tests.costs import takes_linear_time


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (rb'"Party \ud83c"', "Party \ufffd"),
        (rb'"\udf89 began"', "\ufffd began"),
        (rb'"\uD83C\uD83C\uDF89"', "\ufffd\U0001f389"),
        (rb'"\udf89\ud83c"', "\ufffd\ufffd"),
        (rb'"\ud83c\udf89\udf89"', "\U0001f389\ufffd"),
        (rb'"\ud83c\\udf89"', "\ufffd\\udf89"),
        (rb'"\\ud83c \ud83c"', "\\ud83c \ufffd"),
        (rb'"\\\ud83c"', "\\\ufffd"),
        (rb'"\"\ud83c\n"', '"\ufffd\n'),
        (rb'{"\ud83c": 1, "\udf89": 2}', {"\ufffd": 2}),
        (b'"Party \xed\xa0\xbc"', "Party \ufffd"),
        (b'{"\xed\xbf\xbf": "\xed\x9f\xbf\xf0\x9f\x8e\x89\\ud83c"}', {"\ufffd": "\ud7ff\U0001f389\ufffd"}),
        (rb'{"a": 1, "a": ["\ud83c", 12345678901234567890]}', {"a": ["\ufffd", 12345678901234567890]}),
    ],
)
def test_half_a_surrogate_pair_is_replaced(text: bytes, value: object) -> None:
    """Pairs, and escaped backslashes before something like an escape, stay as they are."""
    assert value == parse_json(text)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"NaN",
        rb'["\ud83c", NaN]',
        rb'["\ud83c", -Infinity]',
        rb'["\ud83c", 1e400]',
        rb'["\ud83c", 01]',
        rb'["\ud83c",]',
        rb'["\ud83c"',
        rb'"\ud83"',
        rb"\ud83c",
        b'"\\ud83c\n"',
        b'"\\ud83c\xff"',
        b'"\xed\x9f\xbf\xff"',
        b'\xef\xbb\xbf"\\ud83c"',
        b"[" * 1025 + rb'"\ud83c"' + b"]" * 1025,
        b"[" * 200_000 + rb'"\ud83c"',
    ],
)
def test_anything_else_is_refused_as_before(text: bytes) -> None:
    """The error has nothing of the document, not even as its context."""
    with pytest.raises(ValueError, match=r"^not JSON$") as caught:
        parse_json(text)
    assert (caught.value.__context__, caught.value.__cause__) == (None, None)


def test_the_deepest_document_is_parsed_with_half_a_pair() -> None:
    """The limit of orjson holds, not that of the interpreter."""
    value = parse_json(b"[" * 1024 + rb'"\ud83c"' + b"]" * 1024)
    for _ in range(1024):
        (value,) = value
    assert value == "\ufffd"


@pytest.mark.no_cover
@given(st.recursive(st.none() | st.integers(0, 9) | st.text(st.characters(max_codepoint=0x1FFFF, categories=None)), st.lists))
def test_any_str_of_javascript_is_parsed(value: object) -> None:
    """Of a document with any code units, all of Unicode is kept."""
    text = json.dumps(value)
    code_units = json.dumps(json.loads(text), ensure_ascii=False).encode("utf-16", "surrogatepass")
    assert json.loads(code_units.decode("utf-16", "replace")) == parse_json(text.encode())


@pytest.mark.no_cover
@pytest.mark.parametrize("unit", [rb"\ud83c", rb"\ud83c\udf89", rb"\\", rb"\\\ud83c", b"\\\\u", b"x"])
def test_the_time_is_linear(unit: bytes) -> None:
    """A document of eight times the size takes at most some twenty times as long."""

    def parse(count: int) -> None:
        with contextlib.suppress(ValueError):
            parse_json(b'["\\ud83c", "' + unit * count + b'"]')

    assert takes_linear_time(parse, 20_000)
