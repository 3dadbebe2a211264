"""Settings, validated when a client is created."""

from __future__ import annotations

import pytest
from yarl import URL

from cstar_async import ConfigurationError, Hooks, InvalidArgumentError, Priority
from cstar_async._client import settings
from cstar_async._client.settings import CallSettings, ClientSettings
from cstar_async._protocol import credentials
from cstar_async._values.validation import validate_seconds


def client_settings(*, max_connections: int, retry_budget: int | None) -> ClientSettings:
    """Return settings with two counts, and otherwise defaults."""
    return ClientSettings(
        base_url="https://cstar.test",
        api_version=None,
        max_response_size=None,
        retry_budget=retry_budget,
        max_connections=max_connections,
        rate_limiter=None,
        proxy=None,
        ssl=None,
        session=None,
        hooks=(),
    )


@pytest.mark.parametrize("key", ["sk_live_x", "sk_test_x", "pk_live_x", "pk_test_x", "sk_old", "pk_old"])
def test_key_with_a_known_prefix_is_taken(key: str) -> None:
    """Nothing else of the key is checked."""
    assert key == credentials.validate_api_key(key)


@pytest.mark.parametrize("key", ["", None, 5, "xx_SECRET", "sk_live_SEC RET", "sk_live_SECRET\n", "sk_live_SECRETü"])
def test_unusable_key_is_refused_unseen(key: str) -> None:
    """The error does not show it."""
    with pytest.raises(ConfigurationError) as caught:
        credentials.validate_api_key(key)
    assert "SEC" not in str(caught.value)


@pytest.mark.parametrize("prefix", credentials.KEY_PREFIXES)
def test_prefix_alone_is_no_key(prefix: str) -> None:
    """A key that was cut when it was copied would be refused by the server only."""
    with pytest.raises(ConfigurationError, match="only its prefix"):
        credentials.validate_api_key(prefix)


@pytest.mark.parametrize("team", [None, "team_1", "a/b"])
def test_team_that_fits_a_segment_is_taken(team: str | None) -> None:
    """Any text does, encoded."""
    assert team == settings.validate_team_id(team)


@pytest.mark.parametrize("team", ["", ".", "..", 5])
def test_team_that_fits_no_segment_is_refused(team: str) -> None:
    """As a matter of configuration."""
    with pytest.raises(ConfigurationError):
        settings.validate_team_id(team)


@pytest.mark.parametrize(
    "url",
    [
        5,
        "",
        "cstar.help",
        "ftp://h",
        "https://",
        "https://u:p@h",
        "https://h?q=1",
        "https://h#f",
        "https://h:99999",
        "http://[",
        "http://a..b",
        "https://xn--/",
        "https://xn--a/",
        "https://xn--ü.de/",
        "https://www.xn--/x",
        "https://127.1",
        "https://2130706433",
        "https://127.0.0.1.1",
    ],
)
def test_base_url_that_is_none_is_refused(url: str) -> None:
    """Scheme and host, and perhaps a path."""
    with pytest.raises(ConfigurationError):
        settings.validate_base_url(url)


def test_base_url_may_have_a_path() -> None:
    """Behind a gateway."""
    assert URL("http://h:8080/gw") == settings.validate_base_url("http://h:8080/gw")


@pytest.mark.parametrize(
    "wrong",
    [
        {"timeout": 0},
        {"timeout": float("inf")},
        {"timeout": float("nan")},
        {"timeout": True},
        {"timeout": "5"},
        {"timeout": None},
        {"max_wait": -0.1},
    ],
)
def test_time_that_no_call_goes_by_is_refused(wrong: dict[str, float]) -> None:
    """Finite and above 0; there is no endless call."""
    with pytest.raises(InvalidArgumentError, match=next(iter(wrong))):
        CallSettings(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("total_timeout", [-1, 0, float("inf"), "5"])
def test_an_unusable_total_timeout_is_refused(total_timeout: float) -> None:
    """Finite and above 0."""
    with pytest.raises(InvalidArgumentError, match="total_timeout must be a number of seconds above 0"):
        validate_seconds("total_timeout", total_timeout, above_zero=True)


@pytest.mark.parametrize("priority", ["high", 2, None])
def test_priority_that_is_none_is_refused(priority: Priority) -> None:
    """By its two names, or their numbers."""
    with pytest.raises(InvalidArgumentError, match="priority"):
        CallSettings(priority=priority)


def test_priority_may_be_a_number() -> None:
    """It becomes the priority of that number."""
    assert Priority.BACKGROUND is CallSettings(priority=1).priority


class Unrelated:
    """An object that is neither a hook nor a limiter."""


@pytest.mark.parametrize("hooks", [None, Hooks(), [Unrelated()], [Hooks], "hooks"])
def test_hooks_that_are_none_are_refused(hooks: list[Hooks]) -> None:
    """When the client is made, not in the middle of its first call."""
    with pytest.raises(ConfigurationError, match="hooks"):
        settings.validate_hooks(hooks)


def test_limiter_that_is_none_is_refused() -> None:
    """When the client is made."""
    with pytest.raises(ConfigurationError, match="rate_limiter"):
        settings.validate_limiter(Unrelated())


@pytest.mark.parametrize("count", [-1, 1.5, True, "3", None])
def test_count_that_is_none_is_refused(count: int) -> None:
    """Ints from 0."""
    with pytest.raises(InvalidArgumentError, match="max_retries"):
        CallSettings(max_retries=count)


@pytest.mark.parametrize(("connections", "budget"), [(0, None), (1, -1)])
def test_counts_too_small_for_a_client_are_refused(connections: int, budget: int | None) -> None:
    """At least one slot, and no negative budget."""
    with pytest.raises(InvalidArgumentError):
        client_settings(max_connections=connections, retry_budget=budget)


def test_least_counts_are_taken() -> None:
    """One slot, no tokens, no retry, no wait."""
    assert 1 == client_settings(max_connections=1, retry_budget=0).max_connections
    assert 0 == CallSettings(max_retries=0, max_wait=0).max_retries
    assert CallSettings(max_wait=None).max_wait > 365 * 86400


@pytest.mark.parametrize("version", ["", " ", "2026\n", "ü", 5])
def test_version_that_no_header_carries_is_refused(version: str) -> None:
    """Before anything is sent."""
    with pytest.raises(ConfigurationError):
        settings.validate_api_version(version)


@pytest.mark.parametrize("version", [None, "2026-03-01"])
def test_version_is_taken_as_it_is(version: str | None) -> None:
    """None: not sent."""
    assert version == settings.validate_api_version(version)


@pytest.mark.parametrize("proxy", ["", "host", "http://[SECRET", "socks5://SECRET@host:1", "http://a..b", 5])
def test_proxy_that_is_no_url_is_refused_unseen(proxy: str) -> None:
    """It may hold a password."""
    with pytest.raises(ConfigurationError) as caught:
        settings.validate_proxy(proxy)
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize("proxy", [None, "http://u:p@proxy:3128"])
def test_usable_proxy_is_taken(proxy: str | None) -> None:
    """With its credentials."""
    assert proxy == settings.validate_proxy(proxy)


@pytest.mark.parametrize(
    ("environment", "proxy"),
    [
        ({}, None),
        ({"https_proxy": "http://p:1"}, "http://p:1"),
        ({"http_proxy": "http://p:1"}, None),
        ({"all_proxy": "http://p:2"}, "http://p:2"),
        ({"https_proxy": "p:1"}, "http://p:1"),
        ({"https_proxy": "http://p:1", "no_proxy": "cstar.test"}, None),
    ],
)
def test_proxy_is_read_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], proxy: str | None
) -> None:
    """As the standard library reads it."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert proxy == settings.proxy_from_environment(URL("https://cstar.test"))


def test_settings_overridden_keep_what_is_not_given() -> None:
    """None: as before."""
    changed = CallSettings(timeout=5.0).replace(timeout=None, max_retries=0, max_wait=None, priority=Priority.BACKGROUND)
    assert CallSettings(timeout=5.0, max_retries=0, max_wait=60.0, priority=Priority.BACKGROUND) == changed
