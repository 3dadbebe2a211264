"""Every generated model against any JSON."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from cstar_async import from_dict, models, to_dict
from cstar_async._model.model import Model
from cstar_async._model.open_enum import OpenEnum

KINDS = [getattr(models, name) for name in models.__all__]
MODELS: list[type[Model]] = [kind for kind in KINDS if isinstance(kind, type) and issubclass(kind, Model)]
ENUMS: list[type[OpenEnum]] = [kind for kind in KINDS if isinstance(kind, type) and issubclass(kind, OpenEnum)]

TEXTS = st.text(max_size=12) | st.sampled_from(
    ["open", "2026-03-01T12:00:00Z", "2026-03-01", "0001-01-01T00:00:00+23:00", "null", "1"]
)
SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
JSONS = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=8)


@st.composite
def wires(draw: st.DrawFn) -> tuple[type[Model], dict[str, Any]]:
    """A model and an object with some of its fields, each of any kind, and fields that nobody knows."""
    kind = draw(st.sampled_from(MODELS))
    return kind, draw(st.dictionaries(st.sampled_from([*kind.__wire_names__.values(), "unheardOf", "extra"]), JSONS, max_size=8))


@given(wires())
def test_model_read_from_any_json_comes_back_equal(case: tuple[type[Model], dict[str, Any]]) -> None:
    """Reading never raises, and the wire form holds all that the model holds."""
    kind, wire = case
    model = from_dict(kind, wire)
    assert model == from_dict(kind, to_dict(model))


@given(wires())
def test_plain_value_of_any_kind_is_never_coerced(case: tuple[type[Model], dict[str, Any]]) -> None:
    """A number, a boolean or null is the same object in the model, whatever type the document promised."""
    kind, wire = case
    model = from_dict(kind, wire)
    for attribute, name in kind.__wire_names__.items():
        value = wire.get(name)
        if isinstance(value, (bool, int, float)):
            assert getattr(model, attribute) is value


@given(wires())
def test_wire_form_of_a_model_is_json(case: tuple[type[Model], dict[str, Any]]) -> None:
    """What was read from JSON can be written as JSON."""
    kind, wire = case
    written = to_dict(from_dict(kind, wire))
    assert written == orjson.loads(orjson.dumps(written))


@given(wires())
def test_repr_of_any_model_is_made(case: tuple[type[Model], dict[str, Any]]) -> None:
    """A log line never fails over an odd answer."""
    kind, wire = case
    assert repr(from_dict(kind, wire)).startswith(f"{kind.__name__}(")


@given(st.sampled_from(ENUMS), st.text())
def test_any_text_is_a_member_of_an_open_enum(kind: type[OpenEnum], text: str) -> None:
    """Known or not, it compares, hashes and prints as itself."""
    member = kind.__decode__(text)
    assert (text, hash(text), text, kind) == (member, hash(member), str(member), type(member))
    assert member.is_known == (text in [str(known) for known in kind.known_values()])


@given(st.lists(st.dictionaries(st.sampled_from(["type", "tags", "agentId", "message", "level"]), JSONS) | SCALARS, max_size=5))
def test_actions_of_any_kind_go_back_to_what_they_were(actions: list[Any]) -> None:
    """Known types, unknown ones and none: nothing is lost but nulls of known fields."""
    automation = from_dict(models.Automation, {"actions": actions})
    assert to_dict(automation).get("actions") == [_without_known_nulls(action) for action in actions]


def _without_known_nulls(action: Any) -> Any:
    """What a model writes of an action: null is nothing in the fields that its class has."""
    if not isinstance(action, dict):
        return action
    read = from_dict(models.Automation, {"actions": [action]}).actions
    known = type(read[0]).__wire_names__.values() if read else ()
    return {key: value for key, value in action.items() if value is not None or key not in known}
