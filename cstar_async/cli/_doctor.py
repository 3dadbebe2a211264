"""The command `doctor`: what a call needs, checked one after the other."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Final, Literal, TypeAlias
from urllib.parse import urlsplit

import attrs
import typer

from cstar_async import CStarClient, CStarError, Response, __version__
from cstar_async._values.redaction import redact_secrets
from cstar_async.cli._calls import Json, MaxWait, Timeout, new_client, run_with
from cstar_async.cli._commands import describe_limit
from cstar_async.cli._errors import FAILURE
from cstar_async.cli._output import print_result
from cstar_async.models import Whoami

State: TypeAlias = Literal["ok", "warning", "failed"]

_MAX_CLOCK_ERROR: Final = 60.0
"""Seconds. Signatures are accepted for 300."""
_PACKAGES: Final = ("aiohttp", "attrs", "cattrs", "orjson", "typer", "rich", "jsonschema", "redis", "opentelemetry-api")
_PROXIES: Final = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")


@attrs.frozen
class Check:
    """A fact, and whether a call can succeed with it."""

    name: str
    state: State
    detail: str


def doctor(*, as_json: Json = False, timeout: Timeout = None, max_wait: MaxWait = None) -> None:
    """Check key, team, connection, rate limit, clock and versions. Takes one call."""
    checks = [*_versions(), *_settings()]
    try:
        client = new_client(timeout=timeout, max_wait=max_wait)
        began = datetime.now(UTC)
        response, team = run_with(client, _call)
    except CStarError as error:
        checks.append(Check("call", "failed", str(error)))
    else:
        checks += _facts(response, team, began)
    print_result([{**attrs.asdict(check), "detail": redact_secrets(check.detail)} for check in checks], as_json=as_json)
    if any(check.state == "failed" for check in checks):
        raise typer.Exit(FAILURE)


async def _call(client: CStarClient) -> tuple[Response[Whoami], str | None]:
    return await client.with_response(client.auth.whoami), os.environ.get("CSTAR_TEAM_ID")


def _versions() -> Iterator[Check]:
    yield Check("cstar-async", "ok", __version__)
    yield Check("python", "ok", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    for name in _PACKAGES:
        try:
            yield Check(name, "ok", version(name))
        except PackageNotFoundError:
            yield Check(name, "ok", "not installed")


def _settings() -> Iterator[Check]:
    """Describe the environment, without the key."""
    key = os.environ.get("CSTAR_API_KEY", "")
    kind = {"sk": "secret", "pk": "publishable"}.get(key[:2], "of an unknown kind")
    area = next((area for area in ("test", "live") if key[2:].startswith(f"_{area}_")), None)
    if key:
        yield Check("key", "ok", f"{kind}, {area}" if area else kind)
    else:
        yield Check("key", "failed", "CSTAR_API_KEY is not set")
    yield _base_url(os.environ.get("CSTAR_BASE_URL") or "https://www.cstar.help")
    used = [name for name in _PROXIES if os.environ.get(name) or os.environ.get(name.lower())]
    yield Check("proxy", "ok", f"from {', '.join(used)}" if used else "none")


def _base_url(text: str) -> Check:
    """Describe the URL, without a password."""
    try:
        url = urlsplit(text)
    except ValueError as error:
        return Check("base URL", "failed", f"CSTAR_BASE_URL is no URL: {error}")
    if url.scheme not in {"http", "https"} or not url.hostname:  # what is no host may be a password
        return Check("base URL", "failed", "CSTAR_BASE_URL must begin with https:// (or http://) and name a host")
    return Check("base URL", "ok", f"{url.scheme}://{url.netloc.rpartition('@')[2]}{url.path}")


def _facts(response: Response[Whoami], team: str | None, began: datetime) -> Iterator[Check]:
    """Describe a response."""
    owner = response.data
    yield Check("call", "ok", f"status {response.status} in {response.elapsed * 1000:.0f} ms, request {response.request_id}")
    if not _is_named(owner.team_id):
        yield Check("team", "failed", "the server named no team for this key, so it may be no cStar")
    elif team and owner.team_id != team:
        yield Check("team", "failed", f"the key belongs to team {owner.team_id}, but CSTAR_TEAM_ID is {team}")
    else:
        yield Check("team", "ok", f"{owner.team_name} ({owner.team_slug}, {owner.team_id})")
    yield Check("permissions", "ok", "read and write" if owner.key_type == "secret" else "read only")
    if response.rate_limit is not None:
        limit = describe_limit(response.rate_limit)
        state: State = "ok" if response.rate_limit.remaining else "warning"
        seconds = limit["resetsInSeconds"]
        until = "" if seconds is None else f" for {seconds} s"
        yield Check("rate limit", state, f"{limit['remaining']} of {limit['limit']} calls left{until}")
    error = _clock_error(response.headers.get("Date"), began)
    if error is not None:
        text = f"{abs(error):.0f} s {'behind' if error > 0 else 'ahead of'} the server"
        yield Check("clock", "ok" if abs(error) <= _MAX_CLOCK_ERROR else "warning", text)


def _is_named(team_id: object) -> bool:
    """Return whether a server has named a team. What it sends is passed through, whatever the type says."""
    return isinstance(team_id, str) and bool(team_id)


def _clock_error(date: str | None, began: datetime) -> float | None:
    """Return the seconds by which this clock is behind that of the server, or None."""
    try:
        return None if date is None else (parsedate_to_datetime(date) - began).total_seconds()
    except (ValueError, TypeError):
        return None
