"""The command `listen`: events as they happen, also forwarded to a program on this machine as signed deliveries."""

from __future__ import annotations

import sys
from base64 import b64encode
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from typing import Annotated, Final, Self

import typer
from yarl import URL

from cstar_async import CStarClient, CStarError, TransportError, to_dict
from cstar_async._protocol.messages import Request
from cstar_async._transport.aiohttp_transport import AiohttpTransport
from cstar_async._values.redaction import one_line
from cstar_async.cli._calls import Json, MaxWait, Timeout, new_client, run_with
from cstar_async.cli._commands import event_types, signing_secrets
from cstar_async.cli._errors import UsageError
from cstar_async.cli._output import escape, format_json, note
from cstar_async.webhooks import WebhookEvent, sign

_FORWARD_TIMEOUT: Final = 10.0
"""Seconds that a receiver may take (documented)."""
_MAX_RESPONSE: Final = 1024 * 1024
"""Bytes of a response that a receiver may send."""


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
    url = None if forward_to is None else _http_url(forward_to)
    wanted = [part.strip() for one in types or [] for part in one.split(",")]

    async def work(client: CStarClient) -> None:
        count = 0
        async with AsyncExitStack() as stack:
            receiver = None
            if url is not None and secret is not None:
                receiver = await stack.enter_async_context(_Receiver(url, secret))
            stream = await stack.enter_async_context(client.events(*wanted))
            note("Listening. Press Ctrl-C to stop.")
            async for event in stream:
                _print_event(event, stream.last_body, as_json=as_json)
                if receiver is not None:
                    note(f"  {await receiver.forward(event, stream.last_body)}")
                count += 1
                if count == max_events:
                    return

    with suppress(KeyboardInterrupt):
        run_with(new_client(timeout=timeout, max_wait=max_wait), work)


def _http_url(text: str) -> URL:
    """Parse a URL.

    Raises:
        UsageError: It is none of HTTP. The text is not shown, because it may have a password.
    """
    with suppress(ValueError):
        url = URL(text)
        if url.scheme in {"http", "https"} and url.host and url.port:
            return url
    raise UsageError("--forward-to must be an HTTP URL, such as http://localhost:8000/hooks")


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


class _Receiver:
    """A program that gets each event as a delivery. Redirects are not followed, and proxies are not used.

    Args:
        url: Its URL; a user and a password are sent as its credentials, and never shown.
        secret: The secret that signs the deliveries.
    """

    def __init__(self, url: URL, secret: str) -> None:
        self._path, self._query = url.raw_path, url.raw_query_string
        self._secret = secret
        self._shown = str(url.with_user(None).with_query(None).with_fragment(None))
        headers = {"Content-Type": "application/json", "User-Agent": "cStar-Webhooks/1.0", "Connection": "close"}
        if url.user is not None or url.password is not None:
            credentials = f"{url.user or ''}:{url.password or ''}".encode()
            headers["Authorization"] = f"Basic {b64encode(credentials).decode()}"
        self._transport = AiohttpTransport(
            base_url=url.with_user(None),
            headers=headers,
            timeout=_FORWARD_TIMEOUT,
            proxy=None,
            ssl=None,
            session=None,
            max_response_size=_MAX_RESPONSE,
            on_streams=lambda _: None,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._transport.aclose()

    async def forward(self, event: WebhookEvent, body: bytes) -> str:
        """Send an event as a delivery, and return what came of it."""
        headers = {
            "X-Event-Type": one_line(str(event.type)),
            "X-Event-ID": one_line(str(event.id)),
            "X-Timestamp": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.000Z}",
            "X-Signature": sign(body, self._secret),
            "X-Delivery-Attempt": "1",
        }
        try:
            response = await self._transport.send(Request("POST", self._path, self._query, headers, body), _FORWARD_TIMEOUT)
        except TransportError as error:
            return f"not delivered to {self._shown}: {error}"
        return f"{response.status} {self._shown}"
