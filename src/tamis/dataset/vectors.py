"""The vectors of images: what a collection holds is read, leaf by leaf; the rest is computed."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, Unpack

from tamis.descriptors import Descriptor
from tamis.errors import CollectionError, printable
from tamis.features import FeatureTable, Reading, chunks, combine, extract_several
from tamis.store import Collection
from tamis.table import ImageTable

_PIECE_BYTES: Final = 128 << 20

Stored = Mapping[str, FeatureTable]


def stored_leaves(
    table: ImageTable, collection: Collection | None, descriptors: Sequence[Descriptor]
) -> Stored:
    """Read the leaves of some descriptors that a collection holds, by their specs.

    The rows are those of the images of `table`, with the classes that they have in it.
    """
    if collection is None:
        return {}
    labels = dict(zip(table.paths, table.labels, strict=True))
    specs = dict.fromkeys(leaf.spec for one in descriptors for leaf in one.leaves)
    found = {}
    for spec in specs:
        if spec in collection.specs:
            features = collection.features(spec)
            rows = [row for row, path in enumerate(features.paths) if path in labels]
            if len(rows) < len(features):
                features = features.select(rows)
            found[spec] = replace(
                features,
                labels=tuple(labels[path] for path in features.paths),
                failures=tuple(one for one in features.failures if one.path in labels),
            )
    return found


def read_or_compute(
    table: ImageTable,
    descriptors: Sequence[Descriptor],
    stored: Stored,
    **reading: Unpack[Reading],
) -> list[FeatureTable]:
    """Give the vectors by several descriptors, all of the same images.

    An image that one of them lacks, since it could be read when it was indexed and cannot
    be now or the other way round, is left out and is a failure.
    """
    missing: dict[str, Descriptor] = {}
    for one in descriptors:
        held = [leaf.spec in stored for leaf in one.leaves]
        if not any(held):
            missing[one.spec] = one
        for leaf, there in zip(one.leaves, held, strict=True):
            if any(held) and not there:
                missing[leaf.spec] = leaf
    parts = dict(stored)
    if missing:
        computed = extract_several(table, list(missing.values()), **reading)
        parts |= zip(missing, computed, strict=True)
    if missing and stored:
        parts = _of_the_same_images(table, parts)
    return [
        parts[one.spec]
        if one.spec in missing
        else combine(one, [parts[leaf.spec] for leaf in one.leaves])
        for one in descriptors
    ]


def in_pieces(
    table: ImageTable, descriptor: Descriptor, stored: Stored, **reading: Unpack[Reading]
) -> Iterator[FeatureTable]:
    """Give vectors piece by piece; all at once if nothing has to be computed."""
    if all(leaf.spec in stored for leaf in descriptor.leaves):
        yield from read_or_compute(table, [descriptor], stored)
        return
    for piece in chunks(table, max(64, _PIECE_BYTES // (4 * descriptor.dim))):
        yield from read_or_compute(piece, [descriptor], stored, **reading)


def check_can_compute(
    table: ImageTable,
    collection: Collection | None,
    descriptors: Sequence[Descriptor],
    stored: Stored,
) -> None:
    """Refuse to compute what a collection does not hold if its images are gone as a whole.

    Raises
    ------
    CollectionError
        Vectors are missing, and there is no folder where the images would lie.
    """
    leaves = dict.fromkeys(leaf.spec for one in descriptors for leaf in one.leaves)
    lacking = [spec for spec in leaves if spec not in stored]
    if collection is None or not lacking or os.path.isdir(table.root):
        return
    raise CollectionError(
        f"the collection {printable(collection.path)} holds no vectors by {', '.join(lacking)}, "
        f"and its pictures cannot be read to compute them: there is no folder "
        f"{printable(table.root)}. Say where they are now: --root DIR. It holds: "
        f"{', '.join(collection.specs) or 'none'}."
    )


def _of_the_same_images(table: ImageTable, parts: Stored) -> dict[str, FeatureTable]:
    """Keep the images that all tables have, in the order of `table`."""
    common = set(table.paths).intersection(*(part.paths for part in parts.values()))
    failures = {failure.path: failure for part in parts.values() for failure in part.failures}
    aligned = {}
    for spec, part in parts.items():
        row = {path: i for i, path in enumerate(part.paths)}
        kept = part.select([row[path] for path in table.paths if path in common])
        aligned[spec] = replace(kept, failures=tuple(failures.values()))
    return aligned
