"""Downloads, from a small hub on this machine; and what is said without one."""

import hashlib
import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hub_server import COMMIT, Hub, serving, silent
from tamis.descriptors.neural.weights import hub as hub_module
from tamis.descriptors.neural.weights.hub import fetch
from tamis.descriptors.neural.weights.hub_file import HubFile
from tamis.errors import DestinationError, WeightsError

pytest.importorskip("huggingface_hub")

CONTENT = np.random.default_rng(0).bytes(3_000_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
SOURCE = HubFile("org/net", "onnx/model.onnx", sha256=SHA256)
UNPINNED = HubFile("org/net", "onnx/model.onnx")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TAMIS_CACHE", str(tmp_path / "cache"))
    for variable in ("HF_HUB_OFFLINE", "HF_HUB_ETAG_TIMEOUT", "HF_HUB_DOWNLOAD_TIMEOUT"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path / "cache"


@pytest.fixture
def hub(monkeypatch):
    with serving(Hub(files={"org/net": {"onnx/model.onnx": CONTENT}})) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        monkeypatch.setenv("HF_HUB_ETAG_TIMEOUT", "60")  # it answers, if the machine is busy late
        yield running


def failing(*sources, **options):
    """The message of a fetch that must fail at once, or after 2 seconds without an answer.

    The bound is that of a machine that is busy with something else; the retries of
    huggingface_hub alone take longer.
    """
    start = time.monotonic()
    with pytest.raises(WeightsError) as caught:
        fetch(sources, "the-net", **options)
    assert time.monotonic() - start < 15
    return str(caught.value)


def left_over(cache):
    return [name for _, _, names in os.walk(cache) for name in names]


# With a hub


@pytest.mark.parametrize("source", [SOURCE, UNPINNED])
def test_a_file_is_downloaded_once(hub, cache, source):
    told = []
    found = fetch([source], "the-net", progress=lambda done, total: told.append((done, total)))
    assert found == source
    assert source.path == cache / "hub/org/net/onnx/model.onnx"
    assert source.path.read_bytes() == CONTENT
    assert left_over(cache) == ["model.onnx"]
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    # By its commit, so that a push meanwhile changes nothing.
    assert f"/org/net/resolve/{COMMIT}/onnx/model.onnx" in [path for _, path, _ in hub.asked]
    hub.asked.clear()
    fetch([source], "the-net")
    assert hub.asked == []


def test_a_cut_connection_is_tried_again(hub, cache):
    hub.cut = [1_000_000]
    fetch([SOURCE], "the-net")
    assert SOURCE.path.read_bytes() == CONTENT
    assert len(hub.gets()) == 2
    assert left_over(cache) == ["model.onnx"]


def test_a_file_of_another_content_is_not_used(hub, cache):
    hub.files["org/net"]["onnx/model.onnx"] = CONTENT[:-1] + b"?"
    message = failing(SOURCE, others=lambda: ["one", "two"])
    assert SHA256 in message
    assert "is not used" in message
    assert "work here now: one, two" in message
    assert left_over(cache) == []


@pytest.mark.parametrize("source", [SOURCE, UNPINNED])
def test_no_more_is_written_than_was_announced(hub, cache, source, monkeypatch):
    hub.announced = 1000
    written = []
    message = failing(source, progress=lambda done, total: written.append(done))
    assert "sends more than the 1,000 bytes that it announced" in message
    assert max(written, default=0) <= 1000
    assert left_over(cache) == []


def test_what_comes_unannounced_has_a_limit(hub, cache, monkeypatch):
    found = replace(hub_module.read_metadata(UNPINNED), size=None)
    monkeypatch.setattr(hub_module, "read_metadata", lambda _: found)
    monkeypatch.setattr(hub_module, "MOST", 10_000)
    assert "10,000 bytes that may be taken" in failing(UNPINNED)
    assert left_over(cache) == []


def test_what_is_damaged_on_the_way_is_noticed_without_a_checksum_of_ours(hub, cache, monkeypatch):
    whole = hub_module._download

    def damaging(*words):
        path = whole(*words)
        path.write_bytes(CONTENT[:-1] + b"?")
        return path

    monkeypatch.setattr(hub_module, "_download", damaging)
    assert SHA256 in failing(UNPINNED)
    assert left_over(cache) == []


def test_small_files_are_not_in_lfs_and_have_another_etag(hub, cache):
    hub.lfs = False
    fetch([UNPINNED], "the-net")
    assert UNPINNED.path.read_bytes() == CONTENT


def test_the_first_file_that_there_is_is_taken(hub, cache):
    assert fetch([HubFile("org/net", "model.onnx"), UNPINNED], "the-net") == UNPINNED
    hub.asked.clear()
    assert fetch([HubFile("org/net", "model.onnx"), UNPINNED], "the-net") == UNPINNED
    assert hub.asked == []


def test_what_is_not_there_is_said_with_what_is(hub):
    message = failing(HubFile("org/net", "model.onnx"))
    assert f"{hub.url}/org/net/resolve/main/model.onnx" in message
    assert "has no file model.onnx" in message
    assert "Its ONNX files are onnx/model.onnx: name one by file=" in message
    hub.files["org/empty"] = {"README.md": b""}
    assert "no ONNX file at all" in failing(HubFile("org/empty", "model.onnx"))
    message = failing(HubFile("org/nothing", "model.onnx"))
    assert "no repository org/nothing" in message
    message = failing(HubFile("org/net", "onnx/model.onnx", "v2"))
    assert "revision v2" in message


def test_a_revision_has_a_folder_of_its_own(hub, cache):
    source = HubFile("org/net", "onnx/model.onnx", COMMIT)
    fetch([source], "the-net")
    assert source.path == cache / f"hub/org/net@{COMMIT}/onnx/model.onnx"
    assert HubFile("org/net", "a", "refs/pr/1").path == cache / "hub/org/net@refs%2Fpr%2F1/a"


def test_two_at_once_download_it_once(hub, cache):
    threads = [threading.Thread(target=fetch, args=([SOURCE], "the-net")) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert SOURCE.path.read_bytes() == CONTENT
    assert len(hub.gets()) == 1


def test_a_cache_that_cannot_be_written_to_is_said(hub, cache):
    cache.parent.mkdir(exist_ok=True)
    cache.write_text("a file")
    with pytest.raises(DestinationError, match="TAMIS_CACHE"):
        fetch([SOURCE], "the-net")


# Without


def lacking(message):
    """What a message lacks of all that one needs to go on without a network."""
    parts = [
        "the-net is not on this machine",
        "/org/net/resolve/main/onnx/model.onnx",
        str(SOURCE.path),
        f"SHA-256 is {SHA256}",
        "work here now: one, two",
    ]
    return [part for part in parts if part not in message]


def test_no_network(monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    message = failing(SOURCE, others=lambda: ["one", "two"])
    assert lacking(message) == []
    assert "ConnectError" in message


def test_no_such_host(monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "https://hub.invalid")
    assert lacking(failing(SOURCE, others=lambda: ["one", "two"])) == []


def test_a_server_that_never_answers(monkeypatch):
    with silent() as url:
        monkeypatch.setenv("HF_ENDPOINT", url)
        message = failing(SOURCE, others=lambda: ["one", "two"])
    assert lacking(message) == []
    assert "HF_HUB_ETAG_TIMEOUT" in message or "Timeout" in message


def test_a_hub_that_does_not_answer_is_asked_once_for_all_threads(monkeypatch):
    import huggingface_hub

    asked, released = [], threading.Event()
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:19")
    monkeypatch.setattr(
        huggingface_hub,
        "get_hf_file_metadata",
        lambda *words, **_: (asked.append(words), released.wait(20)),
    )
    try:
        said = {failing(SOURCE) for _ in range(5)}
    finally:
        released.set()
    assert len(said) == len(asked) == 1


def test_names_that_are_never_resolved(monkeypatch):
    """What no time limit of a request bounds."""
    import huggingface_hub

    released = threading.Event()
    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", lambda *_, **__: released.wait(20))
    try:
        assert "no answer within 2 seconds" in failing(SOURCE)
    finally:
        released.set()


def test_a_hub_that_fails(hub):
    hub.status = 503
    message = failing(SOURCE, others=lambda: ["one", "two"])
    assert "status 503" in message
    assert lacking(message) == []
    assert len(hub.asked) == 1


def test_a_login_page_is_no_hub(hub):
    hub.is_hub = False
    assert "no Hugging Face hub" in failing(SOURCE)


def test_offline_mode_asks_nobody(hub, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    message = failing(SOURCE, others=lambda: ["one", "two"])
    assert "HF_HUB_OFFLINE is set" in message
    assert lacking(message) == []
    assert hub.asked == []


@pytest.mark.parametrize("source", [SOURCE, UNPINNED])
def test_a_file_placed_by_hand_is_used_without_a_network(monkeypatch, source):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    place = Path(failing(source).partition("as ")[2].partition(": it is used")[0])
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(CONTENT)
    assert fetch([source], "the-net").path == place


def test_the_wrong_file_placed_by_hand_is_refused_and_kept(cache):
    SOURCE.path.parent.mkdir(parents=True)
    SOURCE.path.write_bytes(b"something else")
    message = failing(SOURCE)
    assert SHA256 in message
    assert str(SOURCE.path) in message
    assert SOURCE.path.read_bytes() == b"something else"
