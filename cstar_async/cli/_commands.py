"""Short commands: the key and its limits, replies, closing tickets, test events and signatures."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, TypeAlias

import typer

from cstar_async import CStarClient, CStarError, InvalidArgumentError, RateLimitState, WebhookError
from cstar_async.cli._arguments import text_or_stdin
from cstar_async.cli._calls import DryRun, Json, MaxWait, Timeout, new_client, run_with
from cstar_async.cli._errors import FAILURE, UsageError
from cstar_async.cli._files import read_bytes
from cstar_async.cli._operations import first_request
from cstar_async.cli._output import note, print_result

SECRET_VARIABLE = "CSTAR_WEBHOOK_SECRET"  # noqa: S105  # the name of a variable


def event_types() -> list[str]:
    """Return the documented types of events."""
    from cstar_async._generated.events import EVENTS

    return list(EVENTS)


TicketId: TypeAlias = Annotated[str, typer.Argument(metavar="TICKET_ID", help="Ticket ID (tkt_…) or bare UUID.")]
EventType: TypeAlias = Annotated[
    str, typer.Argument(metavar="TYPE", help="Event type, such as ticket.created.", autocompletion=event_types)
]


def whoami(*, as_json: Json = False, timeout: Timeout = None, max_wait: MaxWait = None) -> None:
    """Show the team and the type of the API key in use."""
    owner = run_with(new_client(timeout=timeout, max_wait=max_wait), lambda client: client.auth.whoami())
    print_result(owner, as_json=as_json)


def limits(*, as_json: Json = False, timeout: Timeout = None, max_wait: MaxWait = None) -> None:
    """Show the rate limit of the key. Takes one call."""

    async def work(client: CStarClient) -> RateLimitState | None:
        await client.auth.whoami()
        return client.rate_limit

    state = run_with(new_client(timeout=timeout, max_wait=max_wait), work)
    if state is None:
        raise CStarError("the server states no rate limit")
    print_result(describe_limit(state), as_json=as_json)


def describe_limit(state: RateLimitState) -> dict[str, object]:
    """Return a rate limit as fields to print."""
    seconds = None if state.reset_at is None else (state.reset_at - datetime.now(UTC)).total_seconds()
    return {
        "limit": state.limit,
        "remaining": state.remaining,
        "used": state.limit - state.remaining,
        "resetAt": state.reset_at,
        "resetsInSeconds": None if seconds is None else max(0, round(seconds)),
        "windowSeconds": state.window,
    }


def reply(
    ticket_id: TicketId,
    content: Annotated[str, typer.Argument(metavar="TEXT|-", help="The message; '-' reads standard input.")],
    *,
    internal: Annotated[bool, typer.Option("--internal", help="A note that the customer does not see.")] = False,
    close: Annotated[bool, typer.Option("--close", help="Close the ticket after that.")] = False,
    as_json: Json = False,
    dry_run: DryRun = False,
    timeout: Timeout = None,
    max_wait: MaxWait = None,
) -> None:
    """Reply to a ticket as an agent."""
    from cstar_async.api import create_ticket_message, update_ticket

    text = text_or_stdin(content)
    if dry_run:
        message = {"content": text, "sender": "agent", "is_internal": internal}
        requests = [first_request(create_ticket_message, [ticket_id], message)]
        if close:
            requests.append(first_request(update_ticket, [ticket_id], {"status": "closed"}))
        print_result(requests if close else requests[0], as_json=True)
        return

    async def work(client: CStarClient) -> object:
        message = await client.tickets.messages.create(ticket_id, content=text, sender="agent", is_internal=internal)
        if close:
            await client.tickets.update(ticket_id, status="closed")
        return message

    print_result(run_with(new_client(timeout=timeout, max_wait=max_wait), work), as_json=as_json)


def close(
    ticket_ids: Annotated[list[str], typer.Argument(metavar="TICKET_ID…", help="Tickets to close.")],
    *,
    as_json: Json = False,
    dry_run: DryRun = False,
    timeout: Timeout = None,
    max_wait: MaxWait = None,
) -> None:
    """Close one or more tickets."""
    from cstar_async.api import update_ticket

    if dry_run:
        requests = [first_request(update_ticket, [ticket_id], {"status": "closed"}) for ticket_id in ticket_ids]
        print_result(requests, as_json=True)
        return

    async def work(client: CStarClient) -> Sequence[object]:
        return [await client.tickets.update(ticket_id, status="closed") for ticket_id in ticket_ids]

    tickets = run_with(new_client(timeout=timeout, max_wait=max_wait), work)
    print_result(tickets if len(tickets) > 1 else tickets[0], as_json=as_json)


def trigger(
    event: EventType, *, as_json: Json = False, dry_run: DryRun = False, timeout: Timeout = None, max_wait: MaxWait = None
) -> None:
    """Send a sample event to each webhook that subscribes to its type."""
    from cstar_async.api import trigger_test_webhooks

    if dry_run:
        print_result(first_request(trigger_test_webhooks, [], {"event": event}), as_json=True)
        return
    client = new_client(timeout=timeout, max_wait=max_wait)
    print_result(run_with(client, lambda client: client.webhooks.trigger_test(event=event)), as_json=as_json)


def verify(
    body: Annotated[str, typer.Argument(metavar="FILE|-", help="The raw body of the delivery.")],
    *,
    signature: Annotated[str, typer.Option("--signature", metavar="VALUE", help="The header X-Signature.")],
    any_age: Annotated[bool, typer.Option("--any-age", help="Accept a delivery of more than 5 minutes ago.")] = False,
    as_json: Json = False,
) -> None:
    """Verify the signature of a delivery with the secret in CSTAR_WEBHOOK_SECRET, and show its event."""
    from cstar_async.webhooks import construct_event

    secrets = signing_secrets()
    try:
        event = construct_event(read_bytes(body), signature, secrets, tolerance=None if any_age else 300.0)
    except (WebhookError, InvalidArgumentError) as error:
        note(f"not verified: {error}")
        raise typer.Exit(FAILURE) from None
    fields = {"verified": True, "id": event.id, "type": event.type, "createdAt": event.created_at, "teamId": event.team_id}
    print_result(fields, as_json=as_json)


def signing_secrets() -> list[str]:
    """Return the signing secrets of the environment, separated by commas there."""
    secrets = [secret.strip() for secret in os.environ.get(SECRET_VARIABLE, "").split(",") if secret.strip()]
    if not secrets:
        raise UsageError(f"{SECRET_VARIABLE} is not set; export the signing secret of the webhook")
    return secrets
