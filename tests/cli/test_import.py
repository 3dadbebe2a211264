"""Imports: what a file becomes, what is refused before sending, and nothing created twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cstar_async.testing import FakeCStar

from .conftest import Command, environment, run_process, served

HEADER = "name,email,tags,customFields.plan,notes\n"


@pytest.fixture
def customers(tmp_path: Path) -> Path:
    """A file of 1,100 customers."""
    path = tmp_path / "customers.csv"
    lines = [f'Customer {number},c{number}@{tmp_path.name}.example,"a, b",free,\n' for number in range(1100)]
    path.write_text("\ufeff" + HEADER + "".join(lines), encoding="utf-8")
    return path


def test_dry_run_reads_the_file_and_sends_nothing(command: Command, customers: Path, fake_server: FakeCStar) -> None:
    """`--dry-run` states records and calls, and shows the first record as it would be sent."""
    before = len(fake_server.requests)
    result = command("import", str(customers), "--dry-run", "--json").json
    assert (result["resource"], result["records"], result["calls"]) == ("customers", 1100, 3)
    assert result["first"]["tags"] == ["a", "b"]
    assert result["first"]["customFields"] == {"plan": "free"}
    assert "notes" not in result["first"]
    assert len(fake_server.requests) == before


def test_records_are_sent_in_as_few_calls_as_possible(command: Command, customers: Path, fake_server: FakeCStar) -> None:
    """1,100 records take three calls; the same file again creates nothing more."""
    before = len(fake_server.requests)
    assert command("import", str(customers), "--json").json["created"] == 1100
    assert len(fake_server.requests) - before == 3
    total = command("customers", "list", "--json").json
    assert command("import", str(customers), "--json").code == 0
    assert all(request.was_replayed for request in fake_server.requests[-3:])
    assert total == command("customers", "list", "--json").json


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("-", '{"title": "A", "priority": "high"}\n\n{"title": "B"}\n'),
        ("-", '[{"title": "A"}, {"title": "B"}]'),
        ("-", "title,priority\nA,high\nB,\n"),
        ("tickets.jsonl", '{"title": "A"}\n{"title": "B"}'),
    ],
)
def test_every_form_of_a_file(tmp_path: Path, name: str, text: str) -> None:
    """CSV, JSON lines and JSON arrays are read, from a file or standard input, in a process of its own."""
    if name != "-":
        (tmp_path / name).write_text(text)
    arguments = ["--resource", "tickets"] if name == "-" else []
    outcome = run_process("import", name, *arguments, "--json", stdin=text, cwd=tmp_path)
    assert (outcome.code, outcome.json["created"]) == (0, 2)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("name,phone\nA,1\n", "column phone must be one of name, email, status"),
        ("name\nA\n", "record 1 has no email"),
        ("name,email\nA,a@x.example\nB\n", "record 2 has no email"),
        ("name,email\nA,a@x.example,more\n", "record 1 has more cells than the header"),
        ('name,email\n"A', "after line 2: unexpected end of data"),
        ("name,email,metadata\nA,a@x.example,{\n", "record 1: metadata must be JSON"),
        ("name,email,email\nA,a@x.example,b@x.example\n", "record 1 has email twice, or under two names"),
        ("name,email,E-Mail\nA,a@x.example,b@x.example\n", "record 1 has E-Mail twice"),
        ('name,email,customFields.a,custom_fields\nA,a@x.example,1,"{}"\n', "record 1 has custom_fields twice"),
        ('name,email,custom_fields,customFields.a\nA,a@x.example,"{}",1\n', "record 1 has customFields.a twice"),
        ("name,email,customFields.a,custom_fields.a\nA,a@x.example,1,2\n", "record 1 has custom_fields.a twice"),
        ("name,email.work\nA,a@x.example\n", "column email.work must be a field, or an object and one of its keys"),
        ("name,email,customFields.\nA,a@x.example,1\n", "column customFields. must be a field, or an object"),
        ("name,email,\nA,a@x.example,1\n", "column (without a name) must be one of name"),
    ],
)
def test_malformed_file_is_refused_before_sending(
    command: Command, tmp_path: Path, fake_server: FakeCStar, text: str, problem: str
) -> None:
    """A file with a problem exits with 2, names the record, and nothing is sent."""
    before = len(fake_server.requests)
    path = tmp_path / "customers.csv"
    path.write_text(text)
    outcome = command("import", str(path))
    assert (outcome.code, outcome.out, len(fake_server.requests)) == (2, "", before)
    assert outcome.err.startswith(f"error: {problem}")


@pytest.mark.parametrize("content", [b"\xff\xfe", b"[1]", b"{", b'{"a": 1}', b"5"])
def test_file_of_another_kind_is_one_sentence(command: Command, tmp_path: Path, content: bytes) -> None:
    """A file that is no text, no JSON or has no objects exits with 2."""
    path = tmp_path / "tickets.json"
    path.write_bytes(content)
    outcome = command("import", str(path))
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)


@pytest.mark.parametrize(("name", "delimiter"), [("a.csv", ";"), ("a.csv", "\t"), ("a.tsv", "\t"), ("a.csv", ",")])
def test_header_states_the_delimiter(command: Command, tmp_path: Path, name: str, delimiter: str) -> None:
    """A spreadsheet in another language writes semicolons; a cell may have any of them."""
    rows = [["name", "email", "notes", "tags"], ["Ann", "a@b.example", '"1;2\t3"', '"x, y"']]
    (tmp_path / name).write_text("".join(delimiter.join(row) + "\n" for row in rows))
    first = command("import", str(tmp_path / name), "--resource", "customers", "--dry-run", "--json").json["first"]
    assert first == {"name": "Ann", "email": "a@b.example", "notes": "1;2\t3", "tags": ["x", "y"]}


@pytest.mark.parametrize(
    "text",
    ["\nname;email\nAnn;a@b.example\n", "\r\n\r\nname;email\r\nAnn;a@b.example\r\n", "name;email;notes\rAnn;a@b.example;1,2,3,4\r"],
)
def test_first_line_with_text_is_the_header(command: Command, tmp_path: Path, text: str) -> None:
    """Whatever ends a line, and after lines that are empty."""
    (tmp_path / "customers.csv").write_bytes(text.encode())
    first = command("import", str(tmp_path / "customers.csv"), "--dry-run", "--json").json["first"]
    assert (first["name"], first["email"]) == ("Ann", "a@b.example")


def test_json_on_standard_input_may_begin_with_a_space() -> None:
    """It is no table because of that."""
    outcome = run_process(
        "import", "-", "--resource", "customers", "--dry-run", "--json", stdin='\n [{"name": "Ann", "email": "a@b.example"}]'
    )
    assert outcome.json["first"] == {"name": "Ann", "email": "a@b.example"}


def test_stopped_import_says_how_to_continue(command: Command, customers: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It names the records that are done; the same command creates the rest, and nothing twice."""
    with served() as fake:
        for name, value in environment(fake).items():
            monkeypatch.setenv(name, value)
        fake.faults.add(match=lambda request: len(fake.requests) == 2, status=400)
        stopped = command("import", str(customers))
        assert (stopped.code, stopped.out) == (1, "")
        assert "Stopped after 500 records; the same command with the same file continues.\n" in stopped.err
        assert command("import", str(customers), "--json").json["created"] == 1100
        assert command("customers", "list", "--json", "--max-items", "1101").json[1099:] != []
        assert len(command("customers", "list", "--all", "--json").json) == 1100


def test_missing_file_is_one_sentence(command: Command, tmp_path: Path) -> None:
    """A file that is not there, and one of an unknown type, exit with 2."""
    assert (
        command("import", "/nowhere/customers.csv").err == "error: cannot read /nowhere/customers.csv: No such file or directory\n"
    )
    assert command("import", "people.csv").err.startswith("error: --resource is required")


def test_refused_records_are_named(command: Command, tmp_path: Path) -> None:
    """A record that the server refuses is named by its number, and the exit code is 1."""
    path = tmp_path / "customers.jsonl"
    path.write_text("\n".join(json.dumps({"name": name, "email": f"{tmp_path.name}@x.example"}) for name in ("A", "B")))
    outcome = command("import", str(path), "--merge-strategy", "fail")
    assert outcome.code in {0, 1}
    assert outcome.code == 0 or outcome.err.startswith("record 2: ")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"])
def test_line_of_json_ends_with_a_line_feed_only(command: Command, tmp_path: Path, end: str) -> None:
    """Other line ends of Unicode may be inside a str, as `export` writes them."""
    titles = ["a\u2028b\u2029c", "d\x85e", "f"]
    path = tmp_path / "tickets.jsonl"
    path.write_bytes("".join(json.dumps({"title": title}, ensure_ascii=False) + end for title in titles).encode())
    result = command("import", str(path), "--dry-run", "--json").json
    assert (result["records"], result["first"]) == (3, {"title": titles[0]})


@pytest.mark.parametrize("name", ["tickets.jsonl", "tickets.json"])
def test_half_a_surrogate_pair_costs_no_record(command: Command, tmp_path: Path, name: str) -> None:
    """It becomes U+FFFD, as in a response."""
    path = tmp_path / name
    record = '{"title": "Party \\ud83c"}'
    path.write_text(f"[{record}]" if name == "tickets.json" else record)
    assert command("import", str(path), "--dry-run", "--json").json["first"] == {"title": "Party \ufffd"}


def test_table_of_a_spreadsheet(command: Command, tmp_path: Path) -> None:
    """Empty lines and columns without a name and cells are left out; a cell may be as large as an article."""
    path = tmp_path / "articles.csv"
    content = "x" * 200_000
    path.write_text(f'\n\ntitle,content,categoryId,,\nA,"{content}",cat_1,,\n\nB,b,cat_1\n')
    result = command("import", str(path), "--dry-run", "--json").json
    assert (result["records"], result["first"]) == (2, {"title": "A", "content": content, "categoryId": "cat_1"})


def test_members_of_an_object_are_joined(command: Command, tmp_path: Path) -> None:
    """Each of its keys is a column, under either name of the field; the rest of the name is the key."""
    path = tmp_path / "customers.csv"
    path.write_text("name,email,customFields.plan,custom_fields.a.b\nA,a@x.example,free,1\n")
    assert command("import", str(path), "--dry-run", "--json").json["first"]["customFields"] == {"plan": "free", "a.b": "1"}
