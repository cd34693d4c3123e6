"""Augmentation: the picture a network sees this time.

Flip, shear, zoom, rotation, shift and crop are one affine map, so a picture is
interpolated once, however many of them apply; brightness, contrast, saturation
and hue are one colour matrix. All that is drawn by chance for a batch comes from
one stream, keyed by the seed, the epoch and the number of the batch: which thread
prepares it, and when, does not matter.
"""

import math
from dataclasses import dataclass, replace
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from tamis.errors import InvalidParameterError, UnknownNameError
from tamis.images import Pixels

Draws = npt.NDArray[np.float64]

_GREY: Final = np.array([0.299, 0.587, 0.114])
_N_DRAWS: Final = 13


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How far pictures may be changed.

    Attributes
    ----------
    flip : bool
        Mirror half of them, left to right.
    shear, rotation : float
        At most so many degrees, either way.
    zoom, stretch : float
        Scale by 1 - zoom to 1 + zoom; the two axes apart by the factor 1 + stretch.
    shift : float
        At most this share of the side, either way, along each axis.
    crop : float
        Smallest share of the area to show; 1 shows all. The window lies inside.
    brightness, contrast, saturation : float
        Multiply by 1 - x to 1 + x.
    hue : float
        Turn the colours by at most so many degrees.
    grey : float
        Share of pictures shown without colour.
    erase : float
        Share of pictures of which a square with half the side turns grey.
    mixup, cutmix : float
        Parameter of the Beta distribution by which pairs of pictures are blended, or
        a rectangle of one is pasted into the other; 0 leaves it out. With both,
        each batch gets one of them by chance.

    References
    ----------
    .. [1] H. Zhang et al., "mixup: Beyond Empirical Risk Minimization", ICLR 2018.
       https://doi.org/10.48550/arXiv.1710.09412
    .. [2] S. Yun et al., "CutMix: Regularization Strategy to Train Strong Classifiers
       with Localizable Features", ICCV 2019. https://doi.org/10.1109/ICCV.2019.00612
    .. [3] T. DeVries and G. W. Taylor, "Improved Regularization of Convolutional
       Neural Networks with Cutout", 2017. https://doi.org/10.48550/arXiv.1708.04552
    """

    flip: bool = False
    shear: float = 0.0
    rotation: float = 0.0
    zoom: float = 0.0
    stretch: float = 0.0
    shift: float = 0.0
    crop: float = 1.0
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    grey: float = 0.0
    erase: float = 0.0
    mixup: float = 0.0
    cutmix: float = 0.0

    def __post_init__(self) -> None:
        """Check the ranges."""
        shares = ("zoom", "shift", "brightness", "contrast", "saturation", "grey", "erase")
        for name, low, high in [
            *((name, 0.0, 1.0) for name in shares),
            ("shear", 0.0, 60.0),
            ("rotation", 0.0, 180.0),
            ("hue", 0.0, 180.0),
            ("stretch", 0.0, 3.0),
            ("crop", 0.01, 1.0),
            ("mixup", 0.0, 10.0),
            ("cutmix", 0.0, 10.0),
        ]:
            value = getattr(self, name)
            if not low <= value <= high:
                raise InvalidParameterError(
                    f"{name} of an augmentation must be {low:g} to {high:g}. Got {value!r}."
                )
        if self.zoom == 1:
            raise InvalidParameterError("zoom must be below 1: nothing would be left.")

    @property
    def warps(self) -> bool:
        """Whether pixels move."""
        moved = (self.flip, self.shear, self.rotation, self.zoom, self.stretch, self.shift)
        return any(moved) or self.crop < 1

    @property
    def recolors(self) -> bool:
        """Whether colours change."""
        return any((self.brightness, self.contrast, self.saturation, self.hue, self.grey))

    def draw(self, random: np.random.Generator, n: int) -> Draws:
        """Draw what `apply` needs for n pictures.

        Returns
        -------
        ndarray of shape (n, 13), float64
            Uniform in [0, 1).
        """
        return random.random((n, _N_DRAWS))

    def apply(self, image: Pixels, draw: Draws, out: Pixels) -> None:
        """Show one picture as the draw says.

        Parameters
        ----------
        image : ndarray of shape (H, W, 3), uint8
        draw : ndarray of shape (13,), float64
            A row of what `draw` gave.
        out : ndarray of shape (H, W, 3), uint8
            Receives the result.
        """
        if self.warps:
            matrix = self._affine(draw, *image.shape[:2])
            how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
            size = image.shape[1::-1]
            cv2.warpAffine(image, matrix, size, out, how, cv2.BORDER_REFLECT_101)
        else:
            out[...] = image
        if self.recolors:
            cv2.transform(out, self._colors(draw), out)
        if self.erase and draw[12] < self.erase:
            height, width = out.shape[:2]
            # Where in the share it fell, scaled up, is uniform again; so is each cell of it.
            place = draw[12] / self.erase * 64
            top = int(height * (0.75 * (place // 8) / 7 - 0.125))
            left = int(width * (0.75 * (place % 8) / 8 - 0.125))
            out[max(top, 0) : top + height // 2, max(left, 0) : left + width // 2] = 128

    def _affine(self, draw: Draws, height: int, width: int) -> npt.NDArray[np.float64]:
        """Map a pixel of the result to where it lies in the picture."""
        u = 2 * draw - 1
        turn, lean = math.radians(self.rotation * u[1]), math.radians(self.shear * u[2])
        scale, apart = 1 + self.zoom * u[3], (1 + self.stretch) ** (u[4] / 2)
        dx, dy = self.shift * width * u[5], self.shift * height * u[6]
        if self.crop < 1:
            side = math.sqrt(self.crop + (1 - self.crop) * draw[3])
            scale *= side
            dx += (1 - side) / 2 * width * u[5]
            dy += (1 - side) / 2 * height * u[6]
        cos, sin = math.cos(turn), math.sin(turn)
        a, b = scale * apart * cos, scale / apart * (-sin + math.tan(lean) * cos)
        c, d = scale * apart * sin, scale / apart * (cos + math.tan(lean) * sin)
        if self.flip and draw[0] < 0.5:
            a, c = -a, -c
        x, y = (width - 1) / 2, (height - 1) / 2
        return np.array([[a, b, x + dx - a * x - b * y], [c, d, y + dy - c * x - d * y]])

    def _colors(self, draw: Draws) -> npt.NDArray[np.float64]:
        """Map a colour to the colour shown: 3x3 matrix and offset."""
        u = 2 * draw - 1
        matrix = np.eye(3)
        if self.hue:
            # A turn about the grey axis.
            angle = math.radians(self.hue * u[7])
            cos, sin = math.cos(angle), math.sin(angle) / math.sqrt(3)
            cross = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
            matrix = cos * np.eye(3) + (1 - cos) / 3 + sin * cross
        keep = 0.0 if draw[11] < self.grey else 1 + self.saturation * u[8]
        matrix = (keep * np.eye(3) + (1 - keep) * _GREY) @ matrix
        contrast, brightness = 1 + self.contrast * u[9], 1 + self.brightness * u[10]
        offset = np.full((3, 1), 128 * (1 - contrast) * brightness)
        return np.hstack([contrast * brightness * matrix, offset])


NONE: Final = Augmentation()
ORIGINAL: Final = Augmentation(flip=True, shear=0.2, zoom=0.2)
STRONG: Final = Augmentation(
    flip=True,
    shear=8.0,
    rotation=8.0,
    zoom=0.25,
    stretch=0.25,
    shift=0.1,
    brightness=0.25,
    contrast=0.25,
    saturation=0.25,
    hue=6.0,
)
AUGMENTATIONS: Final = {"none": NONE, "original": ORIGINAL, "strong": STRONG}
"""Those with a name. ``original`` is that of the report: shear, zoom, flip."""


def augmentation(wanted: "str | Augmentation | dict[str, Any]") -> Augmentation:
    """Find an augmentation by its name, or build it from its settings.

    Parameters
    ----------
    wanted : str, Augmentation or dict
        A name in `AUGMENTATIONS`; settings as a dict change those of ``none``.

    Raises
    ------
    UnknownNameError
        There is none of that name.
    InvalidParameterError
        A setting is unknown or out of its range.
    """
    if isinstance(wanted, Augmentation):
        return wanted
    if isinstance(wanted, dict):
        known = Augmentation.__slots__
        for name in wanted:
            if name not in known:
                raise UnknownNameError.among("setting of an augmentation", str(name), known)
        return replace(NONE, **wanted)
    if wanted not in AUGMENTATIONS:
        raise UnknownNameError.among("augmentation", str(wanted), AUGMENTATIONS)
    return AUGMENTATIONS[wanted]


@dataclass(frozen=True, slots=True)
class Mixing:
    """How the pictures of one batch are paired: each with another, by one share.

    Attributes
    ----------
    partner : ndarray of shape (n,), int64
    share : float
        Weight of a picture's own class; the rest goes to its partner's.
    box : (int, int, int, int) or None
        Top, bottom, left, right of what is pasted (cutmix); None blends (mixup).
    """

    partner: npt.NDArray[np.int64]
    share: float
    box: tuple[int, int, int, int] | None


def draw_mixing(
    how: Augmentation, random: np.random.Generator, n: int, height: int, width: int
) -> Mixing | None:
    """Pair the pictures of a batch by chance, or not at all."""
    if not (how.mixup or how.cutmix):
        return None
    partner = random.permutation(n)
    paste = how.cutmix and (not how.mixup or random.random() < 0.5)
    alpha = how.cutmix if paste else how.mixup
    share = float(random.beta(alpha, alpha))
    if not paste:
        return Mixing(partner, share, None)
    side = math.sqrt(1 - share)
    y, x = random.random() * height, random.random() * width
    top, bottom = (round(min(max(y + s * side * height / 2, 0), height)) for s in (-1, 1))
    left, right = (round(min(max(x + s * side * width / 2, 0), width)) for s in (-1, 1))
    return Mixing(
        partner, 1 - (bottom - top) * (right - left) / (height * width), (top, bottom, left, right)
    )
