"""Paths and queries."""

from __future__ import annotations

from datetime import UTC, date, datetime
from urllib.parse import unquote
from uuid import UUID

import pytest

from cstar_async import UNSET, InvalidArgumentError, from_dict
from cstar_async._protocol.urls import (
    encode_raw_path,
    form_of,
    header_value,
    page_query,
    parameter_text,
    path_segment,
    path_text,
    query_string,
    validate_query,
)
from cstar_async._values.validation import MAX_INT_BITS
from cstar_async.models import Ticket, TicketStatus


@pytest.mark.parametrize(
    ("value", "segment"),
    [("tkt_1", "tkt_1"), ("a/b", "a%2Fb"), ("a?b", "a%3Fb"), ("a#b", "a%23b"), ("%2e", "%252e"), ("...", "..."), ("ü", "%C3%BC")],
)
def test_path_id_is_encoded(value: str, segment: str) -> None:
    """It stays one segment."""
    assert segment == path_segment(value)


@pytest.mark.parametrize("value", ["", ".", "..", "\ud800", None, 5])
def test_id_that_cannot_be_a_segment_is_refused(value: str) -> None:
    """Before anything is sent."""
    with pytest.raises(InvalidArgumentError):
        path_segment(value)


@pytest.mark.parametrize(
    ("path", "encoded"),
    [("activity", "/activity"), ("/a/b/", "/a/b"), ("/a b", "/a%20b"), ("/a%2Fb", "/a%2Fb"), ("/a:b@c", "/a:b@c")],
)
def test_raw_path_is_encoded_once(path: str, encoded: str) -> None:
    """Existing escapes are kept."""
    assert encoded == encode_raw_path(path)


@pytest.mark.parametrize(
    "path", ["", "/", "//h/x", "https://h/x", "/a?b", "/a#b", "/a//b", "/a/../b", "/%2e%2e/b", "/./b", "/\ud800", None]
)
def test_path_that_could_leave_the_base_url_is_refused(path: str) -> None:
    """The API key is sent to no other host."""
    with pytest.raises(InvalidArgumentError):
        encode_raw_path(path)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a&b=c", "a%26b%3Dc"),
        (TicketStatus.OPEN, "open"),
        (True, "true"),
        (False, "false"),
        (5, "5"),
        (0.5, "0.5"),
        (["a", "b,c"], "a,b%2Cc"),
        (("x", 1), "x,1"),
        (datetime(2026, 3, 1, tzinfo=UTC), "2026-03-01T00%3A00%3A00Z"),
        (date(2026, 3, 1), "2026-03-01"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    ],
)
def test_query_value_has_its_wire_format(value: object, text: str) -> None:
    """For every supported type."""
    assert f"q={text}" == query_string({"q": value})


@pytest.mark.parametrize("value", [None, {}, object(), datetime(2026, 3, 1), "\ud800"])  # noqa: DTZ001
def test_unsupported_query_value_is_refused(value: object) -> None:
    """The error has the name of the parameter."""
    with pytest.raises(InvalidArgumentError, match="when"):
        query_string({"when": value})


def test_later_parts_override_earlier_ones_and_unset_is_left_out() -> None:
    """Options override arguments."""
    assert "a=2&c=3" == query_string({"a": 1, "b": UNSET}, None, {"a": 2, "c": 3})


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (5, "the id must be a str, got int"),
        (from_dict(Ticket, {"id": "tkt_1"}), "the id must be a str, got Ticket; pass its id"),
        ("..", "the id must be a str that is not empty, '.' or '..', got '..'"),
        ("\ud800", "the id must have only characters that UTF-8 can encode, got half a surrogate pair"),
    ],
)
def test_error_of_an_id_says_what_to_pass(value: str, problem: str) -> None:
    """It names the argument."""
    with pytest.raises(InvalidArgumentError) as caught:
        path_segment(value, "the id")
    assert problem == caught.value.message
    with pytest.raises(InvalidArgumentError, match=r"^an id in the path must"):
        path_segment(value)


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        (5, "path must be a str, got int"),
        ("ftp://h/x", "path must be relative to base_url, got a whole URL; the API key is sent to no other host"),
        ("//h", "path must be relative to base_url, got a whole URL; the API key is sent to no other host"),
        ("/a?b", "path must have no query and no fragment, got a query; use params="),
        ("/a#b", "path must have no query and no fragment, got a fragment; use params="),
        ("/a//b", "path must have no empty, '.' or '..' segment, got ''"),
        ("/a/%2E", "path must have no empty, '.' or '..' segment, got '.'"),
        ("/\ud800", "path must have only characters that UTF-8 can encode, got half a surrogate pair"),
    ],
)
def test_error_of_a_path_says_what_is_wrong(path: str, problem: str) -> None:
    """Each reason has its own sentence."""
    with pytest.raises(InvalidArgumentError) as caught:
        encode_raw_path(path)
    assert problem == caught.value.message


def test_raw_path_keeps_what_a_segment_may_contain() -> None:
    """Everything else is encoded."""
    assert "/a%:@!$&'()*+,;=%22%5B/b" == encode_raw_path("/a%:@!$&'()*+,;=\"[/b")


@pytest.mark.parametrize("query", [None, "a=5", {5: "a"}, {"a": 1, None: 2}, [("a", 1)]])
def test_query_that_is_no_mapping_of_str_is_refused(query: object) -> None:
    """A mapping is returned as it is."""
    good = {"a": object()}
    assert validate_query(good, "params") is good
    with pytest.raises(InvalidArgumentError, match=r"^params must be a mapping of str to values, got "):
        validate_query(query, "params")


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, "when must be a value, got None; leave it out to send no filter"),
        ([None], "when must be a value, got None; leave it out to send no filter"),
        (object(), "when must be a type that a query can contain, got object"),
        ([["a"]], "when must be a type that a query can contain, got list"),
        ("\ud800", "when must have only characters that UTF-8 can encode, got half a surrogate pair"),
        (datetime(2026, 3, 1), "when must be a datetime with a time zone, got one without; use datetime.now(UTC)"),  # noqa: DTZ001
    ],
)
def test_error_of_a_query_value_names_the_parameter(value: object, problem: str) -> None:
    """Also inside a list."""
    with pytest.raises(InvalidArgumentError) as caught:
        query_string({"when": value})
    assert problem == caught.value.message


def test_name_of_a_parameter_is_encoded() -> None:
    """It cannot become another part of the query."""
    assert "a%26b=1" == query_string({"a&b": 1})
    with pytest.raises(InvalidArgumentError, match=r"^a query parameter must have only characters"):
        query_string({"\ud800": 1})


def test_int_of_thousands_of_digits_is_refused() -> None:
    """Python does not write it in decimal."""
    assert f"n={2**MAX_INT_BITS - 1}" == query_string({"n": 2**MAX_INT_BITS - 1})
    with pytest.raises(InvalidArgumentError, match=rf"^n must be an int of at most {MAX_INT_BITS} bits, got 3231"):
        query_string({"n": 2**MAX_INT_BITS})


@pytest.mark.parametrize(
    ("arguments", "query"),
    [
        (("", "page", None, ""), ""),
        (("", "page", "2", ""), "page=2"),
        (("", "page", None, "pageSize=50"), "pageSize=50"),
        (("", "page[number]", "1", "size=50"), "page%5Bnumber%5D=1&size=50"),
        (("a=b", "page", "3", "pageSize=100"), "a=b&page=3&pageSize=100"),
    ],
)
def test_query_of_a_page_follows_the_filters(arguments: tuple[str, str, str | None, str], query: str) -> None:
    """The filters are the same for all pages."""
    assert query == page_query(*arguments)


@pytest.mark.parametrize(
    ("style", "value", "query"),
    [
        ("json", {"a b": [1, None]}, "q=%7B%22a%20b%22%3A%5B1%2Cnull%5D%7D"),
        ("repeated", ["a", "b c"], "q=a&q=b%20c"),
        ("repeated", 5, "q=5"),
        ("space", ["a", "b&"], "q=a%20b%26"),
        ("pipe", ["a", "b"], "q=a%7Cb"),
        ("fields", {"x": 1, "y z": "a", "gone": None}, "x=1&y%20z=a"),
        ("brackets", {"x": 1, "y": True}, "q%5Bx%5D=1&q%5By%5D=true"),
        ("repeated", UNSET, ""),
    ],
)
def test_parameter_may_have_a_style_of_its_own(style: str, value: object, query: str) -> None:
    """In documents of other APIs. Other parameters keep the usual one."""
    assert query == query_string({"q": value}, styles={"q": style, "other": "json"})
    assert "r=a,b" == query_string({"r": ["a", "b"]}, styles={"q": style})


def test_value_that_contains_itself_is_refused() -> None:
    """In every style."""
    value: list[object] = []
    value.append(value)
    for style in ("json", "repeated", "space"):
        with pytest.raises(InvalidArgumentError, match="must be of limited depth, got a value that contains itself"):
            query_string({"q": value}, styles={"q": style})


def test_form_has_a_field_for_each_item() -> None:
    """A nested object is JSON, and null is empty."""
    body = b'{"a": [1, "x y", true], "b": {"c": 0.5}, "d": null, "e": false, "f": 2.5}'
    assert b"a=1&a=x+y&a=true&b=%7B%22c%22%3A0.5%7D&d=&e=false&f=2.5" == form_of(body, {})


def test_text_of_a_parameter_is_not_encoded() -> None:
    """A path needs at least one character."""
    assert ["a b", "5", "true", "2026-03-01", "a,b&"] == [
        parameter_text(value, "p") for value in ("a b", 5, True, date(2026, 3, 1), ["a", "b&"])
    ]
    assert "5" == path_text(5, "p")
    with pytest.raises(InvalidArgumentError, match=r"^p must be a value that is not empty, got list$"):
        path_text([], "p")
    with pytest.raises(InvalidArgumentError, match=r"^p must be a value, got None"):
        path_text(None, "p")


@pytest.mark.parametrize(
    ("style", "value", "query"),
    [
        ("pairs", {"x": 1, "y z": "a,b", "gone": None}, "q=x,1,y%20z,a%2Cb"),
        ("pairs", ["a", 1], "q=a&q=1"),
        ("fields", [1], "q=1"),
        ("brackets", {"x": {"y": [1, {"z": True}]}, "gone": None}, "q%5Bx%5D%5By%5D=1&q%5Bx%5D%5By%5D%5Bz%5D=true"),
        ("brackets", "a b", "q=a%20b"),
        ("space", "a", "q=a"),
    ],
)
def test_objects_in_a_query(style: str, value: object, query: str) -> None:
    """Null is left out, at every depth."""
    assert f"a=1&{query}&z=2" == query_string({"a": 1, "q": value, "z": 2}, styles={"q": style, "z": "repeated"})


@pytest.mark.parametrize("style", ["json", "repeated", "space", "pairs", "fields", "brackets"])
def test_error_of_a_styled_value_names_the_parameter(style: str) -> None:
    """And that of its name says what it is."""
    for value in ({"x": "\ud83c"}, [10**5000], {"\ud83c": 1}, object()):
        with pytest.raises(InvalidArgumentError, match=r"^(q\b|the body)"):
            query_string({"q": value}, styles={"q": style})
    with pytest.raises(InvalidArgumentError, match=r"^a query parameter must have only characters that UTF-8 can encode, got "):
        query_string({"\ud83c": 1}, styles={"\ud83c": style})


def test_form_has_fields_by_place() -> None:
    """In the style `deep`, beside the other fields."""
    body = b'{"a": 1, "b": {"c": [1, {"d": true}], "e": null}, "f": ["x", "y"]}'
    assert "a=1&b[c]=1&b[c][d]=true&f=x&f=y" == unquote(form_of(body, {"b": "deep"}).decode())
    assert "a=1&b=5&f=x&f=y" == unquote(form_of(b'{"a": 1, "b": 5, "f": ["x", "y"]}', {"b": "deep"}).decode())


@pytest.mark.parametrize("value", [{"a": {"b": 1}}, {"a": [1, [2]]}])
def test_header_value_must_be_flat(value: object) -> None:
    """Its style has no place for more levels."""
    with pytest.raises(InvalidArgumentError, match="x must be a type that a query can contain"):
        header_value(value, "x")


def test_header_value_in_json_is_ascii() -> None:
    """Headers have no other characters that every server reads."""
    assert '{"name":"caf\\u00e9"}' == header_value({"name": "caf\u00e9"}, "x", is_json=True)
