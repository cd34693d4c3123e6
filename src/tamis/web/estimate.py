"""What accuracy to expect of the answers that nobody has corrected yet."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt


def expected_accuracy(
    rest: npt.ArrayLike, known: Sequence[tuple[float, bool]]
) -> dict[str, Any] | None:
    """Estimate the accuracy of the rest from its confidence and from corrected pictures.

    The mean confidence of the rest, moved by how much the confidence of corrected pictures
    differed from how often they were right: so it does not matter that people correct the
    least certain first, as long as the confidence is wrong by about the same everywhere.

    Parameters
    ----------
    rest : array-like of shape (n,)
        Confidence of the answers that nobody has looked at.
    known : sequence of (float, bool)
        Of each corrected picture the confidence it had, and whether the answer was right.

    Returns
    -------
    dict or None
        ``n``, ``accuracy``, ``interval`` (95 %) and ``rests_on``; None if there is no answer.

    Examples
    --------
    >>> found = expected_accuracy([0.9, 0.7], [(0.5, True), (0.7, True), (0.6, False)] * 20)
    >>> round(found["accuracy"], 3), found["rests_on"]
    (0.867, 60)
    """
    confidence = np.asarray(rest, np.float64)
    if not len(confidence):
        return None
    mean = float(confidence.mean())
    if len(known) < 2:
        return {"n": len(confidence), "accuracy": mean, "interval": None, "rests_on": len(known)}
    gaps = np.array([right - sure for sure, right in known], np.float64)
    # A few that were all right say less than their deviation does.
    error = float(max(gaps.std(ddof=1), 0.1)) / np.sqrt(len(gaps))
    value = mean + float(gaps.mean())
    low, high = value - 1.96 * error, value + 1.96 * error
    return {
        "n": len(confidence),
        "accuracy": min(max(value, 0.0), 1.0),
        "interval": [min(max(low, 0.0), 1.0), min(max(high, 0.0), 1.0)],
        "rests_on": len(known),
    }
