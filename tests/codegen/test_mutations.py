"""No random change of a document causes a traceback: it gives code, or sentences."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
import yaml

from codegen.errors import CodegenError, NoteCollector
from codegen.ir.build import build_ir
from codegen.ir.client import client_spec
from codegen.parser.run import parse
from codegen.render import Target, _texts
from codegen.spec.document import Node
from codegen.spec.loader import read
from tests.codegen.changes.document_rows import pets
from tests.codegen.documents import small
from tests.codegen.mutations import locations_of, mutate, mutate_text
from tests.codegen.zoo import ZOO

pytestmark = pytest.mark.no_cover


def outcome_of(raw: Node, *, is_sdk: bool = False, renders: bool = True) -> list[str]:
    """Return the sentences with which a document is refused; none, if code is made of it."""
    try:
        notes = NoteCollector()
        parsed = parse(raw, notes, is_sdk=is_sdk)
        code = build_ir(parsed)
        if not is_sdk:
            target = Target(package="mutated", source="api.yaml", client=client_spec(parsed, None, notes))
            for name, text in _texts(code, {}, target).items() if renders else ():
                if name.endswith(".py"):
                    compile(text, name, "exec")
    except CodegenError as error:
        return [str(problem) for problem in error.problems]
    return []


def _check(outcomes: list[list[str]]) -> None:
    assert any(outcomes)
    assert not all(outcomes)
    assert [] == [one for sentences in outcomes for one in sentences if not one.endswith(".") or "\n" in one or len(one) > 1000]


def _mutated(raw: Node, chance: random.Random, count: int, *, is_sdk: bool = False) -> list[list[str]]:
    text, locations = json.dumps(raw), locations_of(raw)
    outcomes: list[list[str]] = []
    for number in range(count):
        changed: Node = json.loads(text)
        for _ in range(chance.choice([1, 1, 1, 2, 3])):
            mutate(changed, locations, chance)
        changed = json.loads(json.dumps(changed))  # keys become str, as the loader makes them
        outcomes.append(outcome_of(changed, is_sdk=is_sdk, renders=number % 3 == 0))
    return outcomes


@pytest.mark.parametrize("seed", range(10))
def test_mutation_gives_code_or_sentences(seed: int) -> None:
    """The code is at least Python, and a sentence is one line."""
    _check(_mutated(ZOO, random.Random(seed), 70))


@pytest.mark.parametrize("seed", range(2))
def test_mutation_of_our_document_gives_code_or_sentences(seed: int) -> None:
    """So do the parts that only this package has: events, batches, the checks of its client."""
    _check(_mutated(small("webhooks"), random.Random(seed), 25, is_sdk=True))


@pytest.mark.parametrize("seed", range(5))
def test_mutated_text_gives_code_or_sentences(tmp_path: Path, seed: int) -> None:
    """Aliases, merge keys and broken YAML are read, or refused by their line."""
    text, chance, path = yaml.safe_dump(pets(), sort_keys=False), random.Random(seed), tmp_path / "api.yaml"
    outcomes: list[list[str]] = []
    for _ in range(50):
        changed = text
        for _ in range(chance.choice([1, 1, 2])):
            changed = mutate_text(changed, chance)
        path.write_bytes(changed.encode("utf-8", "surrogatepass"))
        try:
            raw = read(path)
        except CodegenError as error:
            outcomes.append([str(problem) for problem in error.problems])
        else:
            outcomes.append(outcome_of(raw))
    _check(outcomes)
