r"""Parse JSON that the server sent.

JavaScript writes half of a surrogate pair as an escape, `"Party \ud83c"`, when it cuts a str inside an emoji. That is no Unicode
character, so orjson refuses the whole document. Some encoders write the three bytes that UTF-8 would have for it. Here it becomes
U+FFFD in both forms. Everything else that orjson refuses stays refused.
"""

from __future__ import annotations

import re
from typing import Final

import orjson

from cstar_async._types import UntypedJSON

# Escaped backslashes and whole pairs are matched, too, so that no match begins inside of them. The literal backslash at the
# beginning lets the search skip everything else quickly.
_ESCAPE: Final = rb"\\(?:\\(?:\\\\)*+|u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|(u[dD][89a-fA-F][\da-fA-F]{2}))"
_HALF: Final = rb"\xed[\xa0-\xbf][\x80-\xbf]"
"""Half a surrogate pair, written as if it were a character."""


def parse_json(text: bytes) -> UntypedJSON:
    """Parse a JSON document in linear time; raise a `ValueError` without its content if it is not JSON."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass
    try:
        return orjson.loads(_repair(text))
    except orjson.JSONDecodeError:
        pass
    # Raised outside the handlers: the parser's error holds the whole document and would become the context of this one.
    raise ValueError("not JSON")


def _repair(text: bytes) -> bytes:
    """Replace each half of a surrogate pair. One match at a time is in memory, because other escapes may be very many."""
    text = re.sub(_HALF, "\ufffd".encode(), text)
    repaired, end = bytearray(), 0
    for match in re.finditer(_ESCAPE, text):
        if match[1]:
            repaired += text[end : match.start()] + rb"\ufffd"
            end = match.end()
    return bytes(repaired + text[end:])
