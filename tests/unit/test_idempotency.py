"""Idempotency keys: derived, generated, and given."""

from __future__ import annotations

import enum

import pytest

from cstar_async import InvalidArgumentError, idempotency_key
from cstar_async._protocol.idempotency import new_key, validate_key


class Kind(str, enum.Enum):  # noqa: UP042  # its str() is the point
    """An enum of str whose `str()` is not the value."""

    REPLY = "reply"


class Level(enum.IntEnum):
    """An enum of int."""

    FIRST = 1


NO_PART = "parts must have at least one str or int, got none"
WRONG_TYPE = "parts must be str or int, got "
TOO_LARGE = "parts must have at most 2048 bits if they are int, got "


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ((), NO_PART),
        ((True,), WRONG_TYPE + "bool"),
        ((None,), WRONG_TYPE + "NoneType"),
        ((1.5,), WRONG_TYPE + "float"),
        ((b"x",), WRONG_TYPE + "bytes"),
        ((10**5000,), TOO_LARGE + "16610 bits"),
        ((-(2**2048),), TOO_LARGE + "2049 bits"),
        (("x", 10**700), TOO_LARGE + "2326 bits"),
    ],
)
def test_invalid_parts_are_refused(parts: tuple[str, ...], message: str) -> None:
    """At least one str or int, and no int that some Python cannot format."""
    with pytest.raises(InvalidArgumentError) as caught:
        idempotency_key(*parts)
    assert message == caught.value.message


@pytest.mark.parametrize(
    ("parts", "key"),
    [
        (("reply", "evt_1"), "idk_21652ff0953a346018165189bdb1d4ffdca96133"),
        (("1",), "idk_43de3a417d75f4818c5a553268b80ce3a5805109"),
        ((1,), "idk_080a9ed428559ef602668b4c00f114f1a11c3f6b"),
        (("ab", "c"), "idk_825825018f58e795ae2d3d8df6a879567555c776"),
        (("a", "bc"), "idk_42a6f3f44be0aaf23c936b1547dd5e41d2d25ff2"),
        (("ü😀",), "idk_af673a3e430f07e8bcf23b52b7f05b8c3b1174b1"),
        ((-5, "x"), "idk_f2d0d38088a3d09691940cfa7b228d52c5ad01ee"),
    ],
)
def test_derived_key_never_changes(parts: tuple[str | int, ...], key: str) -> None:
    """A job may run again with a later version of the package."""
    assert key == idempotency_key(*parts)


@pytest.mark.parametrize(("part", "same"), [(Kind.REPLY, "reply"), (Level.FIRST, 1)])
def test_enum_member_counts_as_its_value(part: str | int, same: str | int) -> None:
    """They compare equal."""
    assert idempotency_key(same) == idempotency_key(part)


@pytest.mark.parametrize("part", ["", "\ud800", "x" * 100_000, 2**2048 - 1, 1 - 2**2048])
def test_unusual_parts_give_valid_keys(part: str | int) -> None:
    """Empty, broken and long str, and the largest int."""
    assert 44 == len(validate_key(idempotency_key(part)))


def test_generated_keys_are_valid_and_differ() -> None:
    """One for each call."""
    keys = {validate_key(new_key()) for _ in range(100)}
    assert 100 == len(keys)


def test_generated_key_is_128_bits_in_hex() -> None:
    """Enough to be unique."""
    assert 16 == len(bytes.fromhex(new_key()))


LENGTH = "idempotency_key must have 1 to 255 characters, got "
FORM = (
    "idempotency_key must be printable ASCII without spaces at its ends, got a str of {} characters; "
    "derive one with cstar_async.idempotency_key()"
)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("", LENGTH + "0"),
        ("x" * 256, LENGTH + "256"),
        ("ä", FORM.format(1)),
        ("a\nb", FORM.format(3)),
        (" a", FORM.format(2)),
        ("a ", FORM.format(2)),
        (None, "idempotency_key must be a str, got NoneType"),
        (5, "idempotency_key must be a str, got int"),
    ],
)
def test_key_that_a_header_cannot_carry_is_refused(key: str, message: str) -> None:
    """Before anything is sent."""
    with pytest.raises(InvalidArgumentError) as caught:
        validate_key(key)
    assert message == caught.value.message


@pytest.mark.parametrize("key", ["x", "x" * 255, "order 7/reply"])
def test_valid_key_is_returned_unchanged(key: str) -> None:
    """In any format."""
    assert key == validate_key(key)
