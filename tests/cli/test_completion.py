"""Completion: the scripts of the shells, and what they ask the program."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from cstar_async.cli import main

from .conftest import Command

FILES = {
    "bash": ".bash_completions/cstar-async.sh",
    "zsh": ".zfunc/_cstar-async",
    "fish": ".config/fish/completions/cstar-async.fish",
}


@pytest.fixture
def no_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the program as a service does, with no shell around it."""
    detection = import_module("shellingham")

    def detect() -> None:
        raise detection.ShellDetectionFailure

    monkeypatch.setattr(detection, "detect_shell", detect)
    monkeypatch.delenv("SHELL", raising=False)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("cstar-async tickets cl", "close"),
        ("cstar-async tickets messages cr", "create"),
        ("cstar-async tickets list --status cl", "closed"),
        ("cstar-async export community.p", "community.posts"),
        ("cstar-async trigger ticket.cr", "ticket.created"),
        ("cstar-async listen --types ticket.cr", "ticket.created"),
        ("cstar-async serve --lat", "--latency"),
        ("cstar-async serve --port 0 --verbose --rate", "--rate-limit"),
        ("cstar-async codegen --over", "--overlay"),
        ("cstar-async codegen --overlay a.yaml --overlay b.yaml --out", "--output"),
        ("cstar-async codegen ad", "adopt"),
        ("cstar-async codegen lint --doc", "--document"),
        ("cstar-async codegen diff a.yaml b.yaml --format mark", "markdown"),
        ("cstar-async codegen adopt a.yaml --te", "--texts"),
        ("cstar-async codegen drift a.json b.json --doc", "--document"),
    ],
)
def test_every_shell_completes(
    shell: str, line: str, expected: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Commands of every level, values of enums, names of lists, types of events, and options of what parses itself."""
    monkeypatch.setenv("_CSTAR_ASYNC_COMPLETE", f"complete_{shell}")
    if shell == "bash":
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(line.count(" ")))
    else:
        monkeypatch.setenv("_TYPER_COMPLETE_ARGS", line)
        monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
    with pytest.raises(SystemExit):
        main([])
    assert expected in capsys.readouterr().out


@pytest.mark.parametrize("shell", FILES)
@pytest.mark.usefixtures("no_shell")
def test_script_of_a_named_shell_is_shown_and_installed(
    shell: str, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where no shell is detected, such as in the build of an image."""
    monkeypatch.setenv("HOME", str(tmp_path))
    shown = command("--show-completion", shell)
    assert (shown.code, shown.err, f"complete_{shell}" in shown.out) == (0, "", True)
    assert command("--install-completion", shell).code == 0
    assert (tmp_path / FILES[shell]).read_text().strip() == shown.out.strip()


@pytest.mark.usefixtures("no_shell")
def test_shell_of_the_user_is_used_where_none_is_detected(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as in a Makefile or an editor."""
    monkeypatch.setenv("SHELL", "/usr/bin/fish")
    assert "complete_fish" in command("--show-completion").out


@pytest.mark.parametrize("given", [[], ["tcsh"], ["bash", "zsh"]])
@pytest.mark.usefixtures("no_shell")
def test_unknown_shell_names_the_others(given: list[str], command: Command) -> None:
    """It exits with 2 and one sentence."""
    outcome = command("--show-completion", *given)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("error: --show-completion must be followed by one of bash, zsh, fish")


def test_home_that_cannot_be_written_is_one_sentence(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It exits with 1 and names the file."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    outcome = command("--install-completion", "zsh")
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (1, "", 1)
    assert str(tmp_path) in outcome.err


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_bash_completes_with_the_script_that_is_shown(command: Command, tmp_path: Path) -> None:
    """A real bash gets the options of a command that parses itself."""
    (tmp_path / "script").write_text(command("--show-completion", "bash").out, encoding="utf-8")
    program = Path(sys.executable).with_name("cstar-async")
    code = '. "$1"; COMP_WORDS=("$2" serve --del); COMP_CWORD=2; _cstar_async_completion "$2"; printf "%s\\n" "${COMPREPLY[@]}"'
    done = subprocess.run(
        ["bash", "-c", code, "bash", tmp_path / "script", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout.split(), done.stderr) == (["--delivery-faults", "--delivery-retries"], "")
