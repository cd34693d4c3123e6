"""Examples whose class is doubtful: what fits and neighbours without them say of them."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tamis.trust.suspects import suspect
from tamis.web.preparation import Preparation
from tamis.web.session import Session

_SHOWN: Final = 200
_NEAREST: Final = 10


def suspects(session: Session, preparation: Preparation) -> dict[str, Any]:
    """Rank examples by how far their class is doubted, as `tamis.trust.suspects.suspect` does.

    Each is answered by a fit without it. Without such a fit (a model that was read from a file
    has none), its ten nearest examples answer.
    """
    learner, place = preparation.learner, preparation.place
    model = preparation.model
    if learner is None or model is None:
        return {"rows": [], "by": "nothing is learned yet"}
    rows = np.array([r for r in np.flatnonzero(session.given >= 0) if place[r] >= 0], np.intp)
    if not len(rows):
        return {"rows": [], "by": "there are no examples"}
    known = model.classifier.out_of_fold_
    classes = list(model.classes)
    if len(known.probabilities):
        by = "a fit without each"
        row_of = {session.catalog.paths[row]: int(row) for row in rows}
        code = {name: i for i, name in enumerate(classes)}
        pairs = [
            (row, i)
            for i, at in enumerate(known.rows)
            if (row := row_of.get(model.examples[at])) is not None
            and session.classes[session.given[row]] in code
        ]
        rows = np.array([row for row, _ in pairs], np.intp)
        answers = known.probabilities[[i for _, i in pairs]]
        codes = np.array([code[session.classes[session.given[row]]] for row in rows], np.intp)
    else:
        by = "the ten nearest examples"
        classes, codes = list(session.classes), session.given[rows].astype(np.intp)
        answers = _votes(learner.values[place[rows]], codes, len(classes))
    if len(rows) < 2 or len(classes) < 2:
        return {"rows": [], "by": by}
    found = suspect(answers, codes)
    order = [int(i) for i in found.ranked() if found.doubt[i] > 0]
    return {
        "rows": [
            {
                "row": int(rows[i]),
                "given": classes[codes[i]],
                "answer": classes[found.answers[i]],
                "belief": round(float(found.belief[i]), 4),
                "person": None
                if session.person[rows[i]] < 0
                else session.classes[session.person[rows[i]]],
                "name": session.catalog.names[rows[i]],
            }
            for i in order[:_SHOWN]
        ],
        "by": by,
        "n": int(found.doubtful.sum()),
    }


def _votes(
    values: npt.NDArray[np.float32], codes: npt.NDArray[np.intp], n_classes: int
) -> npt.NDArray[np.float64]:
    """Return the shares of the classes among the nearest other examples of each."""
    shares = np.zeros((len(values), n_classes))
    k = min(_NEAREST, len(values) - 1)
    if k < 1:
        return shares
    near = values @ values.T
    np.fill_diagonal(near, -2)
    best = np.argpartition(-near, k - 1, axis=1)[:, :k]
    np.add.at(shares, (np.arange(len(values))[:, np.newaxis], codes[best]), 1 / k)
    return shares
