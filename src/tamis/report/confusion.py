"""The confusion matrix as a picture: where its cells and labels stand."""

import unicodedata
from dataclasses import dataclass
from typing import Final

import numpy as np

from tamis.errors import printable
from tamis.evaluation.classification import Evaluation

_MATRIX: Final = 720
_CELLS: Final = (11, 48)
_DRAWN_CLASSES: Final = 90
"""A confusion matrix of more classes shows those that are confused most."""

_LABEL_COLUMNS: Final = 20
_EM: Final = 0.62
"""Width of an average character; system fonts differ, this is one of the wide ones."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One non-zero cell: counts, and its share of the row."""

    row: int
    column: int
    count: int
    share: float

    @property
    def opacity(self) -> float:
        """Shade, with a step at one half: no tone between on which no text is readable."""
        return 0.12 + 0.6 * self.share if self.share < 0.5 else 0.64 + 0.36 * self.share


@dataclass(frozen=True, slots=True)
class Matrix:
    """The confusion matrix as a drawing, in CSS pixels."""

    classes: tuple[str, ...]
    labels: tuple[str, ...]
    n_classes: int
    cells: tuple[Cell, ...]
    cell: int
    font: int
    count_font: float
    """0 if the counts do not fit."""
    slanted: bool
    left: int
    top: int
    right: int

    @property
    def lines(self) -> range:
        """Where the grid is drawn."""
        return range(0, self.side + 1, self.cell)

    @property
    def side(self) -> int:
        """Length of the square of cells."""
        return self.cell * len(self.classes)

    @property
    def width(self) -> int:
        """Width with labels."""
        return self.left + self.side + self.right

    @property
    def least_width(self) -> int:
        """Below this it scrolls: small type must not become smaller still."""
        return int((0.7 if self.slanted else 0.9) * self.width)

    @property
    def height(self) -> int:
        """Height with labels."""
        return self.top + self.side + 1

    @classmethod
    def of(cls, evaluation: Evaluation) -> "Matrix | None":
        """Lay it out; None for a single class."""
        if len(evaluation.classes) < 2:
            return None
        confusion = evaluation.confusion
        shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
        off = confusion * ~np.eye(len(confusion), dtype=bool)
        worst = np.argsort(-(off.sum(axis=0) + off.sum(axis=1)), kind="stable")
        drawn = np.sort(worst[:_DRAWN_CLASSES])
        confusion, shares = confusion[np.ix_(drawn, drawn)], shares[np.ix_(drawn, drawn)]

        cell = int(np.clip(_MATRIX // len(drawn), *_CELLS))
        font = min(13, cell - 1)
        classes = tuple(evaluation.classes[i] for i in drawn)
        labels = tuple(shorten(label, _LABEL_COLUMNS) for label in classes)
        length = int(max(_columns(label) for label in labels) * _EM * font) + 8
        slanted = cell >= 24
        digits = len(str(confusion.max(initial=0)))
        count_font = min(13.0, cell / 2, (cell - 4) / (_EM * digits))
        return cls(
            classes=classes,
            labels=labels,
            n_classes=len(evaluation.classes),
            cells=tuple(
                Cell(int(i), int(j), int(confusion[i, j]), float(shares[i, j]))
                for i, j in np.argwhere(confusion)
            ),
            cell=cell,
            font=font,
            count_font=round(count_font, 1) if count_font >= 8 else 0.0,
            slanted=slanted,
            left=length + 22,
            top=(int(0.71 * length) + font if slanted else length) + 22,
            right=max(2, int(0.71 * length) - cell // 2) if slanted else 2,
        )


def _columns(text: str) -> int:
    """Width of a text, in half-width characters."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) > 0 for c in text)


def shorten(text: str, columns: int) -> str:
    """Cut a text to a number of half-width characters, printable."""
    text = printable(text)
    if _columns(text) <= columns:
        return text
    while _columns(text) >= columns:
        text = text[:-1]
    return text.rstrip() + "…"
