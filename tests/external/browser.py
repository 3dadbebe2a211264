"""A headless Chromium, driven over the Chrome DevTools Protocol with aiohttp. A missing Chromium is an error, not a skip."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import re
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import aiohttp

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_OPTIONS = (
    "--headless=new",
    "--no-sandbox",  # Chromium refuses to run as root with it
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--no-first-run",
    "--no-proxy-server",
    "--remote-debugging-port=0",
)
_TIMEOUT_S = 20.0


class Tab:
    """One tab of the browser. `problems` has console errors, uncaught exceptions and failed requests."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.problems: list[str] = []
        self._socket = socket
        self._numbers = itertools.count(1)
        self._replies: dict[int, asyncio.Future[Any]] = {}
        self._session: str | None = None

    async def attach(self) -> None:
        """Open the tab and report its problems."""
        target = (await self._send("Target.createTarget", url="about:blank"))["targetId"]
        self._session = (await self._send("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            await self._send(f"{domain}.enable")

    async def resize(self, width: int, height: int = 900, scheme: Literal["light", "dark"] = "light") -> None:
        """Set the size of the view in CSS pixels and the colour scheme; a width below 600 is that of a phone."""
        is_phone = width < 600
        await self._send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=is_phone)
        await self._send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    async def open(self, url: str) -> None:
        """Open a URL and wait until the page and its scripts are loaded."""
        result = await self._send("Page.navigate", url=url)
        assert "errorText" not in result, f"{url}: {result['errorText']}"
        await self.wait_for("document.readyState === 'complete'")

    async def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression, awaited."""
        result = await self._send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    async def wait_for(self, expression: str) -> None:
        """Wait until a JavaScript expression is true."""
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                while not await self.evaluate(f"Boolean({expression})"):  # noqa: ASYNC110  # the page is another process
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"not true within {_TIMEOUT_S:g} s: {expression}") from None

    async def click(self, selector: str) -> None:
        """Click the first element that a CSS selector finds."""
        await self.wait_for(f"document.querySelector({json.dumps(selector)})")
        await self.evaluate(f"document.querySelector({json.dumps(selector)}).click()")

    async def text(self, selector: str = "body") -> str:
        """Return the visible text of an element."""
        return str(await self.evaluate(f"document.querySelector({json.dumps(selector)}).innerText"))

    async def overflow(self) -> int:
        """Return by how many pixels the page is wider than the view."""
        return int(await self.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))

    async def screenshot(self, path: Path) -> None:
        """Write the view as PNG."""
        path.write_bytes(base64.b64decode((await self._send("Page.captureScreenshot"))["data"]))

    async def receive(self) -> None:
        """Read the messages of the browser until it closes."""
        async for message in self._socket:
            content = json.loads(message.data)
            if "id" in content:
                self._replies.pop(content["id"]).set_result(content)
            elif content["method"] == "Runtime.exceptionThrown":
                self.problems.append(json.dumps(content["params"]["exceptionDetails"]))
            elif content["method"] == "Runtime.consoleAPICalled" and content["params"]["type"] in ("error", "assert"):
                self.problems.append(json.dumps(content["params"]["args"]))
            elif content["method"] == "Log.entryAdded" and content["params"]["entry"]["level"] == "error":
                self.problems.append(json.dumps(content["params"]["entry"]))

    async def _send(self, method: str, **params: object) -> Any:
        number = next(self._numbers)
        reply = self._replies[number] = asyncio.get_running_loop().create_future()
        session = {} if self._session is None else {"sessionId": self._session}
        await self._socket.send_json({"id": number, "method": method, "params": params, **session})
        content = await asyncio.wait_for(reply, _TIMEOUT_S)
        assert "error" not in content, f"{method}: {content['error']}"
        return content["result"]


@asynccontextmanager
async def browsing() -> AsyncIterator[Tab]:
    """Start a browser and return a tab of it."""
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        raise FileNotFoundError("chromium is not installed; run `apt-get install chromium`")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            program, *_OPTIONS, f"--user-data-dir={profile}", stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
        try:
            assert process.stderr is not None
            url = await asyncio.wait_for(_debugging_url(process.stderr), _TIMEOUT_S)
            drained = asyncio.create_task(process.stderr.read())
            async with aiohttp.ClientSession() as session, session.ws_connect(url, max_msg_size=0) as socket:
                tab = Tab(socket)
                receiving = asyncio.create_task(tab.receive())
                await tab.attach()
                yield tab
            await receiving
        finally:
            process.terminate()
            await process.wait()
        await drained


async def _debugging_url(errors: asyncio.StreamReader) -> str:
    async for line in errors:
        found = re.search(r"DevTools listening on (ws://\S+)", line.decode(errors="replace"))
        if found is not None:
            return found[1]
    raise AssertionError("chromium ended before it was ready")
