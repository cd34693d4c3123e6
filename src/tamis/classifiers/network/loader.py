"""Batches of augmented pictures, made ready by threads while the network learns."""

from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from tamis.classifiers.network.augment import Augmentation, Mixing, draw_mixing
from tamis.classifiers.network.pixel_cache import PixelCache
from tamis.images import Pixels

_AHEAD: Final = 3  # batches that are ready or under way

# What a stream of random numbers is for, beside the seed and the epoch.
_ORDER: Final = 0
_BATCH: Final = 1


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Some pictures and what they are.

    Attributes
    ----------
    pictures : ndarray of shape (n, size, size, 3), uint8
    targets : ndarray of shape (n,), int64
    partners : ndarray of shape (n,), int64, or None
        Classes of the pictures that were mixed in.
    share : float
        How much of each picture is itself.
    """

    pictures: Pixels
    targets: npt.NDArray[np.int64]
    partners: npt.NDArray[np.int64] | None = None
    share: float = 1.0


class Loader:
    """Batches of one set of pictures, the same for the same seed.

    Parameters
    ----------
    cache : PixelCache
    rows : ndarray of shape (n,), int
        The pictures of the cache to take.
    targets : ndarray of shape (n,), int64
        Their classes.
    batch_size : int
    augment : Augmentation
    seed : int
    balanced : bool
        Draw every class equally often, with replacement, instead of every picture once.
    threads : int
        That prepare batches. What they prepare does not depend on their number.
    """

    def __init__(
        self,
        cache: PixelCache,
        rows: npt.NDArray[np.intp],
        targets: npt.NDArray[np.int64],
        *,
        batch_size: int,
        augment: Augmentation,
        seed: int,
        balanced: bool = False,
        threads: int = 1,
    ) -> None:
        self.cache = cache
        self.rows = rows
        self.targets = targets
        self.batch_size = batch_size
        self.augment = augment
        self.seed = seed
        self.balanced = balanced
        self.threads = threads

    def __len__(self) -> int:
        """Batches in an epoch."""
        return -(-len(self.rows) // self.batch_size)

    def epoch(self, number: int) -> Generator[Batch, None, None]:
        """Yield the batches of one epoch, augmented and in an order by chance.

        Parameters
        ----------
        number : int
            The epoch. Together with the seed it says all that chance decides.
        """
        order = self._order(np.random.default_rng([self.seed, number, _ORDER]))

        def work(batch: int) -> Batch:
            chosen = order[batch * self.batch_size : (batch + 1) * self.batch_size]
            return self._prepare(chosen, np.random.default_rng([self.seed, number, _BATCH, batch]))

        pool = ThreadPoolExecutor(self.threads, "tamis-load")
        waiting: deque[Future[Batch]] = deque()
        try:
            for batch in range(len(self)):
                waiting.append(pool.submit(work, batch))
                if len(waiting) > _AHEAD:
                    yield self._take(waiting.popleft())
            while waiting:
                yield self._take(waiting.popleft())
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def plain(self, batch_size: int) -> Generator[Batch, None, None]:
        """Yield the pictures as they are, in order."""
        for start in range(0, len(self.rows), batch_size):
            rows = self.rows[start : start + batch_size]
            yield Batch(self.cache.pixels[rows], self.targets[start : start + batch_size])
            self.cache.touch(len(rows))

    def _take(self, batch: "Future[Batch]") -> Batch:
        taken = batch.result()
        self.cache.touch(len(taken.targets))
        return taken

    def _order(self, random: np.random.Generator) -> npt.NDArray[np.intp]:
        if not self.balanced:
            return random.permutation(len(self.rows))
        counts = np.bincount(self.targets)
        weights = 1 / counts[self.targets]
        return random.choice(len(self.rows), len(self.rows), p=weights / weights.sum())

    def _prepare(self, chosen: npt.NDArray[np.intp], random: np.random.Generator) -> Batch:
        size = self.cache.size
        pictures = np.empty((len(chosen), size, size, 3), np.uint8)
        draws = self.augment.draw(random, len(chosen))
        for i, row in enumerate(self.rows[chosen]):
            self.augment.apply(self.cache.pixels[row], draws[i], pictures[i])
        targets = self.targets[chosen]
        mixing = draw_mixing(self.augment, random, len(chosen), size, size)
        if mixing is None:
            return Batch(pictures, targets)
        return Batch(_mixed(pictures, mixing), targets, targets[mixing.partner], mixing.share)


def _mixed(pictures: Pixels, mixing: Mixing) -> Pixels:
    if mixing.box is None:
        others = pictures[mixing.partner].reshape(len(pictures), -1)
        flat = pictures.reshape(len(pictures), -1)
        cv2.addWeighted(flat, mixing.share, others, 1 - mixing.share, 0, flat)
        return pictures
    top, bottom, left, right = mixing.box
    pictures[:, top:bottom, left:right] = pictures[mixing.partner, top:bottom, left:right]
    return pictures
