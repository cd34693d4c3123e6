"""The course of a training, as curves: where their points, ticks and labels stand."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from tamis.model import Model

_WIDTH: Final = 480
_HEIGHT: Final = 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 12, 10, 40


@dataclass(frozen=True, slots=True)
class Curve:
    """One line: its name, its points in CSS pixels, and its last value in words."""

    name: str
    points: tuple[tuple[float, float], ...]
    last: str

    @property
    def path(self) -> str:
        """As SVG draws it."""
        return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in self.points)


@dataclass(frozen=True, slots=True)
class Chart:
    """One drawing with one or two curves."""

    title: str
    x_title: str
    curves: tuple[Curve, ...]
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    mark: float | None
    """Where what was kept stands."""

    width: int = _WIDTH
    height: int = _HEIGHT
    left: int = _LEFT
    right: int = _WIDTH - _RIGHT
    top: int = _TOP
    bottom: int = _HEIGHT - _BOTTOM


@dataclass(frozen=True, slots=True)
class Course:
    """How a training went.

    Attributes
    ----------
    charts : tuple of Chart
        Loss, and accuracy.
    note : str
        What they show, and what was kept.
    """

    charts: tuple[Chart, ...]
    note: str

    @classmethod
    def of(cls, model: Model) -> "Course | None":
        """Lay out the course of the training of a model; None if there is none to show."""
        history = model.history
        if not history:
            return None
        if "strength" in history[0]:
            return cls._of_probe(history)
        if "epoch" not in history[0]:
            return None
        best = int(model.signature.get("best_epoch", len(history)))
        xs = [float(row["epoch"]) for row in history]
        charts = tuple(
            _chart(title, "epoch", xs, history, keys, _epochs(xs), mark=float(best), share=share)
            for title, keys, share in (
                ("Loss", {"training": "loss", "validation": "val_loss"}, False),
                ("Accuracy", {"training": "accuracy", "validation": "val_accuracy"}, True),
            )
        )
        note = (
            f"{len(history)} epochs; the weights are those of epoch {best}, where the vertical "
            "line stands. Training figures are those on the pictures as they were shown, varied at "
            "random; validation figures are those on pictures that were not learned from."
        )
        return cls(charts, note)

    @classmethod
    def _of_probe(cls, history: Sequence[dict[str, Any]]) -> "Course":
        xs = [-math.log10(row["strength"]) for row in history]
        best = min(range(len(history)), key=lambda i: history[i]["loss"])
        ticks = [(x, f"{row['strength']:.0e}") for x, row in zip(xs, history, strict=True)]
        charts = tuple(
            _chart(
                title, "strength of the penalty", xs, history, {"held out": key}, ticks,
                mark=xs[best], share=share,
            )
            for title, key, share in (("Loss", "loss", False), ("Accuracy", "accuracy", True))
        )  # fmt: skip
        note = (
            "How strongly the probe was held back was chosen by cross-validation on the training "
            f"pictures alone: of {len(history)} strengths the one with the lowest loss on pictures "
            f"held out, {history[best]['strength']:.0e}, where the vertical line stands."
        )
        return cls(charts, note)


def _epochs(xs: Sequence[float]) -> list[tuple[float, str]]:
    step = max(1, round_step((xs[-1] - xs[0]) / 6))
    numbers = [x for x in xs if x % step == 0 or x == xs[0]]
    return [(x, f"{x:.0f}") for x in numbers]


def _chart(
    title: str,
    x_title: str,
    xs: Sequence[float],
    history: Sequence[dict[str, Any]],
    keys: dict[str, str],
    x_ticks: Sequence[tuple[float, str]],
    *,
    mark: float,
    share: bool,
) -> Chart:
    lines = {
        name: [(x, float(row[key])) for x, row in zip(xs, history, strict=True) if _known(row, key)]
        for name, key in keys.items()
    }
    lines = {name: points for name, points in lines.items() if points}
    values = [y for points in lines.values() for _, y in points]
    high = 1.0 if share else max(values, default=1.0)
    low = math.floor(10 * min(values, default=0.0)) / 10 if share else 0.0
    step = round_step((high - low) / 4)
    if not share:
        high = step * math.ceil(high / step - 1e-9)
    ys = [low + step * i for i in range(int((high - low) / step + 1e-6) + 1)]
    first, last = min(xs), max(xs)

    def across(x: float) -> float:
        inner = _WIDTH - _LEFT - _RIGHT
        return _LEFT + inner * ((x - first) / (last - first) if last > first else 0.5)

    def down(y: float) -> float:
        return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (high - y) / ((high - low) or 1)

    return Chart(
        title=title,
        x_title=x_title,
        curves=tuple(
            Curve(
                name,
                tuple((across(x), down(y)) for x, y in points),
                f"{100 * points[-1][1]:.1f} %" if share else f"{points[-1][1]:.3f}",
            )
            for name, points in lines.items()
        ),
        x_ticks=tuple((across(x), text) for x, text in x_ticks),
        y_ticks=tuple((down(y), f"{100 * y:.0f} %" if share else f"{y:.3g}") for y in ys),
        mark=across(mark),
    )


def _known(row: dict[str, Any], key: str) -> bool:
    value = row.get(key)
    return isinstance(value, int | float) and math.isfinite(value)


def round_step(least: float) -> float:
    """Give the next of 1, 2, 5, 10, ... times a power of ten.

    Examples
    --------
    >>> [round_step(step) for step in (0.03, 0.2, 3, 60)]
    [0.05, 0.2, 5.0, 100.0]
    """
    if least <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(least))
    return next(float(f"{m * power:.6g}") for m in (1, 2, 5, 10) if m * power >= least * (1 - 1e-9))
