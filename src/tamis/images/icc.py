"""Embedded colour profiles: what a picture looks like in sRGB."""

import io
from functools import lru_cache
from typing import Any, Final

import numpy as np

from tamis.images.pixels import Pixels

_SPACES: Final = {"RGB": "RGB", "L": "GRAY", "CMYK": "CMYK"}
_ALIKE: Final = 3  # levels: a profile that changes no colour by more is sRGB under another name
_BAND: Final = 1 << 22  # pixels converted at a time


def to_srgb(pixels: Pixels, profile: bytes, mode: str = "RGB") -> Pixels | None:
    """Convert colours by an embedded profile, with its perceptual intent.

    Parameters
    ----------
    pixels : ndarray of shape (H, W, 3) or, for CMYK, (H, W, 4), uint8
        For CMYK, 255 is full ink.
    profile : bytes
    mode : {'RGB', 'CMYK'}
        A profile of grey is applied to RGB pixels whose channels are equal.

    Returns
    -------
    ndarray of shape (H, W, 3), uint8, or None
        None if nothing changes: the profile is that of sRGB, is broken, or belongs to
        pixels of another kind.
    """
    if not profile:
        return None
    if mode == "RGB" and profile[16:20] == b"GRAY":
        mode = "L"
    transform = _transform(profile, mode)
    if transform is None:
        return None
    if mode == "L":
        return _curve(profile)[pixels[:, :, 0]]
    out = np.empty((*pixels.shape[:2], 3), np.uint8)
    rows = max(1, _BAND // pixels.shape[1])
    for top in range(0, len(pixels), rows):
        out[top : top + rows] = _applied(transform, pixels[top : top + rows], mode)
    return out


@lru_cache(maxsize=8)
def _curve(profile: bytes) -> Pixels:
    greys = np.arange(256, dtype=np.uint8)[np.newaxis]
    return _applied(_transform(profile, "L"), greys, "L")[0]


@lru_cache(maxsize=32)
def _transform(profile: bytes, mode: str) -> Any:
    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if source.profile.xcolor_space.strip() != _SPACES[mode]:
            return None
        transform = ImageCms.buildTransform(
            source, ImageCms.createProfile("sRGB"), mode, "RGB", ImageCms.Intent.PERCEPTUAL
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):  # a broken profile is none
        return None
    if mode == "RGB":
        steps = np.linspace(0, 255, 9).astype(np.uint8)
        colours = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
        change = np.abs(_applied(transform, colours, mode).astype(int) - colours)
        if change.max() <= _ALIKE:
            return None
    return transform


def _applied(transform: Any, pixels: Pixels, mode: str) -> Pixels:
    from PIL import Image, ImageCms

    height, width = pixels.shape[:2]
    picture = Image.frombuffer(
        mode, (width, height), np.ascontiguousarray(pixels), "raw", mode, 0, 1
    )
    return np.asarray(ImageCms.applyTransform(picture, transform))
