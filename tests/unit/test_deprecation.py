"""Warnings about what is deprecated, and about old names: what is warned of, and what is not."""

from __future__ import annotations

import copy
import inspect
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest

from cstar_async import UNSET, InvalidArgumentError
from cstar_async._model.deprecation import (
    DeprecatedConstant,
    RenamedField,
    deprecated,
    deprecated_arguments,
    deprecated_values,
    renamed_arguments,
)
from cstar_async._model.model import Model
from tests.unit.toys import make_toy


@pytest.fixture
def found() -> Iterator[list[warnings.WarningMessage]]:
    """Record the warnings."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        yield found


def messages(found: list[warnings.WarningMessage]) -> list[str]:
    """Return the texts of warnings. Where they point is a claim of `tests.codegen`: mutation tests add frames."""
    assert all(DeprecationWarning is one.category for one in found)
    return [str(one.message) for one in found]


def show(first: Any = "a", second: Any = "b", *, third: Any = UNSET) -> tuple[Any, Any, Any]:
    """Return the arguments."""
    return first, second, third


async def show_later(first: Any = "a") -> Any:
    """Return the argument."""
    return first


DECORATORS = ["function", "arguments", "values", "renamed"]


def decorator(name: str) -> Callable[[Any], Any]:
    """Return a new decorator of that kind."""
    decorators: dict[str, Callable[[Any], Any]] = {
        "function": deprecated("x is deprecated"),
        "arguments": deprecated_arguments("second"),
        "values": deprecated_values(second=("x",)),
        "renamed": renamed_arguments(old="second"),
    }
    return decorators[name]


@pytest.mark.parametrize("name", DECORATORS)
def test_decorated_function_is_the_function(name: str, found: list[warnings.WarningMessage]) -> None:
    """It has the same name, text and signature, and returns the same."""
    call = decorator(name)(show)
    assert ((1, 2, 3), ("a", "b", UNSET)) == (call(1, 2, third=3), call())
    assert ("show", show.__doc__, inspect.signature(show)) == (call.__name__, call.__doc__, inspect.signature(call))
    assert ([] if name != "function" else ["x is deprecated"] * 2) == messages(found)


@pytest.mark.parametrize("name", DECORATORS)
async def test_coroutine_function_stays_one(name: str, found: list[warnings.WarningMessage]) -> None:
    """Where Python can mark one (from 3.12); a plain function does not become one."""
    call = decorator(name)(show_later)
    assert 5 == await call(5)
    assert (sys.version_info >= (3, 12)) is inspect.iscoroutinefunction(call)
    assert not inspect.iscoroutinefunction(decorator(name)(show))


@pytest.mark.parametrize("name", DECORATORS)
def test_coroutine_function_is_marked_where_python_can(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Before 3.12 it cannot."""

    def mark(call: Any) -> Any:
        return "marked", call

    monkeypatch.setattr(inspect, "markcoroutinefunction", mark, raising=False)
    marked: Any = decorator(name)(show_later)
    assert ("marked", "show_later") == (marked[0], marked[1].__name__)
    assert "show" == decorator(name)(show).__name__
    monkeypatch.delattr(inspect, "markcoroutinefunction")
    assert "show_later" == decorator(name)(show_later).__name__


def test_argument_warns_if_it_is_given_by_name(found: list[warnings.WarningMessage]) -> None:
    """Also with None, but not with UNSET."""
    call = deprecated_arguments("second", "third")(show)
    assert ("a", None, 3) == call(second=None, third=3)
    call(third=UNSET)
    assert ["the argument second of show is deprecated", "the argument third of show is deprecated"] == messages(found)


def test_value_warns_wherever_it_is_given(found: list[warnings.WarningMessage]) -> None:
    """By name, by position or in a list, once for each value and argument."""
    call = deprecated_values(first=("x", 2), third=("y",))(show)
    call("x", third="y")
    call(["a", "x", 2, "x"])
    call(first=("x",))
    call("y", "x", third="x")
    first, two = (
        "the value 'x' of the argument first of show is deprecated",
        "the value 2 of the argument first of show is deprecated",
    )
    assert [first, "the value 'y' of the argument third of show is deprecated", first, two, first] == messages(found)


def test_old_name_of_an_argument_gives_the_new_one(found: list[warnings.WarningMessage]) -> None:
    """Several may be given; to give both names of one is an error."""
    call = renamed_arguments(old="second", older="third")(show)
    assert ("a", 1, 2) == call(older=2, old=1)
    assert ("a", 1, UNSET) == call(second=1)
    assert ["the argument old of show is now second", "the argument older of show is now third"] == messages(found)
    with pytest.raises(InvalidArgumentError) as caught:
        call(second=1, old=1)
    assert "old must be left out beside second, got both; it is the old name of second" == caught.value.message


def test_old_argument_of_a_constructor_is_that_of_the_class(found: list[warnings.WarningMessage]) -> None:
    """As its caller sees it."""

    def make(new: int) -> int:
        return new

    make.__qualname__ = "Pet.__init__"
    assert 1 == renamed_arguments(old="new")(make)(old=1)
    assert ["the argument old of Pet is now new"] == messages(found)


def test_constant_warns_at_each_use(found: list[warnings.WarningMessage]) -> None:
    """With its new name, if it has one."""

    class Moods:
        BAD: Any = DeprecatedConstant("BAD", "bad")
        ILL: Any = DeprecatedConstant("ILL", "worse", "BAD")

    assert ("bad", "worse") == (Moods.BAD, Moods.ILL)
    assert ["Moods.BAD is deprecated", "Moods.ILL is now BAD"] == messages(found)


def test_old_name_of_a_field_is_the_new_one(found: list[warnings.WarningMessage]) -> None:
    """Reading and writing warn; the class has the field itself."""

    class Renamed:
        new = 1
        old: Any = RenamedField[int]("new")

    one = Renamed()
    assert 1 == one.old
    one.old = 2
    assert 2 == one.new
    assert ["Renamed.old is now new"] * 2 == messages(found)
    assert isinstance(vars(Renamed)["old"], RenamedField)


def test_deprecated_field_warns_when_it_is_used(found: list[warnings.WarningMessage]) -> None:
    """And is a field as any other; of the class it is itself."""
    toy = make_toy()(name="a", must="b")
    assert [] == messages(found)
    toy.color = "red"
    assert ("red", "b", "a") == (toy.color, toy.must, toy.name)
    assert ["Toy.color is deprecated", "Toy.color is deprecated", "Toy.must is deprecated"] == messages(found)
    kind = make_toy()
    assert vars(kind)["color"] is kind.color


def test_constructor_warns_of_an_optional_field_that_is_given(found: list[warnings.WarningMessage]) -> None:
    """It cannot do without a required one."""
    make_toy()(name="a", must="b", color=None)
    make_toy()(name="a", must="b", color="red")
    assert ["Toy.color is deprecated"] == messages(found)


def test_copies_and_comparisons_warn_of_nothing(found: list[warnings.WarningMessage]) -> None:
    """They are not the user's use."""
    toy = make_toy()(name="a", must="b")
    assert [toy] * 2 == [copy.deepcopy(toy), copy.copy(toy)]
    assert "c" == attrs.evolve(toy, name="c").name
    assert [] == messages(found)


def test_wire_names_of_deprecated_fields_are_known() -> None:
    """Those of nested mappings are looked up there."""
    assert ({"theColor", "must"}, frozenset()) == (make_toy().__deprecated_fields__, Model.__deprecated_fields__)
