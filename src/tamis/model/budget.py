"""More networks than the default has, as far as a budget of time allows, and where they help."""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, Unpack

from tamis.dataset import Dataset, taught_by
from tamis.descriptors import AUTO, TAUGHT, Descriptor, descriptor
from tamis.descriptors.registry import BEHIND_AUTO
from tamis.errors import InvalidParameterError, MissingExtraError, WeightsError, printable
from tamis.evaluation.stages import Stages, silent
from tamis.features import FeatureTable, Reading, combine
from tamis.model.fitting import fit, learn
from tamis.model.model import Model
from tamis.table import ImageTable

WIDER: Final = ("efficientnet-lite2",)
"""Networks that are tried, in this order."""

_SAMPLE: Final = 16  # pictures by which the time of a network is told
_UNITS: Final = {"": 1, "s": 1, "m": 60, "h": 3600}


def seconds_of(text: str) -> float:
    """Read a time such as ``90``, ``90s``, ``10m`` or ``1.5h``.

    Raises
    ------
    InvalidParameterError
        It is none, or not above 0.

    Examples
    --------
    >>> seconds_of("10m")
    600.0
    """
    match = re.fullmatch(r"(\d+(?:\.\d*)?)\s*([smh]?)", text.strip())
    if match is None or not float(match[1]):
        raise InvalidParameterError(
            f"a time is a number above 0 and s, m or h, such as 10m. Got {printable(text)}."
        )
    return float(match[1]) * _UNITS[match[2]]


def check_budget(budget: float | None, by: str | Descriptor | None, classifier: str) -> None:
    """Raise InvalidParameterError if a budget goes with anything but the default."""
    if budget is None:
        return
    if by not in (None, AUTO) or classifier != AUTO:
        raise InvalidParameterError(
            "a budget lets the default look at more. It does not go with another descriptor or "
            "classifier: leave these out, or the budget."
        )
    if not budget > 0:
        raise InvalidParameterError(f"a budget must be above 0 seconds. Got {budget!r}.")


def fit_within(
    examples: Dataset,
    budget: float,
    *,
    n_pictures: int = 0,
    seed: int = 0,
    clock: Callable[[], float] = time.perf_counter,
    stages: Stages = silent,
    **reading: Unpack[Reading],
) -> Model:
    """Fit the default to examples, with more networks as far as a budget of time allows.

    Parameters
    ----------
    examples : Dataset
        Images without a class are ignored.
    budget : float
        Seconds for describing examples and pictures, and for learning.
    n_pictures : int
        Pictures that are to be answered afterwards.
    seed : int
        Of the folds.
    clock : callable
        Gives seconds.
    stages : callable
        Shows the progress, as `tamis.evaluation.stages.Stages`.
    **reading
        ``jobs``, ``max_pixels``, ``icc``, as `tamis.features.extract` takes them.

    Returns
    -------
    Model
        Its signature has under ``budget`` what was tried. A network is kept if the log-loss
        of the answers for examples, each by a fit without it, is lower with it.

    Notes
    -----
    What fits into a budget depends on the machine. The time of a network is told by 16
    examples; vectors that a collection holds take none.
    """
    start = clock()
    by = taught_by(AUTO, AUTO, examples)
    fitted = descriptor(by)
    if not fitted.fitted:  # networks alone, of a collection: nothing is described
        model = fit(examples, by=by, classifier=AUTO, seed=seed, **reading)
        return _saying(model, "a collection of the networks of auto alone: nothing is added")
    with stages("examples", len(examples)) as advance:
        shown: Reading = {**reading, "progress": advance}
        leaves = examples.features_by(fitted.leaves, **shown)
    described = clock() - start
    model = _learn(fitted, leaves, examples.table, seed=seed, **reading)
    each = described / max(1, len(examples))
    left = budget - (clock() - start) - each * n_pictures
    parts = {leaf.spec: table for leaf, table in zip(fitted.leaves, leaves, strict=True)}
    names, said = BEHIND_AUTO, []
    for name in WIDER:
        more = descriptor(name)
        try:
            cost = _seconds_each(examples, more, clock, **reading)
        except (MissingExtraError, WeightsError):
            said.append(f"{name} is not installed (pip install 'tamis[large]')")
            continue
        needed = cost * (len(examples) + n_pictures)
        if needed > left:
            said.append(f"{name} would take {needed:.0f} s, and {max(0, left):.0f} s are left")
            continue
        began = clock()
        with stages(f"examples by {name}", len(examples)) as advance:
            shown = {**reading, "progress": advance}
            parts[more.spec] = examples.features(more, **shown)
        wider = descriptor(TAUGHT.replace(BEHIND_AUTO, f"{names}+{name}"))
        tables = _of_the_same([parts[leaf.spec] for leaf in wider.leaves])
        other = _learn(wider, tables, examples.table, seed=seed, **reading)
        before, after = _loss(model), _loss(other)
        better = after < before
        said.append(
            f"{name} {'is kept' if better else 'does not help'}: log-loss {after:.3f} with it, "
            f"{before:.3f} without"
        )
        left -= clock() - began + cost * n_pictures * better
        if better:
            model, names = other, f"{names}+{name}"
    return _saying(model, "; ".join(said))


def _learn(
    fitted: Descriptor,
    leaves: Sequence[FeatureTable],
    listed: ImageTable,
    *,
    seed: int,
    **reading: Unpack[Reading],
) -> Model:
    known = replace(combine(fitted, list(leaves)), distance="l2")
    return learn(fitted, known, classifier=AUTO, seed=seed, jobs=reading.get("jobs"), listed=listed)


def _loss(model: Model) -> float:
    return float(model.classifier.cross_validation().get("log_loss", 0.0))


def _saying(model: Model, what: str) -> Model:
    return replace(model, signature={**model.signature, "budget": what})


def _seconds_each(
    examples: Dataset, more: Descriptor, clock: Callable[[], float], **reading: Unpack[Reading]
) -> float:
    """Tell how long a picture takes by a descriptor; the first two, which load it, do not count."""
    n = len(examples)
    if examples.collection is not None and more.spec in examples.collection.specs:
        return 0.0
    rows = sorted({round(i * (n - 1) / _SAMPLE) for i in range(_SAMPLE + 1)})
    quiet: Reading = {**reading, "progress": None}
    examples.having(examples.table.select(rows[:2])).features(more, **quiet)
    start = clock()
    examples.having(examples.table.select(rows)).features(more, **quiet)
    return (clock() - start) / len(rows)


def _of_the_same(tables: Sequence[FeatureTable]) -> list[FeatureTable]:
    """Take the images that all tables have: one may have become unreadable in between."""
    common = set(tables[0].paths).intersection(*(table.paths for table in tables))
    return [
        table.select([row for row, path in enumerate(table.paths) if path in common])
        for table in tables
    ]
