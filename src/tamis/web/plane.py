"""The map: every picture of a review on a plane, like pictures near each other."""

import contextlib
import hashlib
import os
import threading
from typing import Final

import numpy as np
import numpy.typing as npt

from tamis.errors import InvalidParameterError
from tamis.web.preparation import Preparation
from tamis.web.session import Session

LANDMARKS: Final = 2_500
"""Pictures that are laid out by t-SNE; the others go between the nearest of them."""

_NEAREST: Final = 3
_SHARPNESS: Final = 30.0  # of the weights of the nearest landmarks, by cosine
_DIMENSIONS: Final = 50
_STRIDE: Final = 4096

Values = npt.NDArray[np.float32]


class Plane:
    """Places of the pictures, computed once in the background and kept in the review's folder."""

    def __init__(self, session: Session, preparation: Preparation) -> None:
        self.session = session
        self.preparation = preparation
        self._packed = b""
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def look(self) -> bytes:
        """Return x and y of each picture to be sorted, float32; empty until they are known.

        Both are in [0, 1], or NaN for a picture that could not be read. The first call begins
        to compute them, and the pages are told by the event ``map``.

        Raises
        ------
        InvalidParameterError
            The pictures are not described yet.
        """
        if self.preparation.learner is None:
            raise InvalidParameterError("the pictures are still being described. Wait a little.")
        with self._lock:
            if not self._packed and self._thread is None:
                self._thread = threading.Thread(target=self._compute, daemon=True)
                self._thread.start()
            return self._packed

    def _compute(self) -> None:
        learner, place = self.preparation.learner, self.preparation.place
        assert learner is not None
        n = self.session.catalog.n
        inside = np.flatnonzero(place[:n] >= 0)
        values = learner.values[place[inside]]
        file = self.preparation.plan.folder / "map.npz"
        key = _key(values)
        spots = _kept(file, key)
        if spots is None or len(spots) != len(values):
            spots = positions(values)
            with contextlib.suppress(OSError):
                part = file.with_suffix(".part.npz")
                np.savez(part, key=np.frombuffer(key, np.uint8), spots=spots)
                os.replace(part, file)
        found = np.full((n, 2), np.nan, np.float32)
        found[inside] = spots
        with self._lock:
            self._packed = found.astype("<f4").tobytes()
        self.session.events.tell("map", n=n)


def positions(values: Values, seed: int = 0) -> Values:
    """Lay vectors out on a plane.

    Parameters
    ----------
    values : ndarray of shape (n, dim), float32
        Of length 1.
    seed : int
        Of the choice of landmarks.

    Returns
    -------
    ndarray of shape (n, 2), float32
        In [0, 1].

    Notes
    -----
    Some vectors, the landmarks, are laid out by t-SNE [1]_ along their principal directions. Each
    other is put at the weighted mean of the places of its nearest landmarks, so that the time
    grows with n alone.

    References
    ----------
    .. [1] L. van der Maaten, G. Hinton, "Visualizing data using t-SNE", Journal of Machine
       Learning Research 9, 2579-2605, 2008.
       https://www.jmlr.org/papers/v9/vandermaaten08a.html
    """
    n = len(values)
    if n < 5:
        line = np.linspace(0, 1, n) if n > 1 else np.full(n, 0.5)
        return np.stack([line, np.full(n, 0.5)], axis=1).astype(np.float32)
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    # Not default_rng: only the streams of RandomState are the same in all versions.
    random = np.random.RandomState(seed)
    marks = np.sort(random.permutation(n)[:LANDMARKS])
    known = values[marks]
    dims = min(_DIMENSIONS, len(known) - 1, values.shape[1])
    reduced = PCA(dims, svd_solver="randomized", random_state=0).fit_transform(known)
    spread = TSNE(
        perplexity=min(30.0, (len(known) - 1) / 3), init="pca" if dims > 1 else "random",
        random_state=0,
    ).fit_transform(reduced)  # fmt: skip
    low, high = spread.min(axis=0), spread.max(axis=0)
    spread = (spread - low) / np.maximum(high - low, 1e-9)
    spots = np.empty((n, 2), np.float32)
    k = min(_NEAREST, len(known))
    for start in range(0, n, _STRIDE):
        near = values[start : start + _STRIDE] @ known.T
        best = np.argpartition(-near, k - 1, axis=1)[:, :k]
        likeness = np.take_along_axis(near, best, axis=1)
        weights = np.exp(_SHARPNESS * (likeness - likeness.max(axis=1, keepdims=True)))
        weights /= weights.sum(axis=1, keepdims=True)
        spots[start : start + _STRIDE] = (weights[:, :, np.newaxis] * spread[best]).sum(axis=1)
    spots[marks] = spread
    others = np.setdiff1d(np.arange(n), marks)  # not one upon the other
    spots[others] += random.normal(0, 0.003, (len(others), 2)).astype(np.float32)
    return np.clip(spots, 0, 1)


def _key(values: Values) -> bytes:
    """Tell vectors from others by some of them."""
    some = np.ascontiguousarray(values[:: max(1, len(values) // 256)])
    return hashlib.sha256(f"1 {values.shape}".encode() + some.tobytes()).digest()


def _kept(file: os.PathLike[str], key: bytes) -> Values | None:
    try:
        with np.load(file, allow_pickle=False) as kept:
            if kept["key"].tobytes() == key:
                spots: Values = kept["spots"]
                return spots
    except (OSError, ValueError, KeyError):
        pass
    return None
