"""Arrays of pixels: their form, their size, their values."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, cast

import cv2
import numpy as np
import numpy.typing as npt

from tamis.errors import InvalidParameterError

Pixels = npt.NDArray[np.uint8]

_BAND: Final = 1 << 20  # pixels computed with at a time

DEFAULT_SIZE: Final = 128
"""Longest side, in pixels, at which descriptors look at a picture."""


@dataclass(frozen=True, slots=True)
class Square:
    """A working size of one shape, whatever the proportions of the picture.

    Attributes
    ----------
    side : int
        In pixels.
    crop : bool
        Shows only the middle of a picture, as wide as high; else the whole picture is
        stretched onto the square.
    """

    side: int
    crop: bool = False


Size = int | Square | None
"""A working size: the longest side in pixels, a square, or None: as the picture is."""


def as_rgb(image: npt.NDArray[Any]) -> Pixels:
    """Return an array of pixels as (H, W, 3) uint8 RGB.

    Parameters
    ----------
    image : ndarray of shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), uint8
        Grey, RGB, or RGB with alpha, which is shown over white.

    Raises
    ------
    InvalidParameterError
        If the array has another dtype or shape, or no pixel.
    """
    if image.dtype != np.uint8:
        raise InvalidParameterError(
            f"a picture must be uint8 with values 0 to 255. Got {image.dtype}; convert it first, "
            "for example (255 * image).round().astype('uint8') for floats in [0, 1]."
        )
    if (
        image.ndim not in (2, 3)
        or 0 in image.shape
        or image.shape[2:] not in ((), (1,), (3,), (4,))
    ):
        raise InvalidParameterError(
            f"a picture must have the shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) with at "
            f"least one pixel. Got {image.shape}."
        )
    if image.ndim == 2:
        image = image[:, :, np.newaxis]
    if image.shape[2] == 1:
        image = np.repeat(image, 3, axis=2)
    elif image.shape[2] == 4:
        over = np.empty((*image.shape[:2], 3), np.uint8)
        for rows in _bands(image):
            alpha = image[rows, :, 3:].astype(np.uint16)
            over[rows] = (image[rows, :, :3] * alpha + 255 * (255 - alpha) + 127) // 255
        image = over
    return np.ascontiguousarray(image)


def fit(image: Pixels, size: Size) -> Pixels:
    """Bring an RGB picture to its working size: area average down, linear up.

    Parameters
    ----------
    image : ndarray of shape (H, W, 3), uint8
    size : int, Square or None
        See `working_shape`.

    Returns
    -------
    ndarray of shape (H', W', 3), uint8
        The argument itself if it has that size already.
    """
    if isinstance(size, Square) and size.crop:
        image = _middle(image)
    height, width = image.shape[:2]
    return resize(image, *working_shape(height, width, size))


def working_shape(height: int, width: int, size: Size) -> tuple[int, int]:
    """Compute the shape a picture has at working size `size`.

    The longest side becomes `size`. The other keeps the proportions, rounded to
    the nearest length with no prime factor above 11, so that an FFT of the
    picture is quick: this changes the proportions by less than 5.3 % for sides
    above 32, and by less than 3.5 % for sides above 54.

    Parameters
    ----------
    height, width : int
        In pixels, at least 1.
    size : int, Square or None
        Longest side in pixels; a square; None keeps the shape.

    Returns
    -------
    height, width : int

    Examples
    --------
    >>> working_shape(80, 120, 128)
    (84, 128)
    >>> working_shape(3000, 4000, 128)
    (96, 128)
    >>> working_shape(80, 120, None)
    (80, 120)
    """
    if size is None:
        return height, width
    if isinstance(size, Square):
        return size.side, size.side
    if size < 1:
        raise InvalidParameterError(f"size must be at least 1 pixel, or none. Got {size}.")
    longest = max(height, width)
    if height == longest:
        return size, _smooth_length(width * size / longest, size)
    return _smooth_length(height * size / longest, size), size


def resize(image: Pixels, height: int, width: int) -> Pixels:
    """Bring a picture to a shape: area average down, linear up."""
    if image.shape[:2] == (height, width):
        return image
    shrinks = height * width < image.shape[0] * image.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cast(Pixels, cv2.resize(image, (width, height), interpolation=how))


def turn(image: Pixels, orientation: int) -> Pixels:
    """Undo the rotation and mirroring that EXIF orientation 1 to 8 describes."""
    if orientation in (2, 4, 5, 7):
        image = image[:, ::-1]
    quarter_turns = {3: 2, 4: 2, 5: 1, 6: 3, 7: 3, 8: 1}.get(orientation, 0)
    return np.ascontiguousarray(np.rot90(image, quarter_turns)) if orientation > 1 else image


def inks_to_rgb(inks: Pixels) -> Pixels:
    """Show CMYK, where 255 is full ink, without a colour profile."""
    out = np.empty((*inks.shape[:2], 3), np.uint8)
    for rows in _bands(inks):
        cmy, key = inks[rows, :, :3].astype(np.uint16), inks[rows, :, 3:].astype(np.uint16)
        out[rows] = ((255 - cmy) * (255 - key) + 127) // 255
    return out


def levels_of(parts: Iterable[npt.NDArray[Any]]) -> tuple[float, float]:
    """Find the values of more than 8 bits that are shown black and white.

    Unsigned 16-bit values have their full range, or 0 to 4095 if none exceeds that:
    cameras on microscopes store 12 bits in 16. Anything else (32 bits, floats)
    has no agreed white: 0..1 if all values lie there, else smallest to largest.

    Parameters
    ----------
    parts : iterable of ndarray
        Of one picture; values that are no numbers count as 0.
    """
    low, high, floating = np.inf, -np.inf, False
    for part in parts:
        floating = np.issubdtype(part.dtype, np.floating)
        if floating:
            with np.errstate(invalid="ignore"):  # a signalling NaN would warn
                part = np.nan_to_num(part.astype(np.float64), posinf=0.0, neginf=0.0)
        low, high = min(low, float(part.min())), max(high, float(part.max()))
    if not floating and low >= 0 and high <= 65535:
        return 0.0, 4095.0 if high <= 4095 else 65535.0
    if low >= 0 and high <= 1:
        return 0.0, 1.0
    return low, high


def to_8_bits(values: npt.NDArray[Any], levels: tuple[float, float]) -> Pixels:
    """Scale values of more than 8 bits to 0..255 by `levels_of` them, without clipping."""
    low, high = levels
    out = np.zeros(values.shape, np.uint8)
    if high <= low:
        return out
    for rows in _bands(values):
        with np.errstate(invalid="ignore"):
            part = np.nan_to_num(values[rows].astype(np.float64), posinf=0.0, neginf=0.0)
        out[rows] = (part - low) * (255.0 / (high - low)) + 0.5
    return out


def _bands(image: npt.NDArray[Any]) -> Iterator[slice]:
    """Cut an image into bands of rows, so that what is computed from it stays small."""
    rows = max(1, _BAND // max(1, image.shape[1]))
    for top in range(0, len(image), rows):
        yield slice(top, top + rows)


def _middle(image: Pixels) -> Pixels:
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return np.ascontiguousarray(image[top : top + side, left : left + side])


@cache
def _smooth_lengths(size: int) -> npt.NDArray[np.int64]:
    rest = np.arange(1, size + 1)
    for prime in (2, 3, 5, 7, 11):
        while (divisible := (rest % prime == 0)).any():
            rest[divisible] //= prime
    return np.append(np.flatnonzero(rest == 1) + 1, size)


def _smooth_length(length: float, size: int) -> int:
    lengths = _smooth_lengths(size)
    return int(lengths[np.abs(lengths - length).argmin()])
