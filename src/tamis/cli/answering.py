"""What `tamis sort` and `tamis evaluate` share: learning from examples, and answering."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from tamis.classifiers.knn import DEFAULT_K, checked_k, classify, classify_features
from tamis.classifiers.predictions import Predictions
from tamis.cli.console import progress, warn, warn_failures
from tamis.cli.sources import learn, read_part, stored_features
from tamis.descriptors import Descriptor, descriptor
from tamis.errors import Failure, InvalidParameterError
from tamis.features import combine
from tamis.model import Model
from tamis.splits import check_classes
from tamis.table import ImageTable

_BY = "color"


@dataclass(frozen=True, slots=True)
class Teacher:
    """What answers: examples with a descriptor, or a trained model.

    Attributes
    ----------
    train : str or None
        A folder or collection of examples.
    model : Model or None
    by : str
        Of the examples, as the user wrote it; for people.
    k : int or None
        Examples that vote; the default of `tamis.classifiers.knn.classify` if None.
    distance : str
        By which they are compared; the descriptor's own if empty.
    """

    train: str | None
    model: Model | None
    by: str
    k: int | None
    distance: str


def teacher(
    train: str | None,
    model: str | None,
    *,
    by: str | None,
    k: int | None,
    distance: str,
    trust: bool = False,
) -> Teacher:
    """Check that the user named one that answers, and no option that it does not take.

    Raises
    ------
    InvalidParameterError
        Both or none are given, or an option goes with examples only.
    ModelError
        The model cannot be read.
    """
    if (train is None) == (model is None):
        raise InvalidParameterError(
            "say what answers: --train DIR, a folder of examples, or --model FILE, which tamis "
            f"train wrote. Got {'neither' if train is None else 'both'}."
        )
    if model is None:
        return Teacher(train, None, by or _BY, k, distance)
    _refuse_with_model({"--by": by, "-k": k, "--distance": distance or None})
    opened = Model.open(model, trust=trust)
    return Teacher(None, opened, f"the {opened.net} {model}", None, "")


def _refuse_with_model(options: Mapping[str, object]) -> None:
    for name, value in options.items():
        if value is not None:
            raise InvalidParameterError(
                f"{name} goes with --train: a model has learned how to look at pictures. Leave it "
                "out, or train another model."
            )


def answer(
    how: Teacher,
    source: str,
    pictures: ImageTable,
    *,
    follow_links: bool = False,
    check_folders: Callable[[Sequence[str]], object] = lambda _: None,
    jobs: int | None,
    max_pixels: int,
) -> tuple[tuple[Failure, ...], Predictions]:
    """Classify the `pictures` of `source`; name what could not be used, examples included.

    `check_folders` is called with the classes before any picture is read.
    """
    if how.model is not None:
        check_folders(how.model.classes)
        predictions = _by_model(how.model, source, pictures, jobs=jobs, max_pixels=max_pixels)
        unused: tuple[Failure, ...] = ()
    else:
        unused, predictions = _by_examples(
            how,
            source,
            pictures,
            descriptor(how.by),
            follow_links=follow_links,
            check_folders=check_folders,
            jobs=jobs,
            max_pixels=max_pixels,
        )
    predictions = replace(predictions, failures=(*pictures.failures, *predictions.failures))
    warn_failures((*unused, *predictions.failures))
    n_voters = predictions.settings.get("k")
    if how.k is None and n_voters is not None and int(n_voters) < DEFAULT_K:
        warn(f"only {n_voters} examples: all of them vote (k = {n_voters} instead of {DEFAULT_K})")
    return unused, predictions


def _by_model(
    model: Model, source: str, pictures: ImageTable, *, jobs: int | None, max_pixels: int
) -> Predictions:
    stored = stored_features(source, pictures, model.looks)
    if stored is not None:
        return model.predict_features([combine(model.looks, stored)])
    with progress("pictures", len(pictures)) as advance:
        return model.predict(pictures, jobs=jobs, max_pixels=max_pixels, progress=advance)


def _by_examples(
    how: Teacher,
    source: str,
    pictures: ImageTable,
    looks: Descriptor,
    *,
    follow_links: bool,
    check_folders: Callable[[Sequence[str]], object],
    jobs: int | None,
    max_pixels: int,
) -> tuple[tuple[Failure, ...], Predictions]:
    train = how.train or ""
    examples = read_part(train, "train", role="examples", follow_links=follow_links)
    check_classes(examples)
    check_folders(examples.classes)
    # More than are listed is known before any is read; fewer may turn out to be readable.
    if n_labelled := sum(label is not None for label in examples.labels):
        checked_k(how.k, n_labelled)
    looks, known = learn(
        train, examples, looks, distance=how.distance, jobs=jobs, max_pixels=max_pixels
    )
    stored = stored_features(source, pictures, looks)
    if stored is not None:
        found = combine(looks, stored)
        return known.failures, classify_features(
            known, [found], spec=looks.spec, k=how.k, jobs=jobs
        )
    with progress("pictures", len(pictures)) as advance:
        return known.failures, classify(
            known,
            pictures,
            looks,
            k=how.k,
            jobs=jobs,
            max_pixels=max_pixels,
            progress=advance,
        )
