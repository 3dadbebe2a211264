"""The guide "When the API changes": its edits fit the document, and its commands print what it shows."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from codegen.__main__ import ROOT
from codegen.spec.document import Node
from tests.codegen.documents import schema, whole
from tests.codegen.published import published
from tests.codegen.trees import Tree

GUIDE = ROOT / "docs" / "api-changes.md"
PARTS = GUIDE.read_text(encoding="utf-8").split("\n## ")[1:]
CASES = [part.partition("\n")[0] for part in PARTS if "\n$ python -m codegen" in part]


def run_case(text: str, tree: Tree) -> str:
    """Make the edits of a part of the guide in a copy of the tree, run its commands, and return the part with what they print."""

    def replaced(match: re.Match[str]) -> str:
        if match["kind"] == "diff":
            _edit(match["body"], tree)
            return match[0]
        commands = [line for line in match["body"].splitlines() if line.startswith("$ ")]
        return f"```console\n{''.join(_run(command, tree) for command in commands)}```\n"

    return re.sub(r"^```(?P<kind>diff|console)\n(?P<body>.*?)^```\n", replaced, text, flags=re.DOTALL | re.MULTILINE)


def _edit(block: str, tree: Tree) -> None:
    name, _, body = block.partition("\n")
    lines = body.splitlines(keepends=True)
    old = "".join(line[1:] for line in lines if not line.startswith("+"))
    path = tree.root / name
    document = path.read_text(encoding="utf-8")
    assert 1 == document.count(old), f"the lines before the edit are not those of {name}:\n{old}"
    path.write_text(document.replace(old, "".join(line[1:] for line in lines)), encoding="utf-8")


def _run(command: str, tree: Tree) -> str:
    """Run a command of the guide; the types of the code are checked elsewhere."""
    arguments = shlex.split(command.removeprefix("$ python "))
    arguments += ["--no-type-check"] if arguments == ["-m", "codegen"] else []
    done = tree.python(*arguments)
    assert done.returncode in (0, 1), done.stderr
    return f"{command}\n{done.stderr}{done.stdout.replace(f'{tree.root}/', '')}"


def official() -> Node:
    """Return the published document of the third case."""
    raw = published(whole())
    schema(raw, "TicketStatus")["enum"].append("snoozed")
    del raw["paths"]["/api/v1/teams/{teamId}/activity"]
    schema(raw, "TicketCreate")["required"].append("priority")
    return raw


@pytest.mark.parametrize("case", CASES)
def test_commands_print_what_the_guide_shows(case: str, tmp_path: Path) -> None:
    """Each case begins with a release of the tree, and each command prints what is under it."""
    tree = Tree(tmp_path)
    tree.generate("release")
    (tmp_path / "official.json").write_text(json.dumps(official()), encoding="utf-8")
    part = next(one for one in GUIDE.read_text(encoding="utf-8").split("\n## ") if one.startswith(f"{case}\n"))

    assert part.rstrip() == run_case(part, tree).rstrip()


def test_guide_has_three_cases() -> None:
    """A field, a resource with an upload, and the official document."""
    assert ["A field", "A resource with an upload", "The official document"] == CASES
