"""Errors of the network as errors of this package. Their texts have no addresses, and no data of the other side."""

from __future__ import annotations

import os
import re
from typing import Final

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError

from cstar_async.errors import ConnectionFailedError

_LONG_LINE: Final = re.compile(r"Got more than (\d+) bytes")


def network_error(error: aiohttp.ClientError | OSError) -> ConnectionFailedError:
    """Return the error that a caller gets for one of aiohttp or of a socket. It is raised outside the handler of that."""
    if isinstance(error, (aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError)):
        return ConnectionFailedError(f"the connection could not be made: {_reason(error)}", request_sent=False)
    if isinstance(error.__cause__, HttpProcessingError) and not isinstance(error, aiohttp.ClientPayloadError):
        return ConnectionFailedError(f"the response headers cannot be read: {_header_problem(error.__cause__)}")
    return ConnectionFailedError(f"the connection broke: {_reason(error.__cause__ or error)}")


def _header_problem(error: HttpProcessingError) -> str:
    """Describe headers that aiohttp refuses. Its own message contains them."""
    long_line = _LONG_LINE.match(error.message)
    if long_line is not None:
        return f"a line is longer than {long_line[1]} bytes, which max_line_size and max_field_size of the session limit"
    if error.message.startswith("Too many headers"):
        return "there are more headers than max_headers of the session allows"
    return "they are not valid HTTP"


def _reason(error: BaseException) -> str:
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy responded with status {error.status}"
    prefix = "the proxy cannot be reached: " if isinstance(error, aiohttp.ClientProxyConnectionError) else ""
    number = error.errno if isinstance(error, OSError) else None
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    text = getattr(cause, "strerror", None)
    if number and text and text.startswith("Connect call failed"):
        text = os.strerror(number)  # asyncio's text ends with the address
    return prefix + (f"{text} (errno {number})" if text and number else text or type(cause).__name__.strip("_"))
