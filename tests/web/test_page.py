"""The API of a served page, as a script uses it."""

import os
import socket
import struct
import time

import numpy as np
import pytest

import tamis
from reviewing import NASTY, served
from tamis.web import serving


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


def test_a_list_may_name_examples_and_photos_anywhere(pictures, tmp_path):
    folder = tmp_path / "lists"
    folder.mkdir()
    rows = [(str(path), path.parent.name) for path in (pictures / "examples").rglob("*.jpg")]
    (folder / "examples.csv").write_text(
        "path,label\n" + "".join(f"{path},{label}\n" for path, label in rows)
    )
    photos = [path for path in (pictures / "photos").iterdir() if path.name != NASTY]
    (folder / "photos.csv").write_text("path\n" + "".join(f"{path}\n" for path in photos))
    with served(folder / "photos.csv", folder / "examples.csv") as client:
        assert client.wait()["n_examples"] == len(rows)


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


@pytest.mark.parametrize("classifier", ["knn", "auto"])
def test_an_example_in_the_wrong_folder_is_the_first_suspect(pictures, classifier):
    first = sorted((pictures / "examples" / "sky").iterdir())[0]
    first.rename(pictures / "examples" / "bars" / "wrong.jpg")
    with served(pictures / "photos", pictures / "examples", classifier=classifier) as client:
        client.wait(2 if classifier == "auto" else 1)
        found = client.get("/suspects")
        assert found["rows"][0]["name"] == "bars/wrong.jpg"
        assert found["rows"][0]["given"] == "bars" and found["rows"][0]["answer"] == "sky"
        row = found["rows"][0]["row"]
        client.post("/labels", rows=[row], **{"class": "sky"})
        assert client.get("/suspects")["rows"][0]["person"] == "sky"


def test_results_of_a_search_can_be_narrowed(pictures):
    with served(pictures / "photos", pictures / "examples") as client:
        client.wait()
        found = client.post("/search", rows=[0], count=50, classes=["sky"])
        assert 0 < len(found["rows"]) <= 9
        assert client.post("/search", rows=[0], least=0.999999, count=50)["rows"] == []
        status, _, body = client.ask("POST", "/api/v1/search", {"rows": [0], "count": 0})
        assert status == 400 and b"count must be" in body
        status, _, body = client.ask("POST", "/api/v1/search", {"words": "a fox"})
        assert status == 400 and b"--by auto" in body  # moments know no words


@pytest.mark.slow
def test_words_find_pictures_that_networks_described(pictures):
    pytest.importorskip("tokenizers", reason="needs the extra words")
    with served(pictures / "photos", pictures / "examples", by="auto") as client:
        client.wait()
        found = client.post("/search", words="a zebra", count=5)
        assert len(found["rows"]) == 5 and found["labels"][0].startswith("zebra")
        taught = client.post("/search", words="the sky", count=8)
        names = client.get("/names")
        assert taught["taught"] == "sky" and len(names) == 26
        classes = columns(client)["answer"][taught["rows"]]
        assert (classes == client.get("/state")["classes"].index("sky")).all()
        status, _, body = client.ask("POST", "/api/v1/search", {"words": "asdf qwer"})
        assert status == 400 and b"nothing is known" in body


def looked_for(client):
    for _ in range(2400):  # a fresh machine compiles first
        found = client.get("/duplicates")
        if found["ready"]:
            return found
        time.sleep(0.05)
    raise AssertionError("duplicates were not looked for")


def test_duplicates_are_shown_kept_told_apart_and_set_aside(pictures):
    photos, out = pictures / "photos", pictures / "sorted"
    first = sorted(photos.glob("*.jpg"))[5]
    (photos / "zz copy.jpg").write_bytes(first.read_bytes())
    with served(photos, pictures / "examples", out=out) as client:
        client.wait()
        names = client.get("/names")
        found = looked_for(client)
        groups = [one["rows"] for one in found["groups"] if one["kind"] == "copy"]
        pair = sorted((names.index(first.name), names.index("zz copy.jpg")))
        assert pair in map(sorted, groups) and found["n_extra"] >= 2
        kept = client.post("/duplicates/keep", rows=[pair[1]])
        assert [pair[1], pair[0]] in [one["rows"] for one in kept["groups"]]
        plan = client.post("/plan", repeats="aside")
        assert plan["folders"]["_duplicates"] == found["n_extra"]
        assert first.name in [os.path.basename(one["from"]) for one in plan["transfers"]
                              if one["to"].startswith("_duplicates/")]  # fmt: skip
        assert client.post("/plan", repeats="leave")["left"] == 1 + found["n_extra"]
        rest = client.post("/duplicates/apart", rows=[pair[0]])
        assert pair not in [sorted(one["rows"]) for one in rest["groups"]]
        assert "zz copy.jpg" in (pictures / "photos-duplicates.csv").read_text()
        status, _, body = client.ask("POST", "/api/v1/duplicates/apart", {"rows": pair[:1]})
        assert status == 400 and b"none of these" in body


def test_the_document_names_every_address(pictures):
    from tamis.web.endpoints import ENDPOINTS

    with served(pictures / "photos", pictures / "examples") as client:
        paths = client.get("/openapi.json")["paths"]
        assert len(paths) >= len({one.path for one in ENDPOINTS}) + 1
        status, _, page = client.ask("GET", "/api")
        assert status == 200 and all(one.path.encode() in page for one in ENDPOINTS)


def test_small_answers_are_sent_at_once():
    with serving._socket("127.0.0.1", 0) as listening:  # asyncio turns Nagle's algorithm off by it
        assert listening.proto == socket.IPPROTO_TCP
