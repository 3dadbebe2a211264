"""Arrays, objects and values with a style of their own in a path."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from types import ModuleType
from typing import Any

import pytest

from codegen.spec.document import Node
from cstar_async.errors import InvalidArgumentError
from tests.codegen.packages import Stub, document, generate_package, imported, returns

TEXTS = {"type": "array", "items": {"type": "string"}}
COLOR = {"type": "object", "properties": {"r": {"type": "integer"}, "g": {"type": "integer"}}}
STYLES: dict[str, Node] = {
    "texts": {"schema": TEXTS},
    "exploded": {"schema": TEXTS, "explode": True},
    "numbers": {"schema": {"type": "array", "items": {"type": "integer"}}},
    "text": {"schema": {"type": "string"}},
    "number": {"schema": {"type": "integer"}},
    "color": {"schema": COLOR},
    "color_exploded": {"schema": COLOR, "explode": True},
    "json": {"content": {"application/json": {"schema": COLOR}}},
}
for style in ("label", "matrix"):
    STYLES |= {
        style: {"schema": {"type": "string"}, "style": style},
        f"{style}_texts": {"schema": TEXTS, "style": style},
        f"{style}_exploded": {"schema": TEXTS, "style": style, "explode": True},
        f"{style}_color": {"schema": COLOR, "style": style},
        f"{style}_color_exploded": {"schema": COLOR, "style": style, "explode": True},
    }
DOCUMENT = document(
    {
        f"/{name}/{{p}}/end": {
            "get": {
                "operationId": name,
                "tags": ["paths"],
                "parameters": [{"name": "p", "in": "path", "required": True, **style}],
                "responses": returns(),
            }
        }
        for name, style in STYLES.items()
    }
)
GIVEN, RGB = ["a,b", "c/d", "é"], {"r": 1, "g": 2}
SENT: list[tuple[str, object, str]] = [
    ("texts", GIVEN, "a%2Cb,c%2Fd,%C3%A9"),
    ("texts", ("a",), "a"),
    ("exploded", GIVEN, "a%2Cb,c%2Fd,%C3%A9"),
    ("numbers", [1, 2], "1,2"),
    ("text", "a,b", "a%2Cb"),
    ("number", 7, "7"),
    ("color", RGB, "r,1,g,2"),
    ("color_exploded", RGB, "r=1,g=2"),
    ("json", RGB, "%7B%22r%22%3A1%2C%22g%22%3A2%7D"),
    ("label", "a.b", ".a.b"),
    ("label_texts", GIVEN, ".a%2Cb,c%2Fd,%C3%A9"),
    ("label_exploded", GIVEN, ".a%2Cb.c%2Fd.%C3%A9"),
    ("label_color", RGB, ".r,1,g,2"),
    ("label_color_exploded", RGB, ".r=1.g=2"),
    ("matrix", "a;b", ";p=a%3Bb"),
    ("matrix_texts", GIVEN, ";p=a%2Cb,c%2Fd,%C3%A9"),
    ("matrix_exploded", GIVEN, ";p=a%2Cb;p=c%2Fd;p=%C3%A9"),
    ("matrix_color", RGB, ";p=r,1,g,2"),
    ("matrix_color_exploded", RGB, ";r=1;g=2"),
]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """Return the package."""
    with imported(generate_package(tmp_path_factory.mktemp("paths"), "paths", DOCUMENT)) as found:
        yield found


@pytest.fixture
async def stub() -> AsyncIterator[Stub]:
    """Return a server."""
    async with Stub() as stub:
        yield stub


@pytest.mark.parametrize(("name", "value", "text"), SENT)
async def test_value_is_sent_in_its_style(package: Any, stub: Stub, name: str, value: object, text: str) -> None:
    """A separator stays as it is; the same character in an item is encoded. Both as RFC 6570 says."""
    async with package.ZooClient(base_url=stub.url) as client:
        await getattr(client.paths, name)(value)
    assert f"GET /{name}/{text}/end" == stub.last


BAD: list[tuple[str, object]] = [
    *(("texts", value) for value in ([], [""], ["."], [".."], [None], [{}])),
    ("label", "."),
    ("label_texts", []),
    ("matrix_exploded", []),
    ("color", {}),
    ("color", {"r": None}),
]


@pytest.mark.parametrize(("name", "value"), BAD)
async def test_value_that_leaves_no_segment_is_refused(package: Any, stub: Stub, name: str, value: object) -> None:
    """It would be another path."""
    async with package.ZooClient(base_url=stub.url) as client:
        with pytest.raises(InvalidArgumentError, match=r"^p must "):
            await getattr(client.paths, name)(value)
    assert [] == stub.requests
