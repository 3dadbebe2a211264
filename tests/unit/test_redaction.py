"""Redaction of secrets and e-mail addresses."""

from __future__ import annotations

import pytest

from cstar_async._redaction import MAX_LENGTH, redact


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("key sk_live_abcdef123 used", "key sk_live_… used"),
        ("PK_TEST_abcdef123", "PK_TEST_…"),
        ("older sk_abcdef123", "older sk_…"),
        ("secret whsec_abcdef123", "secret whsec_…"),
        ("Authorization: Bearer abc.DEF-1", "Authorization: Bearer …"),
        ("Bearer%20sk_live_abcdef123", "Bearer …"),
        ("q=%20sk_live_abcdef123", "q=%20sk_live_…"),
        ("x_sk_live_abcdef123", "x_sk_live_…"),
        ("sk_live_abc.def+ghi/jkl=", "sk_live_…"),
        ("mail ann.lee+x@example.co.uk, please", "mail …@…, please"),
        ("<ann@example.com>", "<…@…>"),
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
