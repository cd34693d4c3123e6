"""What `tamis train` does, step by step."""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import typer

from tamis.classifiers.base import CLASSIFIERS
from tamis.classifiers.network.checkpoint import check_folder, remove_run
from tamis.classifiers.network.registry import NETWORKS
from tamis.cli.answering import in_groups, warn_few_voters
from tamis.cli.console import as_dicts, say, screen, warn, warn_failures, write_json, write_page
from tamis.cli.notes import print_remarks, warn_overlap
from tamis.cli.progress import Pace, duration, progress, quiet
from tamis.cli.tables import without_overlap
from tamis.dataset import Dataset
from tamis.dataset.opening import unlabelled_remark
from tamis.deduplication.content import overlap
from tamis.descriptors import AUTO
from tamis.errors import (
    DestinationError,
    Failure,
    InvalidParameterError,
    UnknownNameError,
    printable,
)
from tamis.files.atomic import check_output
from tamis.files.kinds import MODEL
from tamis.files.lock import locked
from tamis.images import DEFAULT_MAX_PIXELS
from tamis.model.budget import check_budget, seconds_of
from tamis.model.training import Trained, held_out_share, need_torch, train_on
from tamis.splits.hold_out import HoldOut, hold_out

_UNFINISHED: Final = ".training"


@dataclass(frozen=True, slots=True)
class Options:
    """What only networks take; None is the network's own."""

    epochs: int | None = None
    batch_size: int | None = None
    size: int | None = None
    augment: str | None = None
    patience: int | None = None

    @property
    def given(self) -> dict[str, Any]:
        """Those that the user named."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def train_and_tell(
    source: str,
    out: str,
    *,
    net: str,
    by: str | None,
    k: int | None,
    distance: str,
    vote: str | None,
    budget: str | None,
    group_by: str | None,
    network: Options,
    validation: float | None,
    class_weight: str | None,
    classes: Sequence[str] | None,
    root: str | None,
    follow_links: bool,
    seed: int,
    report: str | None,
    force: bool,
    jobs: int | None,
    max_pixels: int | None,
    json: str | None,
) -> Sequence[Failure]:
    """Train, write the model and the report, print; give the files that were skipped."""
    start = time.perf_counter()
    _check_options(
        net, network=network,
        vectors={
            "--by": by, "-k": k, "--distance": distance or None, "--vote": vote,
            "--max-pixels": max_pixels, "--budget": budget,
        },
    )  # fmt: skip
    seconds = None if budget is None else seconds_of(budget)
    if net not in NETWORKS:
        check_budget(seconds, by, net)
    if net in NETWORKS:
        need_torch(net)
    _check_out(out, force=force)  # before a folder is made for the lock
    with locked(os.path.abspath(out)):
        _check_out(out, force=force)
        check_folder(out + _UNFINISHED)
        opened = print_remarks(
            Dataset.open(
                source, role="examples", classes=classes, root=root, follow_links=follow_links
            )
        )
        opened = in_groups(opened, group_by)
        parts = _parts(opened, validation=held_out_share(net, validation), seed=seed)
        tested = overlap(parts.test.paths, [*parts.train.paths, *parts.validation.paths])
        what = ("test picture is", "test pictures are")
        warn_overlap(tested, what, "among those of the training too", {})
        with _epochs() if net in NETWORKS else contextlib.nullcontext() as advance:
            trained = train_on(
                opened, parts, by=by or AUTO, classifier=net, k=k, distance=distance, vote=vote,
                class_weight=class_weight, budget=seconds, seed=seed, stages=progress, jobs=jobs,
                max_pixels=max_pixels or DEFAULT_MAX_PIXELS,
                network={"checkpoint": out + _UNFINISHED, "progress": advance, **network.given},
            )  # fmt: skip
        if seconds is not None:
            warn(f"budget: {trained.model.signature['budget']}")
        failures = (*parts.failures, *trained.failures)
        warn_failures(failures)
        warn_few_voters(trained.model, k)
        if trained.evaluation is not None and trained.evaluation.overlap:
            warn_overlap(
                trained.evaluation.overlap,
                ("validation picture is", "validation pictures are"),
                "among the training pictures too",
                {},
            )
        digest = trained.model.save(out)
    remove_run(out + _UNFINISHED)
    if report is not None:
        _write_report(report, trained, parts, json=json)
    _tell(source, out, trained, parts, seconds=time.perf_counter() - start, json=json)
    answer = _as_dict(out, trained, digest, parts, seconds=time.perf_counter() - start)
    write_json(json, answer | {"test_overlap": tested.to_dict()})
    if parts.failures:
        raise typer.Exit(1)
    return failures


def _check_options(net: str, *, network: Options, vectors: dict[str, object]) -> None:
    """Refuse options of networks with other classifiers, and those of vectors with networks."""
    if net not in CLASSIFIERS:
        raise UnknownNameError.among("classifier", net, CLASSIFIERS)
    if net not in NETWORKS and network.given:
        name = next(iter(network.given)).replace("_", "-")
        raise InvalidParameterError(
            f"--{name} is for networks, and --classifier is {net}. Leave it out, or name a "
            f"network: {', '.join(NETWORKS)}."
        )
    if net not in NETWORKS:
        return
    for name, value in vectors.items():
        if value is not None:
            raise InvalidParameterError(
                f"{name} does not belong to --classifier {net}: a network looks at the pixels "
                "themselves. Leave one of them out."
            )


def _check_out(out: str, *, force: bool) -> None:
    check_output(out, MODEL)
    if MODEL.wrote(out) and not force:
        raise DestinationError(
            f"{printable(out)} holds a model already. Choose another name, or replace it: --force."
        )


def _parts(opened: Dataset, *, validation: float, seed: int) -> HoldOut:
    parts = hold_out(opened.table, share=validation, seed=seed)
    if parts.n_unlabelled:
        warn(unlabelled_remark(parts.n_unlabelled, opened.source))
    if parts.set_aside and not len(parts.validation):
        warn("no class has pictures enough to set some aside: what the model is worth is not known")
    return parts


@contextlib.contextmanager
def _epochs() -> Iterator[Callable[[Any], None] | None]:
    """Show where a training is: a bar on a terminal, else a line now and then."""
    if quiet.get():
        yield None
        return
    if not sys.stderr.isatty():
        pace = Pace()

        def tell_in_lines(now: Any) -> None:
            if pace.due():
                left = "" if now.seconds_left is None else f", {duration(now.seconds_left)} left"
                warn(
                    f"epoch {now.epoch} of {now.epochs}, batch {now.batch} of {now.batches}: "
                    f"loss {now.loss:.3f}, accuracy {now.accuracy:.1%}{left}"
                )

        yield tell_in_lines
        return
    from rich import progress as bars

    with bars.Progress(
        bars.TextColumn("{task.description}", markup=False),
        bars.BarColumn(),
        bars.TextColumn("{task.fields[said]}", markup=False),
        console=screen(stderr=True, wrap=True),
        transient=True,
    ) as bar:
        task = bar.add_task("training", total=None, said="reading pictures")
        checked = ""

        def tell(now: Any) -> None:
            nonlocal checked
            if now.record is not None and now.record["val_accuracy"] is not None:
                checked = f", validation {now.record['val_accuracy']:.1%}"
            left = "" if now.seconds_left is None else f", {duration(now.seconds_left)} left"
            bar.update(
                task,
                description=f"epoch {now.epoch} of {now.epochs}",
                total=now.epochs * now.batches,
                completed=(now.epoch - 1) * now.batches + now.batch,
                said=f"loss {now.loss:.3f}, accuracy {now.accuracy:.1%}{checked}{left}",
            )

        yield tell


def _write_report(report: str, trained: Trained, parts: HoldOut, *, json: str | None) -> None:
    if trained.predictions is None or trained.evaluation is None:
        warn("without validation pictures there is nothing to report")
        return
    from tamis.report import Course, render

    page = render(
        trained.predictions,
        trained.evaluation,
        truth=trained.truth,
        title=f"How well the {_what(trained)} tells {len(trained.model.classes)} classes apart",
        course=Course.of(trained.model),
    )
    write_page(report, page)
    say(f"see {printable(report)}", unless=json)


def _what(trained: Trained) -> str:
    model = trained.model
    if model.net in NETWORKS:
        return f"network {model.net}"
    names = "+".join(leaf.spec.partition("(")[0] for leaf in model.descriptor.leaves)
    return f"{model.net} by {names}"


def _tell(
    source: str,
    out: str,
    trained: Trained,
    parts: HoldOut,
    *,
    seconds: float,
    json: str | None,
) -> None:
    model, result = trained.model, trained.evaluation
    checked = model.metrics.get("validation")
    crossed = model.metrics.get("cross_validation")
    if crossed is not None and checked is None:
        low, high = crossed["accuracy_ci"]
        say(
            f"accuracy by cross-validation {crossed['accuracy']:.1%} (95 % interval {low:.1%} to "
            f"{high:.1%}): {round(crossed['accuracy'] * crossed['n_images'])} of "
            f"{crossed['n_images']} examples right, each by a fit without it; all examples were "
            "learned from",
            unless=json,
        )
    if result is not None and checked is not None:
        low, high = result.accuracy_ci
        say(
            f"validation accuracy {result.accuracy:.1%} (95 % interval {low:.1%} to {high:.1%}): "
            f"{int(result.confusion.trace())} of {result.n_images} pictures right"
            + (", set aside from each class and not learned from" if checked["set_aside"] else ""),
            unless=json,
        )
        if result.overlap:
            say(without_overlap(result), unless=json)
    megabytes = os.path.getsize(out) / 1e6
    say(
        f"wrote {printable(out)} ({megabytes:.1f} MB): {_what(trained)}, {len(model.classes)} "
        f"classes, {model.signature['n_train']} training pictures, in {seconds:.1f} s",
        unless=json,
    )
    test = printable(_test_folder(source, parts)) or "DIR"
    say(f"to sort by it: tamis sort --model {printable(out)} --input DIR --out DIR", unless=json)
    say(
        f"to score it:   tamis evaluate --model {printable(out)} --test {test}",
        unless=json,
    )


def _test_folder(source: str, parts: HoldOut) -> str:
    """Name the test part of a split: its folder, or the list itself; "" if there is none."""
    if not len(parts.test):
        return ""
    folder = os.path.join(parts.test.root, parts.test.names[0].partition("/")[0])
    return folder if os.path.isdir(source) and os.path.isdir(folder) else source


def _as_dict(
    out: str, trained: Trained, digest: str, parts: HoldOut, *, seconds: float
) -> dict[str, Any]:
    model = trained.model
    checked = trained.evaluation if "validation" in model.metrics else None
    return {
        "model": out,
        "digest": digest,
        "net": model.net,
        "classes": list(model.classes),
        "n_images": model.metrics["training"]["n_images"],
        "per_class": model.metrics["training"]["per_class"],
        "validation": None if checked is None else checked.to_dict(),
        "cross_validation": model.metrics.get("cross_validation"),
        "set_aside": list(parts.validation.paths) if parts.set_aside else [],
        "history": model.history,
        "signature": model.signature,
        "failures": as_dicts((*parts.failures, *trained.failures)),
        "seconds": seconds,
    }
