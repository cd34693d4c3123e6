"""`daisy`: what local shapes look like, averaged over the picture."""

import math
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, Final, final

import numba as nb
import numpy as np
import numpy.typing as npt

from tamis.descriptors.base import Features, PixelDescriptor, check_int
from tamis.descriptors.classical.grey import exact_grey
from tamis.descriptors.classical.regions import region_start
from tamis.images import Pixels

_STEP: Final = 10
_RADIUS: Final = 30
_RINGS: Final = 2
_PETALS: Final = 6
_ORIENTATIONS: Final = 8
_LENGTH: Final = (1 + _RINGS * _PETALS) * _ORIENTATIONS


@final
@dataclass(frozen=True, kw_only=True)
class Daisy(PixelDescriptor):
    """Mean of the DAISY descriptors on a grid.

    At every pixel the gradient of the grey picture is shared among eight
    orientations, and each of the eight maps is smoothed by Gaussians. A DAISY reads
    the maps at its centre and at six points on each of two rings, of radius 15 and
    30 pixels, the outer ring in maps twice as smooth (standard deviations of 7.5
    and 15 pixels), and divides its 104 values by their sum. DAISYs stand every 10
    pixels, at least 30 from the borders; their mean describes the picture, or each
    of regions x regions cells of it, which are described one by one as if they were
    pictures. The whole vector is divided by its sum.

    Parameters
    ----------
    regions : int
        Cells per side, 1 to 16; 1 is the global description.
    size : int or None
        Working size in pixels.

    Notes
    -----
    ``dim = regions**2 * 104``: 104 by default; the cells in row-major order, in each
    the centre, then the rings from the inside, counter-clockwise seen with y upwards.
    A cell of one colour gives zeros.

    A cell that a DAISY does not fit in (a side of 60 pixels or less) is described
    with the largest that does: the radii and the Gaussians shrink alike, the step
    stays. With ``size=none`` and cells that are large enough the values are those of
    the original system.

    After Tola, Lepetit and Fua [1]_, with the defaults of scikit-image in the rest.
    Differs from the paper as those do: a gradient counts for all orientations, with
    the weights of a von Mises distribution, instead of for those within 90 degrees,
    by the cosine; the Gaussians are not computed one from the other.

    References
    ----------
    .. [1] E. Tola, V. Lepetit, P. Fua, "DAISY: An efficient dense descriptor applied
       to wide-baseline stereo", IEEE Transactions on Pattern Analysis and Machine
       Intelligence 32(5), 815-830, 2010. https://doi.org/10.1109/TPAMI.2009.77

    Examples
    --------
    >>> noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    >>> vectors = Daisy().describe([noise])
    >>> vectors.shape, round(float(vectors.sum()), 3)
    ((1, 104), 1.0)
    """

    name: ClassVar[str] = "daisy"
    summary: ClassVar[str] = "mean of local gradient patterns: shapes and textures, no colour"
    reference: ClassVar[str] = "Tola et al. 2010, doi:10.1109/TPAMI.2009.77"

    regions: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        check_int("regions", self.regions, 1, 16)

    @property
    def dim(self) -> int:
        """Length of the vectors: ``regions**2 * 104``."""
        return self.regions**2 * _LENGTH

    def _fill(self, image: Pixels, out: Features) -> None:
        grey = exact_grey(image)
        height, width = grey.shape
        cells = np.zeros((self.regions, self.regions, _LENGTH))
        for row in range(self.regions):
            top, bottom = (region_start(row + i, self.regions, height) for i in (0, 1))
            for column in range(self.regions):
                left, right = (region_start(column + i, self.regions, width) for i in (0, 1))
                if top < bottom and left < right:
                    radius = min(_RADIUS, (min(bottom - top, right - left) - 1) // 2)
                    _mean(
                        grey[top:bottom, left:right],
                        radius,
                        _STEP,
                        *_flower(radius),
                        cells[row, column],
                    )
        total = cells.sum()
        if total > 0:
            out[:] = (cells / total).ravel()


@cache
def _flower(
    radius: int,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Lay out a DAISY of this radius, from 0 to 30 pixels.

    Returns
    -------
    gaussians : ndarray of shape (rings, 2 * reach + 1), float32
        Of the centre and the first ring; of the second ring. To four standard
        deviations, padded with zeros.
    reaches : ndarray of shape (rings,), int64
        Where a Gaussian ends, in pixels from its middle.
    points : ndarray of shape (13, 3), int64
        Ring (0 or 1), dy, dx of what is read.
    """
    sigmas = [radius * (ring + 1) / (2 * _RINGS) for ring in range(_RINGS)]
    reaches = np.array([int(4 * sigma + 0.5) for sigma in sigmas])
    gaussians = np.zeros((_RINGS, 2 * reaches[-1] + 1), np.float32)
    points = [(0, 0, 0)]
    for ring, (sigma, reach) in enumerate(zip(sigmas, reaches, strict=True)):
        x = np.arange(-reach, reach + 1)
        gauss = np.exp(-0.5 * (x / sigma) ** 2) if sigma > 0 else np.ones(1)
        gaussians[ring, : x.size] = gauss / gauss.sum()
        distance = radius * (ring + 1) / _RINGS
        for petal in range(_PETALS):
            angle = 2 * math.pi * petal / _PETALS
            points.append(
                (ring, round(distance * math.sin(angle)), round(distance * math.cos(angle)))
            )
    return gaussians, reaches, np.array(points)


@nb.njit(nogil=True, cache=True)
def _mean(
    grey: npt.NDArray[np.int32],
    radius: int,
    step: int,
    gaussians: npt.NDArray[np.float32],
    reaches: npt.NDArray[np.int64],
    points: npt.NDArray[np.int64],
    out: npt.NDArray[np.float64],
) -> None:
    """Write the mean DAISY of a picture into `out`, of shape (13 * 8,)."""
    height, width = grey.shape
    reach = reaches[-1]
    # The maps are needed some rows at a time; a tall picture goes round in a ring.
    # Zeros, because rows of weight 0 may be read before they are written.
    depth = min(height, 2 * (radius + reach) + 1)
    maps = np.zeros((depth, 8 * width), np.float32)
    rays = np.empty((3, width), np.float32)
    smooth = np.empty(8 * width, np.float32)
    # Turned, so that the eight orientations of a point lie side by side; and
    # reflected beyond the borders.
    turned = np.empty((width + 2 * reach, 8), np.float32)
    columns = (width - 2 * radius + step - 1) // step
    daisies = np.empty((columns, points.shape[0], 8), np.float32)
    done, positions = 0, 0
    for middle in range(radius, height - radius, step):
        while done < min(height, middle + radius + reach + 1):
            _orientations(grey, done, rays, maps[done % depth].reshape(8, width))
            done += 1
        for first in range(points.shape[0]):
            ring, dy = points[first, 0], points[first, 1]
            fresh = True
            for point in range(first):
                fresh = fresh and (points[point, 0] != ring or points[point, 1] != dy)
            if not fresh:
                continue
            gauss = gaussians[ring, : 2 * reaches[ring] + 1]
            _smooth_rows(maps, middle + dy, height, gauss, smooth)
            _turn(smooth.reshape(8, width), turned)
            for point in range(first, points.shape[0]):
                if points[point, 0] == ring and points[point, 1] == dy:
                    start = reach - reaches[ring] + radius + points[point, 2]
                    _read(turned, start, step, gauss, daisies[:, point])
        for column in range(columns):
            total = daisies[column].sum()
            if total > 0:
                out += daisies[column].reshape(-1) / total
        positions += columns
    out /= positions


@nb.njit(nogil=True, cache=True)
def _orientations(
    grey: npt.NDArray[np.int32],
    y: int,
    rays: npt.NDArray[np.float32],
    maps: npt.NDArray[np.float32],
) -> None:
    """Share the gradients of row `y` among the orientations."""
    height, width = grey.shape
    upper, lower = grey[y], grey[min(y + 1, height - 1)]
    for x in range(width):
        right = upper[x + 1] if x + 1 < width else upper[x]
        dx, dy = np.float32(right - upper[x]), np.float32(lower[x] - upper[x])
        length = np.sqrt(dx * dx + dy * dy)
        scale = np.float32(8 / math.pi) / length if length > 0 else np.float32(0)
        rays[0, x], rays[1, x], rays[2, x] = dx * scale, dy * scale, length
    along_x, along_y, lengths = rays[0], rays[1], rays[2]
    for orientation in range(4):
        angle = math.pi * orientation / 4
        cosine, sine = np.float32(math.cos(angle)), np.float32(math.sin(angle))
        back, forth = maps[orientation], maps[orientation + 4]
        for x in range(width):
            # exp(z) and exp(-z) from the series of cosh and sinh: |z| <= 8 / pi, where
            # what is left out is below the rounding of float32.
            z = along_x[x] * cosine + along_y[x] * sine
            s = z * z
            cosh = np.float32(1 / 87178291200)
            cosh = cosh * s + np.float32(1 / 479001600)
            cosh = cosh * s + np.float32(1 / 3628800)
            cosh = cosh * s + np.float32(1 / 40320)
            cosh = cosh * s + np.float32(1 / 720)
            cosh = cosh * s + np.float32(1 / 24)
            cosh = cosh * s + np.float32(1 / 2)
            cosh = cosh * s + np.float32(1)
            sinh = np.float32(1 / 1307674368000)
            sinh = sinh * s + np.float32(1 / 6227020800)
            sinh = sinh * s + np.float32(1 / 39916800)
            sinh = sinh * s + np.float32(1 / 362880)
            sinh = sinh * s + np.float32(1 / 5040)
            sinh = sinh * s + np.float32(1 / 120)
            sinh = sinh * s + np.float32(1 / 6)
            sinh = sinh * s + np.float32(1)
            sinh *= z
            back[x] = lengths[x] * (cosh - sinh)
            forth[x] = lengths[x] * (cosh + sinh)


@nb.njit(nogil=True, cache=True, inline="always")
def _reflected(i: int, length: int) -> int:
    """Index of pixel `i` of a line that is mirrored at both ends."""
    i %= 2 * length
    return i if i < length else 2 * length - 1 - i


@nb.njit(nogil=True, cache=True)
def _smooth_rows(
    maps: npt.NDArray[np.float32],
    y: int,
    height: int,
    gauss: npt.NDArray[np.float32],
    out: npt.NDArray[np.float32],
) -> None:
    depth, reach = maps.shape[0], gauss.size // 2
    low, high = max(0, y - reach), min(height, y + reach + 1)
    weights = np.zeros(high - low + 3, np.float32)
    for t in range(gauss.size):
        weights[_reflected(y + t - reach, height) - low] += gauss[t]
    out[:] = 0
    for row in range(low, high, 4):
        w0, w1 = weights[row - low], weights[row - low + 1]
        w2, w3 = weights[row - low + 2], weights[row - low + 3]
        r0, r1 = maps[row % depth], maps[(row + 1) % depth]
        r2, r3 = maps[(row + 2) % depth], maps[(row + 3) % depth]
        for i in range(out.size):
            out[i] += w0 * r0[i] + w1 * r1[i] + w2 * r2[i] + w3 * r3[i]


@nb.njit(nogil=True, cache=True)
def _turn(smooth: npt.NDArray[np.float32], turned: npt.NDArray[np.float32]) -> None:
    width = smooth.shape[1]
    reach = (turned.shape[0] - width) // 2
    for orientation in range(8):
        for x in range(width):
            turned[reach + x, orientation] = smooth[orientation, x]
    for x in range(-reach, 0):
        turned[reach + x] = turned[reach + _reflected(x, width)]
    for x in range(width, width + reach):
        turned[reach + x] = turned[reach + _reflected(x, width)]


@nb.njit(nogil=True, cache=True)
def _read(
    turned: npt.NDArray[np.float32],
    start: int,
    step: int,
    gauss: npt.NDArray[np.float32],
    out: npt.NDArray[np.float32],
) -> None:
    for column in range(out.shape[0]):
        a = b = c = d = e = f = g = h = np.float32(0)
        window = turned[start + column * step :]
        for t in range(gauss.size):
            w = gauss[t]
            a += w * window[t, 0]
            b += w * window[t, 1]
            c += w * window[t, 2]
            d += w * window[t, 3]
            e += w * window[t, 4]
            f += w * window[t, 5]
            g += w * window[t, 6]
            h += w * window[t, 7]
        out[column, 0], out[column, 1], out[column, 2], out[column, 3] = a, b, c, d
        out[column, 4], out[column, 5], out[column, 6], out[column, 7] = e, f, g, h
