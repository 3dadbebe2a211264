"""The docstrings of the endpoint functions of the real document."""

from __future__ import annotations

import inspect
from collections import Counter

import pytest

from cstar_async import api
from cstar_async._generated.all_operations import OPERATIONS

TITLES = ("Args:", "Returns:", "Raises:", "Example:")
DOCS = {name: inspect.getdoc(getattr(api, name)) or "" for name in api.__all__}


def _lines(doc: str) -> list[str]:
    """Return the lines of a docstring, without blank lines and titles."""
    return [line.strip() for line in doc.splitlines() if line.strip() and line.strip() not in TITLES]


def test_lines_that_many_functions_share_are_few() -> None:
    """Less than a fifth of all lines occur in more than a third of the docstrings."""
    counts = Counter(line for doc in DOCS.values() for line in set(_lines(doc)))
    lines = [line for doc in DOCS.values() for line in _lines(doc)]
    shared = [line for line in lines if counts[line] > len(DOCS) / 3]

    assert len(shared) < 0.2 * len(lines), Counter(shared)


@pytest.mark.parametrize("name", DOCS)
def test_docstring_has_all_sections(name: str) -> None:
    """In the same order for every function."""
    doc = DOCS[name]
    places = [doc.find(f"\n{title}\n") for title in TITLES]

    assert -1 not in places
    assert sorted(places) == places


@pytest.mark.parametrize("name", OPERATIONS)
def test_docstring_shows_the_request(name: str) -> None:
    """The method and the path, as the document has them."""
    operation = OPERATIONS[name]

    assert f"\n\n`{operation.method} {operation.path}`" in DOCS[name]


@pytest.mark.parametrize("name", DOCS)
def test_docstring_describes_every_argument(name: str) -> None:
    """By its Python name, in the order of the signature."""
    given = list(inspect.signature(getattr(api, name)).parameters)[1:]
    section = DOCS[name].partition("\nArgs:\n")[2].partition("\n\n")[0]
    described = [line.strip().partition(":")[0] for line in section.splitlines() if line.startswith("    ") and line[4] != " "]

    assert given == described


@pytest.mark.parametrize("name", DOCS)
def test_docstring_states_its_evidence(name: str) -> None:
    """The last line says how sure the document is, and where from."""
    assert _lines(DOCS[name])[-1].startswith(("Documented: ", "Inferred: ", "Named: ")) or "\n\nInferred: " in DOCS[name]


@pytest.mark.parametrize("name", DOCS)
def test_docstring_has_no_words_of_json(name: str) -> None:
    """`None`, `True` and `False`, never their names in JSON."""
    assert not {"`null`", "`true`", "`false`"} & set(DOCS[name].split())
