"""A collection that is being made: it is there once it holds a picture, or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from tamis.errors import CollectionError, DestinationError
from tamis.store.collection import Collection


@contextmanager
def all_or_nothing(name: str) -> Iterator[None]:
    """Remove a collection that is made here and fails before it holds a picture."""
    new = not os.path.lexists(name)
    try:
        yield
    except Exception:
        # A run that is killed keeps what it has; here a full disk gets its room back.
        if new and not _holds_pictures(name):
            shutil.rmtree(name, ignore_errors=True)
        raise


def _holds_pictures(name: str) -> bool:
    try:
        return Collection.open(name).dataset.count_rows() > 0
    except (CollectionError, DestinationError):
        return False
