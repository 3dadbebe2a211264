"""The command `serve`, in this process and in a separate one."""

from __future__ import annotations

import asyncio
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
    """It prints what a client needs, responds, shows its page, and exits with 0 and without a traceback on SIGINT or SIGTERM."""
    with serve("--port", "0", "--seed", "1", "--no-limits") as process:
        try:
            key, url, team = printed_settings(process)
            request = urllib.request.Request(f"{url}/api/v1/teams/{team}/tickets", headers={"Authorization": f"Bearer {key}"})
            with urllib.request.urlopen(f"{url}/") as page:
                assert b"<title>Fake cStar</title>" in page.read()
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


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid", "a..b"])
def test_unknown_host_is_one_sentence(capsys: pytest.CaptureFixture[str], host: str) -> None:
    """An address of another machine, and a name without an address, exit with 1 and blame the host, not the port."""
    assert main(["serve", "--host", host, "--port", "0"]) == 1
    errors = capsys.readouterr().err
    assert re.fullmatch(rf"cannot listen on {re.escape(host)}:0: [^;\[]+; choose another host, such as 127\.0\.0\.1\n", errors)


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

    monkeypatch.setattr("cstar_async.cli._serve.run_cancellable", interrupt)
    assert main(["serve", "--port", "0"]) == 0


async def test_verbose_prints_requests_and_deliveries() -> None:
    """Each request and each delivery is a line of the log, with its outcome, and without its body."""
    with serve("--port", "0", "--rows", "3", "--verbose", "--rate-limit", "9") as process:
        try:
            key, url, team = printed_settings(process)
            async with receiving() as at, CStarClient(api_key=key, base_url=url, team_id=team) as cstar:
                await cstar.webhooks.create(name="Bot", url=at.url, events=["ticket.created"])
                await cstar.tickets.create(title="Private words")
                assert (await cstar.tickets.list(status="new")).total is not None
                assert cstar.rate_limit is not None
                assert cstar.rate_limit.limit == 9
                wanted = {
                    r"^\d\d:\d\d:\d\d POST 201 /api/v1/teams/\S+/tickets$",
                    r"^\d\d:\d\d:\d\d GET 200 /api/v1/teams/\S+/tickets\?status=new$",
                    r"^\d\d:\d\d:\d\d event 200 ticket.created attempt 1 to http://127.0.0.1",
                }
                text = ""
                while not all(re.search(pattern, text, re.MULTILINE) for pattern in wanted):
                    text += await asyncio.to_thread(process.stdout.readline)  # type: ignore[union-attr]
        finally:
            process.send_signal(signal.SIGTERM)
            rest, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert "Private words" not in text + rest


async def test_rows_latency_and_faults_are_those_of_the_options() -> None:
    """The server has as many rows as asked for, delays its responses, and breaks a share of the requests."""
    arguments = ("--port", "0", "--rows", "150", "--latency", "0.01", "--faults", "0.5", "--no-limits")
    with serve(*arguments) as process:
        try:
            key, url, team = printed_settings(process)
            async with CStarClient(api_key=key, base_url=url, team_id=team, max_retries=0) as cstar:
                outcomes = await asyncio.gather(*(cstar.tickets.list(page_size=1) for _ in range(60)), return_exceptions=True)
            pages = [page for page in outcomes if not isinstance(page, BaseException)]
            errors = {type(error).__name__ for error in outcomes if isinstance(error, BaseException)}
            assert {page.total for page in pages} == {150}
            assert errors == {"ServerError", "ConnectionFailedError"}
        finally:
            process.send_signal(signal.SIGTERM)
            _, printed = process.communicate(timeout=60)
    assert (process.returncode, printed) == (0, "")


@pytest.mark.parametrize("option", ["--rows", "--rate-limit", "--latency"])
def test_negative_number_is_exit_two(capsys: pytest.CaptureFixture[str], option: str) -> None:
    """A number below 0 exits with 2."""
    with pytest.raises(SystemExit) as caught:
        main(["serve", option, "-1"])
    assert caught.value.code == 2
    assert f"argument {option}: must be a number" in capsys.readouterr().err
