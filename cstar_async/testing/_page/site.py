"""The URLs of the page, and who may use them.

The page needs no key, so it guards itself. It is served to loopback addresses only, because a client can send any host name. And it
is served under loopback host names only: another site cannot reach it through a name of its own that resolves to this machine (DNS
rebinding). A request that changes something must have the token of the page and its
origin: another site in the same browser cannot read the token. Nothing here uses a socket.
"""

from __future__ import annotations

import hmac
import re
import secrets
from importlib.resources import files
from ipaddress import ip_address
from typing import Final

import orjson

from cstar_async._types import is_object
from cstar_async.errors import InvalidArgumentError
from cstar_async.testing._http.request_log import ReceivedRequest
from cstar_async.testing._http.responses import JSON_CONTENT, ServerResponse
from cstar_async.testing._page.actions import run_action
from cstar_async.testing._page.state import FakeParts, page_state

_LOOPBACK_HOST: Final = re.compile(r"(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?", re.IGNORECASE)
_FILES: Final = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/_fake/page.css": ("page.css", "text/css; charset=utf-8"),
    "/_fake/page.js": ("page.js", "text/javascript; charset=utf-8"),
}
_STATE: Final = "/_fake/state"
_ACTIONS: Final = "/_fake/actions"
_TOKEN_MARK: Final = b"{{ token }}"
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Site:
    """Answers the requests of the page.

    Args:
        parts: The parts of the fake that the page shows and changes.
    """

    def __init__(self, parts: FakeParts) -> None:
        self._parts = parts
        self._token = secrets.token_urlsafe(32)

    def respond(self, request: ReceivedRequest) -> ServerResponse | None:
        """Return the response of a request to the page; None when it is for the API."""
        method = {_ACTIONS: "POST", _STATE: "GET"}.get(request.path, "GET" if request.path in _FILES else None)
        if method is None:
            return None
        if not _is_loopback(request.address):
            return _refused(403, "This page is served to the machine of the fake only.")
        if _LOOPBACK_HOST.fullmatch(request.headers.get("Host", "")) is None:
            return _refused(403, "This page is served to localhost, 127.0.0.1 and [::1] only. Use one of them in the address.")
        if request.method != method:
            return _refused(405, f"Use {method}.")
        if request.path == _ACTIONS:
            return self._act(request)
        if request.path == _STATE:
            return _response(200, orjson.dumps(page_state(self._parts), default=str), JSON_CONTENT)
        name, content_type = _FILES[request.path]
        content = (files("cstar_async.testing._page") / name).read_bytes()
        return _response(200, content.replace(_TOKEN_MARK, self._token.encode()), content_type)

    def _act(self, request: ReceivedRequest) -> ServerResponse:
        if request.headers.get("Origin", "").lower() != f"http://{request.headers['Host']}".lower():
            return _refused(403, "The request is not from this page.")
        if not hmac.compare_digest(request.headers.get("X-Page-Token", "").encode(errors="replace"), self._token.encode()):
            return _refused(403, "The token is not that of this page; load it again.")
        try:
            body = orjson.loads(request.body)
        except orjson.JSONDecodeError:
            body = None
        if not is_object(body):
            return _refused(400, "The body must be a JSON object.")
        try:
            run_action(self._parts, body.pop("action", None), body)
        except InvalidArgumentError as error:
            return _refused(400, str(error))
        return ServerResponse(status=204, headers=_HEADERS)


def _is_loopback(address: str) -> bool:
    """Return whether a client is on this machine. A socket that takes both versions of IP gives an IPv4 address inside IPv6."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    return (getattr(ip, "ipv4_mapped", None) or ip).is_loopback


def _refused(status: int, reason: str) -> ServerResponse:
    return _response(status, reason.encode(errors="replace"), "text/plain; charset=utf-8")


def _response(status: int, body: bytes, content_type: str) -> ServerResponse:
    return ServerResponse(status=status, body=body, headers=_HEADERS, content_type=content_type)
