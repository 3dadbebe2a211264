"""Applying overlays: targets, merging, and the overlay of the fake server."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


def _actions(*actions: object) -> Node:
    return {"overlay": "1.0.0", "info": {"title": "Test", "version": "1"}, "actions": [*actions]}


def _overlay(target: object, update: object) -> Node:
    return _actions({"target": target, "update": update})


def _refuse(location: str, message: str) -> None:
    pytest.fail(f"{location}: {message}")


def _apply(overlay: Node, raw: Node = RAW) -> Node:
    return apply_overlay(raw, overlay, name="o.yaml", report=_refuse)


def _applied(target: str, update: object, *keys: str | int | slice) -> Any:
    node: Any = _apply(_overlay(target, update))
    for key in keys:
        node = node[key]
    return node


def _problems(overlay: Node) -> list[str]:
    with pytest.raises(CodegenError) as caught:
        _apply(overlay)
    return [*map(str, caught.value.problems)]


def _reports(overlay: Node) -> list[str]:
    found: list[str] = []
    apply_overlay(RAW, overlay, name="o.yaml", report=lambda location, message: found.append(f"{location}: {message}"))
    return found


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


@pytest.mark.parametrize("target", ["$.paths['/c']", "$.paths['/a'].parameters[7]", "$..[?@.operationId=='get_c']"])
def test_target_that_selects_nothing_is_reported(target: str) -> None:
    """A misspelt target must not be ignored: the report has its place."""
    assert _reports(_overlay(target, {})) == [f"o.yaml#/actions/0: the target `{target}` matches nothing."]


def test_removal_takes_a_node_out() -> None:
    """From an object by its key, and from a list by its index, several at once."""
    result = _apply(_actions({"target": "$.paths['/b']", "remove": True}, {"target": "$..parameters[*]", "remove": True}))
    assert (list(result["paths"]), result["paths"]["/a"]["parameters"]) == (["/a"], [])


def test_removal_ignores_the_update_beside_it() -> None:
    """As the specification says."""
    assert "/b" not in _apply(_actions({"target": "$.paths['/b']", "remove": True, "update": {"x": 1}}))["paths"]


def test_removal_of_a_value_and_what_contains_it() -> None:
    """Both can be targets of one action."""
    assert _apply(_actions({"target": "$..['/a', 'get']", "remove": True}))["paths"] == {"/b": {}}


def test_an_action_sees_those_before_it() -> None:
    """What one action adds, a later one can change."""
    actions = ({"target": "$.paths", "update": {"/c": {}}}, {"target": "$.paths['/c']", "update": {"x": 1}})
    assert _apply(_actions(*actions))["paths"]["/c"] == {"x": 1}


def test_update_is_copied_for_each_target() -> None:
    """A later change of one does not change the others."""
    actions = ({"target": "$.paths.*.get", "update": {"x": {}}}, {"target": "$.paths['/a'].get.x", "update": {"y": 1}})
    result = _apply(_actions(*actions))
    assert [result["paths"][path]["get"]["x"] for path in ("/a", "/b")] == [{"y": 1}, {}]


@pytest.mark.parametrize(
    ("overlay", "problem"),
    [
        ({"openapi": "3.1.0"}, "o.yaml: the file must be an OpenAPI overlay, `overlay: 1.0.0`, got `None`."),
        ({"overlay": "2.0.0"}, "o.yaml: the file must be an OpenAPI overlay, `overlay: 1.0.0`, got `2.0.0`."),
        ({"overlay": "1.0.0", "actions": []}, "o.yaml#/actions: an overlay must have a list of `actions`."),
        (_actions("x"), "o.yaml#/actions/0: an action must have a `target`, a JSONPath."),
        (_actions({"target": 5, "update": {}}), "o.yaml#/actions/0: an action must have a `target`, a JSONPath."),
        (_actions({"target": "$", "remove": "no"}), "o.yaml#/actions/0/remove: `remove` must be a boolean, got `no`."),
        (_actions({"target": "$", "remove": True}), "o.yaml#/actions/0/target: the document itself cannot be removed."),
        (_overlay("$", 5), "o.yaml#/actions/0/update: the update of an object must be an object."),
        (
            _overlay("$.paths['/a'].get.operationId", {}),
            "o.yaml#/actions/0/target: only objects and arrays can be updated; choose what contains it.",
        ),
    ],
)
def test_overlay_that_cannot_be_applied(overlay: Node, problem: str) -> None:
    """One sentence with the file and the place."""
    assert _problems(overlay) == [problem]


@pytest.mark.parametrize(
    ("action", "report"),
    [
        ({"target": "$"}, "o.yaml#/actions/0: an action without `update` or `remove: true` changes nothing."),
        ({"target": "$", "update": {}, "copy": "$"}, "o.yaml#/actions/0/copy: `copy` of an action is passed over."),
    ],
)
def test_action_without_effect_is_reported(action: Node, report: str) -> None:
    """It is clear what is meant, or that nothing is."""
    assert _reports(_actions(action)) == [report]


def test_overlay_without_info_is_applied() -> None:
    """Its title has no effect on the document; the report says that it must be there."""
    assert _reports({"overlay": "1.0.0", "actions": [{"target": "$", "update": {}}]}) == [
        "o.yaml#/info: an overlay must have an `info` with `title` and `version`."
    ]


def test_problems_of_all_actions_are_collected() -> None:
    """One run shows all of them."""
    assert len(_problems(_actions({"target": "paths", "update": {}}, {"target": "$[", "update": {}}))) == 2


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("paths", "is not a JSONPath: expected '$'"),
        ("$.paths[?match(@.x, 'a', 'b')]", "is not a JSONPath: 'match'() requires 2 arguments"),
        ("$[?" + "(" * 900 + "@" + ")" * 900 + "]", "is not a JSONPath: it is nested too deeply"),
        ("$" + ".a" * 2_000, "has more than 2000 characters"),
        ("$..[?match(@.operationId, '(')]", "has a pattern that is not valid"),
        ("$..[?$..[?$..*]]", "takes too long; name more of the path"),
        ("$..[?match(@.text, '(b|a|aa)*c?b')]", "takes too long; name more of the path"),
    ],
)
def test_target_that_is_no_usable_path(target: str, reason: str) -> None:
    """A target that is not a JSONPath, or would search without end, is a problem with its reason."""
    raw = {**RAW, "text": {"text": "b" + "a" * 40}, "many": {str(number): {"a": {"b": {}}} for number in range(400)}}
    with pytest.raises(CodegenError) as caught:
        apply_overlay(raw, _overlay(target, {}), name="o.yaml", report=_refuse)
    (problem,) = map(str, caught.value.problems)
    assert problem.startswith("o.yaml#/actions/0/target: the target `$" if target[0] == "$" else "o.yaml#")
    assert reason in problem


def test_target_that_selects_a_node_often_updates_it_once() -> None:
    """An item that is appended to a list is appended once."""
    assert _applied("$..*..['parameters']", {"name": "z"}, "paths", "/a", "parameters", slice(2, None)) == [{"name": "z"}]


def test_action_that_adds_too_much_is_refused() -> None:
    """A small overlay could multiply into more than fits into memory."""
    many = {"x": [0] * 60_000}
    problems = _problems(_actions({"target": "$.*", "update": {"y": {}}}, {"target": "$..*", "update": many}))
    assert problems == ["o.yaml#/actions/1: the action adds more than 1000000 values; name more of the path."]


def test_actions_that_nest_ever_deeper_are_refused() -> None:
    """In one sentence, as a document that is nested too deeply."""
    step = {"a": {"a": {"a": {"a": {"a": {"a": {}}}}}}}
    actions = [{"target": "$" + ".a" * (6 * index), "update": step} for index in range(150)]
    assert _problems(_actions(*actions)) == ["o.yaml: the document is nested more than 120 levels deep."]


_SEGMENTS = st.sampled_from(
    [".paths", ".*", "..*", "[0]", "['/a']", ".get", "[?@.operationId]", "[?@.name=='x']", "..", "[", "[?@..*]"]
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_ACTIONS = st.fixed_dictionaries(
    {"target": st.lists(_SEGMENTS, max_size=4).map(lambda parts: "$" + "".join(parts)) | _JSON},
    optional={"update": _JSON, "remove": st.booleans() | _JSON},
)


@given(st.lists(_ACTIONS | _JSON, max_size=4))
@settings(max_examples=300, deadline=None)
def test_any_actions_are_applied_or_refused(actions: list[Any]) -> None:
    """With sentences and their places; the document itself stays as it was."""
    before = json.dumps(RAW)
    try:
        apply_overlay(RAW, _actions(*actions), name="o.yaml", report=lambda location, message: None)
    except CodegenError as error:
        assert "o.yaml" in str(error)  # noqa: PT017  # it need not be raised
    assert json.dumps(RAW) == before


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
    overlaid = _apply(_overlay(target, update), raw)
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
    overlaid = Document(apply_overlay(raw, read(DOCUMENT.with_name(FAKE)), name=FAKE, report=_refuse))
    assert json.loads((PACKAGE / "_generated" / "fake.json").read_text(encoding="utf-8")) == fake_behaviour(overlaid)


def test_overlay_changes_nothing_for_the_client(tree: Tree) -> None:
    """Without the overlay, only the data of the fake server differs."""
    tree.document.with_name(FAKE).unlink()
    assert tree.generate("--check").stderr.splitlines() == ["differs: _generated/fake.json"]
