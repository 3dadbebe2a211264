"""Forms that the fake server receives."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cstar_async.testing._http.forms import URLENCODED, parse_form

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)


def _parts(*parts: tuple[str, bytes]) -> bytes:
    lines = [f"--edge\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + content + b"\r\n" for head, content in parts]
    return b"".join(lines) + b"--edge--\r\n"


def test_parts_are_fields() -> None:
    """A file has its name as the value, also if its bytes are no text; a field that is repeated has several values."""
    body = _parts(
        ('name="file"; filename="a.png"\r\nContent-Type: image/png', b"\x89PNG\r\n\x00\xff--edge"),
        ('name="note"', "naïve".encode()),
        ('name="tag"', b"one"),
        ('name="tag"', b"two"),
    )
    assert parse_form("multipart/form-data; boundary=edge", body) == {"file": ["a.png"], "note": ["naïve"], "tag": ["one", "two"]}


@given(st.dictionaries(TEXT.filter(bool), st.lists(TEXT, min_size=1, max_size=3), max_size=4))
def test_encoded_forms_are_read_back(fields: dict[str, list[str]]) -> None:
    """Whatever the names and values are."""
    assert parse_form(URLENCODED, urlencode(fields, doseq=True).encode()) == fields


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=edge", b""),
        ("multipart/form-data; boundary=edge", b"--other\r\n\r\n"),
        ("multipart/form-data; boundary=edge", b"--edge\r\n\r\nx\r\n--edge--\r\n"),
        (URLENCODED, b"no pair"),
        (URLENCODED, b"\xff=\xff"),
    ],
)
def test_other_bodies_are_refused(content_type: str, body: bytes) -> None:
    """With an error that the server turns into a 400."""
    with pytest.raises(ValueError):
        parse_form(content_type, body)
