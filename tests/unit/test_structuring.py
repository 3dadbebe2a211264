"""Responses as classes that the caller names."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from cstar_async import InvalidArgumentError, converter
from cstar_async._model.model import Model
from cstar_async._model.structuring import StructureError, structure_as
from cstar_async.models import Tag


@attrs.frozen
class Person:
    """A class of a user."""

    name: str
    age: int = 0


@attrs.frozen
class Team:
    """A class of a user with a mapping of another."""

    people: dict[str, Person]


@attrs.frozen
class Strict:
    """A class of a user that takes no other fields."""

    name: str = ""


class Unfinished(Model):
    """A model that is no generated class, nor a subclass of one."""


@pytest.mark.parametrize(
    ("model", "value", "expected"),
    [
        (Person, {"name": "Ann", "age": 7, "other": 1}, Person("Ann", 7)),
        (list[Person], [{"name": "Ann"}], [Person("Ann")]),
        (dict[str, Person], {"a": {"name": "Ann"}}, {"a": Person("Ann")}),
        (int, "5", 5),
        (list[int], ["5", 6], [5, 6]),
    ],
)
def test_anything_that_the_converter_can_make_is_made(model: type[Any], value: object, expected: object) -> None:
    """Classes, lists, mappings and plain types."""
    assert expected == structure_as(model)(value)


def test_model_of_the_package_keeps_unknown_fields() -> None:
    """It is read by its own decoder, as everywhere else."""
    tag = structure_as(Tag)({"name": "vip", "new": [1]})
    assert (Tag, "vip", {"new": [1]}) == (type(tag), tag.name, tag.extra)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Unfinished, f"model must be a class of a generated package, or an attrs class, got {Unfinished}"),
        (5, "model must be a class that `converter` can structure, got 5"),
        ("Tag", "model must be a class that `converter` can structure, got 'Tag'"),
    ],
)
def test_other_model_is_refused(model: Any, message: str) -> None:
    """Before anything is sent, with what was given."""
    with pytest.raises(InvalidArgumentError) as caught:
        structure_as(model)
    assert (message, None) == (str(caught.value), caught.value.__cause__)


@pytest.mark.parametrize(
    ("model", "value", "path"),
    [
        (Person, {"age": 1}, ".name"),
        (Person, {"name": "Ann", "age": "x"}, ".age"),
        (Person, None, ""),
        (list[Person], [{"name": "Ann"}, {"name": "Bob", "age": "x"}], "[1].age"),
        (list[int], ["1", "x"], "[1]"),
        (Tag, None, ""),
        (Tag, [{"name": "vip"}], ""),
    ],
)
def test_error_is_the_path_of_the_first_part_that_does_not_fit(model: type[Any], value: object, path: str) -> None:
    """Without the value, which may be a customer's."""
    with pytest.raises(StructureError) as caught:
        structure_as(model)(value)
    assert path == str(caught.value)


@pytest.mark.parametrize("key", ["ann@example.com", "Ann @ home", "o'brien@example.com", "a[\"'b"])
def test_error_shows_no_key_of_a_mapping(key: str) -> None:
    """Keys can be e-mail addresses; the path ends at the mapping."""
    with pytest.raises(StructureError) as caught:
        structure_as(Team)({"people": {key: {"age": 1}}})
    assert ".people" == str(caught.value)


def test_error_shows_no_key_that_a_class_refuses() -> None:
    """The converter would name such keys."""
    from cattrs.gen import make_dict_structure_fn

    own = converter.copy()
    converter.register_structure_hook(Strict, make_dict_structure_fn(Strict, own, _cattrs_forbid_extra_keys=True))
    with pytest.raises(StructureError) as caught:
        structure_as(list[Strict])([{"name": "a"}, {"Ann @ home": 1}])
    assert "[1]" == str(caught.value)
