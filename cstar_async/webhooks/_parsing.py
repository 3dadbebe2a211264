"""A delivery: its signature checked, its event read; and how one is signed."""

from __future__ import annotations

import time
from collections.abc import Sequence

import orjson

from cstar_async._generated import events as _events
from cstar_async._model import event as _event
from cstar_async._model.event import UnknownEvent, WebhookEvent
from cstar_async._types import UntypedJSON, is_object, is_str
from cstar_async.errors import PayloadError
from cstar_async.webhooks._signature import check_signature, signature_header


def construct_event(
    body: bytes,
    header: str,
    secret: str | Sequence[str],
    *,
    tolerance: float | None = 300.0,
    now: float | None = None,
    allow_legacy: bool = False,
) -> WebhookEvent:
    """Check the signature of a delivery and read its event.

    Args:
        body: The bytes of the request's body, exactly as they came.
        header: The value of `X-Signature`.
        secret: The signing secret, or several while one is replaced by another; any may fit.
        tolerance: Seconds that the time of the signature may be before or after now. Default 300. None switches the check off, and
            nothing else does.
        now: Unix seconds; None: the machine's clock.
        allow_legacy: Whether to accept the older scheme `sha256=…`, which has no time and so no protection from replay.

    Returns:
        The event: of the class of its type, or an `UnknownEvent`.

    Raises:
        SignatureError: The signature is missing, malformed or fits no secret, or no secret is given.
        StaleTimestampError: The signature fits, but its time is too far from now.
        PayloadError: The body is not bytes, or not a JSON object with a `type`.

    Source: Webhook reference, Signature and Payload (documented).
    """
    verify_signature(body, header, secret, tolerance=tolerance, now=now, allow_legacy=allow_legacy)
    return parse_event(body)


def parse_event(body: bytes) -> WebhookEvent:
    """The event of a body that is trusted, be it that its signature was checked or that it comes from a store.

    Raises:
        PayloadError: It is not a JSON object with a `type`.
    """
    try:
        wire: UntypedJSON = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise PayloadError("the body is not JSON") from None
    return read_event(wire)


def read_event(wire: UntypedJSON) -> WebhookEvent:
    """An event from parsed JSON that is already trusted, such as a message of the event stream.

    Raises:
        PayloadError: It is not an object with a `type`.
    """
    if not is_object(wire):
        raise PayloadError("an event is a JSON object")
    if not is_str(wire.get("type")):
        raise PayloadError("the event has no type")
    kind = _events.EVENTS.get(wire["type"])
    return _event.DECODERS[UnknownEvent](wire) if kind is None else _events.DECODERS[kind](wire)


def verify_signature(
    body: bytes,
    header: str,
    secret: str | Sequence[str],
    *,
    tolerance: float | None = 300.0,
    now: float | None = None,
    allow_legacy: bool = False,
) -> None:
    """Check the signature of a delivery, and nothing else; the arguments and errors are those of `construct_event`.

    Raises:
        SignatureError: The signature is missing, malformed or fits no secret, or no secret is given.
        StaleTimestampError: The signature fits, but its time is too far from now.
        PayloadError: The body is not bytes.

    Source: Webhook reference, Signature (documented).
    """
    now = time.time() if now is None else now
    check_signature(body, header, secret, tolerance=tolerance, now=now, allow_legacy=allow_legacy)


def sign(body: bytes, secret: str, *, timestamp: int | None = None) -> str:
    """Sign a body as cStar does, to test a receiver.

    Args:
        body: The bytes that will be sent.
        secret: The signing secret of the webhook, `whsec_…`.
        timestamp: Unix seconds of sending; None: now.

    Returns:
        The value of `X-Signature`: `t=<seconds>,v1=<64 hex digits>`.

    Source: Webhook reference, Signature (documented).
    """
    return signature_header(body, secret, int(time.time()) if timestamp is None else timestamp)
