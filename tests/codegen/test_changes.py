"""Changes of the document appear in the generated code after one run."""

from __future__ import annotations

import copy
import re
import shutil
from typing import NamedTuple

import pytest

from codegen.lint.run import lint
from codegen.output import FOLDERS
from codegen.spec.document import METHODS, Document, Node
from tests.codegen.documents import TICKET, entry, model, operation, real, schema
from tests.codegen.test_fields import NODES
from tests.codegen.trees import Tree


def _files_of(namespace: str) -> set[str]:
    """Return the modules of a root namespace."""
    return {f"{folder}/{namespace}.py" for folder in ("_generated/operations", "api", "models")}


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """Return a tree with a new field, enum value, operation and namespace, after one run."""

    def change(raw: Node) -> None:
        for name in ("Ticket", "TicketUpdate"):
            schema(raw, name)["properties"]["dueDate"] = entry("When it is due.", type=["string", "null"], format="date-time")
        schema(raw, "TicketStatus")["enum"].insert(1, "on-hold")
        schema(raw, "TicketStatus")["x-enum-descriptions"]["on-hold"] = "It waits."
        new = copy.deepcopy(operation(raw, TICKET, "get"))
        new |= {"operationId": "peek_at_ticket", "x-cstar-method": "peek"}
        raw["paths"][f"{TICKET}/peek"] = {"parameters": raw["paths"][TICKET]["parameters"], "get": new}
        _add_notes(raw)

    tree = Tree(tmp_path_factory.mktemp("grown"))
    tree.write(change)
    done = tree.generate()
    assert (0, "") == (done.returncode, done.stderr)
    return tree


def _add_notes(raw: Node) -> None:
    raw["tags"] += [
        {"name": "notes", "description": "Loose notes."},
        {"name": "notes.drafts", "description": "Notes that are not done."},
    ]
    raw["components"]["schemas"]["Note"] = model("A note.", id=entry("Its id.", type="string"))
    new = copy.deepcopy(operation(raw, TICKET, "get"))
    new |= {"operationId": "get_draft", "x-cstar-namespace": "notes.drafts", "tags": ["notes.drafts"]}
    data = new["responses"]["200"]["content"]["application/json"]["schema"]["allOf"][1]["properties"]
    data["data"] = {"$ref": "#/components/schemas/Note"}
    raw["paths"]["/api/v1/teams/{teamId}/notes/{ticketId}"] = {"parameters": raw["paths"][TICKET]["parameters"], "get": new}


class Shrunk(NamedTuple):
    """A tree whose document has lost parts, its files before, and the notes of the run."""

    tree: Tree
    before: set[str]
    notes: list[str]

    def files_with(self, name: str) -> list[str]:
        """Return the generated files with a name."""
        word = re.compile(rf"\b{name}\b".encode())
        return [path for path, content in self.tree.files().items() if path.startswith(FOLDERS) and word.search(content)]


@pytest.fixture(scope="module")
def shrunk(tmp_path_factory: pytest.TempPathFactory) -> Shrunk:
    """Return a tree without two fields, an enum value, two operations and a namespace, after one run."""

    def change(raw: Node) -> None:
        schema(raw, "Ticket")["properties"].pop("notes")
        schema(raw, "TicketStatus")["enum"].remove("closed")
        del schema(raw, "TicketStatus")["x-enum-descriptions"]["closed"]
        schema(raw, "Member")["properties"].pop("roleDisplayName")
        raw["paths"][TICKET].pop("delete")
        raw["paths"][TICKET].pop("patch")
        for path in [path for path in raw["paths"] if "/tags" in path]:
            del raw["paths"][path]

    tree = Tree(tmp_path_factory.mktemp("shrunk"))
    before = set(tree.files())
    tree.write(change)
    done = tree.generate()
    assert 0 == done.returncode, done.stderr
    return Shrunk(tree, before, done.stderr.splitlines())


def test_new_field_appears(grown: Tree) -> None:
    """A field of a response is an attribute, and a field of a body is an argument."""
    assert "2026-03-01 00:00:00+00:00 datetime | None | Unset UNSET" == grown.output_of(
        "import inspect\n"
        "from cstar_async.api.tickets import update_ticket\n"
        "from cstar_async.models.tickets import decode_ticket\n"
        "parameter = inspect.signature(update_ticket).parameters['due_date']\n"
        "print(decode_ticket({'dueDate': '2026-03-01T00:00:00Z'}).due_date, parameter.annotation, repr(parameter.default))"
    )


def test_dropped_field_goes_to_extra(shrunk: Shrunk) -> None:
    """A field that the document no longer lists is kept in `extra`."""
    assert "False {'notes': 'n'}" == shrunk.tree.output_of(
        "from cstar_async.models.tickets import decode_ticket\n"
        "ticket = decode_ticket({'id': 'tkt_1', 'notes': 'n'})\n"
        "print(hasattr(ticket, 'notes'), ticket.extra)"
    )


def test_new_enum_value_becomes_a_constant(grown: Tree) -> None:
    """It is a constant, and `is_known`."""
    assert "on-hold ('new', 'on-hold', 'open', 'pending', 'resolved', 'closed') True" == grown.output_of(
        "from cstar_async.models.tickets import TicketStatus\n"
        "print(TicketStatus.ON_HOLD, tuple(map(str, TicketStatus.known_values())), TicketStatus('on-hold').is_known)"
    )


def test_dropped_enum_value_is_unknown(shrunk: Shrunk) -> None:
    """It is decoded as an unknown value."""
    assert "closed False False" == shrunk.tree.output_of(
        "from cstar_async.models.tickets import TicketStatus\n"
        "status = TicketStatus.__decode__('closed')\n"
        "print(status, status.is_known, hasattr(TicketStatus, 'CLOSED'))"
    )


def test_new_operation_becomes_function_and_method(grown: Tree) -> None:
    """An operation has a constant, a function, a method and a public name."""
    assert "('/tickets/', '/peek') True True" == grown.output_of(
        "from cstar_async.api.tickets import TicketsNamespace\n"
        "from cstar_async._generated.all_operations import OPERATIONS\n"
        "from cstar_async.api import peek_at_ticket\n"
        "from cstar_async.api.tickets import peek_at_ticket as same\n"
        "print(OPERATIONS['peek_at_ticket'].segments, TicketsNamespace.peek is peek_at_ticket, same is peek_at_ticket)"
    )


def test_dropped_operation_goes_everywhere(shrunk: Shrunk) -> None:
    """Function, method, constant and public name go together."""
    assert "False False False False" == shrunk.tree.output_of(
        "import cstar_async._generated.all_operations as operations, cstar_async.api as api, cstar_async.api.tickets as tickets\n"
        "from cstar_async.api.tickets import TicketsNamespace\n"
        "print('delete_ticket' in operations.OPERATIONS, hasattr(api, 'delete_ticket'), hasattr(tickets, 'delete_ticket'),"
        " hasattr(TicketsNamespace, 'delete'))"
    )


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("path", "method"), [(path, method) for path, item in real()["paths"].items() for method in item if method in METHODS]
)
def test_any_operation_can_be_dropped(path: str, method: str) -> None:
    """Lint does not require it, and schemas that only it used may stay in the document."""
    raw = real()
    del raw["paths"][path][method]
    if not raw["paths"][path].keys() & set(METHODS):
        del raw["paths"][path]

    lint(Document(raw))


def test_schema_goes_with_the_last_operation_that_needs_it(shrunk: Shrunk) -> None:
    """It has no class, though the document still has it; a note reports it."""
    note = "note: #/components/schemas/TicketUpdate: no operation uses the schema `TicketUpdate`, so it has no class."

    assert note in shrunk.notes
    assert [] == shrunk.files_with("TicketUpdate")


def test_enum_goes_with_the_last_field_that_has_it(shrunk: Shrunk) -> None:
    """Classes that nothing uses are not generated."""
    assert [note for note in shrunk.notes if note.startswith("note: #/components/schemas/MemberRoleDisplayName: ")]
    assert [] == shrunk.files_with("MemberRoleDisplayName")


def test_nothing_else_is_printed(shrunk: Shrunk) -> None:
    """The notes list unused schemas only."""
    named = ["MemberRoleDisplayName", "Tag", "TagCreate", "TicketUpdate"]

    assert named == sorted(re.findall(r"schemas/(\w+): ", "".join(shrunk.notes)))


def test_every_type_passes_the_type_checker(tree: Tree) -> None:
    """Generated code passes strict checks, also with types that the real document does not have."""

    def change(raw: Node) -> None:
        named = ("type", "object", "field", "from", "body", "query", "value", "wire", "get", "model", "new", "cls")
        for name in ("Ticket", "TicketUpdate"):
            fields = {f"more{index}": entry("More.", **node) for index, node in enumerate(NODES)}
            schema(raw, name)["properties"] |= fields | {word: entry("A word.", type="string") for word in named}
            schema(raw, name)["required"] = list(fields)[::2]
        data = operation(raw, TICKET, "get")["responses"]["200"]["content"]["application/json"]["schema"]["allOf"][1]["properties"]
        data["data"] = {"$ref": "#/components/schemas/FreeObject"}

    tree.write(change)
    assert 0 == tree.generate().returncode
    # Without the imports of the package, the check takes a quarter of the time.
    (tree.package / "__init__.py").write_text("")

    done = tree.python("-m", "mypy", "--strict", "--no-error-summary", "--cache-dir", "mypy", "-m", "cstar_async.api.tickets")

    assert (0, "") == (done.returncode, done.stdout)


def test_new_namespace_is_on_the_client(grown: Tree) -> None:
    """It has modules of its own and is an attribute of the client."""
    assert "Note notes NotesDraftsNamespace" == grown.output_of(
        "from cstar_async import models\n"
        "from cstar_async.api._namespaces import ClientNamespaces\n"
        "class Client(ClientNamespaces):\n"
        "    __executor__ = None\n"
        "print(models.Note.__name__, models.Note.__module__.rpartition('.')[2], type(Client().notes.drafts).__name__)"
    )


def test_namespace_without_operations_is_gone(shrunk: Shrunk) -> None:
    """Its tag and its schemas may stay in the document."""
    assert "False False False" == shrunk.tree.output_of(
        "import cstar_async.api as api\n"
        "from cstar_async import models\n"
        "from cstar_async.api._namespaces import ClientNamespaces\n"
        "print(hasattr(ClientNamespaces, 'tags'), hasattr(api, 'list_tags'), hasattr(models, 'Tag'))"
    )
    assert _files_of("tags") == shrunk.before - set(shrunk.tree.files())


def test_library_is_not_on_the_client(grown: Tree) -> None:
    """It has functions and a class, which is not an attribute of the client."""
    assert "LibraryNamespace library False" == grown.output_of(
        "from cstar_async.api._namespaces import ClientNamespaces\n"
        "from cstar_async.api.library import LibraryNamespace\n"
        "from cstar_async.api.library import get_library_article\n"
        "from cstar_async._generated.all_operations import OPERATIONS\n"
        "print(LibraryNamespace.__name__, OPERATIONS['get_library_article'].scope, hasattr(ClientNamespaces, 'library'))"
    )


def test_dropped_namespace_leaves_no_file(tree: Tree, grown: Tree) -> None:
    """The modules of a namespace appear with its first operation and vanish with its last."""
    before = set(tree.files())
    assert _files_of("notes") == set(grown.files()) - before
    for name in _files_of("notes"):
        shutil.copy(grown.package / name, tree.package / name)

    assert 0 == tree.generate().returncode
    assert before == set(tree.files())
