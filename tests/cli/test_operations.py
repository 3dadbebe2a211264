"""The commands of operations: each sends what its function sends."""

from __future__ import annotations

import json
import os
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.every_operation import UNKNOWN_FIELD, SampleCall, sample_calls

from .conftest import Command, environment, run_process, served

ID = "a/b c"


def words(call: SampleCall) -> list[str]:
    """Return the command of an operation."""
    operation = call.operation
    names = ["library"] if operation.scope == "library" else operation.namespace.split(".")
    ids = [ID] * (len(operation.segments) - 1)
    return [*(name.replace("_", "-") for name in (*names, operation.name)), *ids, *map(str, call.positional)]


def options(call: SampleCall) -> list[str]:
    """Return the options of a command, with a value for every argument that is given."""
    given: list[str] = ["--team", "acme"] if call.operation.scope == "library" else []
    for name, value in call.arguments.items():
        option = "--" + name.strip("_").replace("_", "-")
        if name == "options":
            continue
        if isinstance(value, bool):
            given.append(option if value else option.replace("--", "--no-", 1))
        elif isinstance(value, list) and all(isinstance(item, str) for item in value):
            given += [text for item in value for text in (option, item)]
        else:
            given += [option, value if isinstance(value, str) else json.dumps(value)]
    return given


@pytest.mark.parametrize("call", sample_calls(), ids=lambda call: call.operation.id)
def test_command_sends_what_the_options_say(call: SampleCall, command: Command, tmp_path: Path) -> None:
    """Method, path, query and body of every operation are those of its options."""
    extra = tmp_path / "extra.json"
    extra.write_text(json.dumps(UNKNOWN_FIELD))
    is_open = "options" in call.arguments
    outcome = command(*words(call), *options(call), "--dry-run", *(["--input", str(extra)] if is_open else []))

    assert (outcome.code, outcome.err) == (0, "")
    request = outcome.json
    assert request["method"] == call.operation.method
    assert request["path"].count(quote(ID, safe="")) == len(call.operation.segments) - 1
    assert call.body == request.get("body")
    assert set(call.query) == set(request.get("query", {}))


def test_a_process_prints_json_and_nothing_else() -> None:
    """Standard output of a process is one JSON array."""
    outcome = run_process("tickets", "list", "--page-size", "2", "--json")
    assert (outcome.code, outcome.err, len(outcome.json)) == (0, "", 2)


def test_all_reads_every_page() -> None:
    """`--all` prints every item, with the fewest calls."""
    with served(seed=1, rows=150) as fake:
        outcome = run_process("customers", "list", "--all", "--json", env={**os.environ, **environment(fake)})
        assert len({one["id"] for one in outcome.json}) == len(outcome.json) == 150
        assert len(fake.requests) == 2


def test_max_items_stops_early(command: Command) -> None:
    """`--max-items` prints the first items."""
    assert len(command("tickets", "list", "--max-items", "3", "--json").json) == 3


def test_input_gives_the_rest_of_the_arguments() -> None:
    """A body from standard input may have wire names, Python names and nulls; options take precedence."""
    outcome = run_process(
        "tickets", "create", "--title", "A", "--input", "-", "--dry-run",
        stdin='{"title": "B", "assignedTo": null, "custom_fields": {"plan": "x"}}',
    )  # fmt: skip
    assert outcome.json["body"] == {"title": "A", "assignedTo": None, "customFields": {"plan": "x"}}


def test_a_long_text_is_read_from_standard_input() -> None:
    """`-` as the value of a str option reads standard input."""
    outcome = run_process("tickets", "create", "--title", "A", "--notes", "-", "--dry-run", stdin="two\nlines\n")
    assert outcome.json["body"] == {"title": "A", "notes": "two\nlines"}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["tickets", "create"], "error: --title is required\n"),
        (["tickets", "create", "--title", "a", "--metadata", "{x"], "error: --metadata must be JSON: "),
        (["tickets", "list", "--page", "x"], "error: Invalid value for '--page': "),
        (["tickets", "lst"], "error: No such command 'lst'"),
        (["tickets", "get"], "error: Missing argument 'TICKET_ID'"),
        (["tickets", "list", "--colour", "red"], "error: No such option: --colour"),
        (["audit-log", "list", "--start-date", "soon"], "error: --start-date must be a time in ISO 8601"),
        (["tickets", "create", "--input", "/nowhere.json"], "error: cannot read /nowhere.json: No such file or directory\n"),
        (["tickets", "get", ".."], "error: an id in the path must be a str that is not empty, '.' or '..', got '..'"),
    ],
)
def test_wrong_usage_is_one_sentence(command: Command, arguments: list[str], problem: str) -> None:
    """Wrong arguments exit with 2 and say what is wrong, before anything is sent."""
    outcome = command(*arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(problem)


@pytest.mark.parametrize("names", [["tickets"], ["tickets", "messages"]])
def test_group_without_a_command_shows_its_help(command: Command, names: list[str]) -> None:
    """A group alone prints its help and no error, and exits with 2."""
    outcome = command(*names)
    assert (outcome.code, outcome.err) == (2, "")
    assert f"Usage: cstar-async {' '.join(names)}" in outcome.out


@pytest.mark.parametrize("text", ["[1]", "{", '"a"', '{"colour": "red"}', "\ud800"])
def test_bad_input_is_one_sentence(command: Command, tmp_path: Path, text: str) -> None:
    """Input that is no object, or has an unknown field, exits with 2."""
    path = tmp_path / "input.json"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    outcome = command("tickets", "create", "--title", "a", "--input", str(path))
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)


def test_unknown_ticket_has_an_exit_code_of_its_own(command: Command) -> None:
    """A 404 exits with 4 and names the request."""
    outcome = command("tickets", "get", "tkt_unknown")
    assert (outcome.code, outcome.out) == (4, "")
    assert outcome.err.startswith("error: Ticket not found (404 resource_missing, request req_")
