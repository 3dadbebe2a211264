"""The commands beside those of operations, each also in a process of its own."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cstar_async.testing import FakeCStar
from cstar_async.webhooks import sign

from .conftest import Command, environment, run_process, served

SECRET = "whsec_0123456789"


@pytest.mark.parametrize(
    "arguments",
    [
        ["whoami"],
        ["limits"],
        ["doctor"],
        ["api", "GET", "/tickets"],
        ["trigger", "ticket.created"],
        ["webhooks", "list"],
        ["tickets", "list"],
        ["library", "articles", "--team", "acme"],
    ],
    ids=" ".join,
)
def test_command_runs_in_a_process_of_its_own(arguments: list[str]) -> None:
    """A command prints one JSON value on standard output, and nothing else."""
    outcome = run_process(*arguments, *([] if arguments[0] == "api" else ["--json"]))
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.json


def test_whoami_shows_the_team(command: Command, fake_server: FakeCStar) -> None:
    """The output has the team of the key."""
    outcome = command("whoami")
    assert f"teamId       {fake_server.team_id}\n" in outcome.out


def test_limits_are_those_of_the_headers(command: Command) -> None:
    """The output has what the server stated last."""
    state = command("limits", "--json").json
    assert state["limit"] == state["remaining"] + state["used"]
    assert 0 < state["resetsInSeconds"] <= state["windowSeconds"] == 3600


def test_doctor_shows_no_secret(command: Command, fake_server: FakeCStar) -> None:
    """Every check is ok for a usable key, and neither the key nor a part of it is printed."""
    outcome = command("doctor", "--json")
    facts = {check["name"]: check for check in outcome.json}
    assert {check["state"] for check in outcome.json} == {"ok"}
    assert {"key", "team", "call", "rate limit", "clock", "base URL", "proxy", "aiohttp"} <= set(facts)
    assert facts["key"]["detail"] == "secret, test"
    assert fake_server.secret_key[8:] not in outcome.out


@pytest.mark.parametrize(
    ("name", "value", "failed"),
    [
        ("CSTAR_API_KEY", "", {"key", "call"}),
        ("CSTAR_API_KEY", "sk_test_wrongwrongwrong", {"call"}),
        ("CSTAR_TEAM_ID", "b8c5a0a4-0000-4000-8000-000000000000", {"team"}),
        ("CSTAR_BASE_URL", "http://127.0.0.1:9", {"call"}),
        ("CSTAR_BASE_URL", "http://[", {"base URL", "call"}),
        ("CSTAR_BASE_URL", "me:wrongwrong@127.0.0.1:9", {"base URL", "call"}),
        ("CSTAR_BASE_URL", "//me:wrongwrong@127.0.0.1:9", {"base URL", "call"}),
        ("CSTAR_TEAM_ID", "sk_live_wrongwrongwrong", {"team"}),
    ],
)
def test_doctor_names_what_is_wrong(
    command: Command, monkeypatch: pytest.MonkeyPatch, name: str, value: str, failed: set[str]
) -> None:
    """The check of what is wrong fails, and the exit code is 1."""
    monkeypatch.setenv(name, value)
    outcome = command("doctor", "--json", "--max-wait", "0")
    assert outcome.code == 1
    assert {check["name"] for check in outcome.json if check["state"] == "failed"} == failed
    assert "wrongwrong" not in outcome.out + outcome.err


@pytest.mark.parametrize("data", ["{}", '{"teamId": null}', '{"teamId": ["a"]}', '{"teamId": ""}'])
def test_doctor_doubts_a_server_that_names_no_team(command: Command, fake_server: FakeCStar, data: str) -> None:
    """Another server can respond with JSON, too, such as that of a proxy; it states no rate limit either."""
    fake_server.faults.add(body=f'{{"success": true, "data": {data}}}'.encode())
    outcome = command("doctor", "--json")
    assert (outcome.code, [check["name"] for check in outcome.json if check["state"] == "failed"]) == (1, ["team"])


def test_doctor_warns_of_a_wrong_clock(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Signatures of webhooks are refused by a clock that is minutes off; calls work."""
    with served() as fake:
        fake.clock.advance(400)
        for name, value in environment(fake).items():
            monkeypatch.setenv(name, value)
        outcome = command("doctor", "--json")
    [clock] = [check for check in outcome.json if check["name"] == "clock"]
    assert (outcome.code, clock["state"]) == (0, "warning")
    assert "s behind the server" in clock["detail"]


def test_doctor_shows_no_password_of_a_url(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """The base URL and the proxy are shown without credentials."""
    monkeypatch.setenv("CSTAR_BASE_URL", "http://me:hunter2@127.0.0.1:9")
    monkeypatch.setenv("HTTPS_PROXY", "http://me:hunter2@127.0.0.1:9")
    outcome = command("doctor")
    assert "http://127.0.0.1:9" in outcome.out
    assert "hunter2" not in outcome.out + outcome.err


def test_reply_and_close(command: Command, fake_server: FakeCStar) -> None:
    """A reply is a message of an agent, and `close` sets the status of every ticket given."""
    ids = [command("tickets", "create", "--title", "A", "--json").json["id"] for _ in range(2)]
    message = command("tickets", "reply", ids[0], "On it.", "--json").json
    assert (message["content"], message["sender"], message["ticketId"]) == ("On it.", "agent", ids[0])
    assert [ticket["status"] for ticket in command("tickets", "close", *ids, "--json").json] == ["closed", "closed"]


def test_reply_from_standard_input_closes_the_ticket(command: Command) -> None:
    """`-` reads the message from standard input; `--internal` and `--close` do what they say."""
    ticket = command("tickets", "create", "--title", "A", "--json").json
    message = run_process("tickets", "reply", ticket["id"], "-", "--internal", "--close", "--json", stdin="Line 1\nLine 2\n").json
    assert (message["content"], message["isInternal"]) == ("Line 1\nLine 2", True)
    assert command("tickets", "get", ticket["id"], "--json").json["status"] == "closed"


@pytest.mark.parametrize(
    ("arguments", "method"),
    [
        (["tickets", "reply", "tkt_1", "Hello"], "POST"),
        (["tickets", "close", "tkt_1", "tkt_2"], "PATCH"),
        (["trigger", "ticket.created"], "POST"),
        (["api", "DELETE", "/tickets/tkt_1"], "DELETE"),
        (["tickets", "delete", "tkt_1"], "DELETE"),
    ],
)
def test_dry_run_sends_nothing(command: Command, fake_server: FakeCStar, arguments: list[str], method: str) -> None:
    """`--dry-run` prints the requests and sends none."""
    before = len(fake_server.requests)
    shown = command(*arguments, "--dry-run").json
    assert {one["method"] for one in (shown if isinstance(shown, list) else [shown])} == {method}
    assert len(fake_server.requests) == before


def test_dry_run_of_a_reply_that_closes_shows_both_requests(command: Command) -> None:
    """A reply with `--close` sends two requests."""
    shown = command("tickets", "reply", "tkt_1", "Done.", "--close", "--dry-run").json
    assert [(one["method"], one["body"]) for one in shown][1] == ("PATCH", {"status": "closed"})
    assert shown[0]["body"]["content"] == "Done."


def test_api_sends_query_and_body(command: Command, fake_server: FakeCStar) -> None:
    """`api` sends what it is given, under the team."""
    command("api", "get", "/tickets", "-q", "status=open", "--query", "search=a=b")
    assert dict(fake_server.requests[-1].query) == {"status": "open", "search": "a=b"}
    created = command("api", "POST", "/tickets", "--body", '{"title": "From the shell"}').json
    assert fake_server.requests[-1].json == {"title": created["title"]} == {"title": "From the shell"}


def test_api_reads_all_pages(command: Command, fake_server: FakeCStar) -> None:
    """`--paginate` prints one array of all items, and `--max-items` stops early, with the fewest calls."""
    ids = [one["id"] for one in command("tickets", "list", "--all", "--json").json]
    assert [one["id"] for one in command("api", "GET", "/tickets", "--paginate").json] == ids
    before = len(fake_server.requests)
    assert len(command("api", "GET", "/tickets", "--paginate", "--max-items", "2", "-q", "pageSize=1").json) == 2
    assert len(fake_server.requests) - before == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["api", "POST", "/x", "--paginate"],
        ["api", "GET", "/x", "--max-items", "1"],
        ["api", "GET", "https://example.com/x"],
        ["api", "FETCH", "/x"],
        ["api", "GET", "/x", "-q", "a"],
        ["api", "GET", "/x?a=1"],
        ["api", "GET", "/x#a"],
        ["api", "GET", "/x", "-q", "a=1", "--query", "a=2"],
        ["api", "POST", "/x", "--body", "{"],
    ],
)
def test_api_refuses_what_it_cannot_send(command: Command, fake_server: FakeCStar, arguments: list[str]) -> None:
    """Another host, an unknown method, a malformed or repeated query or a malformed body exits with 2, and nothing is sent."""
    before = len(fake_server.requests)
    outcome = command(*arguments)
    assert (outcome.code, outcome.out, len(fake_server.requests)) == (2, "", before)


@pytest.mark.parametrize("secrets", [SECRET, f"whsec_old, {SECRET}"])
def test_verify_accepts_a_delivery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command, secrets: str) -> None:
    """A delivery that one of the secrets signed is verified, and its event is shown."""
    monkeypatch.setenv("CSTAR_WEBHOOK_SECRET", secrets)
    body = b'{"id": "evt_1", "type": "ticket.created", "created_at": "2026-03-01T00:00:00Z", "team_id": "t", "data": {}}'
    (tmp_path / "body").write_bytes(body)
    outcome = command("webhooks", "verify", str(tmp_path / "body"), "--signature", sign(body, SECRET), "--json")
    assert (outcome.code, outcome.json["id"]) == (0, "evt_1")
    old = sign(body, SECRET, timestamp=int(time.time()) - 4000)
    assert command("webhooks", "verify", str(tmp_path / "body"), "--signature", old).code == 1
    assert command("webhooks", "verify", str(tmp_path / "body"), "--signature", old, "--any-age").code == 0


def test_verify_refuses_another_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """A delivery of another secret exits with 1 and prints no secret."""
    monkeypatch.setenv("CSTAR_WEBHOOK_SECRET", SECRET)
    outcome = run_process("webhooks", "verify", "-", "--signature", sign(b"{}", "whsec_other"), stdin="{}")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("not verified: ")
    assert SECRET not in outcome.err


def test_secret_of_a_webhook_is_shown_in_a_file_only(command: Command) -> None:
    """The secret of a new webhook is in the JSON of a pipe, in no table, and not on a terminal."""
    arguments = ("webhooks", "create", "--name", "Bot", "--url", "http://127.0.0.1:9/", "--events", "ticket.created")
    assert command(*arguments, "--json").json["secret"].startswith("whsec_")
    assert "whsec_" not in command(*arguments).out
    code, shown = run_on_terminal(*arguments, "--json")
    assert code == 0
    assert '"secret": "(hidden' in shown


def test_lists_are_tables_on_a_terminal() -> None:
    """A terminal gets aligned columns without JSON, and a pipe lines with tabs."""
    code, shown = run_on_terminal("tickets", "list", "--page-size", "3")
    lines = [line for line in shown.splitlines() if line.startswith("tkt_")]
    assert (code, len(lines)) == (0, 3)
    assert "\t" not in shown
    piped = run_process("tickets", "list", "--page-size", "3").out.splitlines()
    assert [line.count("\t") for line in piped] == [piped[0].count("\t")] * 4


def run_on_terminal(*arguments: str) -> tuple[int, str]:
    """Run a command whose output is a terminal; return its exit code and what was shown."""
    terminal, end = pty.openpty()
    variables = {**os.environ, "COLUMNS": "200"}
    process = subprocess.Popen(
        [sys.executable, "-m", "cstar_async", *arguments], stdout=end, stderr=subprocess.DEVNULL, env=variables
    )
    os.close(end)
    shown = b""
    try:
        while piece := os.read(terminal, 65536):
            shown += piece
    except OSError:
        pass  # the process has closed its end
    os.close(terminal)
    return process.wait(60), shown.decode()
