"""The validation of arguments: what is valid is returned, and everything else is refused in one form."""

from __future__ import annotations

import math
import sys
from typing import Any

import pytest

from cstar_async import InvalidArgumentError
from cstar_async._values.validation import (
    MAX_COUNT,
    check_choice,
    check_instance,
    check_str,
    invalid,
    is_number,
    validate_count,
    validate_seconds,
)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (5, "5"),
        ("a\n", r"'a\n'"),
        ("\ud83c", r"'\ud83c'"),
        pytest.param(10**5000, "an object of type int", id="huge"),
        ("x" * 5000, f"'{'x' * 47}...{'x' * 48}'"),
        ([[[[[[[[]]]]]]]], "[[[[[[[...]]]]]]]"),
    ],
)
def test_an_error_shows_the_value(value: object, shown: str) -> None:
    """Shortened, and in characters that can be printed."""
    assert f"name must be a test, got {shown}" == invalid("name", "a test", value).message


def test_an_error_shows_an_object_whose_repr_fails() -> None:
    """By its class."""

    class Broken:
        def __repr__(self) -> str:
            raise KeyError

    assert "Broken" in str(invalid("name", "a test", Broken()))


@pytest.mark.parametrize("value", [0, -1, 1.5, -1e308, sys.float_info.max, int(sys.float_info.max), -int(sys.float_info.max)])
def test_a_number_is_finite(value: object) -> None:
    """It is an int or a float."""
    assert is_number(value)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, True, False, "5", None, 10**400, -(10**400), 5j])
def test_anything_else_is_no_number(value: object) -> None:
    """Nor is a bool, or an int that no float can hold."""
    assert not is_number(value)


@pytest.mark.parametrize("value", [1, 2, MAX_COUNT])
def test_a_count_is_returned(value: int) -> None:
    """From the minimum to 2**53 - 1."""
    assert value == validate_count("n", value, 1)


@pytest.mark.parametrize("value", [0, -1, MAX_COUNT + 1, pytest.param(10**5000, id="huge"), 1.0, True, "1", None])
def test_another_count_is_refused(value: object) -> None:
    """Out of range, or no int."""
    with pytest.raises(InvalidArgumentError, match=r"^n must be an int from 1, got "):
        validate_count("n", value, 1)


@pytest.mark.parametrize("value", [0, 0.0, 0.1, 5, sys.float_info.max])
def test_seconds_are_returned(value: float) -> None:
    """From 0 by default."""
    assert value == validate_seconds("s", value)
    assert value == validate_seconds("s", value, infinite=True)
    if value:
        assert value == validate_seconds("s", value, above_zero=True)


@pytest.mark.parametrize("value", [-0.1, math.nan, -math.inf, math.inf, 10**400, True, "1", None])
def test_other_seconds_are_refused(value: Any) -> None:
    """The error has the range."""
    with pytest.raises(InvalidArgumentError, match=r"^s must be a number of seconds from 0, got "):
        validate_seconds("s", value)
    with pytest.raises(InvalidArgumentError, match=r"^s must be a number of seconds above 0, got "):
        validate_seconds("s", value, above_zero=True)


def test_infinite_seconds_are_an_option() -> None:
    """Infinity is then the only other value."""
    assert math.inf == validate_seconds("s", math.inf, infinite=True)
    for value in (-math.inf, math.nan, "inf", None):
        with pytest.raises(InvalidArgumentError):
            validate_seconds("s", value, infinite=True)
    with pytest.raises(InvalidArgumentError):
        validate_seconds("s", 0, above_zero=True, infinite=True)


def test_a_choice_is_one_of_a_few_values() -> None:
    """The error lists them."""
    check_choice("drop", None, (None, "before"))
    check_choice("drop", "before", (None, "before"))
    with pytest.raises(InvalidArgumentError, match=r"^drop must be None or 'before', got \[\]$"):
        check_choice("drop", [], (None, "before"))


def test_an_instance_is_of_a_class() -> None:
    """Or of one of several."""
    check_instance("n", 5, int, "an int")
    check_instance("n", 5, (str, int), "an int or a str")
    with pytest.raises(InvalidArgumentError, match=r"^n must be an int, got '5'$"):
        check_instance("n", "5", int, "an int")


@pytest.mark.parametrize("value", ["a\udce9", b"a", None, 5])
def test_what_utf_8_cannot_encode_is_refused(value: object) -> None:
    """And what is no str."""
    check_str("n", "é\U0001f389\n")
    with pytest.raises(InvalidArgumentError, match=r"^n must be a str that UTF-8 can encode, got "):
        check_str("n", value)
