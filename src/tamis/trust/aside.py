"""`Aside`: which pictures are set aside, and what is promised of the others."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from tamis.errors import InvalidParameterError
from tamis.trust.risk import Promise

UNSURE: Final = "_unsure"
"""Folder of the pictures whose class is not sure enough for a promise."""

UNLIKE_ANY: Final = "_unlike-any"
"""Folder of the pictures that are unlike all examples."""


@dataclass(frozen=True, slots=True, eq=False)
class Aside:
    """Which pictures are set aside, and on what grounds.

    Attributes
    ----------
    folders : tuple of str
        For each picture `UNSURE` or `UNLIKE_ANY`, or "" if it goes to its class.
    promise : Promise or None
        What is promised of the pictures that go to their classes.
    rate : float or None
        Share of pictures like the examples that `UNLIKE_ANY` receives, about.
    classical : bool
        Whether the pictures are described by colour and texture alone.
    used : tuple of str
        Folders that are used without a promise or a rate.
    """

    folders: tuple[str, ...]
    promise: Promise | None = None
    rate: float | None = None
    classical: bool = False
    used: tuple[str, ...] = ()

    @property
    def spare(self) -> tuple[str, ...]:
        """The folders that may receive pictures, beside those of the classes."""
        asked = (UNSURE,) * (self.promise is not None) + (UNLIKE_ANY,) * (self.rate is not None)
        return tuple(dict.fromkeys((*asked, *self.used)))

    @property
    def notes(self) -> list[str]:
        """Sentences that say what was promised, on what grounds, and what breaks it."""
        notes = [] if self.promise is None else [str(self.promise)]
        if self.rate is not None:
            n = self.folders.count(UNLIKE_ANY)
            notes.append(
                f"{n} of {len(self.folders)} pictures are unlike all examples; of pictures like "
                f"the examples about {100 * self.rate:.3g} % would be taken for such."
            )
            if self.classical:
                notes.append(
                    "descriptors of colour and texture tell pictures of no class badly; --by auto "
                    "tells them better."
                )
        return notes

    def check(self, classes: tuple[str, ...]) -> None:
        """Raise InvalidParameterError if a class has the name of a folder that is used here."""
        for folder in self.spare:
            if folder in classes:
                raise InvalidParameterError(
                    f"{folder} receives the pictures that are set aside, and is a class of the "
                    "examples too. Rename the class, or leave out --abstain and --unlike-any."
                )


def set_aside(
    confidence: npt.NDArray[np.float64],
    promise: Promise | None,
    novelty: npt.NDArray[np.float64] | None,
    rate: float | None,
    *,
    classical: bool = False,
) -> Aside:
    """Decide for each picture whether it goes to its class.

    Parameters
    ----------
    confidence : ndarray of shape (n,)
    promise : Promise, optional
        Pictures below its threshold are unsure.
    novelty : ndarray of shape (n,), optional
        As `tamis.trust.novelty.Novelty.p_values`.
    rate : float, optional
        Pictures with a novelty of at most this are unlike any.
    classical : bool
        As `Aside`.
    """
    folders = np.full(len(confidence), "", dtype=object)
    if promise is not None:
        folders[confidence < promise.threshold] = UNSURE
    if novelty is not None and rate is not None:
        folders[novelty <= rate] = UNLIKE_ANY
    return Aside(tuple(folders), promise, rate, classical)
