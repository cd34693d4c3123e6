"""How a picture looks that shows too little to teach: black, white, blurred or cut off."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, cast, final

import cv2
import numpy as np
import numpy.typing as npt

from tamis.descriptors.base import Features, PixelDescriptor
from tamis.images import Pixels

BLACK: Final = "black"
WHITE: Final = "white"
PLAIN: Final = "plain"
BLURRED: Final = "blurred"
CUT: Final = "cut"
LOOKS: Final = (BLACK, WHITE, PLAIN, BLURRED, CUT)
"""Nearly black, nearly white, of one shade otherwise, blurred, cut off."""

_SIDE: Final = 256  # longer side of what is measured, so that large photos are not sharper
_TILE: Final = 32
_DARK: Final = 24.0  # grey level, of 255, below which all but a hundredth lies
_BRIGHT: Final = 247.0
_SHADE: Final = 4.0  # grey levels between the first and the last percent of a plain picture
_FLOOR: Final = 0.02  # sharpness below which no detail is left, whatever the others are like
_FAR: Final = 4.0  # robust standard deviations below the median of the logarithms
_SPREAD: Final = 0.2  # least standard deviation of the logarithms, where all are alike
_CUT_SHARE: Final = 0.1  # of the height that a cut-off picture lacks, at least


@dataclass(frozen=True, slots=True)
class Look:
    """A picture that shows too little.

    Attributes
    ----------
    path : str
    kind : str
        ``black``, ``white``, ``plain``, ``blurred`` or ``cut``.
    value : float
        What was measured: the 99th percentile of grey for ``black``, the first for ``white``,
        the range between both for ``plain``, the sharpness for ``blurred``, the share of the
        height that is missing for ``cut``.
    """

    path: str
    kind: str
    value: float


@final
@dataclass(frozen=True, kw_only=True)
class LooksDescriptor(PixelDescriptor):
    """Darkest and brightest grey, sharpness, and the share of the height that is filled in.

    Notes
    -----
    Sharpness is the standard deviation of the Laplacian over that of the grey levels, which does
    not depend on contrast, on the picture brought to 256 pixels at its longer side. It is
    measured in tiles of 32 pixels that show something, and that of the sharpest tenth counts:
    a sharp bird before a soft background is a sharp picture. A file that ends too early is
    filled by its decoder with mid-grey from some row on to the last.
    """

    name: ClassVar[str] = "looks"
    summary: ClassVar[str] = "what a picture must show to teach"
    reference: ClassVar[str] = ""

    @property
    def dim(self) -> int:
        """Length: darkest and brightest percentile, sharpness, share cut off."""
        return 4

    def _fill(self, image: Pixels, out: Features) -> None:
        grey = cast(Pixels, cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))
        out[3] = filled_share(image)
        scale = _SIDE / max(grey.shape)
        if scale < 1:
            size = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
            grey = cast(Pixels, cv2.resize(grey, size, interpolation=cv2.INTER_AREA))
        out[0], out[1] = np.percentile(grey, (1, 99))
        out[2] = sharpness(grey)


def sharpness(grey: Pixels) -> float:
    """Return how much of the contrast is detail, in the sharpest tiles of a grey picture."""
    detail = cv2.Laplacian(grey, cv2.CV_32F, ksize=1, borderType=cv2.BORDER_REPLICATE)
    values = []
    for top in range(0, max(1, grey.shape[0] - _TILE // 2), _TILE):
        for left in range(0, max(1, grey.shape[1] - _TILE // 2), _TILE):
            tile = np.s_[top : top + _TILE, left : left + _TILE]
            spread = float(grey[tile].std())
            if spread >= _SHADE:
                values.append(float(detail[tile].std()) / spread)
    return float(np.percentile(values, 90)) if values else 0.0


def filled_share(image: Pixels) -> float:
    """Return the share of rows at the lower end that are of one mid-grey, exactly.

    Examples
    --------
    >>> image = np.arange(48, dtype=np.uint8).reshape(4, 4, 3).repeat(2, axis=0)
    >>> image[6:] = 128
    >>> filled_share(image)
    0.25
    """
    last = image[-1, 0]
    if np.ptp(last) > 0 or not 126 <= int(last[0]) <= 130:  # decoders fill with the middle
        return 0.0
    same = (image == last).reshape(len(image), -1).all(axis=1)
    return float(np.argmin(same[::-1]) / len(image)) if not same.all() else 1.0


def find_looks(paths: Sequence[str], values: Features) -> Iterator[Look]:
    """Give the pictures that show too little, a kind for each.

    Parameters
    ----------
    paths : sequence of str
    values : ndarray of shape (n, 4), float32
        By `LooksDescriptor`.

    Yields
    ------
    Look
        In the order of `paths`.

    Notes
    -----
    Blurred is far from the others: the logarithm of the sharpness lies four robust standard
    deviations (1.4826 times the median absolute deviation) below their median.
    """
    if not len(values):
        return
    low, high, sharp, cut = (values[:, i].astype(np.float64) for i in range(4))
    least = _least_sharpness(sharp[high - low >= _SHADE])
    for path, dark, bright, detail, missing in zip(paths, low, high, sharp, cut, strict=True):
        if bright <= _DARK:
            yield Look(path, BLACK, float(bright))
        elif dark >= _BRIGHT:
            yield Look(path, WHITE, float(dark))
        elif bright - dark < _SHADE:
            yield Look(path, PLAIN, float(bright - dark))
        elif missing >= _CUT_SHARE:
            yield Look(path, CUT, float(missing))
        elif detail < least:
            yield Look(path, BLURRED, float(detail))


def _least_sharpness(sharp: npt.NDArray[Any]) -> float:
    if not len(sharp):
        return _FLOOR
    logs = np.log(np.maximum(sharp, 1e-6))
    middle = float(np.median(logs))
    spread = 1.4826 * float(np.median(np.abs(logs - middle)))
    return max(_FLOOR, float(np.exp(middle - _FAR * max(spread, _SPREAD))))
