"""Identities, compared with Node's JSON and HMAC."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import pytest

from cstar_async.identity import canonical_identity, sign_identity

pytestmark = pytest.mark.external

SECRET = "sk_test_identity"
NAMES = [
    *(
        "Ann",
        "Renée Łukasz 李",
        "山田 🚀",
        "محمد",
        "Ольга",
        "ไทย",
        "👩‍👩‍👧",
        'quo"te\\',
        "line\nbreak\ttab",
        "\x00\x01\x1f\x7f\x85",
    ),
    *("\u2028\u2029", "</script>", "\ud83d\ude00", "\ud800 alone", "alone \udfff", "\ude00\ud83d swapped", "", "e\u0301"),
]
IDENTITIES: list[dict[str, Any]] = [
    {"timestamp": 1_774_583_100 + index, "name": name, "externalId": f"u-{name}", "email": "a@example.org"}
    for index, name in enumerate(NAMES)
]
SCRIPT = """
const { createHmac } = require("node:crypto");
const { secret, identities } = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const sorted = (fields) => Object.fromEntries(Object.keys(fields).sort().map((key) => [key, fields[key]]));
const texts = identities.map((fields) => JSON.stringify(sorted(fields)));
const signatures = texts.map((text) => createHmac("sha256", secret).update(text).digest("hex"));
console.log(JSON.stringify({ texts, signatures }));
"""


@pytest.fixture(scope="module")
def by_node() -> dict[str, list[str]]:
    """The JSON and signatures of Node."""
    node = shutil.which("node")
    assert node is not None, "node is missing"
    request = json.dumps({"secret": SECRET, "identities": IDENTITIES})
    done = subprocess.run([node, "-e", SCRIPT], input=request, capture_output=True, text=True, check=True)
    result: dict[str, list[str]] = json.loads(done.stdout)
    return result


def test_canonical_json_is_that_of_node(by_node: dict[str, list[str]]) -> None:
    """For names in any script, and for broken Unicode."""
    assert by_node["texts"] == [canonical_identity(fields) for fields in IDENTITIES]


def test_signature_is_that_of_node(by_node: dict[str, list[str]]) -> None:
    """With its `crypto` module."""
    assert by_node["signatures"] == [sign_identity(fields, SECRET) for fields in IDENTITIES]
