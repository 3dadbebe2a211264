"""Files to upload: what they take, and what they refuse."""

from __future__ import annotations

import io
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cstar_async import InvalidArgumentError
from cstar_async._model.file import as_file, check_content, is_content, report_progress
from cstar_async.files import File

KINDS = "bytes, a path, a binary file or an async iterator of bytes"


class Reader:
    """An object with a `read` method."""

    def read(self, _size: int, /) -> bytes:
        """Return nothing."""
        return b""


async def pieces() -> AsyncIterator[bytes]:
    """Return a piece of bytes."""
    yield b"a"


@pytest.mark.parametrize("content", [b"", bytearray(b"a"), Path("a"), io.BytesIO(), Reader(), pieces()])
def test_content_is_any_of_four_kinds(content: Any) -> None:
    """A file of it has the content itself, and nothing else is set."""
    check_content(content, "file")
    assert is_content(content)
    file = as_file(content, "file")
    assert content is file.content
    assert (None, None, None, None) == (file.name, file.content_type, file.headers, file.on_progress)
    assert file is as_file(file, "file")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (5, f"avatar must be {KINDS}, got int"),
        (None, f"avatar must be {KINDS}, got NoneType"),
        (["a"], f"avatar must be {KINDS}, got list"),
        ("a.png", f"avatar must be {KINDS}, got str; use pathlib.Path for a path, and .encode() for a str"),
        (io.StringIO(), "avatar must be a file in binary mode, got one in text mode; open it with open(path, 'rb')"),
    ],
)
def test_other_content_is_refused(content: object, message: str) -> None:
    """The error says what to pass instead, and shows no content."""
    assert not is_content(content)
    with pytest.raises(InvalidArgumentError) as caught:
        as_file(content, "avatar")
    assert message == str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"content": 5}, f"content must be {KINDS}, got int"),
        ({"name": ""}, "name must be a str that is not empty, got ''"),
        ({"name": Path("a")}, f"name must be a str that is not empty, got {Path('a')!r}"),
        ({"content_type": b"image/png"}, "content_type must be a str that is not empty, got b'image/png'"),
        ({"headers": [("X-Name", "Ann")]}, "headers must be a mapping of str to str, got list"),
        ({"on_progress": 5}, "on_progress must be a function, got int"),
    ],
)
def test_wrong_argument_of_a_file_is_refused(arguments: dict[str, Any], message: str) -> None:
    """When the file is made, not when it is sent."""
    with pytest.raises(InvalidArgumentError) as caught:
        File(**{"content": b"a", **arguments})
    assert message == str(caught.value)


def test_repr_shows_no_content_and_no_name() -> None:
    """Only the kind of the content."""
    assert "File(bytes)" == repr(File(b"secret", name="ann.txt", headers={"X-Name": "Ann"}))


def test_error_of_a_callback_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """With its traceback; the transfer goes on."""
    reports: list[tuple[int, int | None]] = []

    def fail(done: int, size: int | None) -> None:
        reports.append((done, size))
        raise RuntimeError("any error")

    report_progress(None, 1, 2)
    report_progress(File(b"a", on_progress=fail).on_progress, 3, 5)
    assert [(3, 5)] == reports
    (record,) = caplog.records
    assert ("cstar_async", logging.ERROR, "on_progress failed; the call continues") == (
        record.name,
        record.levelno,
        record.getMessage(),
    )
    assert record.exc_info
