"""Drawings of figures: where their lines, bands, bars, points, ticks and labels stand."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

WIDTH: Final = 480
HEIGHT: Final = 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 14, 12, 42

Place = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of a histogram, in CSS pixels, and what it says."""

    x: float
    y: float
    width: float
    height: float
    text: str


@dataclass(frozen=True, slots=True)
class Plot:
    """A drawing with a line in a band, bars, or points.

    Attributes
    ----------
    title, x_title : str
    summary : str
        What it shows, in words.
    x_ticks, y_ticks : tuple of (float, str)
        In CSS pixels, with their labels.
    line, band : str
        As SVG draws paths; empty if there are none.
    points : tuple of (float, float)
    bars : tuple of Bar
    mark : float or None
        Where a vertical line stands, beside which `mark_text` is written.
    special : (float, float) or None
        A point that stands out, beside which `mark_text` is written.
    """

    title: str
    x_title: str
    summary: str
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    line: str = ""
    band: str = ""
    points: tuple[Place, ...] = ()
    bars: tuple[Bar, ...] = ()
    mark: float | None = None
    special: Place | None = None
    mark_text: str = ""
    small: bool = False

    width: int = field(default=WIDTH, init=False)
    height: int = field(default=HEIGHT, init=False)
    left: int = field(default=_LEFT, init=False)
    right: int = field(default=WIDTH - _RIGHT, init=False)
    top: int = field(default=_TOP, init=False)
    bottom: int = field(default=HEIGHT - _BOTTOM, init=False)

    @property
    def marked(self) -> float | None:
        """Where what is marked stands."""
        return self.special[0] if self.special is not None else self.mark


def histogram(
    values: npt.NDArray[np.float64], *, title: str, x_title: str, mark: float | None, mark_text: str
) -> Plot:
    """Draw how often each share occurs, and where one of them stands."""
    low = math.floor(20 * min(values.min(), 1.0 if mark is None else mark)) / 20
    high = 1.0
    counts, edges = np.histogram(values, bins=max(10, round((high - low) * 50)), range=(low, high))
    across, down = _scales(low, high, 0, max(int(counts.max()), 1))
    bars = tuple(
        Bar(
            across(a) + 0.5, down(n), max(across(b) - across(a) - 1, 0.5), down(0) - down(n),
            f"{100 * a:.0f} to {100 * b:.0f} %: {n}",
        )
        for a, b, n in zip(edges[:-1], edges[1:], counts, strict=True)
        if n
    )  # fmt: skip
    return Plot(
        title,
        x_title,
        f"from {100 * values.min():.1f} % to {100 * values.max():.1f} %, mean "
        f"{100 * values.mean():.1f} %" + (f"; {mark_text}" if mark is not None else ""),
        tuple((across(x), _percent(x)) for x in _round_ticks(low, high)),
        tuple((down(y), f"{y:.0f}") for y in _round_ticks(0, max(int(counts.max()), 1))),
        bars=bars,
        mark=None if mark is None else across(mark),
        mark_text=mark_text,
    )


def curve(points: Sequence[Any], *, title: str, x_title: str) -> Plot:
    """Draw accuracy, in its band, by a number that grows by factors."""
    lowest = min(point.low for point in points)
    low = math.floor(10 * lowest) / 10
    first, last = math.log(points[0].x), math.log(points[-1].x)
    across, down = _scales(first, last if last > first else first + 1, low, 1.0)
    places = [(across(math.log(p.x)), down(p.accuracy)) for p in points]
    edge = [(across(math.log(p.x)), down(p.high)) for p in points]
    edge += [(across(math.log(p.x)), down(p.low)) for p in reversed(points)]
    return Plot(
        title,
        x_title,
        "; ".join(f"{p.x}: {100 * p.accuracy:.1f} %" for p in points),
        tuple(_apart([(across(math.log(p.x)), str(p.x)) for p in points])),
        tuple((down(y), _percent(y)) for y in _round_ticks(low, 1.0)),
        line=_path(places),
        band=_path(edge) + "Z",
        points=tuple(places),
    )


def scatter(
    xs: npt.NDArray[np.float64],
    ys: npt.NDArray[np.float64],
    *,
    title: str,
    x_title: str,
    special: Place | None,
    mark_text: str,
) -> Plot:
    """Draw one figure of each subset against its accuracy."""
    all_x = [*map(float, xs), *([special[0]] if special else [])]
    low, high = min(all_x), max(all_x)
    low, high = low - 0.02 * (high - low), high + 0.02 * (high - low)
    bottom = math.floor(10 * min([*ys, *([special[1]] if special else [])])) / 10
    across, down = _scales(low, high if high > low else low + 1, bottom, 1.0)
    return Plot(
        title,
        x_title,
        f"{len(xs)} subsets",
        tuple((across(x), f"{x:.3g}") for x in _round_ticks(low, high)),
        tuple((down(y), _percent(y)) for y in _round_ticks(bottom, 1.0)),
        points=tuple((across(x), down(y)) for x, y in zip(xs, ys, strict=True)),
        special=None if special is None else (across(special[0]), down(special[1])),
        mark_text=mark_text,
        small=True,
    )


def _scales(low: float, high: float, bottom: float, top: float) -> Any:
    """Return the functions from figures to pixels, across and down."""

    def across(x: float) -> float:
        return float(_LEFT + (WIDTH - _LEFT - _RIGHT) * (x - low) / ((high - low) or 1))

    def down(y: float) -> float:
        return float(_TOP + (HEIGHT - _TOP - _BOTTOM) * (top - y) / ((top - bottom) or 1))

    return across, down


def _round_ticks(low: float, high: float) -> list[float]:
    """Return about five round numbers in a range."""
    from tamis.report.curves import round_step

    step = round_step((high - low) / 5)
    first = math.ceil(low / step - 1e-9)
    return [step * i for i in range(first, math.floor(high / step + 1e-9) + 1)]


def _apart(ticks: list[tuple[float, str]]) -> list[tuple[float, str]]:
    """Leave out labels that would stand on each other; the last stays."""
    kept: list[tuple[float, str]] = []
    for place, text in reversed(ticks):
        if not kept or kept[-1][0] - place > 8 * max(len(text), len(kept[-1][1])) + 4:
            kept.append((place, text))
    return kept[::-1]


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _path(places: Sequence[Place]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
