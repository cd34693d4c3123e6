"""Decoding in other processes: what a crash, a hang, or a stop costs."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import simplejpeg

from odd_files import PHOTO, encode, jpeg, png_chunk
from tamis.descriptors import descriptor
from tamis.errors import ImageReadError
from tamis.features import extract
from tamis.images import Decoders, Reading, read_image
from tamis.images import decoders as module
from tamis.images.limits import ByteBudget
from tamis.table import ImageTable

pytestmark = pytest.mark.skipif(os.name != "posix", reason="ends processes by signals")

COLOR = descriptor("color(bins=4,regions=1,size=24)")

# A decoder that misbehaves over files with a mark: loaded by every Python that starts with
# this folder in PYTHONPATH, before anything of ours.
FAULTY = """
import os, signal, sys, time
if sys.argv[0] == "-c" and len(sys.argv) == 2 and sys.argv[1].startswith("["):
    import simplejpeg
    from PIL import Image

    def faulty(real):
        def decode(data, *words, **more):
            where = data.tell() if hasattr(data, "tell") else 0
            content = data.read() if hasattr(data, "read") else data
            if hasattr(data, "seek"):
                data.seek(where)
            for number in (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGKILL):
                if number.name.encode() in content:
                    os.kill(os.getpid(), number)
            if b"SLEEPS" in content:
                time.sleep(1000)
            if b"LATER" in content:  # what is written past a buffer's end shows afterwards
                os.environ["SPOILT"] = "1"
            elif os.environ.get("SPOILT"):
                os.kill(os.getpid(), signal.SIGSEGV)
            return real(data, *words, **more)
        return decode

    simplejpeg.decode_jpeg = faulty(simplejpeg.decode_jpeg)
    Image.open = faulty(Image.open)
"""


def marked(word):
    data = jpeg()
    return data[:2] + b"\xff\xfe" + (len(word) + 2).to_bytes(2) + word.encode() + data[2:]


@pytest.fixture
def faulty(tmp_path, monkeypatch):
    """Let decoders die over files that hold the name of a signal."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(FAULTY)
    monkeypatch.setenv("PYTHONPATH", str(site))
    module._end_all()  # those that were started without the fault
    yield
    module._end_all()


def table_of(folder, contents):
    folder.mkdir()
    for i, data in enumerate(contents):
        (folder / f"{i:03}.jpg").write_bytes(data)
    paths = tuple(str(folder / f"{i:03}.jpg") for i in range(len(contents)))
    return ImageTable(paths, (None,) * len(paths), (None,) * len(paths))


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_file_that_kills_its_decoder_costs_one_failure(tmp_path, faulty, jobs):
    killers = {3: "SIGSEGV", 4: "SIGABRT", 40: "SIGBUS", 69: "SIGKILL"}
    good = simplejpeg.encode_jpeg(PHOTO)
    table = table_of(
        tmp_path / "in", [marked(killers[i]) if i in killers else good for i in range(70)]
    )
    found = extract(table, COLOR, jobs=jobs)
    assert [failure.path for failure in found.failures] == [table.paths[i] for i in killers]
    for failure, name in zip(found.failures, killers.values(), strict=True):
        assert failure.reason.startswith(f"crashes its decoder ({name}")
    assert found.paths == tuple(p for i, p in enumerate(table.paths) if i not in killers)
    assert (found.features == COLOR.describe([read_image(table.paths[0], size=24)])[0]).all()


@pytest.mark.parametrize("format", ["PNG", "GIF", "TIFF", "WEBP", "JPEG2000"])
def test_every_format_may_kill_its_decoder(tmp_path, faulty, format):
    path = tmp_path / "picture"
    data = encode(PHOTO, format) + b"SIGSEGV"
    if format == "PNG":  # only what belongs to the picture is shown to a decoder
        data = data[:33] + png_chunk(b"PLTE", b"SIGSEGV 1") + data[33:]
    path.write_bytes(data)
    with pytest.raises(ImageReadError, match="crashes its decoder"):
        read_image(path)


def test_a_file_is_not_blamed_for_what_another_did(tmp_path, faulty):
    table = table_of(tmp_path / "in", [marked("LATER"), jpeg(), jpeg()])
    found = extract(table, COLOR, jobs=1)
    assert len(found) == 3 and not found.failures


def test_a_decoder_that_hangs_is_given_up(tmp_path, faulty):
    table = table_of(tmp_path / "in", [jpeg(), marked("SLEEPS"), jpeg()])
    answers = list(Decoders(Reading(max_seconds=1)).read(table.paths, [32]))
    assert [isinstance(one, ImageReadError) for one in answers] == [False, True, False]
    assert answers[1].reason == "takes more than 1 s to decode"


def test_closing_ends_what_hangs(tmp_path, faulty):
    table = table_of(tmp_path / "in", [jpeg(), marked("SLEEPS"), jpeg()])
    decoders = Decoders(Reading())
    answers = decoders.read(table.paths, [32])
    next(answers)
    decoders.close()
    assert list(answers) == []


def test_without_another_process_this_one_decodes(tmp_path, monkeypatch):
    module._end_all()
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nowhere"))
    (tmp_path / "a.png").write_bytes(encode(PHOTO, "PNG"))
    with pytest.warns(RuntimeWarning, match="decoded in this process"):
        image = read_image(tmp_path / "a.png", size=None)
    np.testing.assert_array_equal(image, PHOTO)


def test_a_relative_path_is_one_of_this_process(tmp_path, monkeypatch):
    for name, value in (("one", 10), ("two", 200)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.png").write_bytes(encode(np.full_like(PHOTO, value), "PNG"))
        monkeypatch.chdir(tmp_path / name)
        assert (read_image("a.png") == value).all()


def test_a_worker_that_died_while_idle_is_replaced(tmp_path):
    (tmp_path / "a.png").write_bytes(encode(PHOTO, "PNG"))
    read_image(tmp_path / "a.png")
    for worker in module._idle:
        worker.kill()
        worker._process.wait()
    np.testing.assert_array_equal(read_image(tmp_path / "a.png", size=None), PHOTO)


READ = """
import sys
from tamis.images import decoders, read_image
read_image(sys.argv[1])
print(*[worker._process.pid for worker in decoders._idle], flush=True)
"""


def gone(pid):
    for _ in range(200):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        with contextlib.suppress(OSError), open(f"/proc/{pid}/stat") as file:
            if file.read().rpartition(")")[2].split()[0] == "Z":  # of a parent that does not look
                return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("end", ["", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"])
def test_no_worker_outlives_its_process(tmp_path, end):
    (tmp_path / "a.png").write_bytes(encode(PHOTO, "PNG"))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", READ + end, str(tmp_path / "a.png")],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.stderr == ""
    assert done.returncode == (-signal.SIGKILL if end else 0)
    assert gone(int(done.stdout))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_forked_process_has_workers_of_its_own(tmp_path):
    (tmp_path / "a.png").write_bytes(encode(PHOTO, "PNG"))
    code = (
        "import os, sys\n"
        "from tamis.images import read_image\n"
        "read_image(sys.argv[1])\n"
        "child = os.fork()\n"
        "total = sum(int(read_image(sys.argv[1]).sum()) for _ in range(50))\n"
        "if child == 0: os._exit(0 if total > 0 else 1)\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", code, str(tmp_path / "a.png")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert (done.returncode, done.stderr) == (0, "")


# Memory


def test_more_than_the_budget_is_refused_by_name(tmp_path):
    path = tmp_path / "a.webp"
    path.write_bytes(encode(np.zeros((1000, 1000, 3), np.uint8), "WEBP"))
    with pytest.raises(ImageReadError, match=r"needs 28 MB of memory .* the limit of 20 MB"):
        read_image(path, max_memory=20_000_000)
    assert read_image(path, max_memory=40_000_000).shape == (128, 128, 3)


def test_large_pictures_wait_for_each_other(tmp_path, monkeypatch):
    large = encode(np.zeros((2000, 2500, 3), np.uint8), "PNG")
    table = table_of(tmp_path / "in", [large] * 6 + [jpeg()] * 70)
    most = 0
    real = ByteBudget.take

    def take(self, needed):
        nonlocal most
        real(self, needed)
        most = max(most, self.limit - self._free)

    monkeypatch.setattr(ByteBudget, "take", take)
    one = descriptor("color(bins=4,size=none)")
    found = extract(table, one, jobs=3)
    assert len(found) == len(table)
    assert 32_000_000 < most <= 1_000_000_000


def test_a_budget_is_never_overdrawn():
    import threading

    budget, held, most, lock = ByteBudget(10), 0, 0, threading.Lock()

    def work(needed):
        nonlocal held, most
        for _ in range(50):
            budget.take(needed)
            with lock:
                held += needed
                most = max(most, held)
            with lock:
                held -= needed
            budget.give_back(needed)

    threads = [threading.Thread(target=work, args=(n,)) for n in (1, 3, 6, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert most <= 10 and held == 0


FUZZ = Path(__file__).parent.parent / "benchmarks" / "fuzz_images.py"


@pytest.mark.skipif(not FUZZ.exists(), reason="the benchmarks are not here")
def test_damaged_pictures_of_all_kinds_harm_nothing():
    """A few of the campaign's files, of a seed of their own."""
    done = subprocess.run(
        [sys.executable, str(FUZZ), "--count", "400", "--seed", "12"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert (done.returncode, done.stderr) == (0, "")
    (total,) = [line for line in done.stdout.splitlines() if line.startswith("| all |")]
    _, _, files, read, refused, *_, died, _, one_colour, _ = map(str.strip, total.split("|"))
    assert int(files) == int(read) + int(refused) == 400
    assert (died, one_colour) == ("0", "0")
    assert "0 bytes on standard error" in done.stdout
