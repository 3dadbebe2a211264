"""What editors complete, asked of pyright's language server and of jedi."""

from __future__ import annotations

from collections.abc import Iterator

import jedi
import pytest

import cstar_async
from cstar_async import CStarClient, RateLimiter
from cstar_async.sync import LocalCopy
from cstar_async.testing import FakeCStar
from cstar_async.webhooks import WebhookInbox
from tests.contract.language_server import LanguageServer, position_after

PROGRAM = """\
from cstar_async import CStarClient


async def work(cstar: CStarClient) -> None:
    cstar.tickets.list(status="")
    await cstar.tickets.create(title="a", priority="")
    CStarClient.from_env()
    cstar.tickets
    cstar.tickets.list
    async for ticket in cstar.tickets.list():
        ticket.id
    page = await cstar.tickets.list()
    page[0].title
"""

METHODS = {"list", "create", "get", "update", "delete", "messages"}
TICKET = {"id", "title", "status", "created_at", "extra"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LanguageServer]:
    """Pyright's language server with the program open."""
    with LanguageServer(tmp_path_factory.mktemp("editor"), PROGRAM) as started:
        yield started


def completions(server: LanguageServer, text: str) -> set[str]:
    """Return what the editor offers after a piece of the program, without names that begin with an underscore."""
    response = server.ask("textDocument/completion", *position_after(PROGRAM, text))
    return {label for item in response["items"] if not (label := item["label"].strip("\"'")).startswith("_")}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('status="', {"new", "open", "pending", "resolved", "closed"}),
        ('priority="', {"low", "normal", "high", "urgent"}),
        ("from_env(", {"api_key=", "team_id=", "base_url=", "max_retries=", "hooks="}),
        ("ticket.", TICKET),
        ("page[0].", TICKET),
    ],
)
def test_editor_completes(server: LanguageServer, text: str, expected: set[str]) -> None:
    """The editor offers the values of an enum argument, the arguments of `from_env()`, and the fields of the items of a list."""
    assert expected <= completions(server, text)


def test_editor_offers_only_what_is_public(server: LanguageServer) -> None:
    """A namespace offers its methods and no more, and the client its namespaces and methods."""
    assert completions(server, "    cstar.tickets.") == METHODS
    assert completions(server, "    cstar.") <= {name for name in dir(CStarClient) if not name.startswith("_")}


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ticket.", TICKET),
        ("page[0].", TICKET),
        ("    cstar.tickets.", METHODS),
        ("cstar.tickets.list(", {"status=", "page_size="}),
    ],
)
def test_jedi_completes(text: str, expected: set[str]) -> None:
    """IPython, Jupyter and editors with jedi offer methods, arguments, and the fields of items."""
    line, column = position_after(PROGRAM, text)
    program = "\n".join([*PROGRAM.splitlines()[:line], PROGRAM.splitlines()[line][:column]])
    offered = {completion.name for completion in jedi.Script(program).complete(line + 1, column)}
    assert expected <= offered
    assert text != "    cstar.tickets." or expected == {name for name in offered if not name.startswith("_")}


async def test_notebook_offers_only_what_is_public() -> None:
    """Shells and notebooks complete with `dir()`: no private name, of any object that a user gets."""
    async with FakeCStar(seed=1) as fake, fake.client() as cstar:
        page = await cstar.tickets.list()
        response = await cstar.request("GET", "/tickets")
        own = [
            fake,
            cstar,
            cstar.tickets,
            cstar.tickets.list(),
            page,
            page[0],
            page.info,
            response,
            cstar.rate_limit,
            cstar.events(),
        ]
        own += [fake.library(), RateLimiter(), LocalCopy("copy.sqlite"), WebhookInbox(secret="whsec_" + "a" * 32)]
        for one in own:
            hidden = {name for name in dir(one) if name.startswith("_") and not name.startswith("__")}
            assert hidden == set(), type(one)
    assert {"CStarClient", "models", "__version__"} <= set(dir(cstar_async))
    assert not {"TYPE_CHECKING", "_MODULES"} & set(dir(cstar_async))
