"""Examples whose class is doubtful: what a fit without them says of them."""

from typing import Any, Final

import numpy as np

from tamis.web.preparation import Preparation
from tamis.web.session import Session

_SHOWN: Final = 200


def suspects(session: Session, preparation: Preparation) -> dict[str, Any]:
    """Rank examples by the probability that a fit without them gives to their class.

    Without such a fit (a model that was read from a file keeps none), by the share of their
    ten nearest examples that have their class.
    """
    learner, place = preparation.learner, preparation.place
    model = preparation.model
    if learner is None or model is None:
        return {"rows": [], "by": "nothing is learned yet"}
    rows = np.array([r for r in np.flatnonzero(session.given >= 0) if place[r] >= 0], np.intp)
    if not len(rows):
        return {"rows": [], "by": "there are no examples"}
    given = session.given[rows]
    classifier = model.classifier
    belief: dict[int, float] = {}
    says: dict[int, str] = {}
    known = classifier.out_of_fold_
    if len(known.probabilities):
        row_of = {session.catalog.paths[row]: int(row) for row in rows}
        by = "a fit without each"
        for i, at in enumerate(known.rows):
            row = row_of.get(model.examples[at])
            if row is None:
                continue
            label = session.classes[session.given[row]]
            if label in model.classes:
                belief[row] = float(known.probabilities[i, model.classes.index(label)])
                says[row] = model.classes[int(known.probabilities[i].argmax())]
    else:
        by = "the ten nearest examples"
        values = learner.values[place[rows]]
        near = values @ values.T
        np.fill_diagonal(near, -2)
        k = min(10, len(rows) - 1)
        if k < 1:
            return {"rows": [], "by": by}
        best = np.argpartition(-near, k - 1, axis=1)[:, :k]
        for i, row in enumerate(rows.tolist()):
            votes = np.bincount(given[best[i]], minlength=len(session.classes))
            belief[row] = float(votes[given[i]] / k)
            says[row] = session.classes[int(votes.argmax())]
    open_ = [r for r in belief if says[r] != session.classes[session.given[r]]]
    order = sorted(open_, key=lambda r: (belief[r], r))[:_SHOWN]
    return {
        "rows": [
            {
                "row": row,
                "given": session.classes[session.given[row]],
                "answer": says[row],
                "belief": round(belief[row], 4),
                "person": None if session.person[row] < 0 else session.classes[session.person[row]],
                "name": session.catalog.names[row],
            }
            for row in order
        ],
        "by": by,
        "n": len(open_),
    }
