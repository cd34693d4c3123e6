"""`a+b`: several descriptors seen as one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import ClassVar, Final, Self, final

import numpy as np

from tamis.descriptors.base import Descriptor, Features, Labels, check_choice
from tamis.descriptors.fusion.weights import SCALES, UNITS, scaled_weights, to_unit
from tamis.errors import InvalidParameterError
from tamis.images import Pixels

METHODS: Final = ("early", "sum", "rrf")


@final
@dataclass(frozen=True, kw_only=True)
class Fusion(Descriptor):
    """Vectors of several descriptors, one after the other, compared as one or part by part.

    ``early`` multiplies the vectors of each part by its weight, and compares the whole.
    ``sum`` compares each part by its own distance, and adds the distances, each times
    its weight. ``rrf`` adds not distances but reciprocal ranks [2]_. By L1 early fusion
    and the sum of distances are the same; so early is what ``a+b`` is where all parts
    are compared by L1, and ``sum`` what it is where one is not.

    Parts differ in scale, so that alone the one with the largest values would decide:
    `fit` finds weights under which each counts alike, or which retrieve best. They
    become part of the spec, ``1.2*color(...)+0.7*lbp(...)``: that is all there is to
    carry from training to use. What is not as usual follows after ``@``:
    ``color+lbp@sum@learned``, ``1*color(...)+1*lbp(...)@rrf``.

    Parameters
    ----------
    parts : tuple of Descriptor
        At least two, none of them a fusion or a reduction.
    weights : tuple of float or None
        Positive, one per part, kept to six digits. With a `scale` they are relative: how
        often each part counts once it is brought to scale; None is alike.
    method : {"early", "sum", "rrf"} or None
        None is as the parts are compared: early if all are by L1, or sum.
    unit : {"none", "l1", "l2"}
        Divide each vector of each part by its L1 or L2 norm first. A zero vector stays.
    scale : {"median", "deviation", "learned", "none"} or None
        What `fit` is to do: divide by the median distance of two training pictures; by
        the standard deviation, of the values (early, summed over them) or of the
        distances (sum); or try which weights retrieve best among labelled training
        pictures (`tamis.descriptors.fusion.learn_weights`). None, or "none", leaves the weights as
        they are given, or 1; but without weights the default is "median".
        Ranks have no scale: ``rrf`` takes "learned" or None.

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
    .. [2] G. V. Cormack, C. L. A. Clarke, S. Buettcher, "Reciprocal rank fusion
       outperforms Condorcet and individual rank learning methods", SIGIR 2009,
       758-759. https://doi.org/10.1145/1571941.1572114

    Examples
    --------
    >>> parts = tamis.descriptor("color(bins=4)"), tamis.descriptor("moments")
    >>> fusion = tamis.Fusion(parts=parts, weights=(2, 1))
    >>> fusion.spec, fusion.dim
    ('2*color(bins=4,regions=3,size=128)+1*moments(regions=5,size=128)', 801)
    """

    name: ClassVar[str] = "fusion"
    summary: ClassVar[str] = "several descriptors as one"
    reference: ClassVar[str] = "Jain, Nandakumar & Ross 2005, doi:10.1016/j.patcog.2005.01.012"

    parts: tuple[Descriptor, ...]
    weights: tuple[float, ...] | None = None
    method: str | None = None
    unit: str = "none"
    scale: str | None = None

    def __post_init__(self) -> None:
        self._check_parts()
        if self.method is None:
            object.__setattr__(self, "method", self._usual_method)
        check_choice("method", self.method, METHODS)
        check_choice("unit", self.unit, UNITS)
        ranks = self.method == "rrf"
        if self.scale is None:
            known = self.weights is not None or ranks
            object.__setattr__(self, "scale", "none" if known else "median")
        check_choice("scale", self.scale, SCALES)
        if ranks and self.scale not in ("none", "learned"):
            raise InvalidParameterError(
                f"rrf fuses ranks, which have no scale. Leave out {self.scale}."
            )
        if self.scale == "learned" and self.weights is not None:
            raise InvalidParameterError(
                "weights are given or learned. Leave out the weights, or learned."
            )
        if self.scale == "none" and self.weights is None:
            object.__setattr__(self, "weights", (1.0,) * len(self.parts))
        if self.weights is not None:
            self._check_weights(self.weights)

    def _check_parts(self) -> None:
        if len(self.parts) < 2:
            raise InvalidParameterError("a fusion needs two descriptors or more, as color+lbp.")
        specs = [part.spec for part in self.parts]
        if len(set(specs)) < len(specs):
            twice = next(spec for spec in specs if specs.count(spec) > 1)
            raise InvalidParameterError(f"a fusion holds {twice} twice.")
        for part in self.parts:
            if part.leaves != (part,):
                raise InvalidParameterError(
                    f"{part.spec} is made of others already and cannot be part of a fusion."
                )

    def _check_weights(self, weights: tuple[float, ...]) -> None:
        if len(weights) != len(self.parts) or not all(
            np.isfinite(weight) and weight > 0 for weight in weights
        ):
            raise InvalidParameterError(
                f"a fusion needs one positive weight per descriptor. Got {weights}."
            )
        # As the spec says them, so that a fusion rebuilt from it is the same.
        rounded = tuple(float(f"{weight:.6g}") for weight in weights)
        object.__setattr__(self, "weights", rounded)

    @property
    def _usual_method(self) -> str:
        return "early" if all(part.default_distance == "l1" for part in self.parts) else "sum"

    @property
    def late(self) -> bool:
        """Whether the parts are compared one by one, and not the whole vectors."""
        return self.method != "early"

    @property
    def default_distance(self) -> str:  # type: ignore[override]
        """That of the parts if they have one and are compared as a whole; l1 if they differ.

        Of a late fusion its name, which says how each part is compared.
        """
        if self.late:
            return self.distance_for()
        own = {part.default_distance for part in self.parts}
        return own.pop() if len(own) == 1 else "l1"

    def distance_for(self, distance: str = "") -> str:  # noqa: D102 - as Descriptor
        if not self.late:
            return distance or self.default_distance
        from tamis.distances import Part, fused_name

        weights = self._known_weights()
        return fused_name(
            str(self.method),
            [
                Part(distance or part.default_distance, part.dim, weight)
                for part, weight in zip(self.parts, weights, strict=True)
            ],
        )

    @property
    def dim(self) -> int:
        """Length of the vectors: the sum of those of the parts."""
        return sum(part.dim for part in self.parts)

    @property
    def spec(self) -> str:
        """The parts' specs with their weights, joined by ``+``; then what is not as usual."""
        words = [] if self.method == self._usual_method else [self.method]
        words += [] if self.unit == "none" else [f"{self.unit}unit"]
        usual = "median" if self.weights is None else "none"
        words += [] if self.scale == usual else [self.scale]
        said = "".join(f"@{word}" for word in words)
        if self.weights is None:
            return "+".join(part.spec for part in self.parts) + said
        pairs = zip(self.weights, self.parts, strict=True)
        return "+".join(f"{_plain(weight)}*{part.spec}" for weight, part in pairs) + said

    @property
    def leaves(self) -> tuple[Descriptor, ...]:  # noqa: D102 - as Descriptor
        return self.parts

    @property
    def fitted(self) -> bool:  # noqa: D102 - as Descriptor
        return self.scale == "none"

    @property
    def needs_labels(self) -> bool:  # noqa: D102 - as Descriptor
        return self.scale == "learned"

    def fit(  # noqa: D102 - as Descriptor
        self,
        vectors: Sequence[Features],
        *,
        labels: Labels | None = None,
        distance: str = "",
        jobs: int = 1,
    ) -> Self:
        if self.fitted:
            return self
        distances = [distance or part.default_distance for part in self.parts]
        if not self.late:
            distances = [distance or self.default_distance] * len(self.parts)
        found = scaled_weights(
            [to_unit(part, self.unit) for part in vectors],
            labels,
            distances=distances,
            scale=str(self.scale),
            method=str(self.method),
            jobs=jobs,
        )
        given = self.weights or (1.0,) * len(self.parts)
        weights = tuple(one * scale for one, scale in zip(given, found, strict=True))
        return replace(self, weights=weights, scale="none")

    def combine(self, vectors: Sequence[Features]) -> Features:  # noqa: D102 - as Descriptor
        weights = self._known_weights()
        out = np.empty((len(vectors[0]), self.dim), np.float32)
        start = 0
        for weight, part in zip(weights, vectors, strict=True):
            end = start + part.shape[1]
            # The weights of a late fusion are those of distances.
            factor = np.float32(1 if self.late else weight)
            np.multiply(to_unit(part, self.unit), factor, out=out[:, start:end])
            start = end
        return out

    def apart(self, vectors: Features) -> list[Features]:
        """Cut what `combine` gives into the vectors of the parts, without their weights.

        Norms that were divided by are not known any more.
        """
        ends = np.cumsum([part.dim for part in self.parts])
        cut = np.split(vectors, ends[:-1], axis=1)
        if self.late:
            return list(cut)
        weights = self._known_weights()
        return [part / np.float32(weight) for part, weight in zip(cut, weights, strict=True)]

    def describe(self, images: Sequence[Pixels]) -> Features:  # noqa: D102 - as Descriptor
        return self.combine([part.describe(images) for part in self.parts])

    def _known_weights(self) -> tuple[float, ...]:
        if not self.fitted or self.weights is None:
            raise InvalidParameterError(
                f"{self.spec} has no weights yet: fit it to training pictures, or write them, as "
                f"1*{self.parts[0].name}+1*{self.parts[1].name}."
            )
        return self.weights


def _plain(weight: float) -> str:
    return format(Decimal(f"{weight:.6g}"), "f")
