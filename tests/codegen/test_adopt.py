"""Adopting a document that the owner of the API has published."""

from __future__ import annotations

import functools
import json
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from codegen.__main__ import DOCUMENT, FAKE, REFUSED, main
from codegen.adopt.run import Adoption, adopt
from codegen.diff.changes import Change
from codegen.lint.run import lint
from codegen.spec.document import Document, Node
from codegen.spec.loader import read
from codegen.spec.overlay import apply_overlay
from tests.codegen.documents import LIBRARY, TICKET, TICKETS, operation, parsed, schema, small, whole
from tests.codegen.published import published
from tests.codegen.trees import Tree


def _present() -> Node:
    """Return a part of the document, which is compared in a quarter of the time."""
    return small("activity", "webhooks")


@functools.cache
def _frozen() -> bytes:
    return pickle.dumps(published(_present()))


def _new(change: Callable[[Node], object] = lambda raw: None) -> Node:
    raw: Node = pickle.loads(_frozen())
    change(raw)
    return raw


@functools.cache
def _adopted(change: Callable[[Node], object] = lambda raw: None) -> Adoption:
    return adopt(_present(), _new(change), "official.yaml")


@functools.cache
def _unchanged() -> Adoption:
    return adopt(whole(), published(whole()), "official.yaml")


def _python(changes: tuple[Change, ...]) -> list[str]:
    return [f"{one.kind} {one.name}" for one in changes if one.surface == "python"]


def test_published_document_has_nothing_of_this_project() -> None:
    """The document of these tests is one of another author: no extension, no snake_case id, no inline envelope."""
    text = json.dumps(_new())

    assert '"x-' not in text
    assert '"operationId": "getTicket"' in text
    assert '"$ref": "#/components/schemas/TicketListResponse"' in text


@pytest.mark.no_cover
def test_callers_see_no_change() -> None:
    """Names of methods, functions, arguments and classes are carried over, and every type stays."""
    assert ((), ()) == (_unchanged().changes, _unchanged().decisions)


@pytest.mark.no_cover
def test_all_words_are_carried_over() -> None:
    """Evidence, sources, keys, examples and the rules of batches are those of the present document."""
    present, merged = parsed(whole()), parsed(_unchanged().document)

    for one, other in zip(present.operations, merged.operations, strict=True):
        words = {key: value for key, value in one.node.items() if key.startswith("x-")}
        assert words == {key: value for key, value in other.node.items() if key.startswith("x-")}
    for name, node in present.schemas.items():
        evidence = {wire: field.get("x-evidence") for wire, field in node.get("properties", {}).items()}
        assert evidence == {wire: field.get("x-evidence") for wire, field in merged.schemas[name].get("properties", {}).items()}


@pytest.mark.no_cover
def test_document_follows_the_rules_of_this_project() -> None:
    """`lint` has nothing to say about it: envelopes with names of their own are marked."""
    document = Document(_unchanged().document)

    lint(document)

    assert document.schemas["TicketResponse"]["x-cstar-envelope"] is True


@pytest.mark.no_cover
def test_second_adoption_changes_nothing() -> None:
    """The document that was made is the present one, and the same document is published again."""
    again = adopt(_unchanged().document, published(whole()), "official.yaml")

    assert (_unchanged().document, (), ()) == (again.document, again.decisions, again.changes)
    targets = [action["target"] for action in again.overlay["actions"]]
    assert sorted(targets) == sorted(action["target"] for action in _unchanged().overlay["actions"])


@pytest.mark.no_cover
def test_overlay_makes_the_document_of_the_published_one() -> None:
    """`--overlay` applies it, and each of its actions has an effect."""
    reports: list[str] = []
    applied = apply_overlay(
        published(whole()), _unchanged().overlay, name="o", report=lambda place, message: reports.append(message)
    )

    assert (_unchanged().document, []) == (applied, reports)


@pytest.mark.no_cover
def test_behaviour_of_the_fake_is_carried_over() -> None:
    """The overlay of the fake server fits the new document as it is."""
    reports: list[str] = []
    fake = read(DOCUMENT.with_name(FAKE))
    apply_overlay(_unchanged().document, fake, name=FAKE, report=lambda place, message: reports.append(message))

    assert [] == reports


def _merge_tickets(raw: Node) -> None:
    copied = json.loads(json.dumps(operation(raw, TICKET, "get")))
    copied |= {"operationId": "mergeTicket", "tags": ["Merging"]}
    raw["paths"][f"{TICKET}/merge"] = {"post": copied, "parameters": raw["paths"][TICKET]["parameters"]}


def test_new_operation_is_a_decision_about_its_name() -> None:
    """The default is the namespace of the paths near to it, and the verb of its id."""
    found = _adopted(_merge_tickets)

    assert [("tickets.merge", "call it `tickets.merge`")] == [(one.name, one.default) for one in found.decisions]
    assert ["added tickets.merge"] == _python(found.changes)


def _drop_operations(raw: Node) -> None:
    del raw["paths"][TICKET]["delete"]
    del raw["paths"]["/api/v1/teams/{teamId}/activity"]


def test_operation_that_is_gone_stays_if_it_was_documented() -> None:
    """One that was only guessed goes."""
    found = _adopted(_drop_operations)

    assert {"tickets.delete": "keep it", "activity.list": "remove it"} == {one.name: one.default for one in found.decisions}
    assert {"removed activity", "removed activity.list", "removed models.ActivityEntry"} >= set(_python(found.changes))


def _narrow(raw: Node) -> None:
    schema(raw, "Ticket")["properties"]["title"] = {"type": "integer"}
    schema(raw, "TicketCreate")["required"].append("priority")
    schema(raw, "TicketStatus")["enum"].remove("open")
    operation(raw, TICKETS, "get")["parameters"][2]["schema"] = {"type": "integer"}
    del schema(raw, "Customer")["properties"]["email"]


def test_what_breaks_is_a_decision() -> None:
    """The present description stays where it is documented, so that callers see no change."""
    found = _adopted(_narrow)
    kept = {"Ticket.title", "TicketCreate.priority", "models.TicketStatus", "tickets.list(status=)", "Customer.email"}

    assert kept == {one.name for one in found.decisions}
    assert {"keep the present description"} == {one.default for one in found.decisions}
    assert [] == _python(found.changes)


def _widen(raw: Node) -> None:
    schema(raw, "Ticket")["properties"]["mood"] = {"type": "string"}
    schema(raw, "TicketStatus")["enum"].append("snoozed")


def test_what_is_compatible_needs_no_decision() -> None:
    """It is taken from the new document, and shown among the changes."""
    found = _adopted(_widen)

    assert ((), ["added Ticket.mood", "added TicketStatus.SNOOZED"]) == (found.decisions, sorted(_python(found.changes)))


def test_schemas_with_other_names_keep_their_classes() -> None:
    """A schema is recognised by where it is used and by its fields; the reason is shown."""
    found = adopt(
        _present(), published(_present(), schemas=lambda name: "TicketDto" if name == "Ticket" else name), "official.yaml"
    )

    assert [] == _python(found.changes)
    assert {"Ticket": "TicketDto"} == found.classes
    assert [one for one in found.decided if one.startswith("the schema `TicketDto` is the class `Ticket`: ")]


def _rename_path_parameter(raw: Node) -> None:
    raw["paths"] = {path.replace("{ticketId}", "{id}"): item for path, item in raw["paths"].items()}
    raw["components"]["parameters"]["TicketId"]["name"] = "id"


def test_operation_is_recognised_by_its_path() -> None:
    """The names of parameters in a path may differ; that of the argument is then a decision."""
    found = _adopted(_rename_path_parameter)

    assert [] == [one for one in _python(found.changes) if one.startswith(("removed", "added"))]


def _texts(raw: Node) -> None:
    operation(raw, TICKET, "get")["summary"] = "Read one"


@pytest.mark.no_cover
@pytest.mark.parametrize(("keeps", "summary"), [(True, "Retrieve a ticket"), (False, "Read one")])
def test_texts_are_one_decision(keeps: bool, summary: str) -> None:
    """Summaries and descriptions stay by default, or all come from the new document."""
    found = adopt(_present(), _new(_texts), "official.yaml", keeps_texts=keeps)

    assert (["texts"], summary) == ([one.name for one in found.decisions], operation(found.document, TICKET, "get")["summary"])


def test_list_in_place_of_one_object_is_doubted() -> None:
    """A path that ends with an id returns one object, also where the present description is only inferred."""

    def change(raw: Node) -> None:
        content = operation(raw, f"{LIBRARY}/articles/{{slug}}", "get")["responses"]["200"]["content"]["application/json"]
        data = {"type": "array", "items": {"$ref": "#/components/schemas/LibraryArticle"}}
        schema(raw, content["schema"]["$ref"].rpartition("/")[2])["properties"]["data"] = data

    (decision,) = _adopted(change).decisions

    assert ("keep the present description", "a path that ends with an id has one object") == (decision.default, decision.reason)


@pytest.mark.no_cover
def test_written_document_generates_the_same_client(tmp_path: Path) -> None:
    """`--write` replaces the document and writes the overlay; the code that follows has the same surface."""
    tree = Tree(tmp_path)
    new = published(whole())
    _widen(new)
    (tmp_path / "official.json").write_text(json.dumps(new), encoding="utf-8")
    comments = tree.document.read_text(encoding="utf-8").partition("openapi:")[0]

    shown = tree.python("-m", "codegen", "adopt", "official.json")
    assert comments in (before := tree.document.read_text(encoding="utf-8"))
    done = tree.python("-m", "codegen", "adopt", "official.json", "--write")

    assert (0, 0) == (shown.returncode, done.returncode), shown.stderr + done.stderr
    assert shown.stdout in done.stdout
    assert "Written: " not in shown.stdout
    assert tree.document.read_text(encoding="utf-8") != before
    assert tree.document.read_text(encoding="utf-8").startswith(comments)
    assert "added    Ticket.mood" in (made := tree.generate()).stdout, made.stderr
    document, overlay = str(tmp_path / "official.json"), str(tree.document.with_name("cstar.overlay.yaml"))
    assert "" == tree.generate("--check", "--document", document, "--overlay", overlay).stdout


def test_document_that_the_client_cannot_read_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All that is missing is printed at once, and nothing is written."""
    raw = _new(lambda raw: (raw["paths"].pop("/api/v1/auth/whoami"), schema(raw, "Error")["properties"].pop("code")))
    (tmp_path / "official.json").write_text(json.dumps(raw), encoding="utf-8")
    status = main(["adopt", str(tmp_path / "official.json"), "--document", str(DOCUMENT)])

    assert REFUSED == status
    assert "reads `code` of a `Error`" in capsys.readouterr().err
