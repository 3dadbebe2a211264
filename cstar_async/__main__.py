"""Run the command line: `python -m cstar_async`, or `cstar-async`."""

from __future__ import annotations

import sys

from cstar_async.cli import main

if __name__ == "__main__":
    sys.exit(main())
