"""A process that decodes pictures, so that a decoder that crashes takes nothing with it.

It reads requests from its standard input and writes answers to its standard output,
until the input ends. It must start quickly: nothing here may import numba or a network.
"""

import contextlib
import faulthandler
import os
import signal
import sys
from typing import Any, BinaryIO, Final

import cv2
from PIL import Image

from tamis.errors import ImageReadError
from tamis.images.decoding import Picture, decode_file
from tamis.images.limits import UNASKED, Host, Reading, within
from tamis.images.messages import as_size, receive, send

_STANDING: Final = 1 << 29  # bytes of address space beyond those at the start, for small pictures
_SLACK: Final = 1 << 27  # the same, beyond what a large picture was estimated to need


def main() -> None:
    """Answer requests until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is for the process that asks
    answers = os.fdopen(os.dup(1), "wb", buffering=1 << 16)
    os.dup2(2, 1)  # what a library prints must not get between the answers
    cv2.setNumThreads(1)
    Image.MAX_IMAGE_PIXELS = None  # ours is an argument
    requests = sys.stdin.buffer
    memory = _Memory()
    _leave_no_core()
    try:
        send(answers, {"ready": True})
        answers.flush()
        while (request := receive(requests)) is not None:
            with contextlib.suppress(OSError):
                os.chdir(request["cwd"])
            _answer(request, requests, answers, memory)
    except BrokenPipeError:  # nobody waits for the answer any more
        pass
    os._exit(0)  # what is left in a buffer cannot be written, and that is no error


def _answer(request: Any, requests: BinaryIO, answers: BinaryIO, memory: "_Memory") -> None:
    sizes = [as_size(size) for size in request["sizes"]]
    how = Reading(**request["how"])

    def afford(needed: int) -> None:
        within(how.max_memory)(needed)
        if needed <= UNASKED:
            return
        _set_timer(0)
        send(answers, {"need": needed})
        answers.flush()
        if receive(requests) is None:
            os._exit(0)
        memory.allow(needed)
        _set_timer(how.max_seconds)

    for path in request["paths"]:
        _set_timer(how.max_seconds)
        try:
            picture = decode_file(
                path, sizes, how=how, digest=request["digest"], host=Host(afford, heard)
            )
        except ImageReadError as error:
            _set_timer(0)
            send(answers, {"reason": error.reason})
        else:
            _set_timer(0)
            _send_picture(answers, picture)
            del picture
        answers.flush()
        memory.reset()
        heard()


def _send_picture(answers: BinaryIO, picture: Picture) -> None:
    arrays = list(picture.decoded.values())
    send(
        answers,
        {
            "height": picture.height,
            "width": picture.width,
            "digest": picture.digest.hex(),
            "shapes": [array.shape for array in arrays],
        },
    )
    for array in arrays:
        answers.write(array.data)


def heard() -> str:
    """Take what libraries have printed since the last call: standard error is a file here."""
    length = os.fstat(2).st_size
    if not length:
        return ""
    os.lseek(2, 0, os.SEEK_SET)
    text = os.read(2, min(length, 1 << 16)).decode("utf-8", "replace")
    os.ftruncate(2, 0)
    os.lseek(2, 0, os.SEEK_SET)
    return text


def _set_timer(seconds: int) -> None:
    """Die in so many seconds, even inside a decoder; 0 for never."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)  # unhandled, SIGALRM ends the process
    elif seconds:
        faulthandler.dump_traceback_later(seconds, exit=True)
    else:
        faulthandler.cancel_dump_traceback_later()


class _Memory:
    """The limit of this process's address space, where the system has one.

    It turns a wrong estimate, or a file that unfolds without end, into a MemoryError.
    """

    def __init__(self) -> None:
        self._standing = _address_space() + _STANDING if sys.platform == "linux" else 0
        self._set(self._standing)

    def allow(self, needed: int) -> None:
        """Let a picture take what it said it needs, and some more."""
        if self._standing:
            self._set(max(self._standing, _address_space() + needed + needed // 4 + _SLACK))

    def reset(self) -> None:
        """Take that back."""
        if self._limit != self._standing:
            self._set(self._standing)

    def _set(self, limit: int) -> None:
        self._limit = limit
        if limit:
            import resource

            _, hard = resource.getrlimit(resource.RLIMIT_AS)
            if hard == resource.RLIM_INFINITY or limit < hard:
                resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def _leave_no_core() -> None:
    """Keep a crash from writing the process's memory into the user's folder."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def _address_space() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
