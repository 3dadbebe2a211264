"""The command `serve`: a fake cStar server on this machine. It needs no framework, so the extra `testing` is enough."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Literal, TypeVar

if TYPE_CHECKING:
    from cstar_async.testing import FakeCStar

T = TypeVar("T")

_DEFAULT_PORT: Final = 8787
_MAX_PORT: Final = 65_535


def serve(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: The command line after `serve`.

    Returns:
        The exit code.
    """
    return _serve(_parser().parse_args(arguments))


def _parser() -> argparse.ArgumentParser:
    serve = argparse.ArgumentParser(
        prog="cstar-async serve",
        description="Runs a fake cStar server, prints its URL and API keys, and stops on Ctrl-C. All data is in memory and is lost "
        "when the server stops. SIGHUP restarts the server and keeps the data. Requires the extra 'testing'.",
    )
    serve.add_argument("--port", type=_port, default=_DEFAULT_PORT, help="port, 0 for a free one (default: %(default)s)")
    serve.add_argument("--host", default="127.0.0.1", help="address (default: %(default)s, this machine only)")
    serve.add_argument("--seed", type=int, metavar="N", help="start with sample data; the same number gives the same data")
    serve.add_argument("--no-limits", action="store_true", help="disable the rate limit of 1,000 calls per hour")
    serve.add_argument(
        "--delivery-faults",
        type=_share,
        metavar="SHARE",
        help="drop, repeat or delay this share of the webhook deliveries, and repeat or interrupt the same share of the event "
        "stream, from 0 to 1 (default: 0)",
    )
    serve.add_argument(
        "--delivery-retries",
        type=_seconds,
        metavar="S,S,…",
        help="seconds before each retry of a webhook delivery (default: 30,120,600,3600,21600,86400)",
    )
    return serve


def _checked(parse: Callable[[str], T], is_valid: Callable[[T], bool], expected: str) -> Callable[[str], T]:
    """Return a converter for argparse that reports every invalid value in one form."""

    def convert(text: str) -> T:
        try:
            value = parse(text)
        except ValueError:
            pass
        else:
            if is_valid(value):
                return value
        raise argparse.ArgumentTypeError(f"must be {expected}, got {text}")

    return convert


_port: Final = _checked(int, lambda port: 0 <= port <= _MAX_PORT, f"a number from 0 to {_MAX_PORT}")
_share: Final = _checked(float, lambda share: 0 <= share <= 1, "a number from 0 to 1")
_seconds: Final = _checked(
    lambda text: tuple(map(float, text.split(","))),
    lambda waits: all(wait >= 0 for wait in waits),
    "numbers of seconds from 0, separated by commas",
)


def _serve(options: argparse.Namespace) -> int:
    from cstar_async.errors import ConfigurationError
    from cstar_async.testing import FakeCStar

    retries = {} if options.delivery_retries is None else {"delivery_retries": options.delivery_retries}
    try:
        fake = FakeCStar(seed=options.seed, limits=not options.no_limits, host=options.host, port=options.port, **retries)
        if options.delivery_faults:
            fake.deliveries.faults.add_mixed(options.delivery_faults)
            fake.streams.inject_faults(options.delivery_faults)
        asyncio.run(_run(fake))
    except KeyboardInterrupt:
        return 0
    except ImportError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


async def _run(fake: FakeCStar) -> None:
    """Serve until a signal stops the process."""
    signals: asyncio.Queue[Literal["stop", "restart"]] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, signals.put_nowait, "stop")
        loop.add_signal_handler(signal.SIGHUP, signals.put_nowait, "restart")
    except NotImplementedError:  # Windows: there Ctrl-C raises KeyboardInterrupt in `asyncio.run()`
        pass
    async with fake:
        _print(_banner(fake))
        while await signals.get() == "restart":
            await fake.aclose()
            await fake.start()
            _print("The server has restarted.\n")


def _print(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _banner(fake: FakeCStar) -> str:
    return (
        f"Fake cStar server at {fake.url}\n"
        f"  team             {fake.team_id}\n"
        f"  secret key       {fake.secret_key}\n"
        f"  publishable key  {fake.publishable_key}\n\n"
        f"export CSTAR_API_KEY={fake.secret_key} CSTAR_BASE_URL={fake.url} CSTAR_TEAM_ID={fake.team_id}\n\n"
        "Press Ctrl-C to stop.\n"
    )
