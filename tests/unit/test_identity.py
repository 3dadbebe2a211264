"""Who the customer of a chat is, signed as the server checks it."""

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
def test_a_published_identity_is_signed_alike(vector: dict[str, Any]) -> None:
    """The text and the signature over it."""
    assert vector["canonical"] == canonical_identity(vector["payload"])
    assert vector["signature"] == sign_identity(vector["payload"], vector["secret"])


def test_a_field_that_is_none_is_left_out() -> None:
    """It is not written as null."""
    assert canonical_identity(FIELDS) == canonical_identity({**FIELDS, "name": None})


def test_a_number_as_an_id_is_signed_as_a_text() -> None:
    """The id is always a text on the wire."""
    assert canonical_identity(FIELDS) == canonical_identity({**FIELDS, "externalId": 1})


@pytest.mark.parametrize(
    ("name", "written"),
    [("\ud83d\ude00", '"😀"'), ("\ud800x", '"\\ud800x"'), ('"\\\n\x01\x7f', '"\\"\\\\\\n\\u0001\x7f"'), ("\u2028/<", '"\u2028/<"')],
)
def test_text_is_written_as_javascript_writes_it(name: str, written: str) -> None:
    """Halves of a character, control characters, and what JSON leaves alone."""
    assert f'"name":{written}' in canonical_identity({**FIELDS, "name": name})


@pytest.mark.parametrize("missing", ["email", "externalId", "timestamp"])
def test_a_field_that_must_be_there_is_named(missing: str) -> None:
    """A signature without it would be refused much later."""
    with pytest.raises(InvalidArgumentError, match=f"an identity needs `{missing}`"):
        sign_identity({**FIELDS, missing: None}, "secret")


NAMES = "only email, externalId, name, timestamp are signed, by these names"
SECONDS = "`timestamp` is a whole number of seconds"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"external_id": "1"}, NAMES),
        ({"timestamp": "1"}, SECONDS),
        ({"timestamp": True}, SECONDS),
        ({"timestamp": 2**53}, SECONDS),
        ({"timestamp": -(2**53)}, SECONDS),
        ({"email": 1}, "`email` is a text"),
        ({"externalId": True}, "`externalId` is a text"),
    ],
)
def test_a_field_that_cannot_be_signed_is_refused(wrong: dict[str, Any], said: str) -> None:
    """By its name or by its type."""
    with pytest.raises(InvalidArgumentError) as caught:
        sign_identity({**FIELDS, **wrong}, "secret")
    assert said == caught.value.message


@pytest.mark.parametrize("timestamp", [2**53 - 1, 1 - 2**53])
def test_the_largest_numbers_of_javascript_are_signed_as_they_are(timestamp: int) -> None:
    """Beyond them it would write another number."""
    assert f'"timestamp":{timestamp}' in canonical_identity({**FIELDS, "timestamp": timestamp})


@pytest.mark.parametrize("secret", ["", None])
def test_no_secret_is_refused(secret: str) -> None:
    """Else anybody could sign."""
    with pytest.raises(InvalidArgumentError) as caught:
        sign_identity(FIELDS, secret)
    assert "an identity is signed with the identity key of the chat widget, and none is given" == caught.value.message


def test_a_secret_of_any_text_signs() -> None:
    """What UTF-8 cannot hold is no reason to fail with a foreign error."""
    assert 64 == len(sign_identity(FIELDS, "a\ud800"))
