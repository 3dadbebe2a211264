"""Do imports point down only? Read from the source, so that nothing has to be imported to be judged."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "cstar_async"

FLOORS = {
    0: "errors _unset _json _open_enum _model _options _operation _wire _event _http _redaction _version",
    1: (
        "_headers _retry _rate_limit _idempotency _error_table _envelope _content_encoding _codec _drift _limits _url hooks"
        " pagination _walk _place _sender _response _run_all _signature _sse identity"
    ),
    2: "_generated models api",
    3: "_transport _aiohttp _answered_once _alarm _clock",
    4: (
        "_gate _single_flight _rate_limiter _observers config _core _call _runtime _client_sender _connected client library"
        " _lanes _event_store _delivery _receivers _event_stream _inbox webhooks redis"
    ),
    5: "otel testing __main__ __init__",
}
FLOOR_OF = {room: floor for floor, rooms in FLOORS.items() for room in rooms.split()}

PURE = {room for room, floor in FLOOR_OF.items() if floor <= 1}
IMPURE_MODULES = {"time", "random", "secrets", "socket", "asyncio", "aiohttp", "threading"}


def modules() -> list[Path]:
    """Every source file of the package."""
    return sorted(path for path in PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    """The room that a file belongs to: a module of the package, or one of its folders."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    """The modules that a file imports when it runs; imports for type checkers only are left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    checked_only = {
        node
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and isinstance(block.test, ast.Name) and block.test.id == "TYPE_CHECKING"
        for statement in block.body
        for node in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if node in checked_only:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            if node.module == "cstar_async":
                yield from (f"cstar_async.{alias.name}" for alias in node.names)


def own_imports(path: Path) -> Iterator[str]:
    """The rooms of the package that a file imports."""
    for module in imports(path):
        parts = module.split(".")
        if parts[0] == "cstar_async" and len(parts) > 1 and parts[1] in FLOOR_OF:
            yield parts[1]


def test_every_room_has_a_floor() -> None:
    """A new module must be given a place before it can be used."""
    assert {room_of(path) for path in modules()} == set(FLOOR_OF)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path: Path) -> None:
    """No room imports one on a floor above its own."""
    floor = FLOOR_OF[room_of(path)]
    assert [room for room in own_imports(path) if FLOOR_OF[room] > floor] == []


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_door_and_the_fake_know_aiohttp(path: Path) -> None:
    """Outside the door and `testing`, aiohttp is imported for type checkers at most."""
    if room_of(path) not in {"_aiohttp", "_answered_once", "_receivers", "testing"}:
        assert [module for module in imports(path) if module.split(".")[0] == "aiohttp"] == []


@pytest.mark.parametrize("room", sorted(PURE))
def test_a_pure_room_reads_no_clock_and_opens_no_socket(room: str) -> None:
    """The ground floor and the rules get times, random numbers and answers handed in."""
    found = {module.split(".")[0] for module in imports(PACKAGE / f"{room}.py")}
    assert found & IMPURE_MODULES == set()


def test_the_generator_knows_nothing_of_the_package() -> None:
    """`codegen` writes for the package and never imports it."""
    generator = PACKAGE.parent / "codegen"
    found = {module.split(".")[0] for path in generator.rglob("*.py") for module in imports(path)}
    assert "cstar_async" not in found
