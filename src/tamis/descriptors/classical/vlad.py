"""`vlad`: how the patches of a picture differ from the usual ones."""

import os
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, final

import numba as nb
import numpy as np
import numpy.typing as npt

from tamis.descriptors.base import Features, PixelDescriptor
from tamis.descriptors.classical.codebook import DEFAULT, Codebook, shipped
from tamis.descriptors.classical.sift import LENGTH, root_sift
from tamis.errors import CodebookError, InvalidParameterError, printable
from tamis.files.digest import DIGEST_LENGTH, is_digest
from tamis.images import Pixels


@final
@dataclass(frozen=True, kw_only=True)
class Vlad(PixelDescriptor):
    """Vector of locally aggregated descriptors: SIFT by visual words.

    Each patch of the picture (`tamis.descriptors.classical.sift.root_sift`) goes to the nearest
    of the k words of a codebook. For each word the differences of its patches from it
    are added up; of the sums the signed root is taken; each word is brought to length
    1, then the whole vector.

    The codebook is learned once, from any pictures, and does not depend on those that
    are described. The one that comes with tamis was learned from the photographs of
    scikit-image (`tamis.descriptors.classical.default_codebook`).

    Parameters
    ----------
    codebook : str
        ``default``, or the path of a file that
        `tamis.descriptors.classical.codebook.Codebook.save` wrote; made absolute. In a spec, a
        path with other characters than letters, digits and ``_-./:@~`` stands in
        double quotes.
    digest : str or None
        Of the values in the codebook: 12 hexadecimal digits. If given, it is checked
        when the codebook is first used; None reads it from the codebook at once. It is
        part of the spec, so that a vector tells which codebook made it.
    size : int or None
        Working size in pixels.

    Raises
    ------
    CodebookError
        If the codebook is missing, is none, or has another digest.

    Notes
    -----
    ``dim = k * d`` for a codebook of k words of d values: 64 * 64 = 4,096 by default;
    word by word. A word without patches gives zeros, so a picture of one colour is all
    zeros. L2 and cosine suit it better than L1.

    After Jegou, Douze, Schmid and Perez [1]_; each word normalised alone after
    Arandjelovic and Zisserman [2]_. Differs from them: patches on a grid instead of
    regions found by a detector; the signed root and the norm by words together.

    References
    ----------
    .. [1] H. Jegou, M. Douze, C. Schmid, P. Perez, "Aggregating local descriptors
       into a compact image representation", IEEE Conference on Computer Vision and
       Pattern Recognition, 3304-3311, 2010. https://doi.org/10.1109/CVPR.2010.5540039
    .. [2] R. Arandjelovic, A. Zisserman, "All about VLAD", IEEE Conference on
       Computer Vision and Pattern Recognition, 1578-1585, 2013.
       https://doi.org/10.1109/CVPR.2013.207

    Examples
    --------
    >>> noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    >>> vectors = Vlad().describe([noise])
    >>> vectors.shape, round(float(np.linalg.norm(vectors)), 3)
    ((1, 4096), 1.0)
    """

    name: ClassVar[str] = "vlad"
    summary: ClassVar[str] = "local patterns by visual words: shapes and textures, no colour"
    reference: ClassVar[str] = "Jegou et al. 2010, doi:10.1109/CVPR.2010.5540039"
    opens: ClassVar[tuple[str, ...]] = ("codebook",)

    codebook: str = DEFAULT
    digest: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.codebook, str) or not self.codebook:
            raise InvalidParameterError(
                f"codebook must be {DEFAULT} or the path of a file. Got {self.codebook!r}; in a "
                'spec a path that reads as a number needs quotes: codebook="123".'
            )
        if not self.codebook.isprintable():
            raise InvalidParameterError(
                f"codebook must be a path that can be printed, as it is part of the spec. Got "
                f"{printable(self.codebook)}; give the file another name."
            )
        if self.codebook != DEFAULT:
            path = os.path.abspath(os.path.expanduser(self.codebook))
            object.__setattr__(self, "codebook", path)
        if self.digest is None:
            object.__setattr__(self, "digest", Codebook.load(shipped(self.codebook)).digest)
        elif not is_digest(self.digest):
            raise InvalidParameterError(
                f"digest must be {DIGEST_LENGTH} hexadecimal digits, as `tamis descriptors vlad` "
                f"shows them, or left out. Got {self.digest!r}."
            )

    @property
    def dim(self) -> int:
        """Length of the vectors: ``k * d``, as the codebook says."""
        return self._codebook.words.size

    @property
    def _codebook(self) -> Codebook:
        assert self.digest is not None
        return _loaded(self.codebook, self.digest)

    def _fill(self, image: Pixels, out: Features) -> None:
        codebook = self._codebook
        sums = np.zeros((len(codebook.words), LENGTH))
        counts = np.zeros(len(codebook.words), np.int64)
        for patches in root_sift(image):
            _aggregate(patches, _nearest(patches, *codebook.scores, codebook.slack), sums, counts)
        # Reduced once for each word, not for each patch: it is linear.
        sums -= counts[:, np.newaxis] * codebook.mean
        values = out.reshape(codebook.words.shape)
        _normalise(sums, counts, codebook.axes, codebook.words, values)


@lru_cache(maxsize=8)
def _loaded(name: str, digest: str) -> Codebook:
    """Read a codebook once per process, whatever becomes of its file after."""
    codebook = Codebook.load(shipped(name))
    if codebook.digest != digest:
        which = (
            "the codebook that comes with this version of tamis"
            if name == DEFAULT
            else f"the codebook {printable(name)}"
        )
        raise CodebookError(
            f"{which} has the digest {codebook.digest}, and {digest} is asked for: it has changed, "
            "and its vectors cannot be compared with the former ones. Bring back the former "
            "codebook, or leave out digest= and describe all pictures again."
        )
    return codebook


def _nearest(
    patches: npt.NDArray[np.float32],
    weights: npt.NDArray[np.float32],
    constants: npt.NDArray[np.float32],
    slack: float,
) -> npt.NDArray[np.int64]:
    """Find the nearest word of each patch, of equally near ones the first.

    Scores are estimated in float32, added in whatever order the processor is quick at;
    where the best two are too near to tell, all are computed in float64. So the answer is
    the same everywhere.
    """
    nearest = np.empty(len(patches), np.int64)
    ahead = np.empty(len(patches), np.float32)
    _estimate(patches, weights, constants, nearest, ahead)
    for row in np.flatnonzero(ahead <= slack):
        nearest[row] = _exactly(patches[row], weights, constants)
    return nearest


# Additions in any order, so that they are vector code.
@nb.njit(nogil=True, cache=True, fastmath={"reassoc", "contract"})
def _estimate(
    patches: npt.NDArray[np.float32],
    weights: npt.NDArray[np.float32],
    constants: npt.NDArray[np.float32],
    nearest: npt.NDArray[np.int64],
    ahead: npt.NDArray[np.float32],
) -> None:
    """Write the nearest word of each patch, and how far it is ahead of the second."""
    last = len(patches) - 1
    best, second = np.empty(4, np.float32), np.empty(4, np.float32)
    words = np.zeros(4, np.int64)
    # Four at a time: a word is loaded once for all of them. The last may be one again.
    for first in range(0, last + 1, 4):
        a, b = patches[first], patches[min(first + 1, last)]
        c, d = patches[min(first + 2, last)], patches[min(first + 3, last)]
        best[:] = second[:] = -np.inf
        for word in range(len(weights)):
            weight = weights[word]
            s0 = s1 = s2 = s3 = np.float32(0)
            for i in range(128):
                s0 += a[i] * weight[i]
                s1 += b[i] * weight[i]
                s2 += c[i] * weight[i]
                s3 += d[i] * weight[i]
            for i, product in enumerate((s0, s1, s2, s3)):
                score = product + constants[word]
                if score > best[i]:
                    second[i], best[i], words[i] = best[i], score, word
                elif score > second[i]:
                    second[i] = score
        for i in range(min(4, last + 1 - first)):
            nearest[first + i], ahead[first + i] = words[i], best[i] - second[i]


@nb.njit(nogil=True, cache=True)
def _exactly(
    patch: npt.NDArray[np.float32],
    weights: npt.NDArray[np.float32],
    constants: npt.NDArray[np.float32],
) -> int:
    nearest, best = 0, -np.inf
    for word in range(constants.size):
        score = np.float64(constants[word])
        for i in range(patch.size):
            score += np.float64(patch[i]) * np.float64(weights[word, i])
        if score > best:
            nearest, best = word, score
    return nearest


@nb.njit(nogil=True, cache=True)
def _aggregate(
    patches: npt.NDArray[np.float32],
    nearest: npt.NDArray[np.int64],
    sums: npt.NDArray[np.float64],
    counts: npt.NDArray[np.int64],
) -> None:
    """Add each patch to the sum of its nearest word."""
    for i in range(len(patches)):
        counts[nearest[i]] += 1
        total, patch = sums[nearest[i]], patches[i]
        for j in range(128):
            total[j] += patch[j]


@nb.njit(nogil=True, cache=True)
def _normalise(
    sums: npt.NDArray[np.float64],
    counts: npt.NDArray[np.int64],
    axes: npt.NDArray[np.float32],
    words: npt.NDArray[np.float32],
    out: npt.NDArray[np.float32],
) -> None:
    """Reduce the sums, subtract the words, and bring all to the length 1."""
    length = words.shape[1]
    used = 0
    for word in range(len(words)):
        if counts[word] == 0:
            continue
        total = 0.0
        for i in range(length):
            value = -counts[word] * np.float64(words[word, i])
            for j in range(128):
                value += axes[i, j] * sums[word, j]
            total += abs(value)
            out[word, i] = np.sign(value) * np.sqrt(abs(value))
        if total > 0:
            used += 1
            out[word] /= np.float32(np.sqrt(total))
    if used:
        out /= np.float32(np.sqrt(used))
