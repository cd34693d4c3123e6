"""Search on a page: by pictures of the review, by one from elsewhere, by words."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tamis.dataset import Dataset
from tamis.errors import ImageReadError, InvalidParameterError
from tamis.features.index import Matches
from tamis.web.preparation import Preparation
from tamis.web.session import Session

_MAX_FOUND: Final = 2000


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which results of a search are shown.

    Attributes
    ----------
    count : int
        How many at most, 1 to 2000.
    classes : sequence of str
        Only pictures that have these classes now; all if empty.
    least, most : float
        Bounds of their confidence.
    """

    count: int = 200
    classes: Sequence[str] = ()
    least: float = 0.0
    most: float = 1.0

    def __post_init__(self) -> None:
        if type(self.count) is not int or not 1 <= self.count <= _MAX_FOUND:
            raise InvalidParameterError(f"count must be 1 to {_MAX_FOUND}. Got {self.count!r:.40}.")

    @property
    def all(self) -> bool:
        """Whether no result is left out."""
        return not self.classes and self.least <= 0 and self.most >= 1


def nearest(
    session: Session,
    preparation: Preparation,
    rows: Sequence[object] = (),
    *,
    file: str | None = None,
    wanted: Wanted = Wanted(),
) -> dict[str, Any]:
    """Find the pictures that look most like some pictures, or like a file, nearest first.

    Parameters
    ----------
    session : Session
    preparation : Preparation
    rows : sequence of int
        Pictures of the review; several are searched for by their average.
    file : str, optional
        A picture from elsewhere.
    wanted : Wanted
    """
    index = preparation.index()
    numbers = session.catalog.check(rows)
    if (not numbers) == (file is None):
        raise InvalidParameterError("search for rows or for a picture: name one of them.")
    if file is not None:
        assert preparation.descriptor is not None
        queries = Dataset.open([file]).features(preparation.descriptor)
        if not len(queries):
            reason = queries.failures[0].reason if queries.failures else "is no picture"
            raise ImageReadError("the picture", reason)
    else:
        places = [int(preparation.place[row]) for row in numbers]
        if min(places) < 0:
            raise InvalidParameterError("a picture that cannot be read cannot be searched for.")
        queries = index.gallery.select(places)
    most = len(index.gallery)
    if wanted.all:
        most = min(most, wanted.count + len(numbers) + len(session.catalog.labels))
    found: Matches = index.search(queries, max(1, most), combine="average")
    places, distances = found.indices[0].tolist(), found.distances[0].tolist()
    shown = _shown(session, preparation, places, distances, wanted, asked=set(numbers))
    return shown | {"distance": index.distance}


def by_words(
    session: Session, preparation: Preparation, words: object, wanted: Wanted
) -> dict[str, Any]:
    """Find the pictures that show what words name; as `tamis.search` does.

    Raises
    ------
    InvalidParameterError
        The words are not known, or the pictures were not described by a network that can tell.
    MissingExtraError
        The extra ``words`` is not installed.
    """
    if not isinstance(words, str) or not 0 < len(words.strip()) <= 200:
        raise InvalidParameterError("words must be a text of 1 to 200 characters.")
    answer = preparation.words().search(words.strip(), _Taught(session, preparation.rows))
    order = np.argsort(-answer.scores, kind="stable")
    away = answer.scores[order[0]] - answer.scores[order] if len(order) else answer.scores
    shown = _shown(session, preparation, order.tolist(), away.tolist(), wanted)
    return shown | {
        "distance": "words",
        "doubtful": bool(answer.doubtful),
        "labels": list(answer.labels),
        "taught": answer.taught,
    }


class _Taught(Mapping[str, npt.NDArray[np.float32]]):
    """The probability of each class for every row of the vectors; a person is certain."""

    def __init__(self, session: Session, rows: npt.NDArray[np.intp]) -> None:
        with session.lock:
            self._names = tuple(session.classes)
            self._label = np.where(session.person >= 0, session.person, session.given)[rows]
        self._probabilities = session.answers.probabilities
        self._rows = rows

    def __len__(self) -> int:
        return len(self._names)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __getitem__(self, name: str) -> npt.NDArray[np.float32]:
        code = self._names.index(name)
        known = np.where(self._label == code, np.float32(1), np.float32(0))
        if code < self._probabilities.shape[1]:
            open_ = np.flatnonzero((self._label < 0) & (self._rows < len(self._probabilities)))
            known[open_] = self._probabilities[self._rows[open_], code]
        return known


def _shown(
    session: Session,
    preparation: Preparation,
    places: Iterable[int],
    distances: Iterable[float],
    wanted: Wanted,
    *,
    asked: Set[int] = frozenset(),
) -> dict[str, Any]:
    """Take the first results that are wanted: pictures to be sorted, other than those asked."""
    result, kept = [], []
    effective, answers = session.effective(), session.answers
    allowed = {session.classes.index(name) for name in wanted.classes if name in session.classes}
    for place, distance in zip(places, distances, strict=True):
        row = int(preparation.rows[place])
        if row >= session.catalog.n or row in asked:
            continue
        if wanted.classes and int(effective[row]) not in allowed:
            continue
        if not wanted.all and not wanted.least <= float(answers.confidence[row]) <= wanted.most:
            continue
        result.append(row)
        kept.append(round(float(distance), 5))
        if len(result) == wanted.count:
            break
    return {"rows": result, "distances": kept}
