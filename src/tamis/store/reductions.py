"""Fitted reductions in a collection: a file each, named by digest."""

import os
from typing import Final

from tamis.descriptors import Reduction, descriptor
from tamis.descriptors.components import Components
from tamis.descriptors.reduction import may_become
from tamis.files.faults import cannot_write
from tamis.files.lock import locked
from tamis.store.collection import Collection

_FOLDER: Final = "reductions"


def fit_reduction(collection: Collection, wanted: Reduction) -> Reduction:
    """Fit a reduction to all vectors of a collection, and save it there.

    Parameters
    ----------
    collection : Collection
        A collection with the vectors of the leaves.
    wanted : Reduction
        A reduction that is fitted, by `pca` or `whiten`.

    Returns
    -------
    Reduction
        Its spec names the file in the collection.

    Raises
    ------
    CollectionError
        The collection lacks the vectors of a leaf.
    InvalidParameterError
        The collection has fewer images than the reduction has values.
    DestinationError
        The collection cannot be written to, or another process is writing to it.
    """
    leaves = [collection.features(leaf.spec) for leaf in wanted.leaves]
    fitted = wanted.fit([leaf.features for leaf in leaves], labels=leaves[0].labels)
    folder = os.path.join(collection.path, _FOLDER)
    with locked(collection.path):
        try:
            os.makedirs(folder, exist_ok=True)
        except OSError as error:
            raise cannot_write(folder, error) from error
        return fitted.save(os.path.join(folder, f"{fitted.digest}.npz"))


def find_reduction(collection: Collection, wanted: Reduction) -> Reduction | None:
    """Find the fitted reduction in a collection for one that is not fitted.

    A file serves `pca` and `whiten`. Of several files the last is taken. It stays the same
    while images come and go, so that vectors stay comparable.

    Raises
    ------
    ReductionError
        A file is damaged.
    """
    folder = os.path.join(collection.path, _FOLDER)
    if not os.path.isdir(folder):
        return None
    files = [os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(".npz")]
    for file in sorted(files, key=os.path.getmtime, reverse=True):
        components = Components.load(file)
        base = descriptor(components.base, stored_in=file)
        if may_become(wanted.base, base) and len(components.axes) == wanted.length:
            return Reduction(
                base=base,
                method=wanted.method,
                length=wanted.length,
                file=file,
                components=components,
            )
    return None
