"""What a page may ask of a review: rows, orders, one picture, what to ask next."""

import os
import struct
import time
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tamis.errors import UnknownNameError
from tamis.metrics.intervals import wilson_interval
from tamis.web.estimate import expected_accuracy
from tamis.web.preparation import Preparation
from tamis.web.session import Session

ORDERS: Final = ("unsure", "name", "time", "likeness", "ask")
_HEAD: Final = struct.Struct("<4sIII")
_MARK: Final = b"tmr1"
_ASKED: Final = 60
_POOL: Final = 12  # candidates per picture that is asked about


def rows_of(session: Session) -> bytes:
    """Pack the columns of all pictures to be sorted, little-endian.

    After a head (``tmr1``, number of rows, revision, number of classes, each 4 bytes) come,
    for n rows: the answered class (uint16), the class that a person gave (uint16, 65535 is
    none), the confidence (uint16, of 65535), the flags (uint8, `Session.flags`), and a number
    that changes with the picture (uint32; 0 is not known), for the address of its thumbnail.
    """
    with session.lock:
        answers, n = session.answers, session.catalog.n
        person = session.person[:n].astype(np.int64)
        person[person < 0] = 0xFFFF
        confidence = np.rint(np.clip(answers.confidence, 0, 1) * 0xFFFF)
        keys = b"".join((key or b"\0\0\0\0")[:4] for key in session.thumbnails.keys[:n])
        return b"".join(
            [
                _HEAD.pack(_MARK, n, answers.revision, len(session.classes)),
                answers.classes.astype("<u2").tobytes(),
                person.astype("<u2").tobytes(),
                confidence.astype("<u2").tobytes(),
                session.flags().tobytes(),
                keys,
            ]
        )


def order_of(session: Session, preparation: Preparation, by: str) -> npt.NDArray[np.uint32]:
    """Return the rows in an order.

    Raises
    ------
    UnknownNameError
        There is no such order.
    """
    n = session.catalog.n
    if by == "unsure":
        order = np.argsort(session.answers.confidence, kind="stable")
    elif by == "time":
        order = np.argsort(session.catalog.times(), kind="stable")
    elif by == "likeness":
        order = _by_likeness(session, preparation)
    elif by == "ask":
        order = np.array(ask(session, preparation), np.intp)
    elif by == "name":
        order = np.arange(n)
    else:
        raise UnknownNameError.among("order", by, ORDERS)
    return order.astype("<u4")


def _by_likeness(session: Session, preparation: Preparation) -> npt.NDArray[np.intp]:
    """Order by answered class, and within each from the most typical picture outwards."""
    learner, place = preparation.learner, preparation.place[: session.catalog.n]
    near = np.zeros(session.catalog.n)
    classes = session.effective()
    if learner is not None:
        for code in np.unique(classes):
            rows = np.flatnonzero((classes == code) & (place >= 0))
            values = learner.values[place[rows]]
            if len(rows):
                near[rows] = values @ values.mean(axis=0)
    return np.lexsort((-near, classes))


def ask(session: Session, preparation: Preparation, count: int = _ASKED) -> list[int]:
    """Choose the pictures whose class would teach most: unsure, and unlike one another.

    Of the least certain pictures (by the margin between the two likeliest classes) one after
    the other is taken that is farthest from those already taken, weighted by its doubt.
    """
    learner, answers = preparation.learner, session.answers
    if learner is None or not answers.revision:
        return []
    n = session.catalog.n
    open_ = np.flatnonzero((session.person[:n] < 0) & (preparation.place[:n] >= 0))
    if not len(open_):
        return []
    values = learner.values[preparation.place[open_]]
    chosen: list[int] = open_[choose(answers.probabilities[open_], values, count)].tolist()
    return chosen


def choose(
    probabilities: npt.NDArray[np.floating], values: npt.NDArray[np.float32], count: int
) -> npt.NDArray[np.intp]:
    """Choose rows to ask about; see `ask`."""
    top = np.sort(probabilities, axis=1)[:, -2:]
    doubt = 1 - (top[:, -1] - (top[:, 0] if top.shape[1] > 1 else 0))
    pool = np.argsort(-doubt, kind="stable")[: max(count * _POOL, count)]
    among, weight = values[pool], doubt[pool]
    away = np.full(len(pool), 2.0)
    chosen: list[int] = []
    for _ in range(min(count, len(pool))):
        best = int(np.argmax(away * weight))
        chosen.append(best)
        away = np.minimum(away, 1 - among @ among[best])
        away[best] = -1
    return pool[chosen]


def picture(session: Session, preparation: Preparation, row: int) -> dict[str, Any]:
    """Return all that is known of a picture."""
    catalog = session.catalog
    (row,) = catalog.check([row])
    path = catalog.paths[row]
    found: dict[str, Any] = {
        "row": row,
        "name": catalog.names[row],
        "example": row >= catalog.n,
        "given": None if session.given[row] < 0 else session.classes[session.given[row]],
        "person": None if session.person[row] < 0 else session.classes[session.person[row]],
        "reason": session.thumbnails.failures.get(row),
        "classes": [],
        "neighbours": [],
        "alike": [],
    }
    try:
        status = os.stat(path)
        found["bytes"] = status.st_size
        found["time"] = time.strftime("%Y-%m-%d %H:%M", time.localtime(status.st_mtime))
    except OSError as error:
        found["reason"] = found["reason"] or error.strerror
    else:
        found |= about_file(path)
    said = session.said.get(row)
    if said is not None:
        found["answered"] = {"class": said.answer, "confidence": said.confidence}
    answers = session.answers
    if row < catalog.n and answers.probabilities.shape[1]:
        shares = answers.probabilities[row]
        best = np.argsort(-shares, kind="stable")[:5]
        found["classes"] = [
            {"class": session.classes[i], "probability": float(shares[i])}
            for i in best
            if shares[i] > 0
        ]
    learner = preparation.learner
    if learner is not None and preparation.place[row] >= 0:
        near = learner.values @ learner.values[preparation.place[row]]
        near[preparation.place[row]] = -2
        owner = preparation.rows
        label = np.where(session.person >= 0, session.person, session.given)
        taught = label[owner] >= 0
        for name, mask, count in (("neighbours", taught, 5), ("alike", owner < catalog.n, 8)):
            places = np.flatnonzero(mask & (near > -2))
            places = places[np.argsort(-near[places], kind="stable")[:count]]
            found[name] = [
                {
                    "row": int(owner[place]),
                    "name": catalog.names[owner[place]],
                    "class": None
                    if label[owner[place]] < 0
                    else session.classes[label[owner[place]]],
                    "distance": round(float(1 - near[place]), 4),
                }
                for place in places
            ]
    return found


def about_file(path: str) -> dict[str, Any]:
    """Return what a file says of itself: pixels, camera and time taken; {} if it says nothing."""
    from tamis.images.about import about

    return about(path)


def report(session: Session) -> dict[str, Any]:
    """Compare what was promised of corrected pictures with what people said of them."""
    with session.lock:
        n = session.catalog.n
        said = [(row, one) for row, one in session.said.items() if row < n]
        known = [
            (float(one.confidence), one.answer == one.after)
            for _, one in said
            if one.confidence is not None
        ]
        open_ = (session.person[:n] < 0) & (session.answers.confidence > 0)
        rest = session.answers.confidence[open_]
        confusions: dict[tuple[str, str], int] = {}
        for _, one in said:
            if one.answer is not None and one.answer != one.after:
                pair = (one.answer, str(one.after))
                confusions[pair] = confusions.get(pair, 0) + 1
    bins = []
    edges = [0, 0.5, 0.7, 0.8, 0.9, 0.95, 1.0000001]
    for low, high in pairwise(edges):
        inside = [(c, r) for c, r in known if low <= c < high]
        if inside:
            right = sum(r for _, r in inside)
            bins.append(
                {
                    "from": low,
                    "to": min(high, 1.0),
                    "n": len(inside),
                    "promised": float(np.mean([c for c, _ in inside])),
                    "kept": right / len(inside),
                    "kept_ci": list(wilson_interval(right, len(inside))),
                }
            )
    return {
        "corrected": len(said),
        "with_answer": len(known),
        "right": sum(r for _, r in known),
        "bins": bins,
        "confusions": [
            {"answered": pair[0], "is": pair[1], "n": count}
            for pair, count in sorted(confusions.items(), key=lambda one: -one[1])[:20]
        ],
        "rest": expected_accuracy(rest, known),
    }
