"""A page that is served in this process, and a plain client of it."""

import contextlib
import http.client
import json
import threading
import time
from pathlib import Path

from tamis.web import serve

NASTY = '<img src=x onerror="window.hit=1">.jpg'
TOKEN = "0123456789abcdef-for-tests"


class Client:
    """Asks as a script does, or as a test says."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.host = f"127.0.0.1:{port}"

    def ask(self, method, path, body=b"", headers=None, *, token=True):
        """Return status, headers and body of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(connection):
            sent = {"Authorization": f"Bearer {TOKEN}"} if token else {}
            if isinstance(body, dict):
                body = json.dumps(body).encode()
                sent["Content-Type"] = "application/json"
            sent |= headers or {}
            connection.putrequest(method, path, skip_host="Host" in sent)
            sent.setdefault("Content-Length", str(len(body)))
            for name, value in sent.items():
                connection.putheader(name, value)
            connection.endheaders()
            connection.send(body)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()

    def get(self, path):
        """Return the JSON of an address of the API."""
        return self._read(*self.ask("GET", f"/api/v1{path}"))

    def post(self, path, **body):
        """Post JSON; return that of the answer."""
        return self._read(*self.ask("POST", f"/api/v1{path}", body))

    def _read(self, status, headers, body):
        assert status == 200, body
        return json.loads(body)

    def wait(self, revision=1):
        """Wait for answers."""
        for _ in range(600):
            state = self.get("/state")
            assert state["phase"]["doing"] != "failed", state["phase"]
            if state["revision"] >= revision:
                return state
            time.sleep(0.05)
        raise AssertionError("no answers came")


@contextlib.contextmanager
def served(photos: Path, train: Path | None = None, **options):
    """Serve a page in a thread; gives its client."""
    import uvicorn

    known, told, servers = [], threading.Event(), []
    kept = uvicorn.Server.serve

    async def serving(self, sockets=None):
        servers.append(self)
        await kept(self, sockets=sockets)

    def run():
        try:
            serve(
                photos, train=train, browser=False, token=TOKEN, jobs=1,
                ready=lambda one: (known.append(one), told.set()),
                **{"by": "moments", "classifier": "knn"} | options,
            )  # fmt: skip
        except BaseException as error:
            known.append(error)
            told.set()

    uvicorn.Server.serve = serving
    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert told.wait(60)
        if isinstance(known[0], BaseException):
            raise known[0]
        port = int(known[0].url.split(":")[2].split("/")[0])
        yield Client(port)
    finally:
        for _ in range(100):
            if servers or not thread.is_alive():
                break
            time.sleep(0.05)
        for server in servers:
            server.should_exit = True
        thread.join(30)
        uvicorn.Server.serve = kept
