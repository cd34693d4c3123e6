"""What one picture may take: pixels, memory, time, scans."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from tamis.images.refusal import Unreadable

DEFAULT_MAX_PIXELS: Final = 200_000_000
"""Pictures of more pixels than this are refused: 600 MB once decoded."""

DEFAULT_MAX_MEMORY: Final = 1_000_000_000
"""Bytes that the pictures being decoded may take together, over all processes."""

DEFAULT_MAX_SECONDS: Final = 60
"""Seconds after which the decoding of one picture is given up."""

MAX_SCANS: Final = 200
"""Scans of a progressive JPEG. Encoders write 3 to 12; each one costs a pass over the picture."""

UNASKED: Final = 32_000_000
"""Bytes that a decoder takes without asking: a picture of 8 megapixels or so."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How pictures are read: what `tamis.images.read_image` takes besides the size.

    `reading_with` changes the defaults for all that runs inside a ``with`` block.

    Attributes
    ----------
    max_pixels : int
        Refuse files whose header announces more pixels than this.
    max_memory : int
        Bytes. Refuse files whose decoding needs more than this. Pictures that are decoded
        at once share it; those that need less than 32 MB are not counted.
    max_seconds : int
        Refuse files whose decoding takes longer than this.
    icc : bool
        Convert the colours by the embedded profile to sRGB.
    """

    max_pixels: int = DEFAULT_MAX_PIXELS
    max_memory: int = DEFAULT_MAX_MEMORY
    max_seconds: int = DEFAULT_MAX_SECONDS
    icc: bool = True


_default: ContextVar[Reading] = ContextVar("reading", default=Reading())  # noqa: B039 - frozen


def default_reading() -> Reading:
    """Give the way of reading that `reading_with` has set."""
    return _default.get()


@contextlib.contextmanager
def reading_with(
    *,
    max_pixels: int | None = None,
    max_memory: int | None = None,
    max_seconds: int | None = None,
    icc: bool | None = None,
) -> Iterator[Reading]:
    """Change how pictures are read, for all that runs inside the block.

    Parameters
    ----------
    max_pixels, max_memory, max_seconds, icc
        As `Reading` has them; None leaves one as it is.

    Examples
    --------
    >>> with reading_with(icc=False) as how:
    ...     how.icc
    False
    """
    now = _default.get()
    how = Reading(
        now.max_pixels if max_pixels is None else max_pixels,
        now.max_memory if max_memory is None else max_memory,
        now.max_seconds if max_seconds is None else max_seconds,
        now.icc if icc is None else icc,
    )
    token = _default.set(how)
    try:
        yield how
    finally:
        _default.reset(token)


@dataclass(frozen=True, slots=True)
class Host:
    """What a decoder may ask of the process that it runs in.

    Attributes
    ----------
    afford : callable
        Called with the bytes that a decoding is about to take. Waits until they are free;
        raises `Unreadable` if there are never that many.
    heard : callable
        Gives what libraries have printed since the file was opened.
    """

    afford: Callable[[int], None]
    heard: Callable[[], str] = lambda: ""


def within(limit: int) -> Callable[[int], None]:
    """Make the `afford` of a process that decodes one picture at a time."""

    def afford(needed: int) -> None:
        if needed > limit:
            raise Unreadable(
                f"needs {_megabytes(needed)} of memory to be decoded, more than the limit of "
                f"{_megabytes(limit)} (raise it: --max-memory {-(-needed // 1_000_000)})"
            )

    return afford


class ByteBudget:
    """Bytes that several threads share: who needs many waits until they are free."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._free = limit
        self._changed = threading.Condition()

    def take(self, needed: int) -> None:
        """Wait for `needed` bytes, at most `limit`, and take them."""
        with self._changed:
            self._changed.wait_for(lambda: needed <= self._free)
            self._free -= needed

    def give_back(self, taken: int) -> None:
        """Free bytes that were taken."""
        with self._changed:
            self._free += taken
            self._changed.notify_all()


def _megabytes(count: int) -> str:
    return f"{-(-count // 1_000_000)} MB"
