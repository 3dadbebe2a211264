"""The command `serve`, in this process and in a separate one."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import urllib.request

import pytest

from cstar_async import CStarClient
from cstar_async.cli import main
from cstar_async.testing import FakeCStar
from tests.testing.receiving import receiving


def serve(*arguments: str) -> subprocess.Popen[str]:
    """Run the command in a separate process."""
    command = [sys.executable, "-m", "cstar_async", "serve", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_served_fake_responds_until_it_is_stopped(number: signal.Signals) -> None:
    """It prints what a client needs, responds, and exits with 0 and without a traceback on SIGINT or SIGTERM."""
    with serve("--port", "0", "--seed", "1", "--no-limits") as process:
        try:
            key, url, team = printed_settings(process)
            request = urllib.request.Request(f"{url}/api/v1/teams/{team}/tickets", headers={"Authorization": f"Bearer {key}"})
            with urllib.request.urlopen(request) as response:
                assert (response.status, response.headers["X-RateLimit-Limit"]) == (200, "1000000000")
        finally:
            process.send_signal(number)
            _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")


def printed_settings(process: subprocess.Popen[str]) -> tuple[str, str, str]:
    """Return the key, URL and team that the command prints."""
    assert process.stdout is not None
    line = next(text for text in iter(process.stdout.readline, "") if text.startswith("export "))
    return re.fullmatch(r"export CSTAR_API_KEY=(\S+) CSTAR_BASE_URL=(\S+) CSTAR_TEAM_ID=(\S+)\n", line).groups()  # type: ignore[union-attr, return-value]


async def test_served_fake_delivers_and_restarts() -> None:
    """Deliveries fail and are retried as the options say, and a restart by SIGHUP keeps the data."""
    with serve("--port", "0", "--delivery-faults", "0.9", "--delivery-retries", "0,0.01") as process:
        try:
            key, url, team = printed_settings(process)
            async with receiving() as at, CStarClient(api_key=key, base_url=url, team_id=team) as cstar:
                await cstar.webhooks.create(name="Bot", url=at.url, events=["ticket.*"])
                while len(at.requests) == len(set(at.bodies)):
                    await cstar.tickets.create(title="a")
                before = (await cstar.tickets.list()).info
                process.send_signal(signal.SIGHUP)
                assert process.stdout is not None
                assert any("has restarted" in line for line in iter(process.stdout.readline, ""))
                assert (await cstar.tickets.list()).info == before
        finally:
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")


async def test_port_in_use_is_one_sentence(capsys: pytest.CaptureFixture[str], fake: FakeCStar) -> None:
    """A port in use exits with 1 and prints one line without a traceback."""
    with serve("--port", fake.url.rpartition(":")[2]) as process:
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert re.fullmatch(r"cannot listen on 127\.0\.0\.1:\d+: Address already in use; choose another port\n", errors)


def test_no_command_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    """Without arguments the command prints the help."""
    assert main([]) == 0
    assert "serve" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--port", "70000"], "argument --port: must be a number from 0 to 65535, got 70000"),
        (["--port", "x"], "argument --port: must be a number from 0 to 65535, got x"),
        (["--delivery-faults", "2"], "argument --delivery-faults: must be a number from 0 to 1, got 2"),
        (
            ["--delivery-retries", "1,-1"],
            "argument --delivery-retries: must be numbers of seconds from 0",
        ),
    ],
)
def test_invalid_option_is_exit_two(capsys: pytest.CaptureFixture[str], arguments: list[str], problem: str) -> None:
    """An invalid value exits with 2 and names the option, what it must be, and the value."""
    with pytest.raises(SystemExit) as caught:
        main(["serve", *arguments])
    assert caught.value.code == 2
    assert problem in capsys.readouterr().err


def test_unknown_command_is_exit_two(capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown command exits with 2 and says where the help is."""
    assert main(["dance"]) == 2
    assert capsys.readouterr().err == "error: No such command 'dance'.\nTry 'cstar-async --help'.\n"


def test_unknown_host_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """An address of another machine exits with 1."""
    assert main(["serve", "--host", "192.0.2.1", "--port", "0"]) == 1
    assert "cannot listen on 192.0.2.1:0" in capsys.readouterr().err


def test_missing_extra_is_one_sentence(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without jsonschema the command says what to install."""
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    assert main(["serve", "--port", "0"]) == 1
    assert "cstar-async[testing]" in capsys.readouterr().err


def test_keyboard_interrupt_exits_with_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    """A KeyboardInterrupt out of the loop, as on Windows, exits with 0."""

    def interrupt(coroutine: object) -> None:
        coroutine.close()  # type: ignore[attr-defined]
        raise KeyboardInterrupt

    monkeypatch.setattr("asyncio.run", interrupt)
    assert main(["serve", "--port", "0"]) == 0
