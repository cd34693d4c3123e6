"""What the page says of promises: on what grounds they were made and, by the truth, kept."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from tamis.classifiers.predictions import Predictions
from tamis.trust.aside import UNLIKE_ANY, Aside
from tamis.trust.conformal import summarise_sets


def promise_notes(
    predictions: Predictions, aside: Aside | None, right: npt.NDArray[np.bool_] | None
) -> list[str]:
    """Return sentences on the pictures that were set aside and on those that were not.

    Parameters
    ----------
    predictions : Predictions
    aside : Aside or None
    right : ndarray of shape (n,), bool, or None
        Whether each answer is right, if the truth is known.
    """
    if aside is None or not aside.spare:
        return []
    notes = [note[:1].upper() + note[1:] for note in aside.notes]
    placed = np.array([not folder for folder in aside.folders], bool)
    n = int(placed.sum())
    if n < len(placed):
        notes.append(f"{n:,} of {len(placed):,} pictures go to the folder of their class.")
    if right is not None and n and aside.promise is not None:
        wrong = int((~right[placed]).sum())
        kept = "was kept" if wrong <= aside.promise.risk * n else "was not kept"
        notes.append(
            f"By the truth {wrong:,} of these {n:,} are wrong, {wrong / n:.1%}: the promise {kept}."
        )
    if right is not None and aside.rate is not None:
        unlike = np.array([folder == UNLIKE_ANY for folder in aside.folders], bool)
        if unlike.any():
            notes.append(
                f"Of the {int(unlike.sum()):,} pictures that are unlike all examples "
                f"{int(right[unlike].sum()):,} would have been answered right."
            )
    return notes


def set_notes(
    predictions: Predictions, coverage: float | None, truth: Mapping[str, str] | None = None
) -> list[str]:
    """Return sentences on the prediction sets; none if there are no sets.

    Parameters
    ----------
    predictions : Predictions
    coverage : float or None
        What was asked for.
    truth : mapping from str to str, optional
        Path of each picture to its class.
    """
    if predictions.sets is None or coverage is None or not len(predictions):
        return []
    column = {label: i for i, label in enumerate(predictions.classes)}
    known = None
    if truth is not None:
        known = np.array([column.get(truth[path], -1) for path in predictions.paths], np.intp)
    made = summarise_sets(predictions.sets, coverage, known)
    notes = [
        f"Sets of classes, {100 * coverage:.3g} % of which are to hold the true class: "
        f"{made.mean_size:.2f} classes on average, {made.single:.1%} with a single class, "
        f"{made.empty:.1%} with none."
    ]
    if made.covered is not None and made.least_covered is not None:
        worst, share = made.least_covered
        name = predictions.classes[worst] if worst >= 0 else "a class without examples"
        notes.append(
            f"By the truth {made.covered:.1%} hold it; least often those of {name}, {share:.1%}."
        )
    return notes
