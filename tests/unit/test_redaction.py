"""Redaction of secrets and e-mail addresses."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cstar_async._values.redaction import MAX_LENGTH, MAX_STORED_LENGTH, printable_line, redact, redact_secrets
from cstar_async.errors import APIError, CStarError, DecodeError
from tests.costs import cpu_seconds


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("key sk_live_abcdef123 used", "key sk_live_… used"),
        ("PK_TEST_abcdef123", "PK_TEST_…"),
        ("older sk_abcdef123", "older sk_…"),
        ("secret whsec_abcdef123", "secret whsec_…"),
        ("Authorization: Bearer abc.DEF-1", "Authorization: Bearer …"),
        ("Bearer%20sk_live_abcdef123", "Bearer …"),
        ("Authorization:%20Bearer%20abc.DEF-1", "Authorization:%20Bearer …"),
        ("q=%20sk_live_abcdef123", "q=%20sk_live_…"),
        ("x_sk_live_abcdef123", "x_sk_live_…"),
        ("next=%2Fx%3Fkey%3Dsk_live_abcdef123", "next=%2Fx%3Fkey%3Dsk_live_…"),
        ("secret%3awhsec_abcdef123", "secret%3awhsec_…"),
        (r"the key\nsk_abcdef123", r"the key\nsk_…"),
        (r"key\u003dsk_test_abcdef123", r"key\u003dsk_test_…"),
        ("sk_live_abc.def+ghi/jkl=", "sk_live_…"),
        ("mail ann.lee+x@example.co.uk, please", "mail …@…, please"),
        ("<ann@example.com>", "<…@…>"),
        ("no customer ann.lee%40example.com, sorry", "no customer …@…, sorry"),
        ("risk_assessment and task_live_view stay", "risk_assessment and task_live_view stay"),
        ("two\r\n  lines\t here ", "two lines here"),
        ("", ""),
    ],
)
def test_text_redacted_shows_no_secret(text: str, shown: str) -> None:
    """Each kind of secret leaves at most its kind behind."""
    assert shown == redact(text)


def test_long_text_is_cut_after_the_secrets_are_out() -> None:
    """A cut cannot leave half a key."""
    text = "a " * 95 + "sk_live_" + "z" * 300
    assert ("z" not in redact(text), MAX_LENGTH) == (True, len(redact("y" * 500)))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("y" * 200, "y" * 200),
        ("y" * 201, "y" * 199 + "…"),
        ("hello " + "y" * 3000, "hello " + "y" * 193 + "…"),
        ("ann@example.com " * 200, ("…@… " * 50)[:199] + "…"),
        (("a" * 90 + "@example.com is ") * 200, "…@… is " * 17 + "…@… is…"),
        ("hello…", "hello…"),
    ],
)
def test_as_much_of_a_long_text_is_shown_as_fits(text: str, shown: str) -> None:
    """Of its first 2,000 characters, once the addresses are short; the last word may be cut, so it is left out."""
    assert shown == redact(text)


def test_text_that_is_stored_keeps_addresses_and_its_length() -> None:
    """Programs may need them; keys and tokens are out."""
    stored = redact_secrets("sk_live_abcdef123 of\nann@example.com: bearer abcdef " + "y" * 500)
    assert "sk_live_… of ann@example.com: bearer … " + "y" * 500 == stored


@pytest.mark.parametrize(("value", "line"), [(5, "5"), (None, "None"), (["ann@example.com"], "[<str>]")])
def test_value_that_is_no_str_is_shown_safely(value: object, line: str) -> None:
    """A server may send anything as its message."""
    assert (line, line, line) == (printable_line(value), redact_secrets(value), redact(value))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("r1\nERROR:root:forged", "r1 ERROR:root:forged"),
        ("a\r\n\x0b\x0c\x1c\x85\u2028\u2029b", "a b"),
        ("caf\udce9", "caf\ufffd"),
        ("\x00\x1b[31mred\x7f\x9b", "\ufffd\ufffd[31mred\ufffd\ufffd"),
        ("\u202egnp.exe \u200b\ufeff", "\ufffdgnp.exe \ufffd\ufffd"),
        ("Grüße, 東京 🎉", "Grüße, 東京 🎉"),
        ("y" * 2000, "y" * 2000),
        ("y" * 2001, "y" * 1999 + "…"),
        (" \n ", ""),
    ],
)
def test_a_line_is_printable(text: str, line: str) -> None:
    """It can be encoded, and it is one line for every reader of lines."""
    found = printable_line(text)
    assert (line, len(found.encode().splitlines()) <= 1) == (found, True)


@pytest.mark.parametrize("end", ["jane.roe@example.com", "sk_live_abcdef123", "Bearer abcdef123"])
def test_a_secret_at_the_cut_is_not_shown(end: str) -> None:
    """What is left of it at the end of a long text would not be recognised."""
    addresses = "a.very.long.address.of.somebody.else@a.very.long.domain.example.com " * 40
    for length in range(MAX_STORED_LENGTH - len(end), MAX_STORED_LENGTH):
        shown = redact(addresses[:length].rsplit(" ", 1)[0].ljust(length) + end + " and more")
        assert not any(part in shown for part in ("jane", "abc", "roe"))


UNITS = ["A", "sk_", "sk_live_", "Bearer ", "bearer%20", "@", "a@", " ", "é", "\udce9", "data:image/png;base64,AAAA", "%40"]


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("clean", [redact, redact_secrets, printable_line])
def test_the_time_is_bounded(unit: str, clean: Callable[[str], str]) -> None:
    """A megabyte costs no more than its beginning."""
    text = (unit * (1_000_000 // len(unit) + 1))[:1_000_000]
    assert cpu_seconds(lambda: clean(text)) < 0.05


@pytest.mark.parametrize(
    "error",
    [
        APIError("m" * 5000, status=400, code="c" * 5000, param="p" * 5000, request_id="r" * 5000, operation="get_ticket"),
        APIError("\n\udce9", status=400, code="c\r\nd", param="p\udc80", request_id="r1\nERROR:root:forged"),
        DecodeError("m\x1b[2J", status=200, request_id="caf\udce9"),
    ],
)
def test_an_error_is_one_line_that_can_be_encoded(error: CStarError) -> None:
    """Each line of its report too."""
    assert (len(str(error)) <= 2000, str(error).isprintable(), len(str(error).encode().splitlines())) == (True, True, 1)
    assert all(line.isprintable() for line in error.report().split("\n"))
    assert "\nERROR" not in error.report()
