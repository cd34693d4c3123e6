"""What `tamis sort` and `tamis evaluate` share: learning from examples, and answering."""

from tamis.classify import Predictions, classify
from tamis.cli.console import progress, warn_failures, warn_ignored
from tamis.descriptors import Descriptor
from tamis.errors import TableError, printable
from tamis.features import FeatureTable, extract
from tamis.table import ImageTable


def answer(
    examples: ImageTable,
    pictures: ImageTable,
    descriptor: Descriptor,
    *,
    k: int,
    distance: str,
    jobs: int | None,
    max_pixels: int,
) -> tuple[FeatureTable, Predictions]:
    """Describe the examples, classify the pictures, and name what could not be used."""
    for table in (examples, pictures):
        warn_ignored(table.ignored, table.root)
        if not len(table):
            raise TableError(f"{printable(table.root)} holds no picture.")
    with progress("examples", len(examples)) as advance:
        train = extract(examples, descriptor, jobs=jobs, max_pixels=max_pixels, progress=advance)
    with progress("pictures", len(pictures)) as advance:
        predictions = classify(
            train,
            pictures,
            descriptor,
            k=k,
            distance=distance,
            jobs=jobs,
            max_pixels=max_pixels,
            progress=advance,
        )
    warn_failures((*train.failures, *predictions.failures))
    return train, predictions
