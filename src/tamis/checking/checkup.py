"""`check`: what is doubtful in a folder of examples."""

import os
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any, Final

import numpy as np

from tamis.checking.classes import find_class_findings
from tamis.checking.confirmed import confirmed_file, confirmed_rows, read_confirmed
from tamis.checking.evidence import LEARNERS, Evidence, collect_evidence
from tamis.checking.looks import Look, LooksDescriptor, find_looks
from tamis.checking.result import Checkup, Suspect
from tamis.classifiers.probe import blocks_of
from tamis.dataset import Dataset, Source
from tamis.deduplication.finding import Stages
from tamis.descriptors import AUTO, Descriptor, descriptor
from tamis.errors import CollectionError, Failure, UnknownNameError, printable
from tamis.features import FeatureTable
from tamis.images import DEFAULT_MAX_PIXELS
from tamis.trust.suspects import Suspicion, suspect

_SHOWN: Final = 5  # neighbours that stand beside a suspect


def check(
    source: Source | Dataset,
    *,
    by: str | Descriptor = AUTO,
    classifier: str = "auto",
    classes: Sequence[str] | None = None,
    confirmed: str | os.PathLike[str] | None = None,
    seed: int = 0,
    jobs: int | None = None,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    stages: Stages | None = None,
) -> Checkup:
    """Find examples whose class is doubtful, odd classes, and pictures that show too little.

    Parameters
    ----------
    source : str, os.PathLike, sequence of paths, ImageTable or Dataset
        With a folder per class. Of a collection, stored vectors are read.
    by : str or Descriptor
        By which the examples are compared.
    classifier : {"auto", "probe"}
        Whose fits without an example answer for it, beside the nearest other examples.
    classes : sequence of str, optional
        Check these alone.
    confirmed : str or os.PathLike, optional
        File of examples that a person has confirmed, which are no suspects;
        ``photos-confirmed.csv`` beside a folder ``photos`` by default.
    seed : int
        Of the folds.
    jobs, max_pixels
        As `tamis.features.extract` takes them.
    stages : callable, optional
        Told of the work, as ``tamis.cli.progress.progress`` is.

    Returns
    -------
    Checkup
        `tamis.relabel` plans to move suspects to the class that is likeliest.

    Raises
    ------
    TableError
        The source has no class, or none of its pictures can be read.
    UnknownNameError
        There is no such classifier.

    Notes
    -----
    As `tamis.trust.suspects.suspect` describes. Examples that have a copy among the others, or
    are alone in their class, cannot be checked.

    Examples
    --------
    >>> found = tamis.check("examples", by="moments")
    >>> found
    Checkup(0 of 15 images doubtful)
    >>> found.n_checked
    15
    """
    if classifier not in LEARNERS:
        raise UnknownNameError.among("classifier", classifier, list(LEARNERS))
    dataset = Dataset.open(source, role="scored", classes=classes).labelled()
    file = confirmed
    if file is None and os.path.isdir(dataset.source):
        file = confirmed_file(dataset.source)
    reading: dict[str, Any] = {"jobs": jobs, "max_pixels": max_pixels}
    stages = stages or (lambda what, total: nullcontext(lambda done: None))
    looks, seen, unseen = _looks(dataset, stages, **reading)
    made = descriptor(by) if isinstance(by, str) else by
    checkup = Checkup(
        dataset.table,
        classes=find_class_findings(dataset.table),
        looks=looks,
        failures=seen,
        remarks=(*dataset.remarks, *unseen),
        signature={"by": made.spec, "classifier": classifier, "seed": seed},
    )
    if len(dataset.classes) < 2:
        return checkup
    with stages("pictures", len(dataset)) as advance:
        fitted, known = dataset.fit(made, distance="l2", progress=advance, **reading)
    labels = np.array(known.labels, str)
    names, codes = np.unique(labels, return_inverse=True)
    failures = tuple(dict.fromkeys((*seen, *known.failures)))
    checkup = replace(checkup, failures=failures)
    if len(names) < 2:
        return checkup
    evidence = collect_evidence(
        known.features, codes, blocks=blocks_of(fitted), classifier=classifier, seed=seed, jobs=jobs
    )
    if not len(evidence.rows):
        return checkup
    found = suspect(evidence.answers, codes[evidence.rows], evidence.votes)
    table = dataset.table
    sure = {table.paths[row] for row in confirmed_rows(read_confirmed(file), table)}
    doubtful = [at for at in found.ranked() if found.doubtful[at]]
    paths = [known.paths[evidence.rows[at]] for at in doubtful]
    suspects = tuple(
        _suspect(known, names, evidence, found, int(at))
        for at, path in zip(doubtful, paths, strict=True)
        if path not in sure
    )
    pairs = Counter((one.label, one.answer) for one in suspects)
    return replace(
        checkup,
        suspects=suspects,
        n_checked=len(evidence.rows),
        n_confirmed=sum(path in sure for path in paths),
        noise=tuple((*pair, n) for pair, n in sorted(pairs.items(), key=lambda one: -one[1])),
    )


def _suspect(
    known: FeatureTable, names: Any, evidence: Evidence, found: Suspicion, at: int
) -> Suspect:
    row, near = evidence.rows[at], evidence.neighbours[at, :_SHOWN]
    return Suspect(
        known.paths[row],
        str(known.labels[row]),
        str(names[found.answers[at]]),
        float(found.belief[at]),
        float(found.likelihood[at]),
        tuple(known.paths[other] for other in near),
        tuple(str(known.labels[other]) for other in near),
    )


def _looks(
    dataset: Dataset, stages: Stages, **reading: Any
) -> tuple[tuple[Look, ...], tuple[Failure, ...], tuple[str, ...]]:
    """Look at every picture; gives what shows too little, failures, and a remark."""
    try:
        with stages("looks", len(dataset)) as advance:
            seen = dataset.features(LooksDescriptor(), progress=advance, **reading)
    except CollectionError:  # it holds vectors, and its pictures are elsewhere
        said = "its pictures are not there, so that none was looked at for being black or blurred"
        return (), dataset.table.failures, (f"{printable(dataset.source)}: {said}",)
    return tuple(find_looks(seen.paths, seen.features)), seen.failures, ()
