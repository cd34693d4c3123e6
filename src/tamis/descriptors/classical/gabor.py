"""`gabor`: which textures there are, by a bank of Gabor filters."""

import math
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, Final, final

import numba as nb
import numpy as np
import numpy.typing as npt

from tamis.descriptors.base import Features, PixelDescriptor, check_int
from tamis.descriptors.classical.grey import GREY_SCALE, exact_grey
from tamis.descriptors.classical.regions import region_start
from tamis.images import Pixels

_FREQUENCIES: Final = (0.1, 0.5, 0.8)
_SIGMAS: Final = (1.0, 3.0, 5.0)
_BANDWIDTHS: Final = (0.3, 0.7, 1.0)
_PAIRS: Final = len(_FREQUENCIES) * (len(_SIGMAS) + len(_BANDWIDTHS))
_KERNELS: Final = 4 * _PAIRS

# Wide pictures are filtered strip by strip: rows that stay in the cache, and
# memory that does not grow with the width.
_STRIP: Final = 256
# Of which the magnitudes are collected in float32, column by column: a loop without a sum
# over its own steps is vector code in any case, so that nothing is left to fastmath, which
# adds in another order on another processor.
_ROWS: Final = 32


@final
@dataclass(frozen=True, kw_only=True)
class Gabor(PixelDescriptor):
    """Means and variances of the responses to a bank of Gabor filters.

    The grey picture, less its mean, is convolved (borders wrap around) with 72
    complex kernels: four orientations (0, 45, 90, 135 degrees) by three
    frequencies (0.1, 0.5, 0.8 cycles per pixel) by six widths (standard
    deviations of 1, 3 and 5 pixels; bandwidths of 0.3, 0.7 and 1 octave). In each
    of regions x regions cells the magnitudes of the responses are reduced to 72
    means, divided by their sum, and 72 variances, divided by theirs. The whole
    vector is divided by its sum.

    Parameters
    ----------
    regions : int
        Cells per side, 1 to 16; 1 is the global description.
    size : int or None
        Working size in pixels.

    Notes
    -----
    ``dim = regions**2 * 144``: 1,296 by default, 144 for the whole picture; the
    cells in row-major order, in each all means, then all variances. A picture of
    one colour gives zeros; so do the variances of a cell in which no magnitude
    varies.

    Means and variances of Gabor responses as a description of texture are due to
    Manjunath and Ma [1]_. With ``regions=1,size=none`` the bank and the values are
    those of the original system. Its frequency 0.8 lies above the Nyquist limit
    and is seen as 0.2. Differs from it: the original filtered each region on its
    own, with borders that wrap around inside the picture (and failed on it);
    here the picture is filtered once and the responses are pooled.

    References
    ----------
    .. [1] B. S. Manjunath, W. Y. Ma, "Texture features for browsing and retrieval
       of image data", IEEE Transactions on Pattern Analysis and Machine
       Intelligence 18(8), 837-842, 1996. https://doi.org/10.1109/34.531803

    Examples
    --------
    >>> noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    >>> vectors = Gabor(regions=1).describe([noise, np.zeros_like(noise)])
    >>> vectors.shape, vectors.sum(axis=1).round(3)
    ((2, 144), array([1., 0.], dtype=float32))
    """

    name: ClassVar[str] = "gabor"
    summary: ClassVar[str] = "responses to Gabor filters: which textures, no colour"
    reference: ClassVar[str] = "Manjunath & Ma 1996, doi:10.1109/34.531803"

    regions: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        check_int("regions", self.regions, 1, 16)

    @property
    def dim(self) -> int:
        """Length of the vectors: ``regions**2 * 144``."""
        return self.regions**2 * 2 * _KERNELS

    def _fill(self, image: Pixels, out: Features) -> None:
        _describe(image, *_bank(), _STRIP, out.reshape(self.regions, self.regions, 2, _KERNELS))


@cache
def _bank() -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Build the factors of the kernels.

    All Gaussians of the bank are round, so that every kernel is the product of one
    factor along x and one along y, and two passes of one dimension replace a
    convolution in the plane. The factors of all orientations follow from those of
    0 and of 45 degrees.

    Returns
    -------
    factors : ndarray of shape (18, 2, 3, taps), float32
        By frequency and width, by orientation (0, 45 degrees): the Gaussian, and
        its product with the cosine and the sine; zeros after the last tap.
    radii : ndarray of shape (18, 2), int64
        A factor has ``2 * radius + 1`` taps.
    """
    pairs = []
    for frequency in _FREQUENCIES:
        pairs += [(frequency, sigma) for sigma in _SIGMAS]
        for bandwidth in _BANDWIDTHS:
            octaves = (2**bandwidth + 1) / (2**bandwidth - 1)
            pairs.append((frequency, math.sqrt(math.log(2) / 2) / math.pi * octaves / frequency))
    slopes = (1.0, math.sqrt(0.5))
    # Three standard deviations, projected on the axes.
    radii = np.array(
        [[math.ceil(max(3 * sigma * slope, 1)) for slope in slopes] for _, sigma in pairs]
    )
    # The passes take four taps at a time.
    factors = np.zeros((_PAIRS, 2, 3, -(-(2 * int(radii.max()) + 1) // 4) * 4), np.float32)
    for pair, (frequency, sigma) in enumerate(pairs):
        for diagonal, slope in enumerate(slopes):
            radius = int(radii[pair, diagonal])
            x = np.arange(-radius, radius + 1)
            gauss = np.exp(-0.5 * (x / sigma) ** 2) / (math.sqrt(2 * math.pi) * sigma)
            phase = 2 * math.pi * frequency * slope * x
            factor = factors[pair, diagonal, :, : x.size]
            factor[:] = gauss, gauss * np.cos(phase), gauss * np.sin(phase)
    return factors, radii


@nb.njit(nogil=True, cache=True)
def _describe(
    image: Pixels,
    factors: npt.NDArray[np.float32],
    radii: npt.NDArray[np.int64],
    strip: int,
    out: npt.NDArray[np.float32],
) -> None:
    height, width = image.shape[:2]
    regions = out.shape[0]
    margin = radii.max()
    taps = factors.shape[3]
    grey = exact_grey(image)
    if grey.min() == grey.max():
        return
    padded = _wrapped(grey, margin, margin + taps)
    below = np.empty(height + 2 * margin + taps, np.int64)
    for y in range(below.size):
        below[y] = (y - margin) % height
    row_of = np.empty(height, np.int64)
    starts = np.empty(regions + 1, np.int64)
    for region in range(regions):
        row_of[
            region_start(region, regions, height) : region_start(region + 1, regions, height)
        ] = region
    for region in range(regions + 1):
        starts[region] = region_start(region, regions, width)

    # Of the magnitudes and of their squares.
    sums = np.zeros((regions, regions, 2, 4 * radii.shape[0]))
    for left in range(0, width, strip):
        right = min(left + strip, width)
        bounds = np.minimum(np.maximum(starts, left), right) - left
        _strip_sums(padded, left, factors, radii, margin, below, row_of, bounds, sums)
    _normalise(sums, starts, row_of, out)


@nb.njit(nogil=True, cache=True)
def _wrapped(grey: npt.NDArray[np.int32], before: int, after: int) -> npt.NDArray[np.float32]:
    """Grey less its mean, with columns from the other side."""
    height, width = grey.shape
    mean = grey.mean()
    wrapped = np.empty((height, before + width + after), np.float32)
    for y in range(height):
        for x in range(wrapped.shape[1]):
            wrapped[y, x] = (grey[y, (x - before) % width] - mean) / GREY_SCALE
    return wrapped


@nb.njit(nogil=True, cache=True)
def _strip_sums(
    padded: npt.NDArray[np.float32],
    left: int,
    factors: npt.NDArray[np.float32],
    radii: npt.NDArray[np.int64],
    margin: int,
    below: npt.NDArray[np.int64],
    row_of: npt.NDArray[np.int64],
    bounds: npt.NDArray[np.int64],
    sums: npt.NDArray[np.float64],
) -> None:
    height, width = padded.shape[0], bounds[-1]
    pairs = radii.shape[0]
    plain = np.empty((height, width), np.float32)
    even = np.empty((height, width), np.float32)
    odd = np.empty((height, width), np.float32)
    collected = np.zeros((2, 2, width), np.float32)
    a = np.empty(width, np.float32)
    b = np.empty(width, np.float32)
    c = np.empty(width, np.float32)
    d = np.empty(width, np.float32)
    for pair in range(pairs):
        radius = radii[pair, 0]
        start, taps = margin - radius, (2 * radius + 4) // 4 * 4
        gauss, cosine, sine = factors[pair, 0]
        for y in range(height):
            _along(padded[y, left + start :], gauss[:taps], plain[y])
            _along_both(padded[y, left + start :], cosine[:taps], sine[:taps], even[y], odd[y])
        for y in range(height):
            rows = below[y + start : y + start + taps]
            _across(even, rows, gauss, a)
            _across(odd, rows, gauss, b)
            _collect(a, b, collected[0])
            _across_both(plain, rows, cosine, sine, a, b)
            _collect(a, b, collected[1])
            if y % _ROWS == _ROWS - 1 or y + 1 == height or row_of[y + 1] != row_of[y]:
                cells = sums[row_of[y]]
                _add(collected[0], bounds, cells[:, :, pair])
                _add(collected[1], bounds, cells[:, :, 2 * pairs + pair])

        radius = radii[pair, 1]
        start, taps = margin - radius, (2 * radius + 4) // 4 * 4
        _, cosine, sine = factors[pair, 1]
        for y in range(height):
            _along_both(padded[y, left + start :], cosine[:taps], sine[:taps], even[y], odd[y])
        for y in range(height):
            rows = below[y + start : y + start + taps]
            _across_both(even, rows, cosine, sine, a, b)
            _across_both(odd, rows, cosine, sine, c, d)
            # (even + i odd) by (cosine + i sine), and its mirror image.
            for x in range(width):
                a[x], d[x] = a[x] - d[x], a[x] + d[x]
                b[x], c[x] = b[x] + c[x], b[x] - c[x]
            _collect(a, b, collected[0])
            _collect(d, c, collected[1])
            if y % _ROWS == _ROWS - 1 or y + 1 == height or row_of[y + 1] != row_of[y]:
                cells = sums[row_of[y]]
                _add(collected[0], bounds, cells[:, :, pairs + pair])
                _add(collected[1], bounds, cells[:, :, 3 * pairs + pair])


@nb.njit(nogil=True, cache=True)
def _along(
    row: npt.NDArray[np.float32], taps: npt.NDArray[np.float32], out: npt.NDArray[np.float32]
) -> None:
    """Filter along a row: ``out[x] = sum(taps[t] * row[x + t])``."""
    n = out.size
    out[:] = 0
    for t in range(0, taps.size, 4):
        r0, r1, r2, r3 = row[t : t + n], row[t + 1 :], row[t + 2 :], row[t + 3 :]
        w0, w1, w2, w3 = taps[t], taps[t + 1], taps[t + 2], taps[t + 3]
        for x in range(n):
            out[x] += w0 * r0[x] + w1 * r1[x] + w2 * r2[x] + w3 * r3[x]


@nb.njit(nogil=True, cache=True)
def _along_both(
    row: npt.NDArray[np.float32],
    taps: npt.NDArray[np.float32],
    more: npt.NDArray[np.float32],
    out: npt.NDArray[np.float32],
    other: npt.NDArray[np.float32],
) -> None:
    n = out.size
    out[:] = 0
    other[:] = 0
    for t in range(0, taps.size, 4):
        r0, r1, r2, r3 = row[t : t + n], row[t + 1 :], row[t + 2 :], row[t + 3 :]
        w0, w1, w2, w3 = taps[t], taps[t + 1], taps[t + 2], taps[t + 3]
        v0, v1, v2, v3 = more[t], more[t + 1], more[t + 2], more[t + 3]
        for x in range(n):
            p, q, r, s = r0[x], r1[x], r2[x], r3[x]
            out[x] += w0 * p + w1 * q + w2 * r + w3 * s
            other[x] += v0 * p + v1 * q + v2 * r + v3 * s


@nb.njit(nogil=True, cache=True)
def _across(
    field: npt.NDArray[np.float32],
    rows: npt.NDArray[np.int64],
    taps: npt.NDArray[np.float32],
    out: npt.NDArray[np.float32],
) -> None:
    """Filter across rows: ``out = sum(taps[t] * field[rows[t]])``."""
    out[:] = 0
    for t in range(0, rows.size, 4):
        r0, r1 = field[rows[t]], field[rows[t + 1]]
        r2, r3 = field[rows[t + 2]], field[rows[t + 3]]
        w0, w1, w2, w3 = taps[t], taps[t + 1], taps[t + 2], taps[t + 3]
        for x in range(out.size):
            out[x] += w0 * r0[x] + w1 * r1[x] + w2 * r2[x] + w3 * r3[x]


@nb.njit(nogil=True, cache=True)
def _across_both(
    field: npt.NDArray[np.float32],
    rows: npt.NDArray[np.int64],
    taps: npt.NDArray[np.float32],
    more: npt.NDArray[np.float32],
    out: npt.NDArray[np.float32],
    other: npt.NDArray[np.float32],
) -> None:
    out[:] = 0
    other[:] = 0
    for t in range(0, rows.size, 4):
        r0, r1 = field[rows[t]], field[rows[t + 1]]
        r2, r3 = field[rows[t + 2]], field[rows[t + 3]]
        w0, w1, w2, w3 = taps[t], taps[t + 1], taps[t + 2], taps[t + 3]
        v0, v1, v2, v3 = more[t], more[t + 1], more[t + 2], more[t + 3]
        for x in range(out.size):
            p, q, r, s = r0[x], r1[x], r2[x], r3[x]
            out[x] += w0 * p + w1 * q + w2 * r + w3 * s
            other[x] += v0 * p + v1 * q + v2 * r + v3 * s


@nb.njit(nogil=True, cache=True)
def _collect(
    real: npt.NDArray[np.float32],
    imaginary: npt.NDArray[np.float32],
    out: npt.NDArray[np.float32],
) -> None:
    """Add the magnitudes of a row and their squares to `out`, of shape (2, width)."""
    lengths, squares = out[0], out[1]
    for x in range(real.size):
        square = real[x] * real[x] + imaginary[x] * imaginary[x]
        lengths[x] += np.sqrt(square)
        squares[x] += square


@nb.njit(nogil=True, cache=True)
def _add(
    collected: npt.NDArray[np.float32],
    bounds: npt.NDArray[np.int64],
    sums: npt.NDArray[np.float64],
) -> None:
    """Add what was collected, cell by cell, to sums of shape (cells, 2), and forget it."""
    for cell in range(bounds.size - 1):
        first, second = 0.0, 0.0
        for x in range(bounds[cell], bounds[cell + 1]):
            first += collected[0, x]
            second += collected[1, x]
        sums[cell, 0] += first
        sums[cell, 1] += second
    collected[:] = 0


@nb.njit(nogil=True, cache=True)
def _normalise(
    sums: npt.NDArray[np.float64],
    starts: npt.NDArray[np.int64],
    row_of: npt.NDArray[np.int64],
    out: npt.NDArray[np.float32],
) -> None:
    regions, kernels = sums.shape[0], sums.shape[3]
    lines = np.zeros(regions, np.int64)
    for row in row_of:
        lines[row] += 1
    parts = np.zeros((regions, regions, 2))
    for row in range(regions):
        for column in range(regions):
            pixels = lines[row] * (starts[column + 1] - starts[column])
            if pixels == 0:
                continue
            cell = sums[row, column]
            cell /= pixels
            energy = cell[1].sum()
            for kernel in range(kernels):
                cell[1, kernel] = max(cell[1, kernel] - cell[0, kernel] ** 2, 0)
            parts[row, column, 0] = cell[0].sum()
            # Less is the rounding of float32, not a variance.
            spread = cell[1].sum()
            parts[row, column, 1] = spread if spread > 1e-6 * energy else 0.0
    filled = (parts > 0).sum()
    for row in range(regions):
        for column in range(regions):
            for part in range(2):
                if parts[row, column, part] > 0:
                    scale = 1 / (parts[row, column, part] * filled)
                    for kernel in range(kernels):
                        out[row, column, part, kernel] = sums[row, column, part, kernel] * scale
