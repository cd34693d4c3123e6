"""Who may ask: the holder of the token, from the page itself, by the name it is served under.

A page of another origin can make a browser send requests here; a name that its owner lets
point to 127.0.0.1 makes it even the same origin. So the token, which the first address
carries, becomes a cookie that other sites cannot use (``SameSite=Strict``) and no script can
read, ``Host`` must be a name of this server, and whatever changes something must come from
its own origin or carry the token in ``Authorization``.
"""

import hmac
import secrets
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qs

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
HEADERS: Final = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
_SAFE: Final = {"GET", "HEAD"}


def new_token() -> str:
    """Make a token that cannot be guessed: 256 bits."""
    return secrets.token_urlsafe(32)


class Guard:
    """ASGI middleware that lets through what may ask.

    Parameters
    ----------
    app : ASGI application
    token : str
    hosts : set of str
        What ``Host`` may be, with the port.
    port : int
        Part of the name of the cookie, which browsers share between ports.
    """

    def __init__(self, app: Any, *, token: str, hosts: set[str], port: int) -> None:
        self.app = app
        self.token = token
        self.hosts = {host.lower() for host in hosts}
        self.cookie = f"tamis-{port}"
        self._pass = hmac.new(token.encode(), b"cookie", "sha256").hexdigest()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer, or let the application answer."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        headers = {name.decode("latin-1"): value.decode("latin-1")
                   for name, value in scope["headers"]}  # fmt: skip
        refusal = self._refusal(scope["method"], headers)
        if refusal is not None:
            await _answer(send, *refusal)
            return
        query = parse_qs(scope["query_string"].decode("latin-1"))
        if scope["path"] == "/" and (given := query.get("token")):
            if not _equal(given[0], self.token):
                await _answer(send, 403, _NO_TOKEN)
                return
            cookie = f"{self.cookie}={self._pass}; HttpOnly; SameSite=Strict; Path=/"
            await _answer(
                send, 303, "", {"location": "/", "set-cookie": cookie, "cache-control": "no-store"}
            )
            return
        if not self._knows(headers):
            await _answer(send, 403, _NO_TOKEN)
            return

        async def sending(message: Any) -> None:
            if message["type"] == "http.response.start":
                names = {name for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(
                        (name.encode(), value.encode())
                        for name, value in HEADERS.items()
                        if name.encode() not in names
                    ),
                ]
            await send(message)

        await self.app(scope, receive, sending)

    def _refusal(self, method: str, headers: Mapping[str, str]) -> tuple[int, str] | None:
        host = headers.get("host", "").lower()
        if host not in self.hosts:
            return 421, "This server has another name. Open the address that tamis serve printed."
        origin = headers.get("origin")
        own = {f"http://{host}", f"https://{host}"}
        if origin is not None and origin.lower() not in own:
            return 403, "Pages of other sites may not ask."
        if headers.get("sec-fetch-site", "none") not in ("same-origin", "none") and (
            method not in _SAFE or headers.get("sec-fetch-mode") != "navigate"
        ):
            return 403, "Pages of other sites may not ask."
        if method not in _SAFE and origin is None and "authorization" not in headers:
            return 403, "Say where the request comes from: Origin, or Authorization: Bearer TOKEN."
        return None

    def _knows(self, headers: Mapping[str, str]) -> bool:
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return _equal(given, self.token)
        for pair in headers.get("cookie", "").split(";"):
            name, _, value = pair.strip().partition("=")
            if name == self.cookie and _equal(value, self._pass):
                return True
        return False


_NO_TOKEN: Final = (
    "This page belongs to the one who started it. Open the address that tamis serve printed, "
    "with its token."
)


def _equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode())


async def _answer(
    send: Any, status: int, text: str, headers: Mapping[str, str] | None = None
) -> None:
    body = text.encode()
    all_headers = HEADERS | {
        "content-type": "text/plain; charset=utf-8",
        "content-length": str(len(body)),
        **(headers or {}),
    }
    pairs = [(name.encode(), value.encode()) for name, value in all_headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})
