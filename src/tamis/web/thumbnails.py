"""Thumbnails of a review: made once by the opener of `tamis.images`, kept, and served."""

import contextlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tamis.errors import ImageReadError
from tamis.features import available_processors
from tamis.files.cache import cache_folder
from tamis.images import Decoders, Picture, Reading
from tamis.images.thumbnails import webp
from tamis.web.packs import Packs

SIZES: Final = {"small": 192, "large": 1024}
"""Longest sides, in pixels."""

_BATCH: Final = 16


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A thumbnail, and the digest of the picture that it shows."""

    data: bytes
    key: bytes


class Thumbnails:
    """Gives thumbnails by row, and makes those that nobody asked for yet in the background.

    Parameters
    ----------
    paths : sequence of str
        By row.
    how : Reading
    """

    def __init__(self, paths: Sequence[str], how: Reading) -> None:
        self._paths = paths
        self.keys: list[bytes] = [b""] * len(paths)
        self.failures: dict[int, str] = {}
        self._decoders = Decoders(how)
        try:
            folder: Path | None = cache_folder() / "thumbnails"
        except RuntimeError:  # a user without a home
            folder = None
        self._packs = Packs(folder)
        self._turns = threading.Semaphore(available_processors())
        self._ended = False

    def know(self, row: int, key: bytes) -> None:
        """Tell the digest of a picture, so that its file need not be read for it."""
        self.keys[row] = key

    def get(self, row: int, size: str) -> Thumbnail:
        """Return a thumbnail; it is made if there is none.

        Raises
        ------
        ImageReadError
            The picture cannot be read.
        """
        side = SIZES[size]
        key = self.keys[row]
        if key and (data := self._packs.get(key, side)) is not None:
            return Thumbnail(data, key)
        if row in self.failures:
            raise ImageReadError(self._paths[row], self.failures[row])
        # To the end, so that the process which decoded is free for the next.
        with self._turns:
            answers = list(self._decoders.read([self._paths[row]], [side], digest=True))
        if not answers:
            raise ImageReadError(self._paths[row], "the page is being closed")
        return self._keep(row, answers[0], side)

    def make(self, tell: Callable[[int], object]) -> None:
        """Make all small ones that are missing; returns when done or `close` was called."""
        side = SIZES["small"]
        missing = [
            row
            for row, key in enumerate(self.keys)
            if not (key and self._packs.has(key, side)) and row not in self.failures
        ]
        lock, places = threading.Lock(), iter(range(0, len(missing), _BATCH))

        def work() -> None:
            while not self._ended:
                with lock:
                    start = next(places, None)
                if start is None:
                    return
                rows = missing[start : start + _BATCH]
                answers = self._decoders.read(
                    [self._paths[row] for row in rows], [side], digest=True
                )
                for answer, row in zip(answers, rows, strict=False):  # to the end of the answers
                    with contextlib.suppress(ImageReadError):
                        self._keep(row, answer, side)
                tell(len(rows))

        threads = [
            threading.Thread(target=work, daemon=True)
            for _ in range(max(1, available_processors() // 2))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def close(self) -> None:
        """Stop making them."""
        self._ended = True
        self._decoders.close()
        self._packs.close()

    def _keep(self, row: int, answer: Picture | ImageReadError, side: int) -> Thumbnail:
        if isinstance(answer, ImageReadError):
            if not self._ended:
                self.failures[row] = answer.reason
            raise answer
        # A picture that is smaller is not enlarged.
        side_here = min(side, max(answer.height, answer.width))
        data = webp(answer.at(side), longest=side_here)
        self.keys[row] = answer.digest
        self._packs.put(answer.digest, side, data)
        return Thumbnail(data, answer.digest)
