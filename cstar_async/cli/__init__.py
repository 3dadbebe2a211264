"""The command line `cstar-async`: a view of the public API, one command for each operation.

`serve`, `codegen` and `--version` need no framework and are run directly. All other commands need the extra `cli`.
"""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from typing import Final

from cstar_async._version import __version__
from cstar_async.cli._errors import CLOSED_OUTPUT, FAILURE, INTERRUPTED, SUCCESS, USAGE, report
from cstar_async.cli._interrupts import ending_at_once

__all__ = ["main"]

_SECRET: Final = re.compile(r"(?:^|[=\s\"':])(?:(?:sk|pk)_(?:live|test)_\w{4}|whsec_\w{4}|(?:sk|pk)_[A-Za-z0-9]{16})", re.ASCII)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: The command line without the program name; default that of the process.

    Returns:
        The exit code, see the documentation page "Command line".

    Raises:
        InvalidArgumentError: *arguments* is no list of str.
    """
    given = sys.argv[1:] if arguments is None else _checked(arguments)
    if not _prepare_streams():
        sys.stderr.write("error: standard output is closed\n")
        return FAILURE
    with _buffered_output():
        return _run_and_report(given)


def _run_and_report(given: Sequence[str]) -> int:
    """Run a command, and return the exit code of whatever ends it."""
    try:
        with ending_at_once():
            code = _run([_as_text(one) for one in given])
            sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _discard_output()
        return CLOSED_OUTPUT
    except UnicodeDecodeError:
        sys.stderr.write("error: arguments must be UTF-8 text\n")
        return USAGE
    except OSError as error:
        _discard_output()
        return report(error)
    return code


def _checked(arguments: Sequence[str]) -> Sequence[str]:
    from cstar_async._values.validation import check_instance, check_str, invalid

    check_instance("arguments", arguments, (list, tuple), "a list of str")
    for one in arguments:
        check_str("arguments", one)
        if "\0" in one:
            raise invalid("arguments", "a list of str without NUL", one)
    return arguments


def _run(given: list[str]) -> int:
    if given in (["--version"], ["-V"]):
        sys.stdout.write(f"cstar-async {__version__}\n")
        return SUCCESS
    if given[:1] == ["serve"]:
        from cstar_async.cli._serve import serve

        return serve(given[1:])
    if given[:1] == ["codegen"]:
        from cstar_async.cli._codegen import codegen

        return codegen(given[1:])
    if any(map(_SECRET.search, given)):
        sys.stderr.write(
            "error: arguments must not contain an API key or a secret, because other programs can read them; "
            "set CSTAR_API_KEY or CSTAR_WEBHOOK_SECRET, or pass the text on standard input\n"
        )
        return USAGE
    try:
        from cstar_async.cli._app import run
    except ModuleNotFoundError as error:
        if error.name not in {"typer", "rich"}:
            raise
        sys.stderr.write(
            f"error: this command requires {error.name}, which is not installed: pip install 'cstar-async[cli]' "
            "(serve, codegen and --version work without it)\n"
        )
        return FAILURE
    return run(given)


def _as_text(argument: str) -> str:
    """Return an argument; as UTF-8 if the encoding of the locale cannot represent it.

    Raises:
        UnicodeDecodeError: It is no UTF-8 either.
    """
    is_text = not any("\udc80" <= character <= "\udcff" for character in argument)
    return argument if is_text else os.fsencode(argument).decode()


def _prepare_streams() -> bool:
    """Let no character that the terminal cannot show end a command. Return whether there is a standard output."""
    if sys.stderr is None:
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    return sys.stdout is not None


@contextmanager
def _buffered_output() -> Generator[None, None, None]:
    """Give standard output a buffer if it has none, for the time of a command.

    With PYTHONUNBUFFERED, as in images of Docker, a full disk takes a part of the output, and Python drops the rest silently.
    """
    given = sys.stdout
    raw = getattr(given, "buffer", None)
    if not isinstance(raw, io.RawIOBase):
        yield
        return
    buffer = io.BufferedWriter(raw)
    buffered = sys.stdout = io.TextIOWrapper(buffer, given.encoding, "replace", line_buffering=True)
    try:
        yield
    finally:
        try:
            buffered.flush()
        except OSError:
            _discard_output()
        buffered.detach()
        buffer.detach()  # else both would close the file with them
        sys.stdout = given


def _discard_output() -> None:
    """Let the interpreter flush standard output at its exit without another error."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
