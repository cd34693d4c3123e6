"""How a network wants its pictures, as the files of transformers say."""

import json
from pathlib import Path
from typing import Any

from tamis.errors import WeightsError, printable


def read_wishes(path: Path) -> dict[str, Any]:
    """Read a ``preprocessor_config.json``.

    Returns
    -------
    dict
        As far as it says: ``size``, the side in pixels; ``crop``, 1 if it wants the middle
        of a picture; ``mean`` and ``std`` of values from 0 to 1, as a spec writes them.

    Raises
    ------
    WeightsError
        It is not what it should be.
    """
    try:
        said = json.loads(path.read_bytes())
        crop = bool(said.get("do_center_crop", False))
        found: dict[str, Any] = {"crop": int(crop)}
        side = _side(said.get("crop_size") if crop else None) or _side(said.get("size"))
        if side:
            found["size"] = side
        # It sees (value * factor - mean) / std, and we say (value / 255 - mean) / std.
        factor = float(said.get("rescale_factor", 1 / 255)) if said.get("do_rescale", True) else 1.0
        mean, std = [0.0] * 3, [1.0] * 3
        if said.get("do_normalize", True):
            mean = [float(value) for value in said.get("image_mean", mean)]
            std = [float(value) for value in said.get("image_std", std)]
        for key, values in (("mean", mean), ("std", std)):
            found[key] = "/".join(f"{value / (255 * factor):.6g}" for value in values)
        return found
    except (OSError, ValueError, TypeError, AttributeError, ZeroDivisionError) as error:
        raise WeightsError(
            f"cannot read {printable(str(path))} ({error}). Say crop=, mean=, size= and std= "
            "yourself."
        ) from error


def _side(said: Any) -> int | None:
    """Read a side of a square, which is written in several ways."""
    if isinstance(said, dict):
        said = next(
            (said[key] for key in ("height", "shortest_edge", "longest_edge") if key in said), None
        )
    return int(said) if said else None
