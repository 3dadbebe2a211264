"""Signatures of chat identities."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cstar_async import InvalidArgumentError
from cstar_async.identity import canonical_identity, sign_identity

VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parents[1] / "samples/signatures.json").read_text(encoding="utf-8"))[
    "identities"
]
FIELDS: dict[str, Any] = {"externalId": "1", "email": "a@example.org", "timestamp": 1}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_published_vectors_are_signed_as_published(vector: dict[str, Any]) -> None:
    """The JSON and its signature are those of the vector."""
    assert vector["canonical"] == canonical_identity(vector["payload"])
    assert vector["signature"] == sign_identity(vector["payload"], vector["secret"])


def test_a_field_that_is_none_is_left_out() -> None:
    """It is not signed as null."""
    assert canonical_identity(FIELDS) == canonical_identity({**FIELDS, "name": None})


def test_an_int_as_an_id_is_signed_as_a_str() -> None:
    """In the JSON, the id is always a string."""
    assert canonical_identity(FIELDS) == canonical_identity({**FIELDS, "externalId": 1})


@pytest.mark.parametrize(
    ("name", "written"),
    [("\ud83d\ude00", '"😀"'), ("\ud800x", '"\\ud800x"'), ('"\\\n\x01\x7f', '"\\"\\\\\\n\\u0001\x7f"'), ("\u2028/<", '"\u2028/<"')],
)
def test_text_is_written_as_javascript_writes_it(name: str, written: str) -> None:
    """Halves of surrogate pairs, control characters, and characters that JSON does not escape."""
    assert f'"name":{written}' in canonical_identity({**FIELDS, "name": name})


@pytest.mark.parametrize("missing", ["email", "externalId", "timestamp"])
def test_a_missing_field_is_named(missing: str) -> None:
    """The server would reject the signature much later."""
    with pytest.raises(InvalidArgumentError, match=f"fields must have `{missing}`"):
        sign_identity({**FIELDS, missing: None}, "secret")


NAMES = "fields must have only the names email, externalId, name, timestamp, got a str of 11 characters; leave other data unsigned"
SECONDS = "`timestamp` must be an int of seconds up to 2**53 - 1, got "


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"external_id": "1"}, NAMES),
        ({"timestamp": "1"}, SECONDS + "str"),
        ({"timestamp": True}, SECONDS + "bool"),
        ({"timestamp": 2**53}, SECONDS + "int"),
        ({"timestamp": -(2**53)}, SECONDS + "int"),
        ({"email": 1}, "`email` must be a str, got int"),
        ({"externalId": True}, "`externalId` must be a str, got bool"),
    ],
)
def test_a_field_that_cannot_be_signed_is_rejected(wrong: dict[str, Any], said: str) -> None:
    """Its name or its type is wrong."""
    with pytest.raises(InvalidArgumentError) as caught:
        sign_identity({**FIELDS, **wrong}, "secret")
    assert said == caught.value.message


@pytest.mark.parametrize("timestamp", [2**53 - 1, 1 - 2**53])
def test_the_largest_numbers_of_javascript_are_signed_as_they_are(timestamp: int) -> None:
    """JavaScript rounds larger ones."""
    assert f'"timestamp":{timestamp}' in canonical_identity({**FIELDS, "timestamp": timestamp})


@pytest.mark.parametrize(("secret", "got"), [("", "a str of 0 characters"), (None, "NoneType")])
def test_an_empty_secret_is_rejected(secret: str, got: str) -> None:
    """Everyone could make the same signature."""
    with pytest.raises(InvalidArgumentError) as caught:
        sign_identity(FIELDS, secret)
    assert f"secret must be the identity key of the chat widget, got {got}" == caught.value.message


def test_a_secret_with_any_characters_signs() -> None:
    """Characters that UTF-8 cannot encode raise no UnicodeError."""
    assert 64 == len(sign_identity(FIELDS, "a\ud800"))


@pytest.mark.parametrize("fields", [None, [], "externalId"])
def test_fields_that_are_no_mapping_are_refused(fields: Any) -> None:
    """With the type that they must have."""
    with pytest.raises(InvalidArgumentError, match=r"^fields must be a mapping of names to values, got "):
        sign_identity(fields, "secret")
