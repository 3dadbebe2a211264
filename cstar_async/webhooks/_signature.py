"""Signatures of webhooks: how one is made, and whether one is good. Times are handed in; nothing here reads a clock.

A signature is HMAC-SHA256 over the time of sending, a dot and the raw body, with the whole secret as the key (Webhook reference,
"Signature"; that `whsec_` belongs to the key is inferred).
"""

from __future__ import annotations

import hashlib
import hmac
import math
import re
from collections.abc import Sequence
from typing import Final

from cstar_async._types import UntypedJSON, is_str
from cstar_async.errors import PayloadError, SignatureError, StaleTimestampError

LEGACY_PREFIX: Final = "sha256="
_TIME: Final = re.compile(r"[0-9]{1,15}", re.ASCII)


def signature_header(body: bytes, secret: str, timestamp: int) -> str:
    """The value of `X-Signature` for a body that is sent at a time, in Unix seconds."""
    return f"t={timestamp},v1={_digest(secret, _timed(str(timestamp), body))}"


def check_signature(
    body: bytes, header: str, secret: str | Sequence[str], *, tolerance: float | None, now: float, allow_legacy: bool
) -> None:
    """Raise unless a body was signed with one of the secrets, and not too long before or after *now*.

    Raises:
        PayloadError: *body* is not bytes.
        SignatureError: No secret, no readable header, or no signature in it that fits.
        StaleTimestampError: The signature fits, and its time is too far from *now*.
    """
    message = _raw(body)
    secrets = _secrets(secret)
    if not is_str(header):
        raise SignatureError("the X-Signature header is missing")
    if header.strip().startswith(LEGACY_PREFIX):
        if not allow_legacy:
            raise SignatureError("the signature is of the older scheme, which has no time; allow_legacy=True accepts it")
        _check_any([header.strip().removeprefix(LEGACY_PREFIX)], secrets, message)
        return
    time, signatures = _read_header(header)
    _check_any(signatures, secrets, _timed(time, message))
    if tolerance is None:
        return
    distance = abs(now - int(time))
    # Written so that a tolerance or a time which is no number refuses.
    if not (math.isfinite(tolerance) and distance <= tolerance):
        raise StaleTimestampError("the signature is good, but its time is too far from now")


def _raw(body: UntypedJSON) -> bytes:
    """The body as bytes; what was parsed or decoded before cannot be checked any more."""
    if isinstance(body, (bytes, bytearray)):
        return bytes(body)
    raise PayloadError(
        f"the signature is over the bytes of the body as they came, and this is {type(body).__name__};"
        " take the raw body of the request"
    )


def _secrets(secret: str | Sequence[str]) -> list[str]:
    secrets = [secret] if isinstance(secret, str) else list(secret)
    if not secrets or not all(is_str(one) and one for one in secrets):
        raise SignatureError("no signing secret is given; it is shown once, when the webhook is created")
    return secrets


def _read_header(header: str) -> tuple[str, list[str]]:
    """The time and the signatures of a header; parts that it may have beside them are passed over."""
    parts = [part.strip().partition("=") for part in header.split(",")]
    times = [value for name, _, value in parts if name == "t"]
    signatures = [value for name, _, value in parts if name == "v1"]
    if len(times) != 1 or not _TIME.fullmatch(times[0]) or not signatures:
        raise SignatureError("the X-Signature header has not the form t=…,v1=…")
    return times[0], signatures


def _check_any(signatures: Sequence[str], secrets: Sequence[str], message: bytes) -> None:
    """Raise unless a signature fits. Each is compared with each secret's, so that the time taken tells nothing."""
    given = [signature.encode("utf-8", "replace") for signature in signatures]
    wanted = [_digest(secret, message).encode() for secret in secrets]
    if not any([hmac.compare_digest(one, other) for one in given for other in wanted]):  # noqa: C419
        raise SignatureError("the signature fits none of the secrets")


def _timed(time: str, body: bytes) -> bytes:
    return time.encode() + b"." + body


def _digest(secret: str, message: bytes) -> str:
    return hmac.new(secret.encode("utf-8", "replace"), message, hashlib.sha256).hexdigest()
