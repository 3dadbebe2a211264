"""Applying overlays: targets, merging, and the overlay of the fake server."""

from __future__ import annotations

import json
from typing import Any

import pytest

from codegen.__main__ import DOCUMENT, FAKE, PACKAGE
from codegen.errors import CodegenError
from codegen.ir.fake import fake_behaviour
from codegen.lint.run import lint_overlay
from codegen.spec.document import Document, Node
from codegen.spec.loader import read
from codegen.spec.overlay import apply_overlay
from tests.codegen.documents import whole
from tests.codegen.trees import Tree

RAW: Node = {
    "paths": {
        "/a": {"get": {"operationId": "get_a", "tags": ["a"], "x-rule": {"one": 1}}, "parameters": [{"name": "x"}, {"name": "y"}]},
        "/b": {"get": {"operationId": "get_b"}},
    }
}


def _overlay(target: object, update: object) -> Node:
    return {"overlay": "1.0.0", "actions": [{"target": target, "update": update}]}


def _applied(target: str, update: object, *keys: str | int) -> Any:
    node: Any = apply_overlay(RAW, _overlay(target, update), name="o.yaml")
    for key in keys:
        node = node[key]
    return node


@pytest.mark.parametrize(
    "target",
    [
        "$.paths['/a'].get",
        "$['paths']['/a']['get']",
        "$.paths.*[?@.operationId=='get_a']",
        "$.paths[*][?(@.operationId == 'get_a')]",
    ],
)
def test_target_selects_one_operation(target: str) -> None:
    """Names, quoted names, wildcards and filters select the same node."""
    result = _applied(target, {"x-new": True})
    assert (result["paths"]["/a"]["get"]["x-new"], result["paths"]["/b"]) == (True, RAW["paths"]["/b"])


@pytest.mark.parametrize("target", ["$.paths['/a'].parameters[1]", "$.paths['/a'].parameters[?@.name=='y']"])
def test_target_selects_an_item_of_a_list(target: str) -> None:
    """By its index or by the value of a field."""
    assert _applied(target, {"x-new": 1}, "paths", "/a", "parameters") == [{"name": "x"}, {"name": "y", "x-new": 1}]


def test_wildcard_selects_every_child() -> None:
    """Also the items of a list."""
    assert _applied("$.paths.*.get", {"x": 1}, "paths", "/b", "get", "x") == 1
    assert _applied("$.paths['/a'].parameters[*]", {"x": 1}, "paths", "/a", "parameters", 0, "x") == 1


def test_update_merges_objects_and_extends_lists() -> None:
    """Other values are replaced, and the document itself stays as it was."""
    operation = _applied("$.paths['/a'].get", {"tags": ["b"], "x-rule": {"two": 2}, "operationId": "a"}, "paths", "/a", "get")
    assert operation == {"operationId": "a", "tags": ["a", "b"], "x-rule": {"one": 1, "two": 2}}
    assert RAW["paths"]["/a"]["get"]["x-rule"] == {"one": 1}


def test_update_of_a_list_appends() -> None:
    """A target that is a list gets one more item."""
    assert _applied("$.paths['/a'].parameters", {"name": "z"}, "paths", "/a", "parameters", 2) == {"name": "z"}


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("$.paths['/c']", "the target `$.paths['/c']` matches nothing."),
        ("$.paths['/a'].parameters[7]", "matches nothing."),
        ("$..get", "the target `$..get` is not a supported JSONPath."),
        ("paths", "the target `paths` is not a supported JSONPath."),
    ],
)
def test_target_that_selects_nothing_is_a_problem(target: str, problem: str) -> None:
    """A misspelt target must not be ignored."""
    with pytest.raises(CodegenError, match=r"o\.yaml#/actions/0") as caught:
        apply_overlay(RAW, _overlay(target, {}), name="o.yaml")
    assert str(caught.value).endswith(problem)


GET_TICKET = "$.paths.*[?@.operationId=='get_ticket']"


@pytest.mark.parametrize(
    ("target", "update", "problem"),
    [
        (GET_TICKET, {"x-cstar-colection": "tickets"}, "no operation has the extension `x-cstar-colection`; is it misspelt?"),
        (GET_TICKET, {"x-cstar-action": "read"}, "`x-cstar-action` must be one of list, create, get"),
        (GET_TICKET, {"x-cstar-filter": {"nothing": {}}}, "`x-cstar-filter` names `nothing`, which is not a parameter."),
        (
            "$.components.schemas.Ticket",
            {"properties": {"nothing": {"x-cstar-initial": 1}}},
            "the overlay of the fake server extends something that the document does not have.",
        ),
    ],
)
def test_overlay_of_the_fake_is_checked(target: str, update: Node, problem: str) -> None:
    """It may add its own extensions to what the document has, and nothing else."""
    raw = whole()
    overlaid = apply_overlay(raw, _overlay(target, update), name="o.yaml")
    with pytest.raises(CodegenError) as caught:
        lint_overlay(Document(raw), Document(overlaid))
    assert problem in str(caught.value)


def test_document_does_not_describe_the_fake() -> None:
    """All behaviour of the fake comes from the overlay."""
    assert set(map(json.dumps, fake_behaviour(Document(whole()))["operations"].values())) == {"{}"}
    assert fake_behaviour(Document(whole()))["schemas"] == {}


def test_generated_file_is_what_the_overlay_adds() -> None:
    """Taking the extensions away again gives the document back."""
    raw = whole()
    overlaid = Document(apply_overlay(raw, read(DOCUMENT.with_name(FAKE)), name=FAKE))
    assert json.loads((PACKAGE / "_generated" / "fake.json").read_text(encoding="utf-8")) == fake_behaviour(overlaid)


def test_overlay_changes_nothing_for_the_client(tree: Tree) -> None:
    """Without the overlay, only the data of the fake server differs."""
    tree.document.with_name(FAKE).unlink()
    assert tree.generate("--check").stderr.splitlines() == ["differs: _generated/fake.json"]
