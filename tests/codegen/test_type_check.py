"""The types of the new code are checked before it replaces the old one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from codegen import render, type_check
from codegen.__main__ import DONE, REFUSED, main
from codegen.errors import CodegenError
from tests.codegen.packages import document, ref, returns
from tests.codegen.trees import Tree

PET = {"type": "object", "properties": {"name": {"type": "string"}}}
PETS = document({"/pets/{id}": {"get": {"operationId": "getPet", "responses": returns(ref("Pet"))}}}, {"Pet": PET})


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Use a cache of this module, which is filled by the test that runs first."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(type_check.CACHE, str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    """Return the arguments that generate the package `shop`."""
    (tmp_path / "pets.json").write_text(json.dumps(PETS), encoding="utf-8")
    return ["--document", str(tmp_path / "pets.json"), "--output", str(tmp_path / "shop")]


def _break(monkeypatch: pytest.MonkeyPatch, old: str, new: str) -> None:
    """Let the templates write other code."""
    texts = render._texts
    monkeypatch.setattr(render, "_texts", lambda *given: {name: text.replace(old, new) for name, text in texts(*given).items()})


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts}


def test_code_with_wrong_types_does_not_replace_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    """The status is 2, and the sentence names the operation of the document."""
    assert DONE == main(arguments)
    before = _contents(tmp_path / "shop")
    _break(monkeypatch, ') -> Pet:\n    """Get pet', ') -> int:\n    """Get pet')
    capsys.readouterr()

    for option in ([], ["--check"]):
        assert REFUSED == main([*arguments, *option])
        (problem,) = (line for line in capsys.readouterr().err.splitlines() if not line.startswith("note:"))
        assert problem.startswith("#/paths/~1pets~1{id}/get: the code generated from this (`api/pets.py`, line ")
        assert (
            'line 38) does not pass the type check: Argument 2 to "execute" of "OperationExecutor" has incompatible type' in problem
        )
        assert problem.endswith("; this is a fault of the generator.")
    assert before == _contents(tmp_path / "shop")


def test_wrong_type_of_a_field_names_its_schema(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    """Also when its module has other classes."""
    _break(monkeypatch, "name: str | None = None", "name: str = None")

    assert REFUSED == main(arguments)
    assert "#/components/schemas/Pet: the code generated from this (`models/pets.py`, line " in capsys.readouterr().err


def test_check_can_be_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    """`--no-type-check` writes the code as it is."""
    _break(monkeypatch, "name: str | None = None", "name: str = None")

    assert DONE == main([*arguments, "--no-type-check"])
    assert (tmp_path / "shop").exists()


def test_code_that_was_checked_is_not_checked_again(monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    """Whatever the folder that it is written into."""
    assert DONE == main(arguments)
    monkeypatch.setattr(type_check, "_errors", lambda *_: pytest.fail("mypy ran again"))

    assert [DONE, DONE] == [main(arguments), main([*arguments, "--check"])]


def test_cache_that_cannot_be_used_is_no_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    """Neither one in the place of which there is a file, nor an empty one, in which a run leaves no folder of its own."""
    monkeypatch.setattr(type_check, "_errors", lambda *_: [])
    monkeypatch.setenv(type_check.CACHE, str(tmp_path / "pets.json" / "cache"))
    assert DONE == main(arguments)
    cache = tmp_path / "empty"
    cache.mkdir()
    monkeypatch.setenv(type_check.CACHE, str(cache))

    assert DONE == main(arguments)
    assert ["cstar-async-codegen"] == [path.name for path in cache.iterdir()]


def test_missing_mypy_is_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    """With what to do."""

    def missing(name: str) -> str:
        raise type_check.PackageNotFoundError(name)

    monkeypatch.setattr(type_check, "version", missing)

    assert REFUSED == main(arguments)
    assert "mypy: it is needed to check the types of the new code; install it, or skip the check with `--no-type-check`.\n" in (
        capsys.readouterr().err
    )


def test_failure_of_mypy_is_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    """With its last line."""
    _break(monkeypatch, '"""The client of the API.', '"""A client of the API.')
    monkeypatch.setattr(type_check, "FLAGS", ("--no-such-option",))

    assert REFUSED == main([*arguments])
    assert (
        "mypy: the types of the new code could not be checked: mypy: error: unrecognized arguments: --no-such-option.\n"
        in capsys.readouterr().err
    )


def test_hand_written_code_is_checked_with_the_new_models(tree: Tree) -> None:
    """A type that it relies on is named with the file that has to follow."""
    before = tree.files()
    path = tree.package / "library.py"
    path.write_text(
        path.read_text("utf-8") + "\n\ndef _title(article: LibraryArticle) -> int:\n    return article.title\n", "utf-8"
    )
    before |= {"library.py": path.read_bytes()}

    done = tree.python("-m", "codegen")

    assert REFUSED == done.returncode
    assert done.stderr.startswith("cstar_async/library.py, line ")
    assert done.stderr.endswith("; change the document, or this code by hand.\n")
    assert before == tree.files()


def test_hand_written_file_that_is_no_python_gives_a_sentence(tmp_path: Path) -> None:
    """It names the file, because the document cannot be at fault."""
    folder = tmp_path / "cstar_async"
    folder.mkdir()
    (folder / "errors.py").write_text("def\n", encoding="utf-8")
    error = type_check._Error("cstar_async/errors.py", 1, "Invalid syntax [syntax]")

    with pytest.raises(CodegenError) as caught:
        type_check._raise_errors([error], tmp_path, {})
    assert "cstar_async/errors.py, line 1: the code does not pass the type check: Invalid syntax [syntax]" in str(caught.value)
