"""Bodies with files, as they are composed. Without I/O."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cstar_async import UNSET, InvalidArgumentError
from cstar_async.files import File
from cstar_async.files._multipart import BodyContent, FileSegment, fields_of, multipart, single_file
from cstar_async.models import TicketCreate


async def pieces() -> AsyncIterator[bytes]:
    """Yield nothing."""
    return
    yield b""


class Named(io.BytesIO):
    """A file with a name."""

    def __init__(self, name: object) -> None:
        super().__init__(b"1")
        self.name = name


def form(fields: dict[str, object], types: dict[str, str] | None = None, files: frozenset[str] = frozenset()) -> BodyContent:
    """Return a form with the boundary `B`."""
    return multipart(fields, types or {}, files, "B")


def text_of(content: BodyContent) -> bytes:
    """Return a body of bytes."""
    return b"".join(one if isinstance(one, bytes) else one.file.content for one in content.segments)  # type: ignore[misc]


def part(head: str, body: str = "1") -> bytes:
    """Return a part of a form."""
    return f"--B\r\n{head}\r\n\r\n{body}\r\n".encode()


END = b"--B--\r\n"


def test_form_has_a_part_for_each_value() -> None:
    """A list is a part for each item; what is not set or null is left out."""
    content = form({"a": "x", "b": [1, True], "c": ("y",), "d": None, "e": UNSET, "f": 1.5, "g": []})
    disposition = 'Content-Disposition: form-data; name="{}"'
    parts = [("a", "x"), ("b", "1"), ("b", "true"), ("c", "y"), ("f", "1.5")]
    assert b"".join(part(disposition.format(name), value) for name, value in parts) + END == text_of(content)
    assert "multipart/form-data; boundary=B" == content.content_type
    assert END == text_of(form({}))


@pytest.mark.parametrize(
    ("value", "text"), [({"x": "ö"}, '{"x":"ö"}'), ([[1]], "[1]"), (TicketCreate(title="A"), '{"title":"A"}'), ([{}], "{}")]
)
def test_objects_and_lists_are_json(value: object, text: str) -> None:
    """With their content type."""
    head = 'Content-Disposition: form-data; name="a"\r\nContent-Type: application/json'
    assert part(head, text) + END == text_of(form({"a": value}))


@pytest.mark.parametrize(
    ("stated", "head", "text"),
    [
        ("application/json", "\r\nContent-Type: application/json", '"x"'),
        (" Application/JSON ; charset=utf-8", "\r\nContent-Type: application/json", '"x"'),
        ("text/csv", "\r\nContent-Type: text/csv", "x"),
        ("text/csv; charset=utf-8", "\r\nContent-Type: text/csv; charset=utf-8", "x"),
        ("text/csv, text/plain", "", "x"),
        ("text/*", "", "x"),
    ],
)
def test_stated_type_of_a_field(stated: str, head: str, text: str) -> None:
    """It is sent if it is one type, and JSON is written as JSON."""
    assert part(f'Content-Disposition: form-data; name="a"{head}', text) + END == text_of(form({"a": "x"}, {"a": stated}))


FILES: list[tuple[Any, str | None, str]] = [
    (b"1", None, 'filename="a"\r\nContent-Type: application/octet-stream'),
    (bytearray(b"1"), None, 'filename="a"\r\nContent-Type: application/octet-stream'),
    (File(b"1", name="b.png"), None, 'filename="b.png"\r\nContent-Type: image/png'),
    (File(b"1", name="b.png"), "text/csv", 'filename="b.png"\r\nContent-Type: text/csv'),
    (File(b"1", name="b.png"), "image/*", 'filename="b.png"\r\nContent-Type: image/png'),
    (File(b"1", name="b.png"), "image/png, image/gif", 'filename="b.png"\r\nContent-Type: image/png'),
    (File(b"1", name="b.png", content_type="x/y"), "text/csv", 'filename="b.png"\r\nContent-Type: x/y'),
    (File(b"1", headers={"X-A": "ö"}), None, 'filename="a"\r\nContent-Type: application/octet-stream\r\nX-A: ö'),
    (Path("/secret/folder/b.txt"), None, 'filename="b.txt"\r\nContent-Type: text/plain'),
    (File(Path("/secret/b.txt"), name="c.gif"), None, 'filename="c.gif"\r\nContent-Type: image/gif'),
    (Named("/secret/b.txt"), None, 'filename="b.txt"\r\nContent-Type: text/plain'),
    (Named(7), None, 'filename="a"\r\nContent-Type: application/octet-stream'),
    (Named("/"), None, 'filename="a"\r\nContent-Type: application/octet-stream'),
    (pieces(), None, 'filename="a"\r\nContent-Type: application/octet-stream'),
]


@pytest.mark.parametrize(("value", "stated", "head"), FILES)
def test_head_of_a_file(value: object, stated: str | None, head: str) -> None:
    """Its name without folders, or that of the field, and its type: its own, the stated one, or that of its name."""
    content = form({"a": value}, {} if stated is None else {"a": stated})
    begin, file, end = content.segments
    assert f'--B\r\nContent-Disposition: form-data; name="a"; {head}\r\n\r\n'.encode() == begin
    assert isinstance(file, FileSegment)
    assert ("a", True) == (file.name, file.file is value or file.file.content is value)
    assert b"\r\n" + END == end


def test_fields_around_files_are_joined() -> None:
    """What is between two files is one segment."""
    content = form({"a": "x", "b": [b"1", b"2"], "c": "y"})
    assert [bytes, FileSegment, bytes, FileSegment, bytes] == [type(one) for one in content.segments]
    body = text_of(content)
    assert [b"x", b"1", b"2", b"y"] == [one.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n") for one in body.split(b"--B")[1:-1]]


@pytest.mark.parametrize(
    ("name", "quoted"), [('a"b', "a%22b"), ("a\r\nb", "a%0D%0Ab"), ("\x00\x7f\x1f", "%00%7F%1F"), ("ö ", "ö "), ("\ud83c", "?")]
)
def test_names_are_quoted(name: str, quoted: str) -> None:
    """Those of fields and of files."""
    assert part(f'Content-Disposition: form-data; name="{quoted}"') + END == text_of(form({name: "1"}))
    head = f'Content-Disposition: form-data; name="{quoted}"; filename="{quoted}"'.encode()
    assert head in text_of(form({name: File(b"1", name=name)}))


@pytest.mark.parametrize("value", ["x", 5, None, {}, object()])
def test_field_of_a_file_takes_no_other_value(value: object) -> None:
    """But None, which leaves it out."""
    if value is None:
        assert END == text_of(form({"a": value}, files=frozenset("a")))
    else:
        with pytest.raises(InvalidArgumentError, match=r"^a must be bytes, a path"):
            form({"a": value}, files=frozenset("a"))


@pytest.mark.parametrize("value", [object(), float("nan"), "\ud83c", {"x": object()}])
def test_value_that_cannot_be_sent_is_refused(value: object) -> None:
    """With an error of the package that names the field, where it is a plain value."""
    with pytest.raises(InvalidArgumentError):
        form({"a": value})
    with pytest.raises(InvalidArgumentError, match=r"^a "):
        form({"a": "\ud83c"})


def test_headers_of_a_part_are_checked() -> None:
    """The disposition is that of the form."""
    with pytest.raises(InvalidArgumentError, match=r"(?i)content-disposition.*set by File"):
        form({"a": File(b"1", headers={"Content-Disposition": "x"})})


@pytest.mark.parametrize(
    ("value", "stated", "expected"),
    [
        (b"1", None, "application/octet-stream"),
        (b"1", "image/png", "image/png"),
        (b"1", "image/*", "application/octet-stream"),
        (b"1", "*/*", "application/octet-stream"),
        (b"1", "image/png; a=b", "image/png; a=b"),
        (b"1", "image", "application/octet-stream"),
        (Path("a.gif"), None, "image/gif"),
        (File(b"1", content_type="a/b"), "image/png", "a/b"),
    ],
)
def test_body_of_one_file(value: Any, stated: str | None, expected: str) -> None:
    """With its type."""
    content = single_file(value, stated, "body")
    (segment,) = content.segments
    assert isinstance(segment, FileSegment)
    assert ("body", expected) == (segment.name, content.content_type)


def test_body_of_one_file_is_checked() -> None:
    """Its value, and its type."""
    with pytest.raises(InvalidArgumentError, match=r"^body must be bytes"):
        single_file("x", None, "body")
    with pytest.raises(InvalidArgumentError):
        single_file(File(b"", content_type="a/b\r\nX: 1"), None, "body")


def test_fields_of_a_body() -> None:
    """Those of a model have their wire names."""
    fields = fields_of(TicketCreate(title="A", customer_name="B"))
    assert ("A", "B", UNSET) == (fields["title"], fields["customerName"], fields["priority"])
    assert {"1": 2} == fields_of({1: 2})
    assert {} == fields_of(None)
