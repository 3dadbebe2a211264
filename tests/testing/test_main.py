"""`python -m cstar_async`, in this process and in one of its own."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import urllib.request

import pytest

from cstar_async import CStarClient
from cstar_async.__main__ import main
from cstar_async.testing import FakeCStar

from .receiving import receiving


def serve(*arguments: str) -> subprocess.Popen[str]:
    """Run the command in a process of its own."""
    command = [sys.executable, "-m", "cstar_async", "serve", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_served_fake_answers_until_it_is_ended(number: signal.Signals) -> None:
    """It prints what a client needs, answers, and ends on Ctrl-C or SIGTERM with 0 and without a traceback."""
    with serve("--port", "0", "--seed", "1", "--no-limits") as process:
        try:
            key, url, team = told_by(process)
            request = urllib.request.Request(f"{url}/api/v1/teams/{team}/tickets", headers={"Authorization": f"Bearer {key}"})
            with urllib.request.urlopen(request) as answer:
                assert (answer.status, answer.headers["X-RateLimit-Limit"]) == (200, "1000000000")
        finally:
            process.send_signal(number)
            _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")


def told_by(process: subprocess.Popen[str]) -> tuple[str, str, str]:
    """The key, address and team that a served fake prints."""
    assert process.stdout is not None
    told = next(line for line in iter(process.stdout.readline, "") if line.startswith("export "))
    return re.fullmatch(r"export CSTAR_API_KEY=(\S+) CSTAR_BASE_URL=(\S+) CSTAR_TEAM_ID=(\S+)\n", told).groups()  # type: ignore[union-attr, return-value]


async def test_served_fake_delivers_and_restarts() -> None:
    """Most deliveries go wrong and are made again in no time; on SIGHUP it starts again and has what it had."""
    with serve("--port", "0", "--delivery-faults", "0.9", "--delivery-retries", "0,0.01") as process:
        try:
            key, url, team = told_by(process)
            async with receiving() as at, CStarClient(api_key=key, base_url=url, team_id=team) as cstar:
                await cstar.webhooks.create(name="Bot", url=at.url, events=["ticket.*"])
                while len(at.requests) == len(set(at.bodies)):
                    await cstar.tickets.create(title="a")
                before = (await cstar.tickets.list()).info
                process.send_signal(signal.SIGHUP)
                assert process.stdout is not None
                assert any("started again" in line for line in iter(process.stdout.readline, ""))
                assert (await cstar.tickets.list()).info == before
        finally:
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")


async def test_port_in_use_is_one_sentence(capsys: pytest.CaptureFixture[str], fake: FakeCStar) -> None:
    """A taken port is exit 1 and one line, no traceback."""
    with serve("--port", fake.url.rpartition(":")[2]) as process:
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert re.fullmatch(r"Nothing can be served on 127\.0\.0\.1:\d+: Address already in use\. Another port .*\n", errors)


def test_no_command_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    """Without arguments the help is printed."""
    assert main([]) == 0
    assert "serve" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["serve", "--port", "70000"],
        ["serve", "--port", "x"],
        ["serve", "--delivery-faults", "2"],
        ["serve", "--delivery-retries", "1,-1"],
        ["dance"],
    ],
)
def test_misuse_is_exit_two(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    """Wrong arguments are told with the usage."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_unknown_host_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """An address that is not of this machine is exit 1."""
    assert main(["serve", "--host", "192.0.2.1", "--port", "0"]) == 1
    assert "Nothing can be served on 192.0.2.1:0" in capsys.readouterr().err


def test_missing_extra_is_one_sentence(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without jsonschema the command says what to install."""
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    assert main(["serve", "--port", "0"]) == 1
    assert "cstar-async[testing]" in capsys.readouterr().err


def test_interrupt_where_there_are_no_signal_handlers_is_a_good_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A KeyboardInterrupt out of the loop, as on Windows, is exit 0."""

    def interrupted(coroutine: object) -> None:
        coroutine.close()  # type: ignore[attr-defined]
        raise KeyboardInterrupt

    monkeypatch.setattr("asyncio.run", interrupted)
    assert main(["serve", "--port", "0"]) == 0
