"""The command `python -m codegen` and its option `--check`."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from codegen import render
from codegen.__main__ import DIFFERENT, DONE, INTERRUPTED, PACKAGE, REFUSED, main
from codegen.output import FOLDERS
from codegen.spec.document import Node
from tests.codegen.documents import TICKET, entry, model, operation, real, schema, small
from tests.codegen.trees import Tree


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a small document, and the package and the page generated from it."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "cstar_async").mkdir()
    (folder / "small.yaml").write_text(json.dumps(small()), encoding="utf-8")
    assert DONE == main(["--no-type-check", "--document", str(folder / "small.yaml"), "--output", str(folder / "cstar_async")])
    return folder


@pytest.fixture
def package(tmp_path: Path, made: Path) -> Path:
    """Return a package that was generated from a small document beside it."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return tmp_path / "cstar_async"


def _main(package: Path, *arguments: str) -> int:
    """Run the command for a package and the small document beside it."""
    return main([*arguments, "--no-type-check", "--document", str(package.parent / "small.yaml"), "--output", str(package)])


def _contents(package: Path) -> dict[str, bytes]:
    return {path.relative_to(package).as_posix(): path.read_bytes() for path in package.rglob("*") if path.is_file()}


def _document(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "api.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.no_cover
def test_committed_code_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    """The generated code is that of the document."""
    status = main(["--check"])

    assert (DONE, "") == (status, capsys.readouterr().err)


def test_check_names_every_file_that_differs(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A changed, a missing and an unknown file are listed, and nothing is changed."""
    (package / "_generated" / "events.py").write_text("")
    (package / "api" / "tickets.py").unlink()
    (package / "models" / "ghosts.py").write_text("")
    before = _contents(package)

    status = _main(package, "--check")

    lines = ["differs: _generated/events.py", "missing: api/tickets.py", "stray: models/ghosts.py"]
    assert (DIFFERENT, lines, before) == (status, capsys.readouterr().err.splitlines(), _contents(package))


def test_check_ignores_compiled_files(package: Path) -> None:
    """Compiled files are not generated."""
    (package / "api" / "__pycache__").mkdir()
    (package / "api" / "__pycache__" / "tickets.cpython-311.pyc").write_bytes(b"")

    assert DONE == _main(package, "--check")


def test_run_replaces_the_folders_whole(package: Path) -> None:
    """A run removes stale files and leaves no other."""
    expected = _contents(package)
    (package / "models" / "ghosts.py").write_text("")
    (package / "_generated" / "events.py").write_text("")

    assert DONE == _main(package)
    assert expected == _contents(package)


def test_run_into_an_empty_package_writes_everything(tmp_path: Path, package: Path) -> None:
    """There need not be an earlier output."""
    (tmp_path / "new").mkdir()
    shutil.copy(tmp_path / "small.yaml", tmp_path / "new")
    (tmp_path / "new" / "cstar_async").mkdir()

    assert DONE == _main(tmp_path / "new" / "cstar_async")
    assert _contents(package) == _contents(tmp_path / "new" / "cstar_async")


@pytest.mark.parametrize("arguments", [[], ["--check"]])
def test_refused_document_leaves_the_output_alone(
    tmp_path: Path, package: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    """Each problem is a line on stderr, the status is 2, and no file changes."""
    before = _contents(package)
    document = _document(tmp_path, "openapi: 3.1.0\ninfo: {title: T, version: '1'}\npaths: {}\nopenapi: 3.1.0\n")

    status = main([*arguments, "--document", str(document), "--output", str(package)])

    problem = "api.yaml, line 4: the key `openapi` is repeated; line 1 has it, too.\n"
    assert (REFUSED, problem, before) == (status, capsys.readouterr().err, _contents(package))


def test_unclean_output_leaves_the_old_one_alone(
    package: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Code with errors does not replace the old one."""
    before = _contents(package)
    texts = render._texts
    monkeypatch.setattr(render, "_texts", lambda *given: {**texts(*given), "_generated/broken.py": "def broken(:\n"})

    status = _main(package)

    assert (REFUSED, before) == (status, _contents(package))
    assert "ruff: the generated code is not clean: " in capsys.readouterr().err


def test_silent_failure_of_ruff_is_reported(
    monkeypatch: pytest.MonkeyPatch, package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The run stops even when ruff prints nothing."""
    monkeypatch.setattr(render.subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 1, "", ""))

    assert REFUSED == _main(package, "--check")
    assert "ruff: the generated code is not clean: it gave no reason\n" == capsys.readouterr().err


def test_other_version_of_ruff_is_refused(
    monkeypatch: pytest.MonkeyPatch, package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another version of ruff may format differently."""
    monkeypatch.setattr(render, "version", lambda _: "0.0.1")

    assert REFUSED == _main(package, "--check")
    assert f"ruff: the version must be {render.RUFF_VERSION}, got 0.0.1.\n" == capsys.readouterr().err


@pytest.mark.parametrize(
    ("failure", "status", "message"),
    [
        (PermissionError(13, "Permission denied"), REFUSED, "{}: the output cannot be written: Permission denied.\n"),
        (KeyboardInterrupt(), INTERRUPTED, ""),
    ],
)
def test_failed_replacement_is_undone(
    package: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    failure: BaseException,
    status: int,
    message: str,
) -> None:
    """When the second folder cannot be moved, or Ctrl-C comes there, the first one moves back."""
    before = _contents(package)
    rename = Path.rename

    def failing(source: Path, target: Path) -> Path:
        if source.name == "api" and "new" in source.parts:
            raise failure
        return rename(source, target)

    monkeypatch.setattr(Path, "rename", failing)

    assert status == _main(package)
    assert before == _contents(package)
    assert message.format(package) == capsys.readouterr().err


def test_output_that_cannot_be_written_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file is in the place of the package."""
    (tmp_path / "cstar_async").write_text("")

    assert REFUSED == main(["--output", str(tmp_path / "cstar_async")])
    assert "the output cannot be written: File exists." in capsys.readouterr().err


def test_output_is_created_and_removed_after_a_failure(tmp_path: Path) -> None:
    """A refused document leaves no folder."""
    document = _document(tmp_path, "openapi: 3.1.0\n")

    assert REFUSED == main(["--document", str(document), "--output", str(tmp_path / "new" / "shop")])
    assert not (tmp_path / "new" / "shop").exists()


def test_file_of_another_author_is_not_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The folder may be a package that somebody wrote; a generated one is replaced."""
    document, package = _document(tmp_path, "openapi: 3.1.0\ninfo: {title: T, version: '1'}\npaths: {}\n"), tmp_path / "shop"

    arguments = ["--no-type-check", "--document", str(document), "--output", str(package)]
    assert [DONE, DONE] == [main(arguments) for _ in range(2)]
    (package / "__init__.py").write_text("mine = 1\n")
    capsys.readouterr()

    assert REFUSED == main(arguments)
    assert "mine = 1\n" == (package / "__init__.py").read_text()
    refused = f"{package / '__init__.py'}: this file was not generated; choose another folder, or move it away.\n"
    assert refused == capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--output", "my-shop"], ["--output", "class"], ["--output", "shop", "--client", "2nd"]])
def test_name_that_python_cannot_import_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    """The folder is the name of the package, and the client is a class."""
    monkeypatch.chdir(tmp_path)

    assert REFUSED == main(arguments)
    assert f"{arguments[-2]}: the name must be a Python identifier, got `{arguments[-1]}`.\n" == capsys.readouterr().err


@pytest.mark.parametrize("name", ["ApiClient", "ClassVar", "str", "api", "client", "\ufb01sh"])
def test_client_cannot_have_a_name_that_its_module_uses(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    """A class of that name would hide what the module needs."""
    arguments = ["--document", "absent.yaml", "--output", str(tmp_path / "shop"), "--client", name]

    assert REFUSED == main(arguments)
    assert f"--client: the name must be one that generated code does not use itself, got `{name}`.\n" == capsys.readouterr().err


GHOST = "note: #/components/schemas/Ghost: no operation uses the schema `Ghost`, so it has no class.\n"


@pytest.mark.no_cover
def test_unused_schema_is_reported(tree: Tree) -> None:
    """It does not stop the run and has no class."""
    before = tree.files()
    ghost = model("A ghost.", id=entry("Its id.", type="string"))
    tree.write(lambda raw: raw["components"]["schemas"].update(Ghost=ghost), keep_overlay=True)

    for arguments in ((), ("--check",)):
        assert (DONE, "", GHOST) == ((done := tree.generate(*arguments)).returncode, done.stdout, done.stderr)
    assert before == tree.files()


def test_schema_that_only_the_envelope_uses_is_kept_for_the_fake(tree: Tree) -> None:
    """It has no class, which needs no note, and references to it resolve."""
    before = tree.files()
    tree.write(lambda raw: raw["components"]["schemas"]["ErrorType"].pop("x-cstar-envelope"))

    done = tree.generate()

    assert (DONE, "") == (done.returncode, done.stderr)
    assert before.keys() == tree.files().keys()
    assert '"ErrorType": {' in tree.files()["_generated/schemas.json"].decode()


@pytest.mark.no_cover
def test_output_does_not_depend_on_hashes(tree: Tree) -> None:
    """The order of sets differs in each process; the output does not."""
    for seed in ("0", "4711"):
        assert (0, "") == ((done := tree.generate("--check", PYTHONHASHSEED=seed)).returncode, done.stderr)


def test_output_does_not_depend_on_the_folder(tmp_path: Path) -> None:
    """The name of the folder, ignore lists and settings of parent folders have no effect."""
    place = tmp_path / "build" / "site-packages"
    place.mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text("*\n")
    (tmp_path / "ruff.toml").write_text("line-length = 60\n")
    tree = Tree(place)
    before = tree.files()
    shutil.rmtree(tree.package / "_generated")

    assert (0, "", before) == ((done := tree.generate()).returncode, done.stderr, tree.files())


def test_refusal_has_no_traceback(tree: Tree) -> None:
    """The command prints problems and exits with a status that is not zero."""
    tree.write(lambda raw: operation(raw, TICKET, "get").update(operationId="update_ticket"))
    before = tree.files()

    done = tree.generate()

    problem = "{}: the operationId `update_ticket` is not the only one of this name.\n"
    places = ("#/paths/~1api~1v1~1teams~1{teamId}~1tickets~1{ticketId}/" + method for method in ("get", "patch"))
    assert (2, "", "".join(map(problem.format, places))) == (done.returncode, done.stdout, done.stderr)
    assert before == tree.files()


def test_lint_accepts_the_document_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    """It states the evidence, the source and the description of everything."""
    assert (DONE, "") == (main(["lint"]), capsys.readouterr().err)


def test_field_without_evidence_is_generated_and_found_by_lint(tree: Tree) -> None:
    """The rules of the project never stop a run."""

    def change(raw: Node) -> None:
        schema(raw, "Ticket")["properties"]["dueOn"] = {"type": "string"}

    tree.write(change, keep_overlay=True)
    done, linted = tree.generate(), tree.generate("lint")

    assert (DONE, "") == (done.returncode, done.stderr)
    field = "#/components/schemas/Ticket/properties/dueOn: the property has no"
    missing = [f"{field} `{key}`." for key in ("description", "x-evidence", "x-source")]
    assert (REFUSED, missing) == (linted.returncode, linted.stderr.splitlines())
    assert 'due_on: str | None = None\n    """The field `dueOn`."""' in tree.files()["models/tickets.py"].decode()


def test_generator_imports_nothing_of_the_package() -> None:
    """The generator runs when the package is broken."""
    code = "import sys, codegen.__main__; sys.exit(any(name.split('.')[0] == 'cstar_async' for name in sys.modules))"

    assert 0 == subprocess.run([sys.executable, "-c", code], cwd=PACKAGE.parent, check=False).returncode


@pytest.mark.parametrize("path", sorted(path for folder in FOLDERS for path in (PACKAGE / folder).rglob("*.py")), ids=str)
def test_generated_code_has_no_suppressions(path: Path) -> None:
    """It has no `Any`, no cast, no ignored error and no object printed with its address."""
    text = path.read_text(encoding="utf-8")

    assert [] == re.findall(r"\bcast\(|type: ignore|pyright: ignore|noqa|object at 0x", text)
    assert "Any" not in {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}


def test_fixtures_return_copies() -> None:
    """A change in one test does not reach another."""
    real()["paths"].clear()

    assert real()["paths"]
