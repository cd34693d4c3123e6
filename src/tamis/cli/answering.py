"""What `tamis sort` and `tamis evaluate` share: the model that answers, and its answers."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from tamis.classifiers.knn import DEFAULT_K
from tamis.classifiers.predictions import Predictions
from tamis.cli.console import counted, warn, warn_failures
from tamis.cli.notes import print_remarks
from tamis.cli.progress import progress
from tamis.dataset import Dataset, grouped, taught_by
from tamis.descriptors import AUTO, descriptor
from tamis.errors import InvalidParameterError
from tamis.model import Model, check_budget, fit, fit_within, seconds_of
from tamis.splits import check_classes


@dataclass(frozen=True, slots=True)
class Teacher:
    """What answers: examples to learn from, or a trained model.

    Attributes
    ----------
    train : str or None
        A source of examples.
    model : Model or None
    by : str
        Descriptor of the examples, as the user wrote it; for people.
    classifier : str
        By default ``auto``; ``knn`` if k or a distance is given.
    k : int or None
    distance : str
    vote : str or None
        As `tamis.model.fit` takes them.
    classes : sequence of str or None
        The examples of these classes; all by default.
    budget : float or None
        Seconds, as `tamis.model.fit_within` takes them.
    group_by : str or None
        Groups of the examples, as `tamis.dataset.grouped` takes them.
    """

    train: str | None
    model: Model | None
    by: str
    classifier: str
    k: int | None
    distance: str
    vote: str | None = None
    classes: Sequence[str] | None = None
    budget: float | None = None
    group_by: str | None = None


def teacher(
    train: str | None,
    model: str | None,
    *,
    by: str | None,
    classifier: str | None = None,
    k: int | None,
    distance: str,
    vote: str | None = None,
    classes: Sequence[str] | None = None,
    trust: bool = False,
    budget: str | None = None,
    group_by: str | None = None,
) -> Teacher:
    """Check that the user named examples or a model, and no option that does not belong.

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
        votes = k is not None or distance or vote  # only k-NN takes these
        named = classifier or ("knn" if votes else "auto")
        seconds = None if budget is None else seconds_of(budget)
        check_budget(seconds, by, named)
        return Teacher(
            train, None, by or AUTO, named, k, distance, vote, classes, seconds, group_by
        )
    _refuse_with_model(
        {
            "--by": by,
            "--classifier": classifier,
            "-k": k,
            "--distance": distance or None,
            "--vote": vote,
            "--classes": classes,
            "--budget": budget,
            "--group-by": group_by,
        }
    )
    opened = Model.open(model, trust=trust)
    return Teacher(None, opened, f"the {opened.net} {model}", opened.net, None, "")


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
    root: str | None = None,
    follow_links: bool = False,
    check_folders: Callable[[Sequence[str]], object] = lambda _: None,
    more: Sequence[tuple[str, str]] = (),
    jobs: int | None,
    max_pixels: int,
) -> tuple[Model, Predictions]:
    """Classify pictures by a model, which may be fitted here; name what could not be used.

    `root` is that of the examples, if they are a list or a collection. `check_folders` is
    called with the classes before any picture is read. `more` are other examples, each a path
    and its class.
    """
    model = how.model
    if model is None:
        model = _learned(
            how,
            pictures,
            root=root,
            follow_links=follow_links,
            check_folders=check_folders,
            more=more,
            jobs=jobs,
            max_pixels=max_pixels,
        )
    else:
        check_folders(model.classes)
    with progress("pictures", len(pictures)) as advance:
        predictions = model.predict(pictures, jobs=jobs, max_pixels=max_pixels, progress=advance)
    warn_failures((*model.failures, *predictions.failures))
    if how.model is None:
        warn_few_voters(model, how.k)
    return model, predictions


def open_examples(how: Teacher, *, root: str | None, follow_links: bool) -> Dataset:
    """Open the examples that the user named: of a split the part train."""
    opened = Dataset.open(
        how.train or "", role="examples", classes=how.classes, root=root, follow_links=follow_links
    )
    return print_remarks(opened.part("train"))


def in_groups(examples: Dataset, group_by: str | None) -> Dataset:
    """Put examples into groups, and say how many there are."""
    if group_by is None:
        return examples
    examples = grouped(examples, group_by, stages=progress)
    sizes = Counter(name for name in examples.table.groups if name)
    several = [size for size in sizes.values() if size > 1]
    groups = counted(len(several), "group")
    warn(f"{sum(several)} of {counted(len(examples), 'example')} are in {groups}, not torn apart")
    return examples


def warn_few_voters(model: Model, k: int | None) -> None:
    """Say that fewer examples vote than were asked for."""
    if k is None and not model.classifier.shares_votes:
        return  # a kernel chooses
    asked, n_voters = k or DEFAULT_K, int(model.signature.get("k", k or DEFAULT_K))
    if n_voters < asked:
        warn(f"only {n_voters} examples: all of them vote (k = {n_voters} instead of {asked})")


def _learned(
    how: Teacher,
    pictures: Dataset,
    *,
    root: str | None,
    follow_links: bool,
    check_folders: Callable[[Sequence[str]], object],
    more: Sequence[tuple[str, str]],
    jobs: int | None,
    max_pixels: int,
) -> Model:
    """Fit a model to the examples, there and then."""
    examples = open_examples(how, root=root, follow_links=follow_links)
    if more:  # of which a collection of the examples has no vectors
        table = examples.table.extended(*zip(*more, strict=True))
        examples = replace(examples, table=table, collection=None)
    check_classes(examples.table)
    check_folders(examples.classes)
    examples = in_groups(examples, how.group_by)
    if how.budget is not None:
        model = fit_within(
            examples, how.budget, n_pictures=len(pictures), stages=progress, jobs=jobs,
            max_pixels=max_pixels,
        )  # fmt: skip
        warn(f"answers are by {model.descriptor.spec} and the classifier {how.classifier}")
        warn(f"budget: {model.signature['budget']}")
        return model
    by = descriptor(taught_by(how.by, how.classifier, examples, pictures))
    warn(f"answers are by {by.spec} and the classifier {how.classifier}")
    with progress("examples", len(examples)) as advance:
        return fit(
            examples,
            by=by,
            classifier=how.classifier,
            k=how.k,
            distance=how.distance,
            vote=how.vote,
            jobs=jobs,
            max_pixels=max_pixels,
            progress=advance,
        )
