"""Answers without a model, and small files, for plans of sorting."""

import os
from pathlib import Path

import numpy as np

from tamis.classifiers.predictions import Predictions
from tamis.features.index import Matches
from tamis.files.journal import Journal


def predictions_of(paths: list[Path], columns: list[int], classes=("ant", "bee")) -> Predictions:
    shares = np.zeros((len(paths), len(classes)))
    shares[np.arange(len(paths)), columns] = 1
    return Predictions(
        paths=tuple(map(str, paths)),
        classes=tuple(classes),
        probabilities=shares,
        neighbours=Matches(np.zeros((len(paths), 2), np.intp), np.full((len(paths), 2), 0.25)),
        train_paths=("train/ant/1.jpg",),
        train_labels=("ant",),
        failures=(),
        settings={},
    )


def files(folder: Path, *names: str) -> list[Path]:
    made = []
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(os.fsencode(name))
        made.append(file)
    return made


def carry_out(plan, out: Path) -> None:
    journal = Journal.create(
        str(out),
        command="sort",
        mode=plan.mode,
        folders=plan.folders,
        transfers=plan.transfers,
    )
    assert journal.carry_out().failures == ()
