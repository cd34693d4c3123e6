"""Attacks on the page: none succeeds."""

import io
import secrets
import struct
import zlib

import pytest

import tamis
from reviewing import TOKEN, served

LABEL = {"rows": [0], "class": "sky"}


@pytest.fixture
def client(pictures):
    with served(pictures / "photos", pictures / "examples") as one:
        one.wait()
        one.folder = pictures
        yield one


def corrected(client):
    return client.get("/state")["corrected"]


def test_without_a_token_nothing_is_shown(client):
    for path in ("/", "/api", "/api/v1/state", "/api/v1/thumbs/small/0", "/static/app.js"):
        status, headers, body = client.ask("GET", path, token=False)
        assert status == 403 and b"jpg" not in body
        assert "script-src 'self'" in headers["content-security-policy"]


def test_guessed_tokens_fail(client):
    for _ in range(200):
        guess = secrets.token_urlsafe(32)
        assert client.ask("GET", f"/?token={guess}", token=False)[0] == 403
    for guess in ("", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "\u00e9" * 30):
        headers = {"Authorization": f"Bearer {guess}".encode().decode("latin-1")}
        assert client.ask("GET", "/api/v1/state", headers=headers, token=False)[0] == 403


def test_the_token_becomes_a_cookie_that_no_script_reads(client):
    status, headers, _ = client.ask("GET", f"/?token={TOKEN}", token=False)
    assert status == 303 and headers["location"] == "/"
    cookie = headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and TOKEN not in cookie
    own = {"Cookie": cookie.partition(";")[0]}
    assert client.ask("GET", "/api/v1/state", headers=own, token=False)[0] == 200
    # The cookie alone changes nothing: a page of another site could make a browser send it.
    assert client.ask("POST", "/api/v1/labels", LABEL, own, token=False)[0] == 403
    good = own | {"Origin": f"http://{client.host}"}
    assert client.ask("POST", "/api/v1/labels", LABEL, good, token=False)[0] == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1:1", ""])
def test_foreign_hosts_are_refused(client, host):
    host = host.format(port=client.port)
    assert client.ask("GET", "/api/v1/state", headers={"Host": host})[0] in (400, 421)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_other_sites_cannot_post(client, headers):
    assert client.ask("POST", "/api/v1/labels", LABEL, headers)[0] == 403
    assert corrected(client) == 0


def test_a_form_is_no_json(client):
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    body = b'{"rows":[0],"class":"sky"}'
    assert client.ask("POST", "/api/v1/labels", body, form)[0] == 400
    assert client.ask("POST", "/api/v1/labels", body, {"Content-Type": "text/plain"})[0] == 400
    assert corrected(client) == 0


@pytest.mark.parametrize(
    "path",
    [
        "/static/../serving.py",
        "/static/%2e%2e/serving.py",
        "/static/..%2f..%2ferrors.py",
        "/static//etc/passwd",
        "/api/v1/thumbs/small/..%2f..%2fetc%2fpasswd",
        "/api/v1/pictures/-1",
        "/api/v1/pictures/999999",
        "/api/v1/pictures/%D9%A1",
        "/api/v1/thumbs/huge/0",
        "/api/v1/order/__class__",
    ],
)
def test_no_path_leads_out(client, path):
    status, _, body = client.ask("GET", path)
    assert status in (400, 404, 405) and b"root:" not in body and b"import" not in body


@pytest.mark.parametrize("name", ["..", "a/b", "../../x", "", "x" * 300, "nul\0", 7, ["a"]])
def test_a_class_cannot_lead_out_of_the_result(client, name):
    status, _, _ = client.ask("POST", "/api/v1/labels", {"rows": [0], "class": name})
    assert status == 400 and corrected(client) == 0


@pytest.mark.parametrize(
    "body",
    [
        {"rows": "all", "class": "sky"}, {"rows": [-1], "class": "sky"},
        {"rows": [1e9], "class": "sky"}, {"rows": [True], "class": "sky"},
        {"rows": [], "class": "sky"}, {"rows": [0]}, {"rows": [0], "class": "sky", "client": 3},
    ],
)  # fmt: skip
def test_odd_requests_are_refused(client, body):
    assert client.ask("POST", "/api/v1/labels", body)[0] == 400
    assert corrected(client) == 0


def test_deep_and_large_bodies_are_refused(client):
    json = {"Content-Type": "application/json"}
    deep = b"[" * 200_000
    assert client.ask("POST", "/api/v1/labels", deep, json)[0] == 400
    for path in ("/labels", "/search/upload"):
        status, _, _ = client.ask(
            "POST", f"/api/v1{path}", b"", json | {"Content-Length": str(1 << 40)}
        )
        assert status == 413
    assert corrected(client) == 0


def bomb(side):
    """A PNG that is small and announces a picture of side x side pixels."""

    def chunk(kind, data):
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * (1 << 20), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("content", [bomb(60_000), b"", b"GIF89a", b"\xff\xd8\xff" + b"\0" * 999])
def test_uploads_that_are_no_pictures_are_refused(client, content):
    assert client.ask("POST", "/api/v1/search/upload", content)[0] == 422


def test_texts_of_a_file_stay_texts(client):
    from PIL import Image

    exif = Image.Exif()
    exif[0x0110] = "<script>alert(1)</script>\n\x1b[2J" + "x" * 500
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "JPEG", exif=exif)
    (client.folder / "photos" / client.get("/names")[0]).write_bytes(buffer.getvalue())
    status, headers, body = client.ask("GET", "/api/v1/pictures/0")
    assert status == 200 and headers["content-type"] == "application/json"
    assert headers["x-content-type-options"] == "nosniff" and b"\\u001b" not in body


def test_results_cannot_go_into_the_sources(client):
    for out in (client.folder / "photos", client.folder / "examples", client.folder / "examples/x"):
        assert client.ask("POST", "/api/v1/plan", {"out": str(out)})[0] == 409


def test_others_are_let_in_only_with_a_token(pictures):
    with pytest.raises(tamis.InvalidParameterError, match="choose a token"):
        tamis.serve(pictures / "photos", train=pictures / "examples", host="0.0.0.0")


def test_two_at_once_are_refused(client):
    with pytest.raises(tamis.DestinationError):
        tamis.serve(
            client.folder / "photos", train=client.folder / "examples", by="moments", browser=False
        )
