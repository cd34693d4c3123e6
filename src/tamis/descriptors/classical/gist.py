"""`gist`: the layout of a scene, by the energies of oriented filters."""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Final, cast, final

import cv2
import numba as nb
import numpy as np
import numpy.typing as npt

from tamis.descriptors.base import Features, PixelDescriptor, check_int
from tamis.descriptors.classical.regions import region_start
from tamis.images import Pixels

_SCALES: Final = 4
_ORIENTATIONS: Final = 8
# Four cycles over the longest side: slower changes are light, not layout.
_LIGHT: Final = 4 / math.sqrt(math.log(2))
_MARGIN: Final = 16
# Filters of larger spectra are built each time: kept, they would fill the memory.
_KEPT_PIXELS: Final = 1 << 16


@final
@dataclass(frozen=True, kw_only=True)
class Gist(PixelDescriptor):
    """Mean energies of oriented filters by regions.

    The logarithm of the grey picture is evened out: less its low frequencies (up to
    4 cycles over the longest side), over the local contrast. It is filtered at 4
    scales (0.3 cycles per pixel, then each 1.85 times lower) in 8 orientations; the
    magnitudes are averaged in each of regions x regions cells.

    Parameters
    ----------
    regions : int
        Cells per side, 1 to 16.
    size : int or None
        Working size in pixels, 64 by default: the scales are in pixels.

    Notes
    -----
    ``dim = 32 * regions**2``: 512 by default; the cells in row-major order, in each
    the scales from fine to coarse, in each the orientations. A picture of one colour
    gives zeros, and so does a cell without pixels.

    After Oliva and Torralba [1]_, with the filters of their published program.
    Differs from it: the picture keeps its proportions instead of being cropped to a
    square; it is mirrored at its borders once, by 16 pixels, for the evening out and
    for the filters; the paper reduces the energies to principal components, which
    need a collection.

    References
    ----------
    .. [1] A. Oliva, A. Torralba, "Modeling the shape of the scene: A holistic
       representation of the spatial envelope", International Journal of Computer
       Vision 42(3), 145-175, 2001. https://doi.org/10.1023/A:1011139631724

    Examples
    --------
    >>> noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    >>> Gist(regions=2).describe([noise]).shape
    (1, 128)
    """

    name: ClassVar[str] = "gist"
    summary: ClassVar[str] = "energies of oriented filters on a grid: layout of a scene, no colour"
    reference: ClassVar[str] = "Oliva & Torralba 2001, doi:10.1023/A:1011139631724"

    regions: int = 4
    size: int | None = 64

    def __post_init__(self) -> None:
        super().__post_init__()
        check_int("regions", self.regions, 1, 16)

    @property
    def dim(self) -> int:
        """Length of the vectors: ``32 * regions**2``."""
        return _SCALES * _ORIENTATIONS * self.regions**2

    def _fill(self, image: Pixels, out: Features) -> None:
        height, width = image.shape[:2]
        spectrum = np.fft.fft2(_evened(image))
        shape = spectrum.shape
        cells = out.reshape(self.regions, self.regions, _SCALES, _ORIENTATIONS)
        small = spectrum.size <= _KEPT_PIXELS
        together = _ORIENTATIONS if small else 1
        build = _filters if small else _filters.__wrapped__
        for scale in range(_SCALES):
            for first in range(0, _ORIENTATIONS, together):
                bank = build(*shape, scale, first, together)
                # Rows first, so that the columns of the margin need no second pass.
                half = np.fft.ifft(spectrum * bank, axis=2)[:, :, _MARGIN : _MARGIN + width]
                responses = np.fft.ifft(half, axis=1)[:, _MARGIN : _MARGIN + height]
                _average(responses, cells[:, :, scale, first : first + together])


def _evened(image: Pixels) -> npt.NDArray[np.float32]:
    """Return log-grey less its low frequencies, over its contrast, with margins."""
    height, width = image.shape[:2]
    levels = np.log1p(np.arange(256)).astype(np.float32)
    grey = levels[cast(Pixels, cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))]
    # A constant does not count; without this one its rounding would.
    grey -= grey[0, 0]
    ends = [(_MARGIN, _good_length(n + 2 * _MARGIN) - n - _MARGIN) for n in (height, width)]
    framed = np.pad(grey, ends, mode="symmetric")
    low = _low_pass(*framed.shape, max(height, width))
    framed -= np.fft.irfft2(np.fft.rfft2(framed) * low, framed.shape)
    contrast = np.fft.irfft2(np.fft.rfft2(framed * framed) * low, framed.shape)
    framed /= 0.2 + np.sqrt(np.abs(contrast))
    return framed


def _good_length(length: int) -> int:
    """Smallest multiple of 8 from `length` on without prime factors above 5.

    An FFT of such a length is quick; and pictures of many shapes share few spectra.
    """
    candidate = -(-length // 8)
    while True:
        rest = candidate
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return candidate * 8
        candidate += 1


@lru_cache(maxsize=64)
def _low_pass(height: int, width: int, longest: int) -> npt.NDArray[np.float32]:
    y = np.fft.fftfreq(height)[:, np.newaxis]
    x = np.fft.rfftfreq(width)
    low = np.exp(-(x * x + y * y) * (longest / _LIGHT) ** 2)
    return low.astype(np.float32)


@lru_cache(maxsize=64)
def _filters(
    height: int, width: int, scale: int, first: int, count: int
) -> npt.NDArray[np.float32]:
    """Build the spectra of `count` orientations, from `first` on, of one scale."""
    y = np.fft.fftfreq(height)[:, np.newaxis]
    x = np.fft.fftfreq(width)
    radial = -3.5 * (np.hypot(x, y) * (1.85**scale / 0.3) - 1) ** 2
    turned = (
        np.arctan2(y, x)
        + math.pi / _ORIENTATIONS * np.arange(first, first + count)[:, np.newaxis, np.newaxis]
    )
    turned -= 2 * math.pi * (turned > math.pi)
    return np.exp(radial - 2 * math.pi * turned**2).astype(np.float32)


@nb.njit(nogil=True, cache=True)
def _average(responses: npt.NDArray[Any], out: npt.NDArray[np.float32]) -> None:
    """Write mean magnitudes: (filters, height, width) to (regions, regions, filters)."""
    filters, height, width = responses.shape
    regions = out.shape[0]
    for row in range(regions):
        top, bottom = region_start(row, regions, height), region_start(row + 1, regions, height)
        for column in range(regions):
            left = region_start(column, regions, width)
            right = region_start(column + 1, regions, width)
            if top == bottom or left == right:
                continue
            for i in range(filters):
                total = 0.0
                for y in range(top, bottom):
                    for x in range(left, right):
                        z = responses[i, y, x]
                        total += np.sqrt(z.real * z.real + z.imag * z.imag)
                out[row, column, i] = total / ((bottom - top) * (right - left))
