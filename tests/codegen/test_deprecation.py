"""The option `--deprecate`: what an earlier document had is kept for a release, and works."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from codegen.__main__ import ROOT
from codegen.diff.deprecation import with_deprecated
from codegen.diff.python_changes import python_changes
from codegen.diff.surface import PythonSurface, surface_of
from codegen.errors import NoteCollector
from codegen.ir.build import build_ir
from codegen.parser.run import parse
from codegen.spec.document import Node
from tests.codegen import pets as made
from tests.codegen.documents import TICKET, operation, parsed, small
from tests.codegen.pets import Edit, edited, pets, schema
from tests.codegen.test_diff import RENAMINGS
from tests.codegen.trees import Tree


def _kept(old: Node, new: Node) -> tuple[PythonSurface, PythonSurface, list[str]]:
    """Return the surface of an old document, that of a new one with what the old one had, and the notes."""
    notes = NoteCollector()
    before, after = (parse(raw, NoteCollector(), is_sdk=False) for raw in (old, new))
    document = with_deprecated(after, before, notes).document
    return surface_of(before, build_ir(before)), surface_of(document, build_ir(document)), notes.lines


def _rename(raw: Node) -> None:
    raw["paths"]["/pets/{petId}"]["get"]["operationId"] = "readPet"


def _rename_method(raw: Node) -> None:
    raw["paths"]["/pets/{petId}"]["get"] |= {"x-cstar-method": "read"}


def _move(raw: Node) -> None:
    for path in ("/owners", "/owners/{ownerId}"):
        for one in raw["paths"][path].values():
            one["tags"] = ["holders"]


def _as_it_is(raw: Node) -> None:
    """Change nothing."""


REMOVALS: dict[str, tuple[Edit, Edit]] = {
    "operation": (made.add_operation, _as_it_is),
    "namespace": (made.add_namespace, _as_it_is),
    "field": (made.add_field, _as_it_is),
    "class": (made.add_class, _as_it_is),
    "value": (made.add_value, _as_it_is),
    "renamed operation": (_as_it_is, _rename),
    "renamed method": (_as_it_is, _rename_method),
    **{f"renamed {name}": (_as_it_is, edit) for name, (edit, _, _) in RENAMINGS.items()},
    "parameter": (_as_it_is, lambda raw: raw["paths"]["/pets"]["get"]["parameters"].pop(0)),
    "value of a named enum": (made.add_value, lambda raw: schema(raw, "PetStatus").update({"x-enum-varnames": ["ONE", "TWO"]})),
}


@pytest.mark.parametrize("name", REMOVALS)
def test_nothing_breaks_for_a_release(name: str) -> None:
    """What was removed or renamed is still there, so that no caller is broken."""
    old, new = (edited(edit) for edit in REMOVALS[name])
    before, after, notes = _kept(old, new)

    assert ([], []) == ([one for one in python_changes(before, after) if one.is_breaking], notes)


def test_both_names_are_there() -> None:
    """A renamed operation has the new name and the old one."""
    _, after, _ = _kept(pets(), edited(_rename))

    assert {"get_pet", "read_pet"} <= {one.name for one in after.functions}


def test_methods_of_a_renamed_namespace_stay() -> None:
    """Its functions are in the old module and in the new one, and `api` itself has the new ones."""
    before, after, notes = _kept(pets(), edited(_move))

    assert {one.path for one in before.functions} <= {one.path for one in after.functions}
    assert {(one.module, one.name) for one in after.functions} >= {("owners", "get_owner"), ("holders", "get_owner")}
    assert [] == notes


def test_what_cannot_be_kept_is_noted() -> None:
    """Another type cannot be the old one, too."""

    def change(raw: Node) -> None:
        schema(raw, "Pet")["properties"]["name"] = {"type": "integer"}

    (note,) = _kept(pets(), edited(change))[2]

    assert "`Pet.name` is not kept: is `int`, was `str`." in note


def test_events_stay() -> None:
    """One with a new name is known by both, and one that is gone is deprecated."""
    new = small("activity", "webhooks")
    new["webhooks"]["survey.completed"] = new["webhooks"].pop("survey.submitted")
    del new["webhooks"]["ticket.assigned"]
    notes = NoteCollector()

    code = build_ir(with_deprecated(parsed(new), parsed(small("activity", "webhooks")), notes).document)

    assert [] == notes.lines
    events = {event.type: event for event in code.events}
    assert ("survey.submitted", "SurveySubmitted") == (events["survey.completed"].old_type, events["survey.completed"].old_name)
    assert "Deprecated" in events["ticket.assigned"].doc
    assert "survey.submitted" not in events


def test_old_name_works(tmp_path: Path) -> None:
    """A call under the old name sends the request of the new one, and its docstring says that it is deprecated.

    The old name of an event is a second name of its class, and the type of its handlers. The class of an event that is gone stays.
    """

    def rename(raw: Node) -> None:
        operation(raw, TICKET, "get")["x-cstar-method"] = "read"
        operation(raw, TICKET, "get")["operationId"] = "read_ticket"
        raw["webhooks"]["survey.completed"] = raw["webhooks"].pop("survey.submitted")
        del raw["webhooks"]["ticket.assigned"]

    tree = Tree(tmp_path)
    shutil.copy(tree.document, tmp_path / "old.yaml")
    tree.write(rename)
    fake = tree.document.with_name("fake.yaml")
    fake.write_text((ROOT / "openapi" / "fake.yaml").read_text(encoding="utf-8").replace("get_ticket'", "read_ticket'"))

    done = tree.generate("--deprecate", "old.yaml")
    assert 0 == done.returncode, done.stderr
    assert "same Deprecated\n1 True ['is now SurveyCompleted', 'event survey.submitted is now survey.completed']" == tree.output_of(
        "import asyncio, warnings\n"
        "from cstar_async.api import get_ticket\n"
        "from cstar_async.testing import FakeCStar\n"
        "warnings.simplefilter('ignore')\n"
        "async def main():\n"
        "    async with FakeCStar() as fake, fake.client() as cstar:\n"
        "        ticket = await cstar.tickets.create(title='A')\n"
        "        found = [await cstar.tickets.get(ticket.id), await cstar.tickets.read(ticket.id)]\n"
        "        print('same' if found[0] == found[1] else found, 'Deprecated' if 'Deprecated' in get_ticket.__doc__ else '')\n"
        "asyncio.run(main())\n"
        "from cstar_async import webhooks\n"
        "async def receive(inbox, found):\n"
        '    body = b\'{"id": "evt_1", "type": "survey.completed", "data": {}}\'\n'
        "    @inbox.on('survey.submitted')\n"
        "    async def handle(event): found.append(event)\n"
        "    await inbox.receive(body, {'X-Signature': webhooks.sign(body, 'secret')})\n"
        "    await inbox.wait_until_idle()\n"
        "    await inbox.aclose()\n"
        "    return found\n"
        "with warnings.catch_warnings(record=True) as caught:\n"
        "    warnings.simplefilter('always')\n"
        "    cls = webhooks.SurveySubmitted\n"
        "    found = asyncio.run(receive(webhooks.WebhookInbox('secret'), []))\n"
        "is_same = cls is webhooks.SurveyCompleted is type(found[0]) and webhooks.TicketAssigned.__doc__ is not None\n"
        "print(len(found), is_same, [str(one.message).partition(' ')[2] for one in caught])"
    )


@pytest.mark.parametrize(("change", "deprecated"), [("value", ["LOST"]), ("value of a named enum", ["LOST", "FREE", "SOLD"])])
def test_constants_that_are_gone_are_deprecated(change: str, deprecated: list[str]) -> None:
    """Those of values that are gone, and the old names of the others."""
    old, new = (parse(edited(edit), NoteCollector(), is_sdk=False) for edit in REMOVALS[change])
    modules = build_ir(with_deprecated(new, old, NoteCollector()).document).model_modules
    (enum,) = (one for module in modules for one in module.enums)

    assert deprecated == [member.constant for member in enum.members if member.is_deprecated]
