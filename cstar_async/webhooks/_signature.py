"""Sign webhook deliveries and verify their signatures.

A signature is HMAC-SHA256 of the Unix time of sending, a dot and the raw body. The key is the whole secret (Webhook reference,
"Signature"; that `whsec_` is part of the key is documented by sample).
"""

from __future__ import annotations

import hmac
import re
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final, TypeAlias

from cstar_async._types import UntypedJSON, is_str
from cstar_async._values.repr import private_repr
from cstar_async._values.validation import check_instance, is_number, validate_count
from cstar_async.errors import InvalidArgumentError, PayloadError, SignatureError, StaleTimestampError

Digest: TypeAlias = Callable[[bytes], str]
"""Makes the digest of a message in hex, with one secret."""

LEGACY_PREFIX: Final = "sha256="
_RULE: Final = "secret must be a signing secret or several, none of them empty"
_ADVICE: Final = "cStar shows it once, on creation"
_TIMESTAMP: Final = re.compile(r"[0-9]{1,15}", re.ASCII)
_USUAL_HEADER: Final = re.compile(r"t=([0-9]{1,15}),v1=([0-9a-f]{64})", re.ASCII)


def sign(body: bytes, secret: str, *, timestamp: int | None = None) -> str:
    """Sign a body as cStar does, to test a receiver.

    Args:
        body: The bytes to send.
        secret: The signing secret of the webhook, `whsec_…`.
        timestamp: The time of sending in Unix seconds. Default: now.

    Returns:
        The value of `X-Signature`: `t=<seconds>,v1=<64 hex digits>`.

    Raises:
        PayloadError: *body* is not bytes.
        InvalidArgumentError: *secret* is not a str, or *timestamp* is not an int from 0.

    Source: Webhook reference, Signature (documented).
    """
    message = validate_body(body)
    check_instance("secret", secret, str, "a str", is_private=True)
    sent_at = int(time.time()) if timestamp is None else validate_count("timestamp", timestamp, 0)
    return f"t={sent_at},v1={_digest(secret, b'%d.%s' % (sent_at, message))}"


def verify_signature(
    body: bytes,
    header: str,
    secret: str | Sequence[str],
    *,
    tolerance: float | None = 300.0,
    now: float | None = None,
    allow_legacy: bool = False,
) -> None:
    """Verify the signature of a delivery. The arguments are those of `construct_event`.

    Raises:
        SignatureError: The signature is missing, malformed or matches no secret, or *secret* is empty.
        StaleTimestampError: The signature matches, but its timestamp is too far from now.
        PayloadError: *body* is not bytes.

    Source: Webhook reference, Signature (documented).
    """
    message = validate_body(body)
    try:
        secrets = validate_secrets(secret)
    except InvalidArgumentError as error:
        raise SignatureError(error.message) from None
    digests = [partial(_digest, secret) for secret in secrets]
    check_signature(message, header, digests, tolerance=tolerance, now=now, allow_legacy=allow_legacy)


def check_signature(
    message: bytes, header: str, digests: Sequence[Digest], *, tolerance: float | None, now: float | None, allow_legacy: bool
) -> None:
    """Verify the signature of a delivery as `verify_signature` does, with a body and secrets that were validated before."""
    if not digests:
        raise SignatureError(f"{_RULE}, got none; {_ADVICE}")
    if not is_str(header):
        raise SignatureError("header must be the value of X-Signature; the request has none")
    if header.strip().startswith(LEGACY_PREFIX):
        if not allow_legacy:
            raise SignatureError("the signature has the legacy form without a timestamp; pass allow_legacy=True to accept it")
        _check_any([header.strip().removeprefix(LEGACY_PREFIX)], digests, message)
        return
    timestamp, signatures = _parse_header(header)
    _check_any(signatures, digests, timestamp.encode() + b"." + message)
    if tolerance is None:
        return
    now = time.time() if now is None else now
    # Written so that NaN, infinity and what is no number are rejected.
    if not (is_number(tolerance) and is_number(now) and abs(now - int(timestamp)) <= tolerance):
        raise StaleTimestampError("the signature matches, but its timestamp is more than tolerance seconds from now")


def validate_secrets(secret: str | Sequence[str]) -> tuple[str, ...]:
    """Return the secrets. Raise InvalidArgumentError for anything that no signature can match, but accept none at all."""
    untyped: UntypedJSON = secret
    is_one = isinstance(untyped, (str, bytes, Mapping)) or not hasattr(untyped, "__iter__")
    try:
        secrets: tuple[UntypedJSON, ...] = (secret,) if is_one else tuple(secret)
    except Exception:  # such as the TypeError of a class, which has an `__iter__` for its instances
        raise InvalidArgumentError(f"{_RULE}, got {type(secret).__name__}; {_ADVICE}") from None
    for one in secrets:
        if not is_str(one) or not one:
            raise InvalidArgumentError(f"{_RULE}, got {private_repr(one)}; {_ADVICE}")
    return secrets


def keyed_digests(secret: str | Sequence[str]) -> list[Digest]:
    """Return a function for each secret that makes the digest of a message. Hashing the key once saves half of the time."""
    return [_keyed_digest(hmac.new(_key(one), digestmod="sha256")) for one in validate_secrets(secret)]


def _keyed_digest(keyed: hmac.HMAC) -> Digest:
    def digest(message: bytes) -> str:
        copy = keyed.copy()
        copy.update(message)
        return copy.hexdigest()

    return digest


def validate_body(body: UntypedJSON) -> bytes:
    """Return the body as bytes. Raise PayloadError if it is anything else, such as a parsed body."""
    if isinstance(body, (bytes, bytearray)):
        return bytes(body)
    raise PayloadError(f"body must be bytes, got {type(body).__name__}; pass the raw body of the request, before it is parsed")


def _parse_header(header: str) -> tuple[str, list[str]]:
    """Return the timestamp and the signatures. Other parts are ignored."""
    usual = _USUAL_HEADER.fullmatch(header)
    if usual is not None:
        return usual[1], [usual[2]]
    parts = [part.strip().partition("=") for part in header.split(",")]
    timestamps = [value for name, _, value in parts if name == "t"]
    signatures = [value for name, _, value in parts if name == "v1"]
    if len(timestamps) != 1 or not _TIMESTAMP.fullmatch(timestamps[0]) or not signatures:
        raise SignatureError("header must have the form t=…,v1=…; the X-Signature of this request does not")
    return timestamps[0], signatures


def _check_any(signatures: Sequence[str], digests: Sequence[Digest], message: bytes) -> None:
    """Raise unless a signature matches a secret. All pairs are compared, so that the duration does not depend on the match."""
    given = [signature.encode("utf-8", "replace") for signature in signatures]
    expected = [digest(message).encode() for digest in digests]
    if not any([hmac.compare_digest(one, other) for one in given for other in expected]):  # noqa: C419
        raise SignatureError("the signature matches none of the secrets")


def _digest(secret: str, message: bytes) -> str:
    return hmac.digest(_key(secret), message, "sha256").hex()


def _key(secret: str) -> bytes:
    return secret.encode("utf-8", "replace")
