"""Call every public callable with arguments of wrong types and values: nothing but errors of the package leaves it."""

from __future__ import annotations

import asyncio
import gc
import inspect
import re
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from cstar_async import ConfigurationError, CStarClient, CStarError, CStarLibrary, InvalidArgumentError, RateLimiter, RequestOptions
from cstar_async.files import File
from cstar_async.pagination import Paging
from cstar_async.redis import RedisRateLimiter, RedisStore
from cstar_async.testing import FakeClock, FakeCStar
from cstar_async.webhooks import EventStream, MemoryStore, SqliteStore, WebhookInbox, sign
from tests.client.conftest import Server, raw, serving
from tests.contract.callables import WAITS, Arguments, Target, find_targets, valid_arguments, wrong_arguments
from tests.contract.samples import BODY, SECRET, Environment, do_nothing


def nested(depth: int) -> list[Any]:
    """Return a list in a list, and so on."""
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def endless() -> list[Any]:
    """Return a list that contains itself."""
    value: list[Any] = []
    value.append(value)
    return value


WRONG: dict[str, Any] = {
    "None": None,
    "True": True,
    "5": 5,
    "-1": -1,
    "1.5": 1.5,
    "nan": float("nan"),
    "inf": float("inf"),
    "10**30": 10**30,
    "10**5000": 10**5000,
    "''": "",
    "a line break": "a\nb",
    "a NUL": "a\0b",
    "half a surrogate pair": "Party \ud83c",
    "a long str": "x" * 100_000,
    "b''": b"",
    "[]": [],
    "{}": {},
    "{5: 5}": {5: 5},
    "a deep list": nested(5000),
    "an endless list": endless(),
    "object()": object(),
    "a class": int,
}


FORM = re.compile(r"\S.{0,60}? must .+, got \S.*", re.DOTALL)
"""What is said of an argument: `<argument> must be <type or range>, got <value>`, and then what to do."""
OTHER_CAUSES = re.compile(r"cannot listen on ")
"""Of the environment, not of an argument."""


async def use(result: Any, environment: Environment) -> None:
    """Do with a result what its user does."""
    if inspect.isawaitable(result):
        result = await result
    if inspect.isasyncgen(result):
        async for _ in result:
            break
        await result.aclose()
    match result:
        case CStarError():
            assert str(result).isprintable()
            assert result.report()
        case CStarClient():
            await environment.closing(result).auth.whoami()
        case CStarLibrary():
            await environment.closing(result).search("a")
        case RequestOptions():
            await environment.client().auth.whoami(options=result)
        case RateLimiter() | RedisRateLimiter():
            limiter = environment.closing(result) if isinstance(result, RedisRateLimiter) else result
            await environment.client(rate_limiter=limiter).auth.whoami()
        case EventStream():
            async with result:
                pass
        case MemoryStore() | SqliteStore() | RedisStore():
            await environment.closing(result).add("evt_1", b"{}")
        case WebhookInbox():
            result.on("*")(do_nothing)
            assert await environment.closing(result).receive(BODY, {"X-Signature": sign(BODY, SECRET)}) in {200, 401, 413}
        case FakeCStar():
            await environment.closing(result).start()
        case FakeClock():
            result.now()
        case Paging():
            await environment.client().paginate("GET", "/things", paging=result).collect(limit=3)
        case File():
            await environment.client().request("POST", "/files", files={"file": result})
        case _:
            pass


async def call(
    function: Callable[..., Any], arguments: Arguments, environment: Environment, timeout: float
) -> BaseException | None:
    """Call a function and use its result. Return what it raises."""
    try:
        async with asyncio.timeout(timeout):
            await use(function(*arguments.positional, **arguments.keywords), environment)
    except Exception as error:
        return error
    return None


def is_expected(error: BaseException | None, target: Target) -> bool:
    """Return whether a call may raise this: an error of the package, or a TypeError for arguments that no signature takes."""
    if isinstance(error, TimeoutError):
        return target.short_name in WAITS
    is_signature = isinstance(error, TypeError) and error.__traceback__ is not None and error.__traceback__.tb_next is None
    return error is None or isinstance(error, CStarError) or is_signature


def has_form(error: BaseException | None) -> bool:
    """Return whether the text of an error about an argument has the form of all others."""
    if not isinstance(error, (InvalidArgumentError, ConfigurationError)):
        return True
    return bool(FORM.fullmatch(error.message) or OTHER_CAUSES.match(error.message))


async def call_with_wrong_arguments(target: Target, server: Server, folder: Path) -> list[str]:
    """Call a target with each wrong value for each parameter. Return what went wrong."""
    problems: list[str] = []
    before, loop = asyncio.all_tasks(), asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: problems.append(f"{target.name}: {context}"))
    timeout = 0.005 if target.short_name in WAITS else 10.0
    async with AsyncExitStack() as stack:
        environment = Environment(server, folder, stack)
        function = await target.resolve(environment)
        valid = valid_arguments(function, environment)
        raised = await call(function, valid, environment, timeout)
        if not is_expected(raised, target) or isinstance(raised, (InvalidArgumentError, ConfigurationError)):
            problems.append(f"{target.name} takes no valid arguments, which tests/contract/samples.py should have: {raised!r}")
        for label, value in WRONG.items():
            for parameter, arguments in wrong_arguments(function, valid, value):
                raised = await call(function, arguments, environment, timeout)
                if not is_expected(raised, target):
                    problems.append(f"{target.name}({parameter}={label}): {raised!r}"[:300])
                if not has_form(raised):
                    problems.append(f"{target.name}({parameter}={label}) has another form: {raised!r}"[:300])
    await asyncio.sleep(0)
    left = {task for task in asyncio.all_tasks() - before if not server.owns(task)}
    return [*problems, *(f"{target.name} left {task!r}" for task in left)]


GROUPS: dict[str, Callable[[str], bool]] = {
    "operations": lambda name: name.startswith("cstar_async.api"),
    "models": lambda name: name.startswith(("cstar_async.models", "cstar_async.webhooks")),
    "fake": lambda name: name.startswith("cstar_async.testing"),
}
GROUPS["others"] = lambda name: not any(contains(name) for group, contains in GROUPS.items() if group != "others")


@pytest.mark.no_cover
@pytest.mark.parametrize("group", GROUPS)
async def test_only_errors_of_the_package_leave_a_public_callable(
    group: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever one of its arguments is: no error of Python or of another library, no warning, no task that stays.

    An error about an argument names it, what it must be, and what it is.
    """
    async with serving(limit=2**20) as server:
        monkeypatch.chdir(tmp_path)  # a store writes a file that an argument names
        monkeypatch.setenv("CSTAR_API_KEY", "sk_test_abcdef")
        monkeypatch.setenv("CSTAR_BASE_URL", server.url)
        server.default = raw(b'{"data": {}}')
        async with AsyncExitStack() as stack:
            targets = await find_targets(Environment(server, tmp_path, stack), GROUPS[group])
        assert len(targets) > 20
        problems = [problem for target in targets for problem in await call_with_wrong_arguments(target, server, tmp_path)]
        gc.collect()
    assert not problems, "\n".join(problems)
