"""Checks of request bodies: misspelt keys and values, and what is deprecated. Tests of clients test where a warning points."""

from __future__ import annotations

import enum
import warnings
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

import attrs
import pytest

from cstar_async import UNSET, InvalidArgumentError, UnknownValueWarning
from cstar_async._model.argument_check import _fields_of, check_body, closest, is_own_code, warn_of_deprecated
from cstar_async._model.model import Model
from cstar_async._model.open_enum import OpenEnum
from cstar_async._types import JSON, Unset


class Mood(OpenEnum, known={"GOOD": "good", "GRUMPY": "grumpy"}, deprecated=("GRUMPY",)):
    """An enum, as it is generated."""


class Own(enum.StrEnum):
    """An enum of a user."""

    GRUMPY = "grumpy"


class Size(OpenEnum, known={"SMALL": "small", "HUGE": "huge"}):
    """Another one."""


MoodLike = Mood | Literal["good", "grumpy"]


@attrs.define(kw_only=True)
class Toy(Model):
    """A model of a request, as it is generated."""

    __wire_names__: ClassVar[Mapping[str, str]] = {
        **{name: name for name in ("mood", "moods", "color", "level", "title", "labels")},
        "made_by": "madeBy",
    }
    __deprecated_fields__: ClassVar[frozenset[str]] = frozenset({"color"})
    __deprecated_values__: ClassVar[Mapping[str, tuple[object, ...]]] = {"level": (2, "two")}

    mood: MoodLike | Unset | None = UNSET
    moods: list[MoodLike] | Unset = UNSET
    color: str | Unset = UNSET
    level: int | str | Unset = UNSET
    title: str | Unset = UNSET
    labels: dict[str, Mood] | Unset = UNSET
    made_by: Toy | Unset = UNSET


@attrs.define(kw_only=True)
class Ball(Model):
    """Another one, with some fields of the same names."""

    __wire_names__: ClassVar[Mapping[str, str]] = {name: name for name in ("mood", "color", "air")}
    __deprecated_fields__: ClassVar[frozenset[str]] = frozenset({"air"})

    mood: Size | Unset = UNSET
    color: str | Unset = UNSET
    air: str | Unset = UNSET


@attrs.define(kw_only=True)
class Text(Model):
    """One whose mood is any text."""

    __wire_names__: ClassVar[Mapping[str, str]] = {"mood": "mood"}

    mood: str | Unset = UNSET


@attrs.define(kw_only=True)
class Box(Model):
    """A body."""

    __wire_names__: ClassVar[Mapping[str, str]] = {
        **{name: name for name in ("toys", "mood", "size", "mixed", "texts", "free")},
        "best_toy": "bestToy",
    }

    toys: list[Toy] | Unset = UNSET
    mood: MoodLike | Unset = UNSET
    size: Size | Unset = UNSET
    mixed: list[Toy | Ball] | Unset = UNSET
    texts: list[Toy | Text] | Unset = UNSET
    free: dict[str, Toy] | dict[str, JSON] | Unset = UNSET
    best_toy: Toy | Unset | None = UNSET


@pytest.fixture(autouse=True)
def warned() -> Iterator[list[warnings.WarningMessage]]:
    """Return the warnings of a test. One that it does not expect is an error."""
    _fields_of.cache_clear()  # reading the annotations is part of a check
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        yield found
    assert [] == found


def taken(warned: list[warnings.WarningMessage]) -> list[tuple[type[Warning], str]]:
    """Return category and text of the warnings so far."""
    found = [(one.category, str(one.message)) for one in warned]
    warned.clear()
    return found


def misspelt(where: str, value: str, close: str) -> tuple[type[Warning], str]:
    """Return the warning about a value."""
    message = f"{where} is {value!r}, which is not a known value; did you mean {close!r}? It is sent as given"
    return UnknownValueWarning, message


def deprecated(what: str) -> tuple[type[Warning], str]:
    """Return the warning about something deprecated."""
    return DeprecationWarning, f"{what} is deprecated"


def box(**fields: Any) -> Box:
    """Return a body, whatever the annotations say."""
    return Box(**fields)


@pytest.mark.parametrize(
    "body",
    [
        None,
        5,
        {"mood": "godo"},
        [{"mood": "godo"}, "godo"],
        box(),
        box(mood="good", size=Size("hueg")),
        box(mood="something else", toys=[Toy(mood=None), {"mood": None, "moods": [None, 5]}], best_toy=None),
        box(toys=[Toy(title="godo", labels={"mood": "godo", "made_by": "a"})]),  # type: ignore[dict-item]
        box(toys=[{"labels": {"mood": "godo", "made_by": {}}, "other": 1, "title": "godo"}]),
        box(free={"made_by": {"made_by": 1}, "mood": "godo"}),
        box(toys="godo", best_toy=5),
        box(toys=[Toy(level=3), {"level": "three"}, {5: 1}]),
    ],
)
def test_right_bodies_pass(body: object) -> None:
    """Known values, other models' mappings, free maps, constants, and what is close to nothing."""
    check_body(body, "add_box")


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (box(mood="godo"), "mood"),
        (box(best_toy=Toy(mood="godo")), "best_toy.mood"),  # type: ignore[arg-type]
        (box(best_toy={"mood": "godo"}), "best_toy.mood"),
        (box(best_toy=Toy(made_by=Toy(mood="godo"))), "best_toy.made_by.mood"),  # type: ignore[arg-type]
        (box(best_toy={"madeBy": {"mood": "godo"}}), "best_toy.madeBy.mood"),
        (box(toys=[Toy(), {"moods": ["good", "godo"]}]), "toys[1].moods[1]"),
        (box(toys=({}, {"moods": ("godo",)})), "toys[1].moods[0]"),
        ([None, box(), box(toys=[{"mood": "godo"}])], "body[2].toys[0].mood"),
    ],
)
def test_misspelt_value_is_named_by_its_place(warned: list[warnings.WarningMessage], body: object, where: str) -> None:
    """As a caller writes it: attributes of models, wire names of mappings."""
    check_body(body, "add_box")
    assert [misspelt(where, "godo", "good")] == taken(warned)


def test_each_misspelt_value_of_a_field_warns_once(warned: list[warnings.WarningMessage]) -> None:
    """However often it occurs in a body; in the next one again."""
    toys = [{"mood": "godo"}, Toy(mood="godo"), {"mood": "gooood"}, {"moods": ["godo"]}]  # type: ignore[arg-type]
    expected = [misspelt("toys[0].mood", "godo", "good"), misspelt("toys[2].mood", "gooood", "good")]
    for _ in range(2):
        check_body(box(toys=toys), "add_box")
        assert [*expected, misspelt("toys[3].moods[0]", "godo", "good")] == taken(warned)


def test_value_of_either_model_is_known(warned: list[warnings.WarningMessage]) -> None:
    """Where a mapping may be of several models, its values may be of any; free text in one of them allows all."""
    check_body(box(mixed=[{"mood": "good"}, {"mood": "huge"}], texts=[{"mood": "godo"}]), "add_box")
    check_body(box(mixed=[{"mood": "hueg"}, Ball(mood="godo")]), "add_box")  # type: ignore[arg-type]
    assert [misspelt("mixed[0].mood", "hueg", "huge")] == taken(warned)
    check_body(box(mixed=[Ball(mood="hueg")]), "add_box")  # type: ignore[arg-type]
    assert [misspelt("mixed[0].mood", "hueg", "huge")] == taken(warned)


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (box(best_toy=Toy(mood=Mood("grumpy"))), "the value 'grumpy' of best_toy.mood"),
        (box(best_toy={"mood": "grumpy"}), "the value 'grumpy' of best_toy.mood"),
        (box(toys=[{"level": 2}, Toy(level=2)]), "the value 2 of toys[0].level"),
        (box(toys=[{"mood": Own.GRUMPY}]), "the value 'grumpy' of toys[0].mood"),
        (box(toys=[{"level": 2.0}]), "the value 2.0 of toys[0].level"),
        (box(toys=[{"level": "two"}]), "the value 'two' of toys[0].level"),
        (box(toys=[{"color": "red"}, {"color": "red"}]), "toys[0].color"),
        (box(mixed=[{"air": "a"}]), "mixed[0].air"),
        ([box(mood=Mood("grumpy"))], "the value 'grumpy' of body[0].mood"),
    ],
)
def test_what_is_deprecated_warns_once(warned: list[warnings.WarningMessage], body: object, what: str) -> None:
    """A value inside of a body, and a field of a mapping."""
    check_body(body, "add_box")
    assert [deprecated(what)] == taken(warned)


def test_each_deprecated_value_and_field_warns(warned: list[warnings.WarningMessage]) -> None:
    """A value in two fields, two values of a field, and two fields."""
    check_body(box(best_toy={"mood": "grumpy", "moods": ["grumpy"], "level": 2}), "add_box")
    check_body(box(toys=[{"level": "two", "color": "red"}, {"level": 2}], mixed=[{"air": "a"}]), "add_box")
    assert [
        *(deprecated(f"the value {what}") for what in ("'grumpy' of best_toy.mood", "'grumpy' of best_toy.moods[0]")),
        deprecated("the value 2 of best_toy.level"),
        *(deprecated(what) for what in ("toys[0].color", "the value 'two' of toys[0].level", "the value 2 of toys[1].level")),
        deprecated("mixed[0].air"),
    ] == taken(warned)


def test_nothing_else_is_deprecated() -> None:
    """Arguments of the function, about which it warns itself, fields of models, and a field that one of the models still has."""
    check_body(box(mood=Mood("grumpy"), best_toy=Toy(color="red"), mixed=[{"color": "red"}]), "add_box")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (box(best_toy={"made_by": {}}), "best_toy must have the key 'madeBy', got 'made_by'; nested keys are wire names"),
        (box(toys=[Toy(), {"Made-By": {}}]), "toys[1] must have the key 'madeBy', got 'Made-By'; nested keys are wire names"),
        (box(toys=[{"made by": {}}]), "toys[0] must have the key 'madeBy', got 'made by'; nested keys are wire names"),
        (box(mixed=[{"AIR": 1}]), "mixed[0] must have the key 'air', got 'AIR'; nested keys are wire names"),
    ],
)
def test_other_spelling_of_a_key_is_refused(body: object, message: str) -> None:
    """The error has the place, the right key and the operation."""
    with pytest.raises(InvalidArgumentError) as caught:
        check_body(body, "add_box")
    assert (message, "add_box") == (caught.value.message, caught.value.operation)


def test_body_that_contains_itself_is_refused() -> None:
    """Instead of a RecursionError."""
    toy: dict[str, Any] = {}
    toy["madeBy"] = toy
    with pytest.raises(InvalidArgumentError) as caught:
        check_body(box(best_toy=toy), "add_box")
    assert "the body must be of limited depth, got a value that contains itself or is nested too deeply" == str(caught.value)


KNOWN = ["new", "open", "pending", "resolved", "closed", "low", "under_review"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *(("opne", "open"), ("oepn", "open"), ("ope", "open"), ("oopen", "open"), ("lwo", "low"), ("closd", "closed")),
        *(("under review", "under_review"), ("UNDER-REVIEW", "under_review"), ("Pendng", "pending"), ("resloved", "resolved")),
        *(("snoozed", None), ("archived", None), ("done", None), ("x", None), ("", None), ("urgent", None), ("\ud83c", None)),
    ],
)
def test_closest_value(value: str, expected: str | None) -> None:
    """One wrong, missing, doubled or swapped character is close; another word is not."""
    assert closest(value, KNOWN) == expected


@pytest.mark.parametrize(
    ("value", "known", "expected"),
    [
        ("opex", ["open"], "open"),
        ("nex", ["new"], "new"),
        ("nexa", ["ne"], None),
        ("a" * 64, ["a" * 65], "a" * 65),
        ("a" * 65, ["a" * 66], None),
        ("anything", [], None),
        ("_-_", ["a", "b"], None),
    ],
)
def test_limits_of_what_is_close(value: str, known: list[str], expected: str | None) -> None:
    """A quarter may differ, a third of three characters, and nothing is compared beyond 64."""
    assert expected == closest(value, known)


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ({"__name__": "cstar_async"}, True),
        ({"__name__": "cstar_async._client.call", "__doc__": None}, True),
        ({"__name__": "attr._make"}, True),
        ({"__name__": "attrs"}, True),
        ({"__name__": "shop.api", "__doc__": "Pets.\n\nGenerated by `python -m codegen` from an OpenAPI document."}, True),
        ({"__name__": "shop.api", "__doc__": "Pets."}, False),
        ({"__name__": "shop.cstar_async"}, False),
        ({"__name__": "cstar_async_tools"}, False),
        ({"__name__": None}, False),
        ({}, False),
    ],
)
def test_own_code_is_that_of_this_package_and_generated_code(module: dict[str, object], expected: bool) -> None:
    """And that of attrs; warnings name the first line outside."""
    assert expected is is_own_code(module)


def test_old_name_warns_with_the_new_one(warned: list[warnings.WarningMessage]) -> None:
    """If there is one."""
    warn_of_deprecated("Shop.sell", "Shop.trade")
    warn_of_deprecated("Shop.buy")
    assert [(DeprecationWarning, "Shop.sell is now Shop.trade"), deprecated("Shop.buy")] == taken(warned)
