"""The values that the scripts in Redis have in common with the Python code."""

from __future__ import annotations

import re
from importlib import resources

import pytest

from cstar_async._rate_limit.slow_start import PROBE_TIMEOUT
from cstar_async._rate_limit.window import RESET_TOLERANCE
from cstar_async.redis._local_state import PEER_STATE_TTL
from cstar_async.webhooks._store import BODY_HASH_PREFIX, DEAD_LETTER_RETENTION, RETRY_HORIZON


@pytest.mark.parametrize(
    ("script", "name", "value"),
    [
        ("rate_limiter", "RESET_TOLERANCE", RESET_TOLERANCE * 1000),
        ("rate_limiter", "PROBE_TIMEOUT", PROBE_TIMEOUT * 1000),
        ("rate_limiter", "LEASE", PEER_STATE_TTL * 1000),
        ("event_store", "RETRY_HORIZON", RETRY_HORIZON * 1000),
        ("event_store", "RETENTION", DEAD_LETTER_RETENTION * 1000),
        ("event_store", "BODY_HASH_PREFIX", BODY_HASH_PREFIX),
    ],
)
def test_script_has_the_value_of_the_python_code(script: str, name: str, value: float | str) -> None:
    """Lua counts in milliseconds."""
    text = resources.files("cstar_async.redis").joinpath(f"{script}.lua").read_text(encoding="utf-8")
    (stated,) = re.findall(rf"^local {name} = (?:'([^']*)'|(\d+))", text, re.MULTILINE)
    assert str(value if isinstance(value, str) else round(value)) == "".join(stated)
