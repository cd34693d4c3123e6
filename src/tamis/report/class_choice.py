"""The page of a study of classes: how good any choice would be, and where yours stands."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tamis.evaluation.class_choice import MEASURES, ClassChoice
from tamis.evaluation.signature import versions
from tamis.features import available_processors
from tamis.images import DEFAULT_MAX_PIXELS
from tamis.images.thumbnails import thumbnails
from tamis.metrics.intervals import wilson_interval
from tamis.report.plots import curve, histogram, scatter
from tamis.report.templating import environment

_PAIRS = 12

MEASURE_NAMES = {
    "one_nn_error": "error of the nearest example, leaving each out",
    "silhouette": "silhouette",
    "fisher_ratio": "Fisher ratio",
    "least_mean_distance": "least distance of two class means",
}
"""Each of the measures, in words."""


@dataclass(frozen=True, slots=True)
class _Pair:
    first: str
    second: str
    error: float
    pictures: tuple[str, str]


def render_study(
    study: ClassChoice,
    *,
    title: str,
    ignored: Sequence[str] = (),
    max_pixels: int = DEFAULT_MAX_PIXELS,
    jobs: int | None = None,
) -> str:
    """Write the page.

    Parameters
    ----------
    study : ClassChoice
        Its pictures should still lie where they were: thumbnails are made of some.
    title : str
        Heading of the page.
    ignored : sequence of str
        Files that are no pictures.
    max_pixels : int
        As `tamis.images.read_image` takes it.
    jobs : int, optional
        Threads that make thumbnails; as many as there are processors by default.

    Returns
    -------
    str
        HTML, the same for the same arguments and files; can be encoded as UTF-8.
    """
    own = study.chosen
    mine = "the chosen classes"
    measure = max(study.correlations, key=lambda name: abs(study.correlations[name]), default="")
    charts = [
        histogram(
            study.accuracies,
            title=f"Accuracy of {len(study.draws):,} choices of {study.size} classes",
            x_title="accuracy",
            mark=None if own is None else own.accuracy,
            mark_text=mine,
        )
    ]
    if measure:
        charts.append(
            scatter(
                np.array([getattr(one, measure) for one in study.draws]),
                study.accuracies,
                title="Accuracy, and what the examples alone tell",
                x_title=MEASURE_NAMES[measure],
                special=None if own is None else (getattr(own, measure), own.accuracy),
                mark_text=mine,
            )
        )
    curves = [
        curve(study.by_size, title="Accuracy by the number of classes", x_title="classes"),
        curve(
            study.learning.points,
            title="Accuracy by the number of examples",
            x_title="examples of each class",
        ),
    ]
    inside = () if own is None else own.classes
    own_pairs = [pair for pair in study.pairs if set(pair[:2]) <= set(inside) and pair[2] > 0]
    all_pairs = [pair for pair in study.pairs[:_PAIRS] if pair[2] > 0]

    def shown(pairs: Sequence[tuple[str, str, float]]) -> list[_Pair]:
        return [
            _Pair(a, b, error, (study.shown.get(a, ""), study.shown.get(b, "")))
            for a, b, error in pairs[:_PAIRS]
        ]

    paths = [path for pair in (*shown(own_pairs), *shown(all_pairs)) for path in pair.pictures]
    paths += [study.shown[name] for name in inside if name in study.shown]
    return (
        environment()
        .get_template("study.html.j2")
        .render(
            title=title,
            study=study,
            values=study.accuracies,
            own=own,
            own_ci=None if own is None else wilson_interval(
                round(own.accuracy * own.n_test), own.n_test
            ),
            charts=charts,
            curves=curves,
            own_pairs=shown(own_pairs),
            all_pairs=shown(all_pairs),
            correlations=[
                (MEASURE_NAMES[name], study.correlations[name])
                for name in MEASURES
                if name in study.correlations
            ],
            examples_in_words=examples_in_words(study),
            thumbnails=thumbnails(
                [path for path in paths if path],
                max_pixels=max_pixels,
                jobs=jobs if jobs is not None else available_processors(),
            ),
            failures=study.failures,
            ignored=ignored,
            settings={k: v for k, v in study.signature.items() if k not in versions()},
            versions={k: v for k, v in study.signature.items() if k in versions()},
        )
    )  # fmt: skip


def examples_in_words(study: ClassChoice) -> str:
    """Say what the last doubling of the examples brought, and what another may bring.

    Empty if the classes have no two examples.
    """
    last, following = study.learning.doubling, study.learning.next_doubling
    if last is None or following is None:
        return ""
    before = last.x // 2
    text = (
        f"{last.x} examples of each class instead of {before} gave {_points(last.accuracy)} more "
        f"({_ends(last.low, last.high)})"
    )
    if following.high < 0.0005:
        return f"{text}; more are not likely to help"
    return (
        f"{text}; twice as many, {following.x}, would give about {_points(following.accuracy)} "
        f"more ({_ends(following.low, following.high)})"
    )


def _points(share: float) -> str:
    number = f"{100 * share:.1f}"
    return f"{number} point{'s' * (number != '1.0')}"


def _ends(low: float, high: float) -> str:
    return f"{100 * low:.1f} to {100 * high:.1f}"
