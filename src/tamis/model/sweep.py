"""k-NN by several k and several votes: images are described once, and each is scored."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Unpack

from tamis.classifiers.votes import VOTES
from tamis.dataset import Dataset
from tamis.descriptors import Descriptor, descriptor
from tamis.descriptors.base import check_choice
from tamis.errors import InvalidParameterError, TableError
from tamis.evaluation.classification import Evaluation, evaluate
from tamis.features import Reading
from tamis.model.fitting import learn


@dataclass(frozen=True, slots=True)
class Swept:
    """What one k and one vote are worth.

    Attributes
    ----------
    k : int
    vote : {"kernel", "inverse"}
    evaluation : Evaluation
    """

    k: int
    vote: str
    evaluation: Evaluation

    def to_dict(self) -> dict[str, Any]:
        """All of it in plain types, for JSON."""
        return {"k": self.k, "vote": self.vote, **self.evaluation.to_dict()}


def sweep(
    examples: Dataset,
    test: Dataset,
    *,
    by: str | Descriptor,
    ks: Sequence[int],
    votes: Sequence[str] = VOTES[:1],
    distance: str = "",
    seed: int = 0,
    **reading: Unpack[Reading],
) -> list[Swept]:
    """Score k-NN on a test set by each k and each vote.

    The best of several figures flatters: choose on a validation part, and score the choice on
    a test part that had no say.

    Parameters
    ----------
    examples, test : Dataset
        With classes; images without are left out.
    by : str or Descriptor
    ks : sequence of int
        Neighbours that vote, each at most the number of examples.
    votes : sequence of {"kernel", "inverse"}
    distance : str
        The default of the descriptor if empty.
    seed : int
        Of the bootstrap.
    **reading
        ``jobs``, ``max_pixels``, ``progress``, as `tamis.features.extract` takes them.

    Returns
    -------
    list of Swept
        By vote, then by k, in the order given.

    Raises
    ------
    InvalidParameterError
        A k is out of its range, or a vote is not known.
    TableError
        No example can be read.
    """
    for vote in votes:
        check_choice("vote", vote, VOTES)
    labelled = examples.labelled()
    most = max(ks, default=0)
    if not ks or min(ks) < 1 or most > len(labelled):
        raise InvalidParameterError(
            f"k must be from 1 to the number of examples, {len(labelled)}. Got "
            f"{', '.join(map(str, ks)) or 'none'}."
        )
    chosen = descriptor(by) if isinstance(by, str) else by
    fitted, known = labelled.fit(chosen, distance=distance, **reading)
    if most > len(known):
        raise TableError(f"only {len(known)} of the examples can be read, and k is {most}.")
    asked = test.labelled()
    vectors = asked.features(fitted, **reading)
    pairs = zip(asked.table.paths, asked.table.labels, strict=True)
    truth = {path: label for path, label in pairs if label is not None}
    found = []
    for vote in votes:
        for k in ks:
            model = learn(
                fitted, known, k=k, vote=vote, jobs=reading.get("jobs"), listed=labelled.table
            )
            answers = model.predict_features([vectors])
            found.append(Swept(k, vote, evaluate(answers, truth, seed=seed)))
    return found
