"""Idempotency keys: derived, made, and given."""

from __future__ import annotations

import enum

import pytest

from cstar_async import InvalidArgumentError, idempotency_key
from cstar_async._protocol.idempotency import checked_key, new_key


class Kind(str, enum.Enum):  # noqa: UP042  # its str() is the point
    """An enum of texts as people write them, whose `str()` is not its text."""

    REPLY = "reply"


class Level(enum.IntEnum):
    """An enum of numbers."""

    FIRST = 1


NO_PART = "an idempotency key needs at least one part"
NO_TEXT = "parts of an idempotency key are texts and whole numbers, not "
TOO_LARGE = "a number in an idempotency key has at most 2048 bits"


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ((), NO_PART),
        ((True,), NO_TEXT + "bool"),
        ((None,), NO_TEXT + "NoneType"),
        ((1.5,), NO_TEXT + "float"),
        ((b"x",), NO_TEXT + "bytes"),
        ((10**5000,), TOO_LARGE),
        ((-(2**2048),), TOO_LARGE),
        (("x", 10**700), TOO_LARGE),
    ],
)
def test_parts_that_name_nothing_are_refused(parts: tuple[str, ...], said: str) -> None:
    """Texts and whole numbers only, at least one, and no number that some Python could not write in full."""
    with pytest.raises(InvalidArgumentError) as caught:
        idempotency_key(*parts)
    assert said == caught.value.message


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
def test_derived_key_is_the_same_for_ever(parts: tuple[str | int, ...], key: str) -> None:
    """A job repeated with a later version repeats its calls."""
    assert key == idempotency_key(*parts)


@pytest.mark.parametrize(("part", "same"), [(Kind.REPLY, "reply"), (Level.FIRST, 1)])
def test_member_of_an_enum_is_the_part_that_it_equals(part: str | int, same: str | int) -> None:
    """What compares equal names the same operation."""
    assert idempotency_key(same) == idempotency_key(part)


@pytest.mark.parametrize("part", ["", "\ud800", "x" * 100_000, 2**2048 - 1, 1 - 2**2048])
def test_odd_parts_give_usable_keys(part: str | int) -> None:
    """Empty or broken text, long text, and the largest numbers."""
    assert 44 == len(checked_key(idempotency_key(part)))


def test_made_keys_are_usable_and_differ() -> None:
    """No two calls share one."""
    keys = {checked_key(new_key()) for _ in range(100)}
    assert 100 == len(keys)


def test_made_key_is_128_bits_in_hex() -> None:
    """Enough that no two meet, and no more than a header need carry."""
    assert 16 == len(bytes.fromhex(new_key()))


LENGTH = "an idempotency key has 1 to 255 characters, not "
FORM = "an idempotency key is printable ASCII without spaces at its ends; derive one with idempotency_key()"


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("", LENGTH + "0"),
        ("x" * 256, LENGTH + "256"),
        ("ä", FORM),
        ("a\nb", FORM),
        (" a", FORM),
        ("a ", FORM),
        (None, "an idempotency key is a text, not NoneType"),
        (5, "an idempotency key is a text, not int"),
    ],
)
def test_key_that_no_header_carries_is_refused(key: str, said: str) -> None:
    """Before anything is sent, in a sentence that says what to give instead."""
    with pytest.raises(InvalidArgumentError) as caught:
        checked_key(key)
    assert said == caught.value.message


@pytest.mark.parametrize("key", ["x", "x" * 255, "order 7/reply"])
def test_usable_key_is_taken_as_it_is(key: str) -> None:
    """The caller's own form."""
    assert key == checked_key(key)
