"""The command `listen`: events as they happen, also forwarded to a program on this machine as signed deliveries."""

from __future__ import annotations

import asyncio
import http.client
import sys
import urllib.error
import urllib.request
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Final
from urllib.parse import urlsplit

import typer

from cstar_async import CStarClient, CStarError, to_dict
from cstar_async._redaction import one_line
from cstar_async.cli._calls import Json, MaxWait, Timeout, new_client, run_with
from cstar_async.cli._commands import event_types, signing_secrets
from cstar_async.cli._errors import UsageError
from cstar_async.cli._output import escape, format_json, note
from cstar_async.webhooks import WebhookEvent, sign

_FORWARD_TIMEOUT: Final = 10.0
"""Seconds that a receiver may take (documented)."""


def listen(
    *,
    types: Annotated[
        list[str] | None,
        typer.Option(
            "--types", metavar="TYPE", help="Only these types, such as ticket.*; may be repeated.", autocompletion=event_types
        ),
    ] = None,
    forward_to: Annotated[
        str | None,
        typer.Option(
            "--forward-to", metavar="URL", help="Send each event to this URL, signed with the secret in CSTAR_WEBHOOK_SECRET."
        ),
    ] = None,
    max_events: Annotated[int | None, typer.Option("--max-events", metavar="N", min=1, help="Stop after N events.")] = None,
    as_json: Json = False,
    timeout: Timeout = None,
    max_wait: MaxWait = None,
) -> None:
    """Print the events of the team as they happen, until Ctrl-C. With --json, one object a line."""
    secret = None if forward_to is None else signing_secrets()[0]
    if forward_to is not None and not _is_http_url(forward_to):
        raise UsageError(f"--forward-to must be an HTTP URL, got {forward_to}")
    wanted = [part.strip() for one in types or [] for part in one.split(",")]

    async def work(client: CStarClient) -> None:
        count = 0
        async with client.events(*wanted) as stream:
            note("Listening. Press Ctrl-C to stop.")
            async for event in stream:
                _print_event(event, stream.last_body, as_json=as_json)
                if forward_to is not None and secret is not None:
                    note(f"  {await asyncio.to_thread(_forward, event, stream.last_body, forward_to, secret)}")
                count += 1
                if count == max_events:
                    return

    with suppress(KeyboardInterrupt):
        run_with(new_client(timeout=timeout, max_wait=max_wait), work)


def _is_http_url(text: str) -> bool:
    try:
        url = urlsplit(text)
        return url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0
    except ValueError:
        return False


def _print_event(event: WebhookEvent, body: bytes, *, as_json: bool) -> None:
    if as_json:
        try:
            text = format_json(to_dict(event), indent=None)
        except (CStarError, RecursionError):  # it is nested more deeply than Python can write
            text = escape(body.decode().replace("\r", " ").replace("\n", " "))
    else:
        text = f"{datetime.now():%H:%M:%S}  {one_line(str(event.type)):<24}  {one_line(str(event.id))}"  # noqa: DTZ005  # for people
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Treats a redirect as a failure, as a sender of webhooks does."""

    def redirect_request(self, *_: object, **__: object) -> None:
        """Do not follow."""


def _forward(event: WebhookEvent, body: bytes, url: str, secret: str) -> str:
    """Send an event as a delivery, and return what came of it."""
    request = urllib.request.Request(  # noqa: S310  # the scheme is checked
        url,
        data=body,
        method="POST",
        headers={
            "Content-Type": "application/json",
            "User-Agent": "cStar-Webhooks/1.0",
            "X-Event-Type": str(event.type),
            "X-Event-ID": str(event.id),
            "X-Timestamp": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.000Z}",
            "X-Signature": sign(body, secret),
            "X-Delivery-Attempt": "1",
        },
    )
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=_FORWARD_TIMEOUT) as response:
            return f"{response.status} {url}"
    except urllib.error.HTTPError as error:
        error.close()
        return f"{error.code} {url}"
    except (OSError, ValueError) as error:
        return f"not delivered to {url}: {one_line(str(getattr(error, 'reason', error)))}"
    except http.client.HTTPException as error:
        return f"not delivered to {url}: the response is not valid HTTP ({type(error).__name__})"
