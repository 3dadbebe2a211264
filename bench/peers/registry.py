"""Which clients are compared."""

from __future__ import annotations

import importlib
from typing import NamedTuple

from bench.peers.clients.base import Client

BASE = "aiohttp"
OURS = "cstar_async"


class Entry(NamedTuple):
    """A client that is compared."""

    title: str
    module: str
    name: str
    """The name of its class in the module."""
    package: str = ""
    """The package that is generated for it, if any."""


ENTRIES = {
    "asyncio": Entry("raw asyncio", "raw_asyncio", "RawAsyncio"),
    BASE: Entry("aiohttp + orjson", "raw_aiohttp", "RawAiohttp"),
    OURS: Entry("cstar_async", "ours", "Ours"),
    "httpx": Entry("httpx", "raw_httpx", "RawHttpx"),
    "opc": Entry("openapi-python-client", "stock_python_client", "StockPythonClient", "cstar_opc"),
    "oag": Entry("openapi-generator", "stock_generator", "StockGenerator", "cstar_oag"),
    "oag-plain": Entry("openapi-generator, trust_env off", "stock_generator", "StockGeneratorWithoutProxies", "cstar_oag"),
    "stripe": Entry("stripe", "stripe_sdk", "StripeWithHttpx"),
    "stripe-aiohttp": Entry("stripe, aiohttp", "stripe_sdk", "StripeWithAiohttp"),
    "openai": Entry("openai", "openai_sdk", "OpenaiWithHttpx"),
    "openai-aiohttp": Entry("openai, aiohttp", "openai_sdk", "OpenaiWithAiohttp"),
}


def load(key: str) -> type[Client]:
    """Import the class of a client."""
    entry = ENTRIES[key]
    found: type[Client] = getattr(importlib.import_module(f"bench.peers.clients.{entry.module}"), entry.name)
    return found
