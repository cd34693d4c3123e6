"""How a network takes images: size, crop, normalisation, layout."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from tamis.errors import WeightsError, printable
from tamis.images import Pixels, Square, as_rgb, fit
from tamis.images.pixels import resize

Channels = tuple[float, float, float]
"""One value each for red, green and blue."""

_BLANK: Final = np.zeros((1, 1, 3), np.uint8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preprocessing:
    """How a network takes images.

    Attributes
    ----------
    square : Square
        To which an image is brought first: stretched, or cut to its middle.
    height, width : int
        Of the input, in pixels, to which that square is stretched.
    mean, std : tuple of float, or None
        In grey levels from 0 to 255: the network takes ``(pixel - mean) / std``. None
        leaves the pixels as they are.
    dtype : str
        Of the input: ``uint8`` or a float.
    channels_last : bool
        Whether the input is (n, height, width, 3); else (n, 3, height, width).
    """

    square: Square
    height: int
    width: int
    mean: Channels | None = None
    std: Channels | None = None
    dtype: str = "float32"
    channels_last: bool = False

    def apply(self, images: Sequence[Pixels], *, rows: int | None = None) -> npt.NDArray[Any]:
        """Bring images to the form that the network takes.

        Parameters
        ----------
        images : sequence of ndarray, uint8
            As `tamis.images.as_rgb` takes them.
        rows : int, optional
            Length of the batch, if it is fixed; the rest is black.

        Returns
        -------
        ndarray of shape (n, 3, height, width) or (n, height, width, 3), dtype
        """
        n = rows or len(images)
        pixels = (self.height, self.width)
        shape = (n, *pixels, 3) if self.channels_last else (n, 3, *pixels)
        batch = np.empty(shape, np.uint8 if self.dtype == "uint8" else np.float32)
        for image, out in zip([*images, *[_BLANK] * (n - len(images))], batch, strict=True):
            square = resize(fit(as_rgb(image), self.square), *pixels)
            # Plane by plane where the network takes planes: twice as fast as a transposition.
            planes = square if self.channels_last else cv2.split(square)
            self._normalize(planes, out)
        return batch.astype(self.dtype, copy=False)

    def _normalize(self, planes: Any, out: npt.NDArray[Any]) -> None:
        if self.mean is None or self.std is None:
            out[:] = planes
            return
        mean, std = np.array([self.mean, self.std], np.float32)
        if self.channels_last:
            np.subtract(planes, mean, out=out)
            out /= std
            return
        for channel, plane in enumerate(planes):
            np.subtract(plane, mean[channel], out=out[channel])
            out[channel] /= std[channel]

    def mirror(self, batch: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Mirror a batch of `apply`, left to right."""
        return np.ascontiguousarray(np.flip(batch, 2 if self.channels_last else 3))


def read_preprocessor_config(path: Path) -> dict[str, Any]:
    """Read a ``preprocessor_config.json``, as the library transformers writes it.

    Returns
    -------
    dict
        The arguments of a descriptor that the file determines: ``size``, the side in
        pixels; ``crop``, 1 if the network takes the middle of an image; ``mean`` and
        ``std`` of values from 0 to 1, as a spec writes them.

    Raises
    ------
    WeightsError
        The file cannot be read, or is not what it should be.
    """
    try:
        config = json.loads(path.read_bytes())
        crop = bool(config.get("do_center_crop", False))
        arguments: dict[str, Any] = {"crop": int(crop)}
        side = _side(config.get("crop_size") if crop else None) or _side(config.get("size"))
        if side:
            arguments["size"] = side
        # The file means (value * factor - mean) / std; a spec, (value / 255 - mean) / std.
        factor = 1.0
        if config.get("do_rescale", True):
            factor = float(config.get("rescale_factor", 1 / 255))
        mean, std = [0.0] * 3, [1.0] * 3
        if config.get("do_normalize", True):
            mean = [float(value) for value in config.get("image_mean", mean)]
            std = [float(value) for value in config.get("image_std", std)]
        for key, values in (("mean", mean), ("std", std)):
            arguments[key] = "/".join(f"{value / (255 * factor):.6g}" for value in values)
        return arguments
    except (OSError, ValueError, TypeError, AttributeError, ZeroDivisionError) as error:
        raise WeightsError(
            f"cannot read {printable(str(path))} ({error}). Give crop=, mean=, size= and std= "
            "yourself."
        ) from error


def _side(value: Any) -> int | None:
    """Read the side of a square, which is written in several ways."""
    if isinstance(value, dict):
        keys = ("height", "shortest_edge", "longest_edge")
        value = next((value[key] for key in keys if key in value), None)
    return int(value) if value else None
