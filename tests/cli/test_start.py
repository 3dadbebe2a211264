"""What a command imports, and what runs without the extra."""

from __future__ import annotations

import subprocess
import sys

import pytest

import cstar_async

LOADED = """
import sys
from cstar_async.cli import main
try:
    main()
except SystemExit:
    pass
sys.stderr.write(" ".join(name for name in {names!r} if name in sys.modules))
"""
HEAVY = {"aiohttp", "cstar_async.testing", "cstar_async.webhooks", "jsonschema", "opentelemetry", "redis", "sqlite3"}
NAMES = [
    *sorted(HEAVY),
    "asyncio",
    "cstar_async._client",
    "cstar_async.api.tickets",
    "cstar_async.models.customers",
    "logging",
    "rich",
    "typer",
]
MAIN = "import sys; from cstar_async.cli import main; sys.exit(main())"
WITHOUT = f"import sys; sys.modules.update(dict.fromkeys(['typer', 'rich'])); {MAIN}"


def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program with the arguments of the command line."""
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("arguments", "loaded"),
    [
        ([ "--version"], set[str]()),
        (["serve", "--help"], {"asyncio", "logging"}),
    ],
)  # fmt: skip
def test_quick_commands_load_nothing(arguments: list[str], loaded: set[str]) -> None:
    """`--version` and the help of `serve` load neither the framework nor the client."""
    assert set(run(LOADED.format(names=NAMES), *arguments).stderr.split()) <= loaded


@pytest.mark.parametrize("arguments", [["tickets", "list", "--help"], ["tickets", "get", "1", "--dry-run"]])
def test_help_loads_no_transport_and_no_extra(arguments: list[str]) -> None:
    """Help and a request that is only shown load no HTTP library and no other extra."""
    loaded = set(run(LOADED.format(names=NAMES), *arguments).stderr.split())
    assert not loaded & {
        "aiohttp",
        "cstar_async.testing",
        "cstar_async.webhooks",
        "jsonschema",
        "opentelemetry",
        "redis",
        "sqlite3",
    }


def test_root_help_loads_only_its_framework() -> None:
    """The help of the whole loads neither the client nor a module of operations.

    If it does: import in the functions of `cli/_app.py` what only some commands need.
    """
    assert set(run(LOADED.format(names=NAMES), "--help").stderr.split()) <= {"logging", "rich", "typer"}


def test_a_call_loads_no_extra(fake_server: object) -> None:
    """A command that calls the API loads no extra but its own framework."""
    loaded = set(run(LOADED.format(names=NAMES), "tickets", "list").stderr.split())
    assert "aiohttp" in loaded
    assert not loaded & (HEAVY - {"aiohttp"})


def test_version_is_that_of_the_package() -> None:
    """`--version` prints one line."""
    done = run(MAIN, "--version")
    assert (done.stdout, done.stderr) == (f"cstar-async {cstar_async.__version__}\n", "")


@pytest.mark.parametrize("arguments", [["whoami"], ["tickets", "list"], []])
def test_without_the_extra_a_command_says_what_to_install(arguments: list[str]) -> None:
    """Without typer or rich the command is one sentence and exits with 1."""
    done = run(WITHOUT, *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: this command requires typer, which is not installed: pip install 'cstar-async[cli]'")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [["--version"], ["serve", "--help"], ["codegen", "--help"]])
def test_without_the_extra_some_commands_work(arguments: list[str]) -> None:
    """`--version`, `serve` and `codegen` need no framework."""
    assert run(WITHOUT, *arguments).returncode == 0


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("cstar-async lim", ["limits"]),
        ("cstar-async tickets re", ["reply"]),
        ("cstar-async tickets messages ", ["list", "create"]),
        ("cstar-async tickets list --status cl", ["closed"]),
        ("cstar-async export tickets --out", ["--output"]),
    ],
)
def test_the_shell_completes(words: str, expected: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Bash gets commands of every level, options, and the known values of enums."""
    monkeypatch.setenv("_CSTAR_ASYNC_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(words.count(" ")))
    done = run(MAIN)
    assert done.stdout.split() == expected


def test_help_of_a_command_reads_well() -> None:
    """The help names options instead of arguments, values of JSON instead of Python, and the request."""
    out = run(MAIN, "tickets", "create", "--help").stdout
    assert "POST /api/v1/teams/{teamId}/tickets" in out
    assert "--customer-name" in out
    assert not [word for word in ("`", "None", "UNSET", "options:", "customer_name") if word in out]


def test_key_of_the_environment_is_in_no_help(monkeypatch: pytest.MonkeyPatch) -> None:
    """No help prints a value of the environment."""
    monkeypatch.setenv("CSTAR_API_KEY", "sk_live_do_not_show")
    monkeypatch.setenv("CSTAR_WEBHOOK_SECRET", "whsec_do_not_show")
    for arguments in (["webhooks", "verify", "--help"], ["tickets", "list", "--help"]):
        assert "do_not_show" not in run(MAIN, *arguments).stdout
