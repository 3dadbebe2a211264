"""What a user can do wrong: every failure is one sentence with an exit code of its own, and never a traceback."""

from __future__ import annotations

import gc
import io
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from cstar_async import InvalidArgumentError
from cstar_async.cli import _buffered_output, main
from cstar_async.testing import FakeCStar

from .conftest import Command, environment, run_process, served

SENTENCE = re.compile(r"error: [^\n]+\n(?:[^\n]+\n)?")


def test_no_key_says_what_to_set(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key nothing is sent, and the message names the variable."""
    monkeypatch.delenv("CSTAR_API_KEY")
    outcome = command("whoami")
    assert (outcome.code, outcome.out) == (3, "")
    assert outcome.err.startswith("error: CSTAR_API_KEY is not set; export it, or start a local server with 'cstar-async serve'\n")


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({"CSTAR_API_KEY": "sk_test_wrongwrongwrong"}, 3),
        ({"CSTAR_API_KEY": "sk_test_ü"}, 3),
        ({"CSTAR_API_KEY": "hello"}, 3),
        ({"CSTAR_TEAM_ID": "another-team"}, 3),
        ({"CSTAR_BASE_URL": "nonsense"}, 3),
        ({"CSTAR_BASE_URL": "http://me:hunter2@127.0.0.1:1"}, 3),
        ({"CSTAR_BASE_URL": "http://127.0.0.1:9"}, 6),
        ({"HTTP_PROXY": "http://127.0.0.1:9"}, 6),
    ],
    ids=str,
)
def test_unusable_setting_has_an_exit_code(
    command: Command, monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str], code: int
) -> None:
    """A refused key exits with 3 and no connection with 6; no value of a variable is printed."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    outcome = command("tickets", "list", "--max-wait", "0", "--timeout", "5")
    assert (outcome.code, outcome.out) == (code, "")
    assert "error: " in outcome.err
    assert not [value for value in ("sk_test_wrong", "hunter2", "hello") if value in outcome.err]


@pytest.mark.parametrize(
    ("variables", "options", "name"),
    [
        ({"CSTAR_API_KEY": "hello"}, (), "CSTAR_API_KEY"),
        ({"CSTAR_TEAM_ID": ".."}, (), "CSTAR_TEAM_ID"),
        ({"CSTAR_BASE_URL": "nonsense"}, (), "CSTAR_BASE_URL"),
        ({"HTTP_PROXY": "socks5://127.0.0.1:9"}, (), "the proxy of the environment"),
        ({}, ("--timeout", "0"), "--timeout"),
        ({}, ("--max-wait", "-1"), "--max-wait"),
        ({}, ("--idempotency-key", " "), "--idempotency-key"),
    ],
    ids=str,
)
def test_error_names_the_variable_or_the_option(
    command: Command, monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str], options: tuple[str, ...], name: str
) -> None:
    """And not the argument of the client, which a user of the command line has never seen."""
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)

    assert command("tickets", "create", "--title", "a", *options).err.startswith(f"error: {name} must ")


@pytest.mark.parametrize(
    "arguments",
    [
        ["whoami", "--api-key", "sk_live_0123456789abcdef"],
        ["api", "GET", "/tickets", "-q", "search=whsec_0123456789"],
        ["tickets", "create", "--title=sk_test_0123456789abcdef"],
        ["tickets", "create", "--metadata", '{"key": "pk_live_0123456789abcdef"}'],
    ],
)
def test_secret_on_the_command_line_is_refused(command: Command, arguments: list[str]) -> None:
    """A key in an argument is refused before anything is sent, and not printed."""
    outcome = command(*arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert "must not contain an API key" in outcome.err
    assert "0123456789" not in outcome.err


def test_words_that_look_like_a_key_are_accepted(command: Command) -> None:
    """A word with the prefix of a key alone is not refused."""
    assert command("tickets", "create", "--title", "sk_learn and task_live_view", "--dry-run").code == 0


def test_rate_limit_that_lasts_too_long_has_an_exit_code() -> None:
    """A used-up limit exits with 5, says when to try again, and waits no time."""
    with served(rate_limit=1) as fake:
        variables = {**os.environ, **environment(fake)}
        assert run_process("limits", env=variables).code == 0
        outcome = run_process("tickets", "list", "--max-wait", "1", env=variables)
    assert (outcome.code, outcome.out) == (5, "")
    assert re.search(r"\nTry again after \d\d:\d\d:\d\d, or wait for it with --max-wait none\.\n$", outcome.err)


def test_interrupt_ends_a_call_without_a_traceback() -> None:
    """Ctrl-C during a call exits with 130 and prints nothing."""
    with served() as fake:
        fake.faults.add(delay=30)
        process = subprocess.Popen(
            [sys.executable, "-m", "cstar_async", "tickets", "list"],
            env={**os.environ, **environment(fake)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        deadline = time.monotonic() + 30
        while not fake.requests and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, "", "")


def test_closed_pipe_ends_without_a_traceback() -> None:
    """A reader that stops, such as `head`, ends the command with 141 and no message."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "cstar_async", "tickets", "list", "--json"],
            stdout=write_end,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(write_end)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux only")  # noqa: PTH110
@pytest.mark.parametrize("arguments", [["tickets", "list"], ["--version"], ["--help"]])
def test_full_disk_is_one_sentence(arguments: list[str]) -> None:
    """Output that cannot be written exits with 1 and says why."""
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run(
            [sys.executable, "-m", "cstar_async", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, "error: No space left on device\n")


@pytest.mark.parametrize(("closed", "code"), [(">&-", 1), ("2>&-", 0), ("<&-", 0)])
def test_closed_stream_ends_without_a_traceback(closed: str, code: int) -> None:
    """Without a standard output a command refuses to run; the other streams are not needed."""
    done = subprocess.run(
        ["sh", "-c", f'"$@" {closed}', "sh", sys.executable, "-m", "cstar_async", "whoami"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code
    assert done.stderr == ("error: standard output is closed\n" if code else "")


@pytest.mark.parametrize(
    "arguments",
    [["tickets", "reply", "tkt_1", "-"], ["tickets", "create", "--input", "-"], ["import", "-", "--resource", "customers"]],
)
def test_closed_standard_input_is_one_sentence(arguments: list[str]) -> None:
    """A command that reads it exits with 2, as for a file that cannot be read."""
    done = subprocess.run(
        ["sh", "-c", '"$@" <&-', "sh", sys.executable, "-m", "cstar_async", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "error: cannot read -: standard input is closed\n")


@pytest.mark.skipif(sys.platform == "win32", reason="limits of files")
def test_no_output_is_dropped_without_buffers(tmp_path: Path) -> None:
    """With PYTHONUNBUFFERED, as in images of Docker, a file that takes only a part of the output is an error, too."""
    path = tmp_path / "tickets.json"
    with path.open("wb") as file:
        done = subprocess.run(
            ["sh", "-c", 'ulimit -f 1; exec "$@"', "sh", sys.executable, "-m", "cstar_async", "tickets", "list", "--all", "--json"],
            stdout=file,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            text=True,
            timeout=60,
            check=False,
        )
    assert path.stat().st_size in {512, 1024}
    assert (done.returncode, done.stderr) == (1, "error: File too large\n")


def test_standard_output_of_a_program_stays_open(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Also one without a buffer: that of a command is gone afterwards, and did not close the file."""
    with io.TextIOWrapper(io.FileIO(tmp_path / "out", "w"), write_through=True) as output:
        monkeypatch.setattr(sys, "stdout", output)
        for _ in range(2):
            assert main(["--version"]) == 0
        assert sys.stdout is output
        output.write("after")
    assert re.fullmatch(r"(cstar-async \S+\n){2}after", (tmp_path / "out").read_text())


def test_standard_output_stays_open_after_commands_in_two_threads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Both may begin before either has replaced it, and end in the order in which they began."""
    with io.TextIOWrapper(io.FileIO(tmp_path / "out", "w"), write_through=True) as output:
        monkeypatch.setattr(sys, "stdout", output)
        first, second = _buffered_output(), _buffered_output()
        first.__enter__()
        sys.stdout = output
        second.__enter__()
        first.__exit__(None, None, None)
        second.__exit__(None, None, None)
        del first, second
        gc.collect()
        assert sys.stdout is output
        output.write("after")


@pytest.mark.parametrize(
    "arguments", [["tickets", "get", "tkt_1"], ["tickets", "list", "--all", "--json"], ["api", "GET", "/tickets"]]
)
def test_no_depth_of_a_value_is_too_deep_to_print(command: Command, fake_server: FakeCStar, arguments: list[str]) -> None:
    """What the parser accepts is printed, by a command in the process of a program, too."""
    item = '{"id": "tkt_1", "new": ' + "[" * 1000 + "]" * 1000 + "}"
    data = item if "get" in arguments else f"[{item}]"
    fake_server.faults.add(body=f'{{"success": true, "data": {data}, "pagination": {{"hasMore": false}}}}'.encode())
    limit = sys.getrecursionlimit()
    outcome = command(*arguments)
    assert (outcome.code, outcome.out.count("["), outcome.err) == (0, 1000 + ("get" not in arguments), "")
    assert sys.getrecursionlimit() == limit


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_every_encoding_of_a_terminal_works(encoding: str) -> None:
    """JSON is exact in every encoding; help and tables replace what cannot be shown."""
    variables = {**os.environ, "PYTHONIOENCODING": encoding}
    title = "Füße € 🎉 \u202e"
    outcome = run_process("tickets", "create", "--title", title, "--json", env=variables)
    assert (outcome.code, outcome.json["title"]) == (0, title)
    done = subprocess.run(
        [sys.executable, "-m", "cstar_async", "tickets", "--help"], env=variables, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("arguments", [[b"tickets", b"get", b"\xff\xfe"], [b"\xff"]])
def test_argument_that_is_no_text_is_one_sentence(arguments: list[bytes]) -> None:
    """Bytes that are no UTF-8 exit with 2."""
    done = subprocess.run([os.fsencode(sys.executable), b"-m", b"cstar_async", *arguments], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (2, b"", b"error: arguments must be UTF-8 text\n")


def test_utf8_arguments_work_in_the_c_locale() -> None:
    """Arguments are read as UTF-8 where the locale says ASCII."""
    variables = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    assert run_process("tickets", "create", "--title", "Füße", "--dry-run", env=variables).json["body"] == {"title": "Füße"}


def test_control_characters_of_the_server_do_not_reach_the_terminal(command: Command, fake_server: FakeCStar) -> None:
    """Titles, ids and messages of errors cannot move the cursor or change the title of a window."""
    hostile = "\x1b]0;owned\x07\x9b31m\u202eA"
    ticket = command("tickets", "create", "--title", hostile, "--json")
    assert ticket.json["title"] == hostile
    shown = [command("tickets", "get", ticket.json["id"]), ticket]
    fake_server.faults.add(status=400, message=hostile)
    shown.append(command("tickets", "list"))
    assert not [text for one in shown for text in (one.out, one.err) if re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text)]


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b'{"data": 5}', b"\xff", b'{"success": true, "data": {"id": null}}'])
def test_odd_response_is_no_traceback(command: Command, fake_server: FakeCStar, body: bytes) -> None:
    """A response that is not what the document says is an error of one sentence, or printed as it is."""
    fake_server.faults.add(body=body)
    outcome = command("tickets", "get", "tkt_1")
    assert outcome.code in {0, 1}
    assert outcome.code == 0 or SENTENCE.fullmatch(outcome.err)


def test_misspelt_value_is_a_warning_of_one_line(command: Command) -> None:
    """A value that is close to a known one is sent with a warning, without a path of a module."""
    outcome = command("tickets", "list", "--status", "opne")
    assert outcome.err.startswith("warning: status is 'opne', which is not a known value; did you mean 'open'?")
    assert ".py" not in outcome.err


@pytest.mark.parametrize("argument", ["a\0b", "\ud83c"])
def test_argument_that_is_no_text_is_refused(argument: str) -> None:
    """No program can be started with one, but Python can pass it."""
    for arguments in (["export", "tickets", "-o", argument], ["codegen", "--document", argument]):
        with pytest.raises(InvalidArgumentError, match=r"^arguments must be"):
            main(arguments)
