"""A FastAPI application: a contact form that creates tickets, and an endpoint with their status, updated by webhooks.

    pip install fastapi uvicorn    # beside this package
    CSTAR_API_KEY=sk_… CSTAR_WEBHOOK_SECRET=whsec_… uvicorn --app-dir examples --factory fastapi_app:create_app

Subscribe `https://<your host>/hooks/cstar` to `ticket.*`. EVENTS_DATABASE (`fastapi_app.db`) is the file with the events in
progress; it is for one worker process. On Ctrl-C or SIGTERM, uvicorn stops after the events in progress.
"""

from __future__ import annotations

import os
from datetime import datetime
from typing import Annotated

from fastapi import FastAPI, Header, HTTPException
from pydantic import BaseModel, Field
from starlette.routing import Route

from cstar_async import CStarClient, CStarError, NotFoundError, RateLimitWaitError, RequestOptions, idempotency_key
from cstar_async.models import TicketEventData
from cstar_async.webhooks import SqliteStore, TicketDeleted, WebhookEvent, WebhookInbox, lifespan

DELETED = "deleted"
MAX_STATES = 10_000
"""Tickets whose status is kept in memory; cStar has all of them."""


class Question(BaseModel):
    """The body of the contact form."""

    title: str = Field(min_length=1, max_length=200)
    text: str = Field(min_length=1, max_length=20_000)
    name: str | None = None


class State(BaseModel):
    """The status of a ticket."""

    id: str
    status: str
    changed_at: datetime


def create_app() -> FastAPI:
    """Create the application with the settings of the environment."""
    cstar = CStarClient.from_env()
    store = SqliteStore(os.environ.get("EVENTS_DATABASE", "fastapi_app.db"))
    inbox = WebhookInbox(os.environ.get("CSTAR_WEBHOOK_SECRET", ""), store=store)  # raises if it is missing
    states: dict[str, State] = {}

    # Resumes the events of the previous process, and finishes those in progress at the end.
    app = FastAPI(title="Support", lifespan=lifespan(cstar, inbox))
    app.router.routes.append(Route("/hooks/cstar", inbox.asgi_app, methods=["POST"]))

    @inbox.on("ticket.*")
    async def store_state(event: WebhookEvent) -> None:
        """Store the newest status of a ticket. Deliveries arrive in any order, so an older one changes nothing."""
        ticket = event.data.ticket if isinstance(event.data, TicketEventData) else None
        if ticket is None or (ticket.id in states and states[ticket.id].changed_at > event.created_at):
            return
        states.pop(ticket.id, None)
        status = DELETED if isinstance(event, TicketDeleted) else ticket.status
        states[ticket.id] = State(id=ticket.id, status=status, changed_at=event.created_at)
        if len(states) > MAX_STATES:
            del states[next(iter(states))]

    @app.post("/contact", status_code=201)
    async def create_ticket(question: Question, form_id: Annotated[str, Header(min_length=8, max_length=200)]) -> State:
        """Create a ticket. The page generates a `Form-Id` for each form, so a second click creates no second ticket."""
        try:
            ticket = await cstar.tickets.create(
                title=question.title,
                initial_message=question.text,
                customer_name=question.name,
                idempotency_key=idempotency_key("contact", form_id),
                options=RequestOptions(total_timeout=10.0),  # a person is waiting for the page
            )
        except RateLimitWaitError as error:
            raise HTTPException(503, "Please try again later.", {"Retry-After": str(int(error.wait) + 1)}) from error
        except CStarError as error:
            raise HTTPException(502, "Your message could not be sent. Please try again.") from error
        return State(id=ticket.id, status=ticket.status, changed_at=ticket.created_at)

    @app.get("/tickets/{ticket_id}")
    async def get_state(ticket_id: str) -> State:
        """Return the status of a ticket: from memory, or from cStar if no event came for it yet."""
        state = states.get(ticket_id)
        try:
            if state is None:
                ticket = await cstar.tickets.get(ticket_id)
                return State(id=ticket.id, status=ticket.status, changed_at=ticket.updated_at or ticket.created_at)
        except NotFoundError as error:
            raise HTTPException(404, "There is no such ticket.") from error
        except CStarError as error:
            raise HTTPException(502, "Please try again later.") from error
        if state.status == DELETED:
            raise HTTPException(404, "There is no such ticket.")
        return state

    return app
