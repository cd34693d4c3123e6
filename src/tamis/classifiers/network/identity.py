"""What run a checkpoint belongs to."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from tamis.classifiers.network.loader import Loader
from tamis.classifiers.network.pixel_cache import digest_of_pixels


def run_key(settings: dict[str, Any], loaders: Iterable[Loader]) -> str:
    """Hash all that decides what a run gives.

    Parameters
    ----------
    settings : dict
        Ready for JSON.
    loaders : iterable of Loader
        Their pictures and classes count, not where they lie.
    """
    hashed = hashlib.blake2b(json.dumps(settings, sort_keys=True).encode(), digest_size=16)
    for loader in loaders:
        hashed.update(digest_of_pixels(loader.cache, loader.rows).encode())
        hashed.update(loader.targets.tobytes())
    return hashed.hexdigest()
