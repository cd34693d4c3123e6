"""The reliability diagram: how often answers of each confidence are right."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from tamis.metrics.calibration import reliability
from tamis.metrics.intervals import wilson_interval

_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 12, 10, 40
_SIDE: Final = 240
_LARGEST: Final = 8.0  # radius of the bin with the most answers, in CSS pixels


@dataclass(frozen=True, slots=True)
class Point:
    """A bin: its place and its size in CSS pixels, the ends of its interval, and its words."""

    x: float
    y: float
    radius: float
    low: float
    high: float
    title: str


@dataclass(frozen=True, slots=True)
class Reliability:
    """The diagram of some answers.

    Attributes
    ----------
    points : tuple of Point
        One for each of 15 ranges of confidence that holds answers.
    ticks : tuple of (float, str)
        Distance from the origin, and text; the same for both axes.
    """

    points: tuple[Point, ...]
    ticks: tuple[tuple[float, str], ...]

    left: int = _LEFT
    top: int = _TOP
    side: int = _SIDE
    width: int = _LEFT + _SIDE + _RIGHT
    height: int = _TOP + _SIDE + _BOTTOM

    @classmethod
    def of(
        cls, confidence: npt.NDArray[np.float64], right: npt.NDArray[np.bool_]
    ) -> "Reliability | None":
        """Lay out the diagram; None if there is no answer."""
        rows = [row for row in reliability(confidence, right) if row.n]
        if not rows:
            return None
        most = max(row.n for row in rows)
        points = []
        for row in rows:
            low, high = wilson_interval(round(row.n * row.accuracy), row.n)
            points.append(
                Point(
                    x=_LEFT + _SIDE * row.confidence,
                    y=_down(row.accuracy),
                    radius=max(2.0, _LARGEST * float(np.sqrt(row.n / most))),
                    low=_down(low),
                    high=_down(high),
                    title=f"{row.n:,} answers of confidence {row.confidence:.1%} on average: "
                    f"{row.accuracy:.1%} right",
                )
            )
        ticks = tuple((_SIDE * share, f"{100 * share:.0f} %") for share in (0, 0.25, 0.5, 0.75, 1))
        return cls(tuple(points), ticks)


def _down(share: float) -> float:
    return _TOP + _SIDE * (1 - share)
