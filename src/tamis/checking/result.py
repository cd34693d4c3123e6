"""`Checkup`: what is doubtful in a folder of examples."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tamis.checking.classes import ClassFinding
from tamis.checking.looks import LOOKS, Look
from tamis.errors import Failure
from tamis.table import ImageTable
from tamis.table.frames import Columns, Tabular


@dataclass(frozen=True, slots=True)
class Suspect:
    """An example whose class is doubtful.

    Attributes
    ----------
    path : str
    label : str
        The class that it has.
    answer : str
        The likeliest other class.
    belief, likelihood : float
        Probabilities of the two, by fits without the example.
    neighbours, neighbour_labels : tuple of str
        The nearest other examples, and their classes.

    Examples
    --------
    >>> suspect = Suspect("fox/7.jpg", "fox", "owl", 0.02, 0.95, ("owl/1.jpg",), ("owl",))
    >>> suspect.disagreeing
    1
    """

    path: str
    label: str
    answer: str
    belief: float
    likelihood: float
    neighbours: tuple[str, ...] = ()
    neighbour_labels: tuple[str, ...] = ()

    @property
    def disagreeing(self) -> int:
        """How many of the nearest examples have another class."""
        return sum(label != self.label for label in self.neighbour_labels)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Checkup(Tabular):
    """What `check` found in a folder of examples.

    Attributes
    ----------
    table : ImageTable
        All examples.
    suspects : tuple of Suspect
        The most doubtful first.
    n_checked : int
        Examples whose class could be checked: not those that are alone in their class, have a
        copy, or cannot be read.
    noise : tuple of (str, str, int)
        Class, another class, and how many examples of the first are likelier of the other; the
        largest first.
    classes : tuple of ClassFinding
        What is odd about the classes.
    looks : tuple of Look
        Pictures that show too little.
    failures : tuple of Failure
        Pictures that could not be read.
    remarks : tuple of str
        Such as the same picture in several classes.
    n_confirmed : int
        Examples that a person has confirmed; they are no suspects.
    signature : mapping
        All that the answers depend on.

    Examples
    --------
    >>> Checkup(ImageTable((), (), ()))
    Checkup(0 of 0 images doubtful)
    """

    table: ImageTable
    suspects: tuple[Suspect, ...] = ()
    n_checked: int = 0
    noise: tuple[tuple[str, str, int], ...] = ()
    classes: tuple[ClassFinding, ...] = ()
    looks: tuple[Look, ...] = ()
    failures: tuple[Failure, ...] = ()
    remarks: tuple[str, ...] = ()
    n_confirmed: int = 0
    signature: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.suspects)

    def __repr__(self) -> str:
        n = len(self.table)
        return f"Checkup({len(self):,} of {n:,} image{'s' * (n != 1)} doubtful)"

    def columns(self) -> Columns:
        """Return ``path``, ``label``, ``to``, ``belief``, ``likelihood`` and ``neighbours``.

        ``to`` is the class that is likeliest; where a person writes ``label`` there, the
        picture is confirmed.
        """
        return {
            "path": [one.path for one in self.suspects],
            "label": [one.label for one in self.suspects],
            "to": [one.answer for one in self.suspects],
            "belief": [round(one.belief, 4) for one in self.suspects],
            "likelihood": [round(one.likelihood, 4) for one in self.suspects],
            "neighbours": [" ".join(one.neighbour_labels) for one in self.suspects],
        }

    def to_dict(self) -> dict[str, Any]:
        """Return all of it in plain types, for JSON."""
        return {
            "n_images": len(self.table),
            "n_checked": self.n_checked,
            "n_confirmed": self.n_confirmed,
            "suspects": [
                {
                    "path": one.path,
                    "label": one.label,
                    "to": one.answer,
                    "belief": round(one.belief, 4),
                    "likelihood": round(one.likelihood, 4),
                    "neighbours": [
                        {"path": path, "label": label}
                        for path, label in zip(one.neighbours, one.neighbour_labels, strict=True)
                    ],
                }
                for one in self.suspects
            ],
            "noise": [{"label": a, "to": b, "n_images": n} for a, b, n in self.noise],
            "classes": [
                {"kind": one.kind, "names": list(one.names), "n_images": one.n}
                for one in self.classes
            ],
            "looks": {
                kind: [
                    {"path": one.path, "value": round(one.value, 4)}
                    for one in self.looks
                    if one.kind == kind
                ]
                for kind in LOOKS
            },
        }
