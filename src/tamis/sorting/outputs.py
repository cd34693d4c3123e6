"""The files beside the class folders: predictions.csv, report.html, and lists of the rest."""

import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final

from tamis.classifiers.predictions import Predictions
from tamis.errors import Failure
from tamis.files.csvfile import write_csv
from tamis.images import DEFAULT_MAX_PIXELS
from tamis.report import render
from tamis.sorting.placements import Placements
from tamis.sorting.xmp import KeywordFile
from tamis.trust.aside import Aside

PREDICTIONS: Final = "predictions.csv"
REPORT: Final = "report.html"
FAILURES: Final = "failures.csv"
CORRECTIONS: Final = "corrections.csv"
OUTPUTS: Final = (PREDICTIONS, REPORT, FAILURES, CORRECTIONS)


def outputs(
    predictions: Predictions,
    plan: Placements,
    *,
    title: str,
    unused: Sequence[Failure] = (),
    ignored: Sequence[str] = (),
    aside: Aside | None = None,
    coverage: float | None = None,
    for_spreadsheets: bool = False,
    max_pixels: int = DEFAULT_MAX_PIXELS,
) -> dict[str, Callable[[str], object]]:
    """Return what writes each file of a result; the report is made now, while images lie there.

    Parameters
    ----------
    predictions : Predictions
    plan : Placements
    title : str
        Heading of the report.
    unused : sequence of Failure
        Examples that could not be read.
    ignored : sequence of str
        Files that are no images.
    aside : Aside, optional
        As `plan_sort` takes it: what is promised stands in the report.
    coverage : float, optional
        Share of the prediction sets that is to hold the true class.
    for_spreadsheets, max_pixels
        As `write_predictions` and `tamis.report.render` take them.

    Returns
    -------
    dict from str to callable
        Name of each file to a function that writes it to a path.
    """
    page = render(
        predictions, title=title, train_failures=unused, ignored=ignored, aside=aside,
        coverage=coverage, max_pixels=max_pixels,
    )  # fmt: skip
    made: dict[str, Callable[[str], object]] = {
        PREDICTIONS: lambda file: write_predictions(
            file, predictions, plan, for_spreadsheets=for_spreadsheets
        ),
        REPORT: lambda file: _write_text(file, page),
    }
    for place, file in plan.keywords.items():
        made[place] = partial(_write_keywords, file)
    if failures := (*unused, *predictions.failures, *plan.failures):
        made[FAILURES] = lambda file: write_failures(
            file, failures, for_spreadsheets=for_spreadsheets
        )
    if plan.corrections:
        made[CORRECTIONS] = lambda file: write_corrections(
            file, predictions, plan, for_spreadsheets=for_spreadsheets
        )
    return made


def _write_keywords(what: KeywordFile, file: str) -> None:
    with open(file, "wb") as stream:
        stream.write(what.content() or b"")


def _write_text(file: str | os.PathLike[str], text: str) -> None:
    with open(file, "w", encoding="utf-8") as stream:
        stream.write(text)


def write_predictions(
    file: str,
    predictions: Predictions,
    plan: Placements | None = None,
    *,
    for_spreadsheets: bool = False,
) -> None:
    """Write one row per picture: its class, how sure, where it goes, and on what grounds.

    The columns: ``path``, ``class``, ``confidence``, ``runner_up``,
    ``runner_up_confidence``, ``set`` (the classes of the prediction set with ``|`` between
    them, if sets were asked for), ``sorted_to`` (below the result folder; empty
    without a plan), with a plan ``folder_1``, ``folder_2`` and so on (the folders
    between the source and the picture), and for each neighbour i, nearest first, ``neighbour_i``
    (a training picture), ``neighbour_i_class`` and ``neighbour_i_distance``.
    `for_spreadsheets` is as `tamis.files.csvfile.write_csv` takes it.
    """
    k = predictions.neighbours.indices.shape[1]
    header = ["path", "class", "confidence", "runner_up", "runner_up_confidence"]
    header += ["set"] * (predictions.sets is not None) + ["sorted_to"]
    depth = max(map(len, plan.folders_of), default=0) if plan is not None else 0
    header += [f"folder_{i}" for i in range(1, depth + 1)]
    for i in range(1, k + 1):
        header += [f"neighbour_{i}", f"neighbour_{i}_class", f"neighbour_{i}_distance"]
    write_csv(file, header, _rows(predictions, plan, depth), for_spreadsheets=for_spreadsheets)


def predictions_as_dicts(predictions: Predictions, plan: Placements) -> list[dict[str, Any]]:
    """Return what `write_predictions` writes, in plain types for JSON, a dictionary per picture."""
    answers = []
    for row, (path, label, share, (second, next_share), place, between) in enumerate(
        zip(
            predictions.paths,
            predictions.labels,
            predictions.confidence,
            predictions.runners_up,
            plan.destinations,
            plan.folders_of,
            strict=True,
        )
    ):
        near = zip(
            predictions.neighbours.indices[row], predictions.neighbours.distances[row], strict=True
        )
        answer: dict[str, Any] = {
            "path": path,
            "class": label,
            "confidence": float(share),
            "runner_up": second or None,
            "runner_up_confidence": float(next_share),
            "sorted_to": place,
            "folders": list(between),
            "neighbours": [
                {
                    "path": predictions.train_paths[index],
                    "class": predictions.train_labels[index],
                    "distance": float(distance),
                }
                for index, distance in near
            ],
        }
        if predictions.sets is not None:
            answer["set"] = list(predictions.set_labels[row])
        answers.append(answer)
    return answers


def write_failures(
    file: str, failures: Sequence[Failure], *, for_spreadsheets: bool = False
) -> None:
    """Write the files that could not be used: path, reason."""
    rows = [(f.path, f.reason) for f in failures]
    write_csv(file, ("path", "reason"), rows, for_spreadsheets=for_spreadsheets)


def write_corrections(
    file: str, predictions: Predictions, plan: Placements, *, for_spreadsheets: bool = False
) -> None:
    """Write a row for each picture that a person moved in the result.

    The columns: ``path``, ``class`` (the folder in which the person put it), ``was`` (that in
    which an earlier run had put it), ``answer`` (of this run), ``sorted_to``. Such a file is a
    list of examples.
    """
    answers = dict(zip(predictions.paths, predictions.labels, strict=True))
    rows = [(one.path, one.label, one.was, answers[one.path], one.place)
            for one in plan.corrections]  # fmt: skip
    header = ("path", "class", "was", "answer", "sorted_to")
    write_csv(file, header, rows, for_spreadsheets=for_spreadsheets)


def _rows(predictions: Predictions, plan: Placements | None, depth: int) -> Iterator[list[str]]:
    folders = plan.folders_of if plan is not None else [()] * len(predictions)
    destinations = plan.destinations if plan is not None else [""] * len(predictions)
    sets = [["|".join(members)] for members in predictions.set_labels] or [[]] * len(predictions)
    for path, label, confidence, (second, share), members, place, between, near, distances in zip(
        predictions.paths,
        predictions.labels,
        predictions.confidence,
        predictions.runners_up,
        sets,
        destinations,
        folders,
        predictions.neighbours.indices,
        predictions.neighbours.distances,
        strict=True,
    ):
        row = [path, label, f"{confidence:.4f}", second, f"{share:.4f}", *members, place]
        row += [*between, *[""] * (depth - len(between))]
        for index, distance in zip(near, distances, strict=True):
            row += [predictions.train_paths[index], predictions.train_labels[index]]
            row.append(f"{distance:.6g}")
        yield row
