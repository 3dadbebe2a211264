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


COUNTS = Counter(line for doc in DOCS.values() for line in set(_lines(doc)))
COMMON = {line for line, count in COUNTS.items() if count > len(DOCS) / 10}
"""The lines of more than a tenth of the docstrings."""
ADVICE = (
    "Say in `openapi/cstar.yaml` what is special to the operation: what it leaves out, which fields the result has, when it fails."
    " Or shorten the common lines in `codegen/ir/function_docs.py`. Common lines:\n    " + "\n    ".join(sorted(COMMON))
)
LINES_OF_A_FUNCTION = 35


@pytest.mark.parametrize("name", DOCS)
def test_docstring_is_special_to_its_operation(name: str) -> None:
    """At least 80 % of its characters are in lines that few other docstrings have."""
    lines = _lines(DOCS[name])
    special = sum(len(line) for line in lines if line not in COMMON) / sum(map(len, lines))

    assert special >= 0.8, f"{special:.1%} of the docstring of {name} is special to it. {ADVICE}"


@pytest.mark.parametrize("name", DOCS)
def test_docstring_has_at_most_two_common_lines(name: str) -> None:
    """One for the options, and one for the errors of every call."""
    common = [line for line in _lines(DOCS[name]) if line in COMMON]

    assert len(common) <= 2, f"{name} has {len(common)} common lines. {ADVICE}"


def test_lines_are_special_to_their_operations() -> None:
    """At least 83 % of the lines of all docstrings."""
    lines = [line for doc in DOCS.values() for line in _lines(doc)]
    special = sum(line not in COMMON for line in lines) / len(lines)

    assert special >= 0.83, f"{special:.1%} of the lines are special to their operations. {ADVICE}"


def test_functions_are_short() -> None:
    """On average, with their docstrings."""
    lines = [len(inspect.getsource(getattr(api, name)).splitlines()) for name in DOCS]
    longest = sorted(zip(lines, DOCS, strict=True), reverse=True)[:5]

    assert sum(lines) <= LINES_OF_A_FUNCTION * len(lines), (
        f"{sum(lines)} lines of {len(lines)} functions are more than {LINES_OF_A_FUNCTION} on average. Shorten descriptions in"
        f" `openapi/cstar.yaml`, above all of {longest}, or what `codegen/ir/functions.py` writes for each of them."
    )


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
