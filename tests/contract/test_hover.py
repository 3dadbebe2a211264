"""What editors show over a name, asked of pyright's language server: the signature, and the docstring as it is written."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Final

import pytest

from cstar_async import RequestOptions, api, models
from cstar_async._generated.all_operations import OPERATIONS
from cstar_async._model.model import Model
from cstar_async._model.open_enum import OpenEnum
from tests.contract.language_server import LanguageServer, position_after

FUNCTIONS: Final = {name: OPERATIONS[name.removesuffix("_batched")] for name in api.__all__ if name[0].islower()}
METHODS: Final = {
    name: f"{'library' if one.namespace == 'library' else f'cstar.{one.namespace}'}.{one.name}{name.removeprefix(one.id)}"
    for name, one in FUNCTIONS.items()
}
CLASSES: Final = {
    name: found
    for name in models.__all__
    if inspect.isclass(found := getattr(models, name)) and issubclass(found, (Model, OpenEnum))
}
HEAD: Final = f"""\
from cstar_async import CStarClient, CStarLibrary, RequestOptions
from cstar_async.models import {", ".join(CLASSES)}


def show(cstar: CStarClient, library: CStarLibrary, ticket: Ticket) -> None:
"""
NAMES: Final = (
    *METHODS.values(),
    *CLASSES,
    "RequestOptions",
    "cstar.tickets",
    "ticket.customer_id",
    "TicketStatus.PENDING",
    "AiAction.AUTO_TAG",
)
PROGRAM: Final = HEAD + "".join(f"    {name}  # here\n" for name in NAMES) + "    RequestOptions(timeout=1)\n"

TICKET: Final = """\
(variable) def get(
    ticket_id: str,
    *,
    options: RequestOptions | None = None
) -> CoroutineType[Any, Any, Ticket]"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LanguageServer]:
    """Pyright's language server with the program open."""
    with LanguageServer(tmp_path_factory.mktemp("editor"), PROGRAM) as started:
        yield started


def hover(server: LanguageServer, code: str, end: str = "  # here") -> tuple[str, str]:
    """Return the signature and the Markdown below it that the editor shows over the last name of a piece of code."""
    line, column = position_after(PROGRAM, f"    {code}{end}")
    shown = server.ask("textDocument/hover", line, column - len(end) - 1)["contents"]["value"]
    signature, _, text = shown.removeprefix("```python\n").partition("\n```")
    return signature, text.removeprefix("\n---\n")


def displayed(markdown: str) -> list[str]:
    """Return the lines of a hover as an editor displays them: two spaces end a line, and without them the next one continues it."""
    lines: list[str] = []
    continues = False
    for line in markdown.splitlines():
        text = _without_escapes(line.replace("&nbsp;", " ")).rstrip()
        if text and (continues or _is_continuation(text)):
            lines[-1] += f" {text.lstrip()}"
        elif text:
            lines.append(text)
        continues = bool(text) and not line.endswith("  ")
    return lines


def _without_escapes(line: str) -> str:
    """Return a line without the backslashes of Markdown, which are literal in code."""
    parts = re.split(r"(`[^`]*`)", line)
    return "".join(one if one.startswith("`") else re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", one) for one in parts)


def _is_continuation(line: str) -> bool:
    """Return whether a line belongs to the one before: pyright joins the lines of a long call, which reads as well."""
    return line.startswith(" " * 8)


def written(doc: str) -> list[str]:
    """Return the lines of a docstring, each paragraph and each entry as one."""
    text = re.sub(r"(?<=\S)\n(?=\S)| *\n {8}(?=\S)", " ", doc)
    return [line for line in text.splitlines() if line]


@pytest.mark.parametrize("name", METHODS)
def test_editor_shows_the_docstring_of_an_operation(server: LanguageServer, name: str) -> None:
    """Each line as it is written: paths with braces, ids with underscores, arguments, and the example."""
    _, shown = hover(server, METHODS[name])

    assert written(inspect.getdoc(getattr(api, name)) or "") == displayed(shown)


@pytest.mark.parametrize("name", CLASSES)
def test_editor_shows_the_docstring_of_a_class(server: LanguageServer, name: str) -> None:
    """Each line as it is written, of models and enums: all fields and constants."""
    _, shown = hover(server, name)

    assert written(inspect.getdoc(CLASSES[name]) or "") == displayed(shown)


def test_editor_shows_the_docstring_of_the_options(server: LanguageServer) -> None:
    """Each line as it is written: all options."""
    _, shown = hover(server, "RequestOptions")

    assert written(inspect.getdoc(RequestOptions) or "") == displayed(shown)


@pytest.mark.parametrize(
    ("code", "end", "signature", "text"),
    [
        ("cstar.tickets.get", "  # here", TICKET, "Retrieve a ticket."),
        ("cstar.tickets", "  # here", "(method) tickets: TicketsNamespace", "Support requests of customers."),
        ("TicketStatus", "  # here", "class TicketStatus(value: str)", "Status of a ticket."),
        ("ticket.customer_id", "  # here", "(variable) customer_id: str | None", "Customer ID (`cus_…`); `None` for a ticket that"),
        ("TicketStatus.PENDING", "  # here", "(constant) PENDING: TicketStatus", "Waiting for someone, usually the customer."),
        ("AiAction.AUTO_TAG", "  # here", "(constant) AUTO_TAG: AiAction", "`auto-tag`. Finds tags for a ticket."),
        ("RequestOptions(timeout", "=", "(variable) timeout: float | None", "Seconds for one attempt, above 0"),
    ],
)
def test_editor_shows_the_type_and_the_description(server: LanguageServer, code: str, end: str, signature: str, text: str) -> None:
    """Of a method, a namespace, an enum, a field, a constant, whose value is shown if the name does not, and an option."""
    found, shown = hover(server, code, end)

    assert (signature, True) == (found, shown.startswith(text))
