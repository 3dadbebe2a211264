"""Run the programs that measure how cost grows with the work: rows, calls, events, processes, operations."""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from bench.peers.processes import CORES, Urls, cpu_of, keep_to, read_line, start_on_first_core
from bench.peers.results import Point

SIZES = {
    "rows": (10, 100, 1_000, 10_000, 100_000),
    "calls": (1, 10, 100, 1_000, 10_000),
    "events": (1, 10, 100, 1_000, 10_000, 100_000),
    "events-file": (1, 10, 100, 1_000, 10_000, 100_000),
}
PROCESSES = (1, 2, 4, 8, 16)
OPERATIONS = (10, 50, 200, 800)
OPERATIONS_OF_A_RESOURCE = ("list", "create", "get", "update", "delete")


def curves(urls: Urls, *, is_quick: bool) -> dict[str, list[Point]]:
    """Measure all curves. A quick run leaves out the largest sizes."""
    found: dict[str, list[Point]] = {}
    for name, sizes in SIZES.items():
        print(f"curve of {name}", file=sys.stderr, flush=True)
        command = [sys.executable, "-m", "bench.peers.curves", name, urls.fast]
        output, _ = start_on_first_core([*command, *map(str, sizes[: -1 if is_quick else None])]).communicate()
        found[name] = [Point(**point) for point in json.loads(output)]
    with redis_server() as redis_url:
        if redis_url:
            found["processes"] = [_processes(count, urls.fast, redis_url) for count in PROCESSES]
    _generating(OPERATIONS[1])  # fills the cache of the type checker
    found["operations"] = [_generating(count) for count in OPERATIONS]
    return found


@contextmanager
def redis_server() -> Generator[str | None]:
    """Run a server of Redis during the block, and yield its URL, or `None` if it is not installed."""
    program = shutil.which("redis-server")
    if program is None:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        socket = Path(folder) / "redis.sock"
        process = subprocess.Popen(
            [program, "--port", "0", "--unixsocket", str(socket), "--dir", folder, "--save", ""], stdout=subprocess.DEVNULL
        )
        with process:
            try:
                keep_to(process.pid, CORES[1:])
                deadline = time.monotonic() + 10
                while not socket.exists() and time.monotonic() < deadline:
                    time.sleep(0.05)
                yield f"unix://{socket}"
            finally:
                process.kill()


def _processes(count: int, url: str, redis_url: str) -> Point:
    """Return the mean cost of a call, and the mean memory, of processes that begin together."""
    print(f"{count} processes", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "bench.peers.curves", "process", url, redis_url]
    processes = [start_on_first_core(command) for _ in range(count)]
    for process in processes:
        read_line(process)
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    points = [Point(**json.loads(process.communicate()[0])) for process in processes]
    memory = statistics.mean(point.memory or 0.0 for point in points)
    return Point(count, statistics.mean(point.cost for point in points), memory)


def _generating(count: int) -> Point:
    """Return the CPU time of generating a package, for an operation."""
    print(f"{count} operations", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "api.json"
        path.write_text(json.dumps(document(count)), encoding="utf-8")
        command = [sys.executable, "-m", "codegen", "--document", str(path), "--output", str(Path(folder) / "shop")]
        return Point(count, cpu_of(command) / count * 1e6)


def document(count: int) -> dict[str, object]:
    """Make a document with so many operations, five for each resource, and a model of twelve fields for each."""
    schemas: dict[str, object] = {}
    paths: dict[str, dict[str, object]] = {}
    for number in range(count):
        resource = f"thing{number // len(OPERATIONS_OF_A_RESOURCE)}"
        name = resource.title()
        kinds = ("string", "integer", "boolean", "number")
        fields = {"id": {"type": "string"}} | {f"field{index}": {"type": kinds[index % 4]} for index in range(11)}
        schemas[name] = {"type": "object", "required": ["id"], "properties": fields}
        method = OPERATIONS_OF_A_RESOURCE[number % len(OPERATIONS_OF_A_RESOURCE)]
        path = f"/{resource}" if method in {"list", "create"} else f"/{resource}/{{id}}"
        verb = {"list": "get", "create": "post", "update": "patch"}.get(method, method)
        paths.setdefault(path, {})[verb] = _operation(method, resource, {"$ref": f"#/components/schemas/{name}"})
    info = {"title": "Shop", "version": "1"}
    return {"openapi": "3.1.0", "info": info, "paths": paths, "components": {"schemas": schemas}}


def _operation(method: str, resource: str, schema: dict[str, str]) -> dict[str, object]:
    """Describe an operation of a resource."""
    found: dict[str, object] = {
        "operationId": f"{method}_{resource}",
        "tags": [resource],
        "summary": f"{method.title()} a {resource}",
    }
    result = {"type": "array", "items": schema} if method == "list" else schema
    if method not in {"list", "create"}:
        found["parameters"] = [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}]
    if method in {"create", "update"}:
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    content = {"content": {"application/json": {"schema": result}}}
    found["responses"] = {"204": {"description": "Gone."}} if method == "delete" else {"200": {"description": "Done."} | content}
    return found
