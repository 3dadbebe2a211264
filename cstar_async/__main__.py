"""`python -m cstar_async`: what the package can do from the shell. Exit codes: 0 done, 1 could not, 2 misused."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from cstar_async.testing import FakeCStar

_PORT: Final = 8787
_HIGHEST_PORT: Final = 65_535


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: What follows the name of the program; default those of the process.

    Returns:
        The exit code.
    """
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.command is None:
        parser.print_help()
        return 0
    return _serve(given)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m cstar_async", description="The async Python SDK for cStar, from the shell.")
    commands = parser.add_subparsers(dest="command", metavar="command")
    serve = commands.add_parser(
        "serve",
        help="run a cStar on this machine, to try things against",
        description="Runs a cStar with state on loopback, prints its address and keys, and ends with Ctrl-C. "
        "It forgets everything when it ends; on SIGHUP it only closes and starts again, and knows what it knew. "
        "Needs the extra 'testing'.",
    )
    serve.add_argument("--port", type=_port, default=_PORT, help="the port to listen on; 0 for a free one (default: %(default)s)")
    serve.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s, this machine only)")
    serve.add_argument(
        "--seed", type=int, metavar="N", help="begin with customers, articles and tickets, the same for the same number"
    )
    serve.add_argument("--no-limits", action="store_true", help="answer any number of calls, instead of 1,000 an hour")
    serve.add_argument(
        "--delivery-faults",
        type=_share,
        metavar="SHARE",
        help="lose, double or delay this share of the deliveries to webhooks, and double or break as much of the event stream, "
        "from 0 to 1 (default: none)",
    )
    serve.add_argument(
        "--delivery-retries",
        type=_seconds,
        metavar="S,S,…",
        help="seconds before each further attempt to deliver (default: 30,120,600,3600,21600,86400)",
    )
    return parser


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError("a share is a number from 0 to 1")
    return share


def _seconds(text: str) -> tuple[float, ...]:
    seconds = tuple(float(part) for part in text.split(","))
    if not all(each >= 0 for each in seconds):
        raise argparse.ArgumentTypeError("waits are numbers of seconds from 0")
    return seconds


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= _HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"a port is a number from 0 to {_HIGHEST_PORT}")
    return number


def _serve(given: argparse.Namespace) -> int:
    from cstar_async.testing import FakeCStar
    from cstar_async.testing._events.dispatcher import DOCUMENTED_RETRIES

    retries = DOCUMENTED_RETRIES if given.delivery_retries is None else given.delivery_retries
    try:
        fake = FakeCStar(seed=given.seed, limits=not given.no_limits, delivery_retries=retries, host=given.host, port=given.port)
        if given.delivery_faults:
            fake.deliveries.faults.add_mixed(given.delivery_faults)
            fake.streams.inject_faults(given.delivery_faults)
        asyncio.run(_run(fake))
    except KeyboardInterrupt:
        return 0
    except ImportError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        sys.stderr.write(f"Nothing can be served on {given.host}:{given.port}: {reason}. Another port is chosen with --port.\n")
        return 1
    return 0


async def _run(fake: FakeCStar) -> None:
    """Serve until the process is asked to end."""
    wishes: asyncio.Queue[Literal["end", "restart"]] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, wishes.put_nowait, "end")
        loop.add_signal_handler(signal.SIGHUP, wishes.put_nowait, "restart")
    except NotImplementedError:  # Windows: there Ctrl-C raises KeyboardInterrupt in `asyncio.run()`
        pass
    async with fake:
        _print(_banner(fake))
        while await wishes.get() == "restart":
            await fake.aclose()
            await fake.start()
            _print("It has started again.\n")


def _print(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _banner(fake: FakeCStar) -> str:
    return (
        f"A cStar listens on {fake.url}\n"
        f"  team             {fake.team_id}\n"
        f"  secret key       {fake.secret_key}\n"
        f"  publishable key  {fake.publishable_key}\n\n"
        f"export CSTAR_API_KEY={fake.secret_key} CSTAR_BASE_URL={fake.url} CSTAR_TEAM_ID={fake.team_id}\n\n"
        "Ctrl-C ends it.\n"
    )


if __name__ == "__main__":
    sys.exit(main())
