"""What `tamis sort` and `tamis evaluate` share: learning from examples, and answering."""

from tamis.classify import Predictions, classify, classify_features
from tamis.cli.console import progress, warn_failures
from tamis.cli.sources import learn, read_table, stored_features
from tamis.descriptors import Descriptor
from tamis.features import FeatureTable, combine
from tamis.table import ImageTable


def answer(
    train: str,
    source: str,
    pictures: ImageTable,
    descriptor: Descriptor,
    *,
    k: int,
    distance: str,
    jobs: int | None,
    max_pixels: int,
) -> tuple[FeatureTable, Predictions]:
    """Learn from `train`, classify the `pictures` of `source`, name what could not be used."""
    examples = read_table(train)
    descriptor, known = learn(
        train, examples, descriptor, distance=distance, jobs=jobs, max_pixels=max_pixels
    )
    stored = stored_features(source, pictures, descriptor)
    if stored is not None:
        found = combine(descriptor, stored)
        predictions = classify_features(known, [found], spec=descriptor.spec, k=k, jobs=jobs)
    else:
        with progress("pictures", len(pictures)) as advance:
            predictions = classify(
                known,
                pictures,
                descriptor,
                k=k,
                jobs=jobs,
                max_pixels=max_pixels,
                progress=advance,
            )
    warn_failures((*known.failures, *predictions.failures))
    return known, predictions
