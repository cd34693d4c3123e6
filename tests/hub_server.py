"""A small Hugging Face hub on 127.0.0.1, which serves what a test gives it.

It answers as the hub does where `huggingface_hub` looks: HEAD with ETag, X-Repo-Commit and
Content-Length, GET with ranges, errors by X-Error-Code, the list of files as JSON. It can
also misbehave.
"""

import contextlib
import hashlib
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """What is served, how, and what was asked for.

    `files` are contents by repository and name. `cut` are numbers of bytes after which the
    connection of one GET after the other breaks. `asked` are the requests: method, path,
    and the Range if there was one. `announced` is the size that HEAD gives, if not the true one.
    """

    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    cut: list[int] = field(default_factory=list)
    ranges: bool = True
    lfs: bool = True
    status: int | None = None
    is_hub: bool = True
    announced: int | None = None
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)
    url: str = ""

    def gets(self) -> list[str | None]:
        """The ranges of the GETs for files, in order."""
        return [
            span for method, path, span in self.asked if method == "GET" and "/resolve/" in path
        ]


@contextlib.contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """Serve until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            _answer(self, hub)

        do_GET = do_HEAD  # noqa: N815

        def log_message(self, *words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextlib.contextmanager
def silent() -> Iterator[str]:
    """Accept connections, and never answer; the address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def _answer(ask: BaseHTTPRequestHandler, hub: Hub) -> None:
    hub.asked.append((ask.command, ask.path, ask.headers.get("Range")))
    if hub.status is not None:
        return _send(ask, hub.status, {})
    if not hub.is_hub:
        return _send(ask, 200, {}, b"<html>Please log in.</html>")
    if ask.path.startswith("/api/models/"):
        repository = "/".join(ask.path.split("/")[3:5])
        if repository not in hub.files:
            return _send(ask, 404, {"X-Error-Code": "RepoNotFound"})
        siblings = [{"rfilename": name} for name in hub.files[repository]]
        text = json.dumps({"id": repository, "sha": COMMIT, "siblings": siblings}).encode()
        return _send(ask, 200, {"Content-Type": "application/json"}, text)
    organisation, name, _, revision, file = unquote(ask.path).lstrip("/").split("/", 4)
    repository = f"{organisation}/{name}"
    if repository not in hub.files:
        return _send(ask, 404, {"X-Error-Code": "RepoNotFound"})
    if revision not in ("main", COMMIT):
        return _send(ask, 404, {"X-Error-Code": "RevisionNotFound"})
    if file not in hub.files[repository]:
        return _send(ask, 404, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT})
    content = hub.files[repository][file]
    kind = hashlib.sha256 if hub.lfs else hashlib.sha1
    headers = {"ETag": f'"{kind(content).hexdigest()}"', "X-Repo-Commit": COMMIT}
    start, span = 0, ask.headers.get("Range")
    if span and hub.ranges:
        start = int(span.removeprefix("bytes=").removesuffix("-"))
        headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
    if hub.announced is not None and ask.command == "HEAD":
        content = content[: hub.announced]
    _send(ask, 206 if start else 200, headers, content[start:], hub)


def _send(
    ask: BaseHTTPRequestHandler,
    status: int,
    headers: dict[str, str],
    content: bytes = b"",
    hub: Hub | None = None,
) -> None:
    ask.send_response(status)
    for key, value in headers.items():
        ask.send_header(key, value)
    ask.send_header("Content-Length", str(len(content)))
    ask.end_headers()
    if ask.command == "HEAD":
        return
    if hub is not None and hub.cut:
        ask.wfile.write(content[: hub.cut.pop(0)])
        ask.wfile.flush()
        ask.close_connection = True
        ask.connection.shutdown(socket.SHUT_RDWR)
        return
    ask.wfile.write(content)
