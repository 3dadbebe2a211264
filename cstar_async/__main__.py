"""Run the command line: `python -m cstar_async`, or `cstar-async`."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line of this process.

    Ctrl-C ends it at once, also while its modules are imported: the interpreter's own start, some 10 ms, is before that.

    Returns:
        The exit code.
    """
    try:
        import signal

        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
        from cstar_async.cli import main as run
    except KeyboardInterrupt:
        return 130
    return run()


if __name__ == "__main__":
    sys.exit(main())
