"""`Promising`: how far the answers of a model can be trusted, by answers for its examples."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from tamis.classifiers.base import Classifier
from tamis.classifiers.out_of_fold import OutOfFold
from tamis.classifiers.predictions import Predictions
from tamis.descriptors import Descriptor
from tamis.descriptors.neural.onnx_descriptor import OnnxDescriptor
from tamis.errors import InvalidParameterError
from tamis.trust.aside import Aside, set_aside
from tamis.trust.conformal import prediction_sets, set_thresholds
from tamis.trust.novelty import check_rate
from tamis.trust.risk import Promise, promise


class Promising:
    """What a model can promise of its answers."""

    descriptor: Descriptor
    classifier: Classifier

    @property
    def net(self) -> str:
        """Name of the classifier, or of the network."""
        raise NotImplementedError

    @property
    def classes(self) -> tuple[str, ...]:
        """In the order of the columns of the answers."""
        raise NotImplementedError

    def promise(self, predictions: Predictions, risk: float) -> Promise:
        """Find how sure an answer must be for at most the share `risk` of those placed to be wrong.

        The promise is for these very images: place those whose confidence is at least its
        `threshold`.

        Raises
        ------
        InvalidParameterError
            No answers for examples by fits without them are known, or `risk` is not in ]0, 1[.
        """
        known = self._left_out()
        return promise(known.confidence, known.right, predictions.confidence, risk)

    def with_sets(
        self, predictions: Predictions, coverage: float, *, per_class: bool = False
    ) -> Predictions:
        """Add prediction sets, of which the share `coverage` is to hold the true class.

        Parameters
        ----------
        predictions : Predictions
            Of this model.
        coverage : float
            In ]0, 1[.
        per_class : bool
            Promise it for each class, which takes more examples and gives larger sets.

        Raises
        ------
        InvalidParameterError
            As `promise`.
        """
        known = self._left_out()
        thresholds = set_thresholds(
            known.true,
            coverage,
            n_classes=len(self.classes),
            classes=known.classes if per_class else None,
        )
        return replace(predictions, sets=prediction_sets(predictions.probabilities, thresholds))

    def novelty(self, predictions: Predictions) -> npt.NDArray[np.float64]:
        """Tell how unlike the examples each image is.

        Parameters
        ----------
        predictions : Predictions
            Of this model, with the nearest examples.

        Returns
        -------
        ndarray of shape (n,)
            As `tamis.trust.novelty.Novelty.p_values`: of images like the examples, the share p
            has a value of p or less.

        Raises
        ------
        InvalidParameterError
            The vectors of the examples are not at hand, or none can be left out.
        """
        known = self.classifier.novelty()
        if known is None or predictions.neighbours.indices.shape[1] != self.classifier.n_shown:
            raise InvalidParameterError(
                f"pictures of no class are told by their distance from the examples, which the "
                f"model {self.net} does not hold. Name the examples (--train), or train with "
                "--classifier auto or knn."
            )
        near = predictions.neighbours
        if not len(predictions):
            return np.empty(0)
        return known.p_values(near.distances, near.indices, predictions.confidence)

    def set_aside(
        self,
        predictions: Predictions,
        *,
        abstain: float | None = None,
        unlike_any: float | None = None,
    ) -> Aside:
        """Decide which images are not put into the folder of their class.

        Parameters
        ----------
        predictions : Predictions
            Of this model.
        abstain : float, optional
            Largest share of wrong answers among the images that go to their classes, as
            `promise`; those that are not sure enough are set aside.
        unlike_any : float, optional
            Set aside images that are unlike all examples, at about this rate of false alarms;
            in ]0, 1[.

        Returns
        -------
        Aside
            For `tamis.sort`.

        Raises
        ------
        InvalidParameterError
            As `promise` and `novelty`, or a rate is out of its range.
        """
        novelty = None
        if unlike_any is not None:
            check_rate(unlike_any)
            novelty = self.novelty(predictions)
        promised = None
        if abstain is not None:
            known, sure = self._left_out(), predictions.confidence
            if novelty is not None and unlike_any is not None:
                sure = sure[novelty > unlike_any]
            promised = promise(known.confidence, known.right, sure, abstain)
        classical = not any(isinstance(leaf, OnnxDescriptor) for leaf in self.descriptor.leaves)
        return set_aside(predictions.confidence, promised, novelty, unlike_any, classical=classical)

    def _left_out(self) -> OutOfFold:
        """Return answers for examples by fits without them; raise an error if there are none."""
        known = self.classifier.out_of_fold_
        if not len(known):
            raise InvalidParameterError(
                f"a promise rests on answers for examples by fits without them, which {self.net} "
                "does not have: a network is checked on images that were set aside, and a class "
                "with a single example leaves none to check by. Use another classifier, or add "
                "examples."
            )
        return known
