"""What one picture may take: pixels, memory, time, scans."""

import threading
from collections.abc import Callable
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

    Attributes
    ----------
    max_pixels : int
        Refuse files whose header announces more pixels than this.
    max_memory : int
        Bytes. Refuse files whose decoding needs more than this.
    max_seconds : int
        Refuse files whose decoding takes longer than this.
    icc : bool
        Convert the colours by the embedded profile to sRGB.
    """

    max_pixels: int = DEFAULT_MAX_PIXELS
    max_memory: int = DEFAULT_MAX_MEMORY
    max_seconds: int = DEFAULT_MAX_SECONDS
    icc: bool = True


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
                f"{_megabytes(limit)} (raise it with --max-memory)"
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
