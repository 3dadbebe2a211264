"""The command `serve`: a fake cStar server on this machine. It needs no framework, so the extra `testing` is enough."""

from __future__ import annotations

import argparse
import asyncio
import itertools
import math
import signal
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final, Literal, TypeVar
from urllib.parse import urlsplit

from cstar_async.cli._errors import FAILURE, SUCCESS
from cstar_async.cli._interrupts import run_cancellable

if TYPE_CHECKING:
    from cstar_async.testing import Delivery, FakeCStar, ReceivedRequest

T = TypeVar("T")

_DEFAULT_PORT: Final = 8787
_MAX_PORT: Final = 65_535
_POLL_INTERVAL: Final = 0.1
"""Seconds between two reads of the logs."""
_MAX_POLLS: Final = 20
"""Reads after which a request without a response is printed."""


def serve(arguments: Sequence[str]) -> int:
    """Run the command, and return its exit code. The arguments are those after `serve`."""
    from cstar_async.errors import CStarError

    options = new_parser().parse_args(arguments)
    try:
        run_cancellable(_run(_new_fake(options), is_verbose=options.verbose))
    except KeyboardInterrupt:
        return SUCCESS
    except (ImportError, CStarError) as error:
        sys.stderr.write(f"{error}\n")
        return FAILURE
    return SUCCESS


def new_parser() -> argparse.ArgumentParser:
    """Return the parser of the arguments of `serve`."""
    serve = argparse.ArgumentParser(
        prog="cstar-async serve",
        description="Runs a fake cStar server, prints its URL and API keys, and stops on Ctrl-C. All data is in memory and is lost "
        "when the server stops. SIGHUP restarts the server and keeps the data. Requires the extra 'testing'.",
    )
    serve.add_argument("--port", type=_port, default=_DEFAULT_PORT, help="port, 0 for a free one (default: %(default)s)")
    serve.add_argument("--host", default="127.0.0.1", help="address (default: %(default)s, this machine only)")
    serve.add_argument("--seed", type=int, metavar="N", help="start with sample data; the same number gives the same data")
    serve.add_argument(
        "--rows", type=_count, metavar="N", help="customers and tickets of the sample data (default: 12 and 30; implies --seed 1)"
    )
    serve.add_argument("--verbose", action="store_true", help="print each request and each delivery of a webhook")
    serve.add_argument(
        "--latency", type=_duration, default=0.0, metavar="SECONDS", help="delay each response by this time (default: 0)"
    )
    serve.add_argument(
        "--faults",
        type=_share,
        metavar="SHARE",
        help="refuse this share of the requests, or break their connection, from 0 to 1 (default: 0)",
    )
    serve.add_argument(
        "--rate-limit", type=_count, metavar="N", help="calls an hour (default: 1000 for secret, 100 for publishable keys)"
    )
    serve.add_argument("--no-limits", action="store_true", help="disable the rate limit")
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
_count: Final = _checked(int, lambda count: count >= 0, "a number from 0")
_duration: Final = _checked(float, lambda seconds: 0 <= seconds < math.inf, "a number of seconds from 0")
_share: Final = _checked(float, lambda share: 0 <= share <= 1, "a number from 0 to 1")
_seconds: Final = _checked(
    lambda text: tuple(map(float, text.split(","))),
    lambda waits: all(wait >= 0 for wait in waits),
    "numbers of seconds from 0, separated by commas",
)


def _new_fake(options: argparse.Namespace) -> FakeCStar:
    from cstar_async.testing import FakeCStar

    retries = {} if options.delivery_retries is None else {"delivery_retries": options.delivery_retries}
    fake = FakeCStar(
        seed=1 if options.seed is None and options.rows is not None else options.seed,
        rows=options.rows,
        limits=not options.no_limits,
        rate_limit=options.rate_limit,
        host=options.host,
        port=options.port,
        **retries,
    )
    if options.latency:
        fake.faults.add(delay=options.latency, max_triggers=None)
    if options.faults:
        # The share of each kind is that of the requests which the kinds before let through.
        fake.faults.add(status=503, probability=options.faults / 3, max_triggers=None)
        fake.faults.add(reset=True, probability=options.faults / (3 - options.faults), max_triggers=None)
        fake.faults.add(drop="after", probability=options.faults / (3 - 2 * options.faults), max_triggers=None)
    if options.delivery_faults:
        fake.deliveries.faults.add_mixed(options.delivery_faults)
        fake.streams.inject_faults(options.delivery_faults)
    return fake


async def _run(fake: FakeCStar, *, is_verbose: bool) -> None:
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
        log = asyncio.create_task(_log_activity(fake) if is_verbose else asyncio.Event().wait())
        log.add_done_callback(lambda _: signals.put_nowait("stop"))  # nobody reads standard output any more
        while await signals.get() == "restart":
            await fake.aclose()
            await fake.start()
            _print("The server has restarted.\n")
        if log.done():
            log.result()
        log.cancel()


async def _log_activity(fake: FakeCStar) -> None:
    """Print each request when its response is known, and each attempt of a delivery."""
    from cstar_async._values.redaction import printable_line

    request: ReceivedRequest | None = None
    delivery: Delivery | None = None
    polls = 0
    while True:
        await asyncio.sleep(_POLL_INTERVAL)
        for one in _newer(fake.requests, request):
            if one.status is None and polls < _MAX_POLLS:
                polls += 1
                break
            request, polls = one, 0
            _print(f"{printable_line(_request_line(one))}\n")
        for attempt in _newer(fake.deliveries, delivery):
            delivery = attempt
            _print(f"{printable_line(_delivery_line(attempt))}\n")


def _newer(log: Sequence[T], last: T | None) -> list[T]:
    """Return the entries after *last*, oldest first. The log drops its oldest."""
    found = list(itertools.takewhile(lambda entry: entry is not last, reversed(log)))
    return found[::-1]


def _request_line(request: ReceivedRequest) -> str:
    target = f"{request.path}?{request.query_string}" if request.query_string else request.path
    notes = [f"unknown parameter {name}" for name in request.unknown_parameters]
    notes += ["repeated, from the idempotency key"] if request.was_replayed else []
    line = f"{datetime.now():%H:%M:%S} {request.method} {request.status or 'no response'} {target}"  # noqa: DTZ005  # for people
    return f"{line} ({', '.join(notes)})" if notes else line


def _delivery_line(delivery: Delivery) -> str:
    outcome = delivery.status or delivery.error
    return f"{datetime.now():%H:%M:%S} event {outcome} {delivery.event_type} attempt {delivery.attempt} to {delivery.url}"  # noqa: DTZ005


def _print(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _banner(fake: FakeCStar) -> str:
    url = urlsplit(fake.url)
    # The page is for this machine, which reaches neither the server nor its page by this name at an address of the network.
    is_local = ip_address(url.hostname or "").is_loopback or ip_address(url.hostname or "").is_unspecified
    page = f"  web page         http://localhost:{url.port}/\n" if is_local else ""
    return (
        f"Fake cStar server at {fake.url}\n"
        f"  team             {fake.team_id}\n"
        f"  secret key       {fake.secret_key}\n"
        f"  publishable key  {fake.publishable_key}\n"
        f"{page}\n"
        f"export CSTAR_API_KEY={fake.secret_key} CSTAR_BASE_URL={fake.url} CSTAR_TEAM_ID={fake.team_id}\n\n"
        "Press Ctrl-C to stop.\n"
    )
