"""Read the fields of a form, sent as a query string or in parts."""

from __future__ import annotations

from email.parser import BytesParser
from email.policy import HTTP
from typing import Final
from urllib.parse import parse_qsl

URLENCODED: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"


def parse_form(content_type: str, body: bytes) -> dict[str, list[str]]:
    """Return the values of each field; the value of a file is its name.

    Args:
        content_type: The header of the request.
        body: The body.

    Raises:
        ValueError: The body is not such a form.
    """
    if content_type.partition(";")[0].strip().lower() == URLENCODED:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=bool(body))
    else:
        pairs = list(_parts(content_type, body))
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def _parts(content_type: str, body: bytes) -> list[tuple[str, str]]:
    message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    if not message.is_multipart() or message.defects:
        raise ValueError("the body does not consist of parts")
    found: list[tuple[str, str]] = []
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        if not isinstance(name, str):
            raise ValueError("a part has no name")  # noqa: TRY004  # the caller handles one kind of error
        content = part.get_payload(decode=True)
        text = content.decode("utf-8", "replace") if isinstance(content, bytes) else ""
        found.append((name, part.get_filename() or text))
    return found
