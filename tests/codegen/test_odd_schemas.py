"""Schemas that contradict themselves, and keywords beside a reference."""

from __future__ import annotations

import importlib
import resource
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from codegen.__main__ import REFUSED
from codegen.spec.document import Node
from tests.codegen.packages import document, generate_package, imported, ref, returns

TEXT: Node = {"type": "string"}
PET: Node = {"type": "object", "properties": {"name": TEXT}}


@contextmanager
def _models(folder: Path, schema: Node, version: str = "3.1.0") -> Generator[Any]:
    """Import the models of a document with a schema `Odd`."""
    paths = {"/odd": {"get": {"responses": returns({"type": "object", "properties": {"odd": ref("Odd"), "pet": ref("Pet")}})}}}
    package = generate_package(folder, "odd", document(paths, {"Pet": PET, "Odd": schema}, version=version))
    with imported(package) as module:
        yield importlib.import_module(f"{module.__name__}.models")


def test_object_and_null_at_once_is_an_object_or_null(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing can be both, so the document means that."""
    with _models(tmp_path, {"allOf": [ref("Pet"), {"type": "null"}]}) as models:
        assert "name" in models.Odd.__wire_names__
    assert "nothing is null and something else; this is read as one of them." in capsys.readouterr().err


def test_null_with_properties_is_null(tmp_path: Path) -> None:
    """There is no class without an object."""
    with _models(tmp_path, {"type": "null", "properties": {"name": TEXT}}) as models:
        assert not hasattr(models, "Odd")


def test_enum_with_properties_is_an_enum(tmp_path: Path) -> None:
    """Its values are texts."""
    with _models(tmp_path, {"allOf": [ref("Pet"), {"enum": ["a", "b"]}]}) as models:
        assert ("a", "b") == models.Odd.known_values()


@pytest.mark.parametrize("more", [{"properties": {"age": TEXT}}, {"allOf": [{"type": "object", "properties": {"age": TEXT}}]}])
def test_keywords_beside_a_reference_extend_it(tmp_path: Path, more: Node) -> None:
    """OpenAPI 3.1 reads both."""
    with _models(tmp_path, {**ref("Pet"), **more}) as models:
        assert {"name", "age"} == {*models.Odd.__wire_names__}


def test_keywords_beside_a_reference_are_passed_over_in_3_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As OpenAPI 3.0 says."""
    with _models(tmp_path, {**ref("Pet"), "properties": {"age": TEXT}}, "3.0.3") as models:
        assert not hasattr(models, "Odd")
    assert "`properties` of a reference is passed over." in capsys.readouterr().err


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding", "Connection", "Content-Encoding", "Expect"])
def test_header_that_carries_the_message_is_no_argument(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    """The client could not send what a caller gives."""
    operation: Node = {"parameters": [{"name": name, "in": "header", "schema": TEXT, "required": True}], "responses": returns(TEXT)}

    generate_package(tmp_path, "framed", document({"/p": {"get": operation}}))

    assert f"the client sets the header `{name}` itself." in capsys.readouterr().err


def test_file_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    """Such as on a full disk. Nothing is left."""

    def limit_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    command = [sys.executable, "-m", "codegen", "--no-type-check", "--output", str(tmp_path / "shop"), "--client", "Shop"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, preexec_fn=limit_files)

    assert REFUSED == done.returncode
    assert "a file cannot be read or written: File too large" in done.stderr.splitlines()[-1]
    assert not (tmp_path / "shop").exists()
