"""The processes that decode, and how a crash of one costs one picture.

A decoder is foreign code that reads foreign files: one day it crashes, hangs or takes
all memory. So it runs in a process of its own, which takes a batch of files and sends
the pixels back through a pipe. If it dies, the file that it had open is tried once more
in a fresh one, since an earlier file may have spoiled its memory; if that dies too, this
file is a failure, and the rest of the batch goes on.
"""

import atexit
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Generator, Iterable, Sequence
from dataclasses import asdict
from typing import Any, BinaryIO, Final, cast

import numpy as np

from tamis.errors import ImageReadError
from tamis.images.decoding import Picture, decode_file, decoding_size
from tamis.images.limits import UNASKED, ByteBudget, Host, Reading, within
from tamis.images.messages import from_size, receive, send
from tamis.images.pixels import Size

_BOOT: Final = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]); "
    "from tamis.images.worker import main; main()"
)
# Ctrl-C at a terminal is for the process that asks: it decides what becomes of its workers.
_APART: Final[dict[str, Any]] = (
    {"creationflags": 0x0800_0200}  # CREATE_NO_WINDOW and CREATE_NEW_PROCESS_GROUP
    if os.name == "nt"
    else {"process_group": 0}
)
_PIPE_BYTES: Final = 1 << 20  # so that a worker decodes ahead while its pictures are described
_F_SETPIPE_SZ: Final = 1031
_GONE_SECONDS: Final = 5


class _DiedError(Exception):
    """The worker ended before its answer: why, as the reason of a failure."""

    def __init__(self, reason: str, *, again: bool) -> None:
        super().__init__(reason)
        self.again = again


class _NotStartedError(Exception):
    """No worker can be had."""


class Decoders:
    """Decoding for one run: a memory budget, and workers lent from those of this process.

    Parameters
    ----------
    how : Reading
    """

    def __init__(self, how: Reading) -> None:
        self._how = how
        self._budget = ByteBudget(how.max_memory)
        self._busy: set[_Worker] = set()
        self._closed = False

    def read(
        self, paths: Sequence[str], sizes: Iterable[Size], *, digest: bool = False
    ) -> Generator[Picture | ImageReadError, None, None]:
        """Read files, in order; one that cannot be read comes as its error.

        Several threads may do so at once, each with a worker of its own. A large picture
        keeps its bytes of the budget until the next one is asked for: by then the caller
        should have let go of it.
        """
        wanted = list(dict.fromkeys(decoding_size(size) for size in sizes))
        done = 0
        suspect = False  # a worker died over the file at `done`
        while done < len(paths) and not self._closed:
            try:
                for answer in self._batch(
                    paths[done : done + 1] if suspect else paths[done:], wanted, digest
                ):
                    yield answer
                    done, suspect = done + 1, False
            except _DiedError as death:
                if death.again and not suspect:
                    suspect = True
                    continue
                yield ImageReadError(paths[done], str(death))
                done, suspect = done + 1, False
            except _NotStartedError as error:
                warnings.warn(
                    f"pictures are decoded in this process, which a damaged one may end: "
                    f"another could not be started ({error})",
                    RuntimeWarning,
                    stacklevel=2,
                )
                for path in paths[done:]:
                    if self._closed:
                        return
                    yield _here(path, wanted, self._how, digest)
                return

    def close(self) -> None:
        """End the workers that are still at work."""
        self._closed = True
        for worker in tuple(self._busy):
            worker.kill()

    def _batch(
        self, paths: Sequence[str], sizes: list[Size], digest: bool
    ) -> Generator[Picture | ImageReadError, None, None]:
        worker = _borrow()
        self._busy.add(worker)
        held, whole = 0, False
        try:
            worker.ask(
                {
                    "cwd": _here_is(),
                    "paths": list(paths),
                    "sizes": [from_size(size) for size in sizes],
                    "digest": digest,
                    "how": asdict(self._how),
                }
            )
            for path in paths:
                while "need" in (answer := worker.answer()):
                    # Nobody waits for bytes while he holds some: two would wait for each other.
                    total = min(held + answer["need"], self._how.max_memory)
                    self._budget.give_back(held)
                    held = 0
                    self._budget.take(total)
                    held = total
                    worker.ask({})
                if "reason" in answer:
                    found: Picture | ImageReadError = ImageReadError(path, answer["reason"])
                else:
                    found = worker.picture(answer, sizes)
                    kept = found.nbytes if found.nbytes > UNASKED else 0
                    self._budget.give_back(held - min(held, kept))
                    held = min(held, kept)
                yield found
                del found
                self._budget.give_back(held)
                held = 0
            whole = True
        except _NotStartedError:
            raise
        except (OSError, _EndedError):
            raise worker.death(self._how) from None
        finally:
            self._budget.give_back(held)
            self._busy.discard(worker)
            if whole:
                _take_back(worker)
            else:
                worker.kill()
                worker.end()


class _EndedError(Exception):
    """The pipe of a worker ended."""


class _Worker:
    """One process that decodes."""

    def __init__(self) -> None:
        self._said = _scratch_file()
        command = [sys.executable, "-P", "-W", "ignore", "-X", f"utf8={sys.flags.utf8_mode}"]
        try:
            self._process = subprocess.Popen(
                [*command, "-c", _BOOT, json.dumps(sys.path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._said,
                # One arena: others reserve address space, which is limited.
                env=os.environ | {"MALLOC_ARENA_MAX": "1"},
                **_APART,
            )
        except OSError as error:
            self._said.close()
            raise _NotStartedError(error.strerror or str(error)) from None
        self._to = cast(BinaryIO, self._process.stdin)
        self._from = cast(BinaryIO, self._process.stdout)
        if sys.platform == "linux":
            import fcntl

            with contextlib.suppress(OSError):
                fcntl.fcntl(self._from, _F_SETPIPE_SZ, _PIPE_BYTES)
        self._ready = False

    def ask(self, message: dict[str, Any]) -> None:
        """Send a message."""
        if not self._ready:
            if receive(self._from) is None:
                raise _NotStartedError(self._last_words() or "it ended at once")
            self._ready = True
        send(self._to, message)
        self._to.flush()

    def answer(self) -> Any:
        """Wait for a message."""
        answer = receive(self._from)
        if answer is None:
            raise _EndedError
        return answer

    def picture(self, answer: Any, sizes: list[Size]) -> Picture:
        """Take the pixels that follow an answer."""
        decoded = {}
        for size, shape in zip(sizes, answer["shapes"], strict=True):
            pixels = np.empty(shape, np.uint8)
            if self._from.readinto(pixels.data.cast("B")) < pixels.nbytes:  # type: ignore[attr-defined]
                raise _EndedError
            decoded[size] = pixels
        return Picture(answer["height"], answer["width"], bytes.fromhex(answer["digest"]), decoded)

    def death(self, how: Reading) -> _DiedError:
        """Say of what it died."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_GONE_SECONDS)
        code = self._process.returncode
        try:
            name = signal.Signals(-code).name
        except (ValueError, TypeError):
            name = f"exit code {code}"
        if name == "SIGALRM" or "Timeout (" in self._last_words():
            return _DiedError(f"takes more than {how.max_seconds} s to decode", again=False)
        if name == "SIGKILL":
            name += ", perhaps for want of memory"
        return _DiedError(f"crashes its decoder ({name})", again=True)

    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End it at once, whatever it does. May be called from another thread."""
        self._process.kill()

    def end(self) -> None:
        """Let it go: when it is idle, it ends with its input."""
        with contextlib.suppress(OSError):
            self._to.close()
        try:
            self._process.wait(_GONE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._from.close()
        self._said.close()

    def _last_words(self) -> str:
        if self._said.closed:
            return ""
        self._said.seek(0)
        lines = self._said.read().decode("utf-8", "replace").split("\n")
        return " ".join(lines[-2:]).strip()[:200]


def _scratch_file() -> BinaryIO:
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("tamis-worker"), "w+b", buffering=0)
    return cast(BinaryIO, tempfile.TemporaryFile(buffering=0))


def _here(path: str, sizes: list[Size], how: Reading, digest: bool) -> Picture | ImageReadError:
    try:
        host = Host(within(how.max_memory))
        return decode_file(path, sizes, how=how, digest=digest, host=host)
    except ImageReadError as error:
        return error


def _here_is() -> str:
    try:
        return os.getcwd()
    except OSError:  # it was removed
        return ""


# The workers of this process that have nothing to do. Starting one takes 0.2 s.
_idle: list[_Worker] = []
_lock = threading.Lock()


def _borrow() -> _Worker:
    while True:
        with _lock:
            worker = _idle.pop() if _idle else None
        if worker is None:
            return _Worker()
        if worker.alive():
            return worker
        worker.end()


def _take_back(worker: _Worker) -> None:
    with _lock:
        room = len(_idle) < (os.cpu_count() or 1)
        if room:
            _idle.append(worker)
    if not room:
        worker.end()


@atexit.register
def _end_all() -> None:
    while _idle:
        _idle.pop().end()


def _forget() -> None:
    global _idle, _lock
    # A forked process must neither talk to these nor end them: they are its parent's.
    _inherited.extend(_idle)
    _idle, _lock = [], threading.Lock()


_inherited: list[_Worker] = []
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
