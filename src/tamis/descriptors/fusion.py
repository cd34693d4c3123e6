"""`a+b`: several descriptors seen as one."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Final, Self, final

import numpy as np
import numpy.typing as npt

from tamis.descriptors.base import Descriptor, Features
from tamis.errors import InvalidParameterError
from tamis.images import Pixels

SCALES: Final = ("median", "deviation", "none")
_SAMPLE: Final = 256


@final
@dataclass(frozen=True, kw_only=True)
class Fusion(Descriptor):
    """Vectors of several descriptors, each times its weight, one after the other.

    By L1 the distance of two pictures is the weighted sum of their distances by
    each part. Parts differ in scale, so plain concatenation lets the one with the
    largest values decide; `fit` finds weights under which each counts alike. They
    become part of the spec, ``1.2*color(...)+0.7*lbp(...)``: that is all there is
    to carry from training to use.

    Parameters
    ----------
    parts : tuple of Descriptor
        At least two, none of them a fusion.
    weights : tuple of float or None
        Positive, one per part, kept to six digits; None until it is fitted.

    Notes
    -----
    ``dim = sum(part.dim for part in parts)``.

    Dividing each part's distances by their median is the usual normalisation of
    scores before a sum rule [1]_, with a robust measure of scale.

    References
    ----------
    .. [1] A. Jain, K. Nandakumar, A. Ross, "Score normalization in multimodal
       biometric systems", Pattern Recognition 38(12), 2270-2285, 2005.
       https://doi.org/10.1016/j.patcog.2005.01.012
    """

    name: ClassVar[str] = "fusion"
    summary: ClassVar[str] = "several descriptors as one"
    source: ClassVar[str] = "Jain, Nandakumar & Ross 2005, doi:10.1016/j.patcog.2005.01.012"

    parts: tuple[Descriptor, ...]
    weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if len(self.parts) < 2:
            raise InvalidParameterError("a fusion needs two descriptors or more, as color+lbp.")
        specs = [part.spec for part in self.parts]
        if len(set(specs)) < len(specs):
            twice = next(spec for spec in specs if specs.count(spec) > 1)
            raise InvalidParameterError(f"a fusion holds {twice} twice.")
        if self.weights is not None:
            if len(self.weights) != len(self.parts) or not all(
                np.isfinite(weight) and weight > 0 for weight in self.weights
            ):
                raise InvalidParameterError(
                    f"a fusion needs one positive weight per descriptor. Got {self.weights}."
                )
            # As the spec says them, so that a fusion rebuilt from it is the same.
            rounded = tuple(float(f"{weight:.6g}") for weight in self.weights)
            object.__setattr__(self, "weights", rounded)

    @property
    def size(self) -> int | None:  # type: ignore[override]
        """The largest working size of the parts."""
        sizes = [part.size for part in self.parts]
        return None if None in sizes else max(size for size in sizes if size is not None)

    @property
    def dim(self) -> int:
        """Length of the vectors: the sum of those of the parts."""
        return sum(part.dim for part in self.parts)

    @property
    def spec(self) -> str:
        """The parts' specs with their weights, joined by ``+``."""
        if self.weights is None:
            return "+".join(part.spec for part in self.parts)
        pairs = zip(self.weights, self.parts, strict=True)
        return "+".join(f"{_plain(weight)}*{part.spec}" for weight, part in pairs)

    @property
    def leaves(self) -> tuple[Descriptor, ...]:  # noqa: D102 - as Descriptor
        return self.parts

    @property
    def fitted(self) -> bool:  # noqa: D102 - as Descriptor
        return self.weights is not None

    def fit(  # noqa: D102 - as Descriptor
        self, vectors: Sequence[Features], *, scale: str = "median", distance: str = "l1"
    ) -> Self:
        if self.weights is not None:
            return self
        weights = tuple(1 / _spread(part, scale, distance) for part in vectors)
        return type(self)(parts=self.parts, weights=weights)

    def combine(self, vectors: Sequence[Features]) -> Features:  # noqa: D102 - as Descriptor
        if self.weights is None:
            raise InvalidParameterError(
                f"{self.spec} has no weights yet: fit it to training pictures, or write them, as "
                f"1*{self.parts[0].name}+1*{self.parts[1].name}."
            )
        out = np.empty((len(vectors[0]), self.dim), np.float32)
        start = 0
        for weight, part in zip(self.weights, vectors, strict=True):
            end = start + part.shape[1]
            np.multiply(part, np.float32(weight), out=out[:, start:end])
            start = end
        return out

    def describe(self, images: Sequence[Pixels]) -> Features:  # noqa: D102 - as Descriptor
        return self.combine([part.describe(images) for part in self.parts])


def sample_to_fit(n: int) -> npt.NDArray[np.intp]:
    """Choose which of n training pictures weights are fitted to: always the same ones.

    Of a sample of its own length it is the whole, so that who has these pictures only
    gets the weights that all would give.
    """
    return np.sort(np.random.default_rng(0).permutation(n)[:_SAMPLE])


def _spread(vectors: Features, scale: str, distance: str) -> float:
    """Measure the scale of a part on a fixed sample of its vectors; 1 if it has none."""
    from scipy.spatial.distance import pdist

    if scale not in SCALES:
        raise InvalidParameterError(f"scale must be one of {', '.join(SCALES)}. Got {scale!r}.")
    if scale == "none" or len(vectors) < 2:
        return 1.0
    sample = vectors[sample_to_fit(len(vectors))].astype(np.float64)
    if scale == "deviation":
        spread = float(sample.std(axis=0).sum())
    else:
        metric = "cityblock" if distance == "l1" else "euclidean"
        spread = float(np.median(pdist(sample, metric)))
    return spread if spread > 0 else 1.0


def _plain(weight: float) -> str:
    return format(Decimal(f"{weight:.6g}"), "f")
