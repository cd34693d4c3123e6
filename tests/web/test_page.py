"""The API of a served page, as a script uses it."""

import os
import struct
import time

import numpy as np

import tamis
from reviewing import NASTY, served


def columns(client):
    _, _, body = client.ask("GET", "/api/v1/rows")
    mark, n, revision, k = struct.unpack_from("<4sIII", body)
    assert mark == b"tmr1" and len(body) == 16 + 11 * n
    return {
        "n": n,
        "answer": np.frombuffer(body, "<u2", n, 16),
        "person": np.frombuffer(body, "<u2", n, 16 + 2 * n),
        "confidence": np.frombuffer(body, "<u2", n, 16 + 4 * n) / 0xFFFF,
        "flags": np.frombuffer(body, "u1", n, 16 + 6 * n),
        "k": k,
        "revision": revision,
    }


def test_a_review_from_first_answers_to_sorted_folders_and_back(pictures):
    photos, out = pictures / "photos", pictures / "sorted"
    with served(photos, pictures / "examples", out=out) as client:
        state = client.wait()
        assert state["n"] == 26 and state["classes"] == ["bars", "sky", "tiles"]
        names = client.get("/names")
        assert NASTY in names
        before = columns(client)
        assert before["k"] == 3 and (before["person"] == 0xFFFF).all()
        broken = names.index("broken.jpg")
        assert before["flags"][broken] & 8
        row = names.index(NASTY)
        assert client.post("/labels", rows=[row, 0], **{"class": "odd ones"})["saved"] == 2
        client.wait(state["revision"] + 1)
        after = columns(client)
        assert after["k"] == 4 and after["person"][row] == 3
        assert set(client.post("/undo")["rows"]) == {row, 0}
        assert client.post("/labels", rows=[row], **{"class": "odd ones"})["saved"] == 1
        found = client.get(f"/pictures/{row}")
        assert found["person"] == "odd ones" and found["neighbours"] and found["width"] == 60
        plan = client.post("/plan", mode="copy", unsure="sort")
        assert plan["n"] == 25 and plan["folders"]["odd ones"] == 1
        client.post("/apply", mode="copy", unsure="sort")
        for _ in range(100):
            if (out / "report.html").exists():
                break
            time.sleep(0.05)
        assert os.listdir(out / "odd ones") == [NASTY]
        assert len(list(photos.iterdir())) == 26
    tamis.undo(out)
    assert not out.exists()


def test_what_people_said_is_there_again(pictures):
    with served(pictures / "photos", pictures / "examples") as client:
        client.wait()
        client.post("/labels", rows=[3, 4, 5], **{"class": "sky"})
        client.post("/labels", rows=[6], **{"class": "new"})
        client.post("/classes", name="sky", key="x")
        client.post("/undo")
    with served(pictures / "photos", pictures / "examples") as client:
        state = client.wait()
        assert state["corrected"] == 3 and "new" in state["classes"]
        assert state["keys"][state["classes"].index("sky")] == "x"
        found = columns(client)
        assert found["person"][[3, 4, 5]].tolist() == [1, 1, 1]
        assert client.get("/report")["corrected"] == 3


def test_a_model_answers_and_learns(pictures):
    model = tamis.train(pictures / "examples", by="moments", classifier="knn", validation=0)
    with served(pictures / "photos", model=model) as client:
        state = client.wait()
        first = columns(client)["answer"].copy()
        row = 0
        other = (int(first[row]) + 1) % 3
        client.post("/labels", rows=[row], **{"class": state["classes"][other]})
        client.wait(state["revision"] + 1)
        # Pictures of that kind follow, and the model that is saved knows it.
        assert columns(client)["answer"][row] == other


def test_thumbnails_are_kept_and_say_so(pictures):
    with served(pictures / "photos", pictures / "examples") as client:
        client.wait()
        status, headers, body = client.ask("GET", "/api/v1/thumbs/small/0")
        assert status == 200 and body[:4] == b"RIFF" and headers["content-type"] == "image/webp"
        assert "no-cache" in headers["cache-control"]
        known = headers["etag"].strip('"')[:8]
        status, headers, _ = client.ask("GET", f"/api/v1/thumbs/small/0?v={known}")
        assert "immutable" in headers["cache-control"]
        tag = {"If-None-Match": headers["etag"]}
        assert client.ask("GET", "/api/v1/thumbs/small/0", headers=tag)[0] == 304
        broken = client.get("/names").index("broken.jpg")
        assert client.ask("GET", f"/api/v1/thumbs/small/{broken}")[0] == 422
    assert list((pictures / "cache" / "thumbnails").glob("*.pack"))


def test_search_by_pictures_and_by_one_from_elsewhere(pictures):
    with served(pictures / "photos", pictures / "examples") as client:
        client.wait()
        found = client.post("/search", rows=[0, 1], count=5)
        assert len(found["rows"]) == 5 and not {0, 1} & set(found["rows"])
        own = (pictures / "photos" / NASTY).read_bytes()
        status, _, body = client.ask("POST", "/api/v1/search/upload?count=3", own)
        assert status == 200 and b'"distances":[0.0' in body
        assert len(columns(client)["answer"]) == client.get("/state")["n"]
        asked = np.frombuffer(client.ask("GET", "/api/v1/order/ask")[2], "<u4")
        assert len(set(asked.tolist())) == len(asked) == 25


def test_the_document_names_every_address(pictures):
    from tamis.web.endpoints import ENDPOINTS

    with served(pictures / "photos", pictures / "examples") as client:
        paths = client.get("/openapi.json")["paths"]
        assert len(paths) >= len({one.path for one in ENDPOINTS}) + 1
        status, _, page = client.ask("GET", "/api")
        assert status == 200 and all(one.path.encode() in page for one in ENDPOINTS)
