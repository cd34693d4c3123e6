"""The descriptor that is taken where none is named."""

from tamis.dataset.dataset import Dataset
from tamis.descriptors import AUTO, TAUGHT, Descriptor, descriptor


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


def taught_by(by: str | None, classifier: str, *sources: Dataset) -> str:
    """Give the spec by which a classifier learns.

    Parameters
    ----------
    by : str or None
        What was named; anything but ``auto`` is kept.
    classifier : str
        ``auto`` looks at colour and texture beside the networks.
    *sources : Dataset
        The examples, and what is to be answered if that is known.

    Returns
    -------
    str
        Of ``auto``: that, or `tamis.descriptors.TAUGHT`. A collection that holds the vectors
        of ``auto``, and not all others, is not described anew: it is taught by ``auto``.

    Examples
    --------
    >>> taught_by("auto", "knn", Dataset.open(["a.jpg"]))
    'auto'
    >>> taught_by(None, "auto", Dataset.open(["a.jpg"]))
    'efficientnet-lite0+efficientnet-lite1+hsv+lbp@none'
    """
    if by not in (None, AUTO) or classifier != AUTO:
        return by or AUTO
    networks = {leaf.spec for leaf in descriptor(AUTO).leaves}
    wanted = {leaf.spec for leaf in descriptor(TAUGHT).leaves}
    for source in sources:
        held = set() if source.collection is None else set(source.collection.specs)
        if networks <= held and not wanted <= held:
            return AUTO
    return TAUGHT
