"""Fitted reductions that a collection keeps, one file each, named by digest."""

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
    """Fit a reduction to all vectors of a collection, and keep it there.

    Parameters
    ----------
    collection : Collection
        It holds the vectors of the leaves.
    wanted : Reduction
        That learns something, as `pca` and `whiten` do.

    Returns
    -------
    Reduction
        Whose spec names the file in the collection.

    Raises
    ------
    CollectionError
        The collection lacks the vectors of a leaf.
    InvalidParameterError
        It has fewer pictures than the reduction has values.
    DestinationError
        It cannot be written to, or another process does.
    """
    found = [collection.features(leaf.spec) for leaf in wanted.leaves]
    fitted = wanted.fit([one.features for one in found], labels=found[0].labels)
    folder = os.path.join(collection.path, _FOLDER)
    with locked(collection.path):
        try:
            os.makedirs(folder, exist_ok=True)
        except OSError as error:
            raise cannot_write(folder, error) from error
        return fitted.save(os.path.join(folder, f"{fitted.digest}.npz"))


def find_reduction(collection: Collection, wanted: Reduction) -> Reduction | None:
    """Look for what a collection keeps for a reduction that is not fitted.

    One file serves `pca` and `whiten`. Of several the one written last is taken: it
    stays the same while pictures come and go, so that vectors stay comparable.

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
        found = Components.load(file)
        base = descriptor(found.base, stored_in=file)
        if may_become(wanted.base, base) and len(found.axes) == wanted.length:
            return Reduction(
                base=base, method=wanted.method, length=wanted.length, file=file, components=found
            )
    return None
