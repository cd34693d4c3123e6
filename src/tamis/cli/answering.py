"""What `tamis sort` and `tamis evaluate` share: learning from examples, and answering."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from tamis.classifiers.knn import DEFAULT_K, checked_k, classify_features
from tamis.classifiers.predictions import Predictions
from tamis.cli.console import progress, warn, warn_failures
from tamis.cli.notes import told
from tamis.dataset import Dataset
from tamis.descriptors import Descriptor, descriptor
from tamis.errors import Failure, InvalidParameterError
from tamis.model import Model
from tamis.splits import check_classes

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
    pictures: Dataset,
    *,
    follow_links: bool = False,
    check_folders: Callable[[Sequence[str]], object] = lambda _: None,
    jobs: int | None,
    max_pixels: int,
) -> tuple[tuple[Failure, ...], Predictions]:
    """Classify pictures; name what could not be used, examples included.

    `check_folders` is called with the classes before any picture is read.
    """
    if how.model is not None:
        check_folders(how.model.classes)
        predictions = _by_model(how.model, pictures, jobs=jobs, max_pixels=max_pixels)
        unused: tuple[Failure, ...] = ()
    else:
        unused, predictions = _by_examples(
            how,
            pictures,
            descriptor(how.by),
            follow_links=follow_links,
            check_folders=check_folders,
            jobs=jobs,
            max_pixels=max_pixels,
        )
    predictions = replace(predictions, failures=(*pictures.table.failures, *predictions.failures))
    warn_failures((*unused, *predictions.failures))
    n_voters = predictions.settings.get("k")
    if how.k is None and n_voters is not None and int(n_voters) < DEFAULT_K:
        warn(f"only {n_voters} examples: all of them vote (k = {n_voters} instead of {DEFAULT_K})")
    return unused, predictions


def _by_model(model: Model, pictures: Dataset, *, jobs: int | None, max_pixels: int) -> Predictions:
    with progress("pictures", len(pictures)) as advance:
        return model.predict_features(
            pictures.pieces(
                model.looks, jobs=jobs, max_pixels=max_pixels, icc=model.icc, progress=advance
            )
        )


def _by_examples(
    how: Teacher,
    pictures: Dataset,
    looks: Descriptor,
    *,
    follow_links: bool,
    check_folders: Callable[[Sequence[str]], object],
    jobs: int | None,
    max_pixels: int,
) -> tuple[tuple[Failure, ...], Predictions]:
    train = how.train or ""
    examples = told(Dataset.open(train, role="examples", follow_links=follow_links).part("train"))
    check_classes(examples.table)
    check_folders(examples.classes)
    # More than are listed is known before any is read; fewer may turn out to be readable.
    if n_labelled := sum(label is not None for label in examples.table.labels):
        checked_k(how.k, n_labelled)
    with progress("examples", len(examples)) as advance:
        looks, known = examples.fit(
            looks, distance=how.distance, jobs=jobs, max_pixels=max_pixels, progress=advance
        )
    with progress("pictures", len(pictures)) as advance:
        pieces = pictures.pieces(looks, jobs=jobs, max_pixels=max_pixels, progress=advance)
        return known.failures, classify_features(known, pieces, spec=looks.spec, k=how.k, jobs=jobs)
