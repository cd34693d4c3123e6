"""The descriptor that is taken where none is named."""

from tamis.dataset.dataset import Dataset
from tamis.descriptors import AUTO, Descriptor, descriptor


def default_by(images: Dataset) -> str:
    """Give the spec by which images are compared if none is named.

    Parameters
    ----------
    images : Dataset

    Returns
    -------
    str
        ``auto``; of a collection that lacks a part of it, the first spec that it holds.

    Examples
    --------
    >>> default_by(Dataset.open(["a.jpg"]))
    'auto'
    """
    held = [] if images.collection is None else images.collection.specs
    if not held or all(leaf.spec in held for leaf in descriptor(AUTO).leaves):
        return AUTO
    return held[0]


def default_descriptor(images: Dataset) -> Descriptor:
    """Make the descriptor that `default_by` names."""
    spec = default_by(images)
    return descriptor(spec) if spec == AUTO else descriptor(spec, stored_in=images.source)
