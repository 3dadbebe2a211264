"""Read any JSON with every generated model."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from cstar_async import from_dict, models, to_dict
from cstar_async._model.model import Model
from cstar_async._model.open_enum import OpenEnum

CLASSES = [getattr(models, name) for name in models.__all__]
MODELS: list[type[Model]] = [one for one in CLASSES if isinstance(one, type) and issubclass(one, Model)]
ENUMS: list[type[OpenEnum]] = [one for one in CLASSES if isinstance(one, type) and issubclass(one, OpenEnum)]

STRINGS = st.text(max_size=12) | st.sampled_from(
    ["open", "2026-03-01T12:00:00Z", "2026-03-01", "0001-01-01T00:00:00+23:00", "null", "1"]
)
SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | STRINGS
JSONS = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(STRINGS, inner, max_size=3), max_leaves=8)


@st.composite
def wires(draw: st.DrawFn) -> tuple[type[Model], dict[str, Any]]:
    """Draw a model, and an object with some of its fields, of any type, and unknown fields."""
    model = draw(st.sampled_from(MODELS))
    return model, draw(
        st.dictionaries(st.sampled_from([*model.__wire_names__.values(), "unknownField", "extra"]), JSONS, max_size=8)
    )


@given(wires())
def test_model_read_from_any_json_comes_back_equal(case: tuple[type[Model], dict[str, Any]]) -> None:
    """Decoding never raises, and the wire form has everything that the model has."""
    model, wire = case
    instance = from_dict(model, wire)
    assert instance == from_dict(model, to_dict(instance))


@given(wires())
def test_plain_value_is_never_coerced(case: tuple[type[Model], dict[str, Any]]) -> None:
    """A number or a boolean is the same object in the model, whatever type the document states."""
    model, wire = case
    instance = from_dict(model, wire)
    for attribute, name in model.__wire_names__.items():
        value = wire.get(name)
        if isinstance(value, (bool, int, float)):
            assert getattr(instance, attribute) is value


@given(wires())
def test_wire_form_of_a_model_is_json(case: tuple[type[Model], dict[str, Any]]) -> None:
    """What was decoded from JSON can be encoded as JSON."""
    model, wire = case
    written = to_dict(from_dict(model, wire))
    assert written == orjson.loads(orjson.dumps(written))


@given(wires())
def test_repr_never_raises(case: tuple[type[Model], dict[str, Any]]) -> None:
    """Whatever the types of its fields are."""
    model, wire = case
    assert repr(from_dict(model, wire)).startswith(f"{model.__name__}(")


@given(st.sampled_from(ENUMS), st.text())
def test_any_str_is_a_member_of_an_open_enum(enum: type[OpenEnum], value: str) -> None:
    """Known or not, it compares, hashes and prints as that str."""
    member = enum.__decode__(value)
    assert (value, hash(value), value, enum) == (member, hash(member), str(member), type(member))
    assert member.is_known == (value in [str(known) for known in enum.known_values()])


@given(st.lists(st.dictionaries(st.sampled_from(["type", "tags", "agentId", "message", "level"]), JSONS) | SCALARS, max_size=5))
def test_actions_of_any_type_keep_their_wire_form(actions: list[Any]) -> None:
    """Actions of known types, of unknown types and without a type lose only the nulls of known fields."""
    automation = from_dict(models.Automation, {"actions": actions})
    assert to_dict(automation).get("actions") == [_without_known_nulls(action) for action in actions]


def _without_known_nulls(action: Any) -> Any:
    """Return an action as a model writes it: without nulls in the fields of its class."""
    if not isinstance(action, dict):
        return action
    read = from_dict(models.Automation, {"actions": [action]}).actions
    known = type(read[0]).__wire_names__.values() if read else ()
    return {key: value for key, value in action.items() if value is not None or key not in known}
