"""What `tamis sort` does for a folder into which an earlier run sorted."""

import os
from collections.abc import Sequence, Set
from dataclasses import asdict, replace
from typing import Any

from tamis.cli.console import warn
from tamis.dataset import Dataset
from tamis.errors import InvalidParameterError, printable
from tamis.sorting import Earlier, Placements
from tamis.store import is_collection
from tamis.table import class_key
from tamis.trust.aside import UNLIKE_ANY, UNSURE


def check_learning(wanted: bool, model: str | None) -> None:
    """Refuse to learn from corrections where nothing is learned."""
    if wanted and model is not None:
        raise InvalidParameterError(
            "--learn-from-corrections goes with --train: a model has learned already. Leave it "
            "out, or name the examples and the corrections: --train."
        )


def examples_of(earlier: Earlier, classes: Sequence[str] | None) -> list[tuple[str, str]]:
    """List the pictures that a person moved in the result, each with its class."""
    wanted = (
        None if not classes else {class_key(word) for one in classes for word in one.split(",")}
    )
    found = [
        (os.path.join(earlier.out, one.place), one.label)
        for one in earlier.corrections()
        if one.label
        and one.label not in (UNSURE, UNLIKE_ANY)
        and (not wanted or class_key(one.label) in wanted)
    ]
    if found:
        many = "correction is an example" if len(found) == 1 else "corrections are examples"
        warn(f"{len(found)} {many} of this run, as they lie in {printable(earlier.out)}")
    return found


def with_moved(pictures: Dataset, earlier: Earlier) -> Dataset:
    """Add the pictures that earlier runs moved from the same folder into the result."""
    source = pictures.source
    if is_collection(source) or not os.path.isdir(source):
        return pictures
    moved = earlier.moved_from(source)
    if not moved:
        return pictures
    were = (
        "picture that an earlier run moved"
        if len(moved) == 1
        else "pictures that earlier runs moved"
    )
    warn(
        f"answering anew for {len(moved)} {were} from {printable(source)} into "
        f"{printable(earlier.out)}"
    )
    table = pictures.table
    none = (None,) * len(moved)
    return pictures.having(
        replace(
            table, paths=(*table.paths, *moved), labels=(*table.labels, *none),
            groups=(*table.groups, *none), splits=(*table.splits, *none),
        )
    )  # fmt: skip


def tell(plan: Placements, *, learned: bool) -> None:
    """Say what a person did to the result since the run before, and that it stays so."""
    out = printable(plan.out)
    if n := len(plan.corrections):
        what = "picture was" if n == 1 else "pictures were"
        hint = "" if learned else "; --learn-from-corrections takes them as examples"
        warn(f"{n} {what} moved by hand in {out} and stay there: corrections.csv lists them{hint}")
    if n := len(plan.edited):
        what = "picture was" if n == 1 else "pictures were"
        warn(f"{n} {what} changed by hand in {out} and stay as they are")
    if n := len(plan.removed):
        what = "picture was" if n == 1 else "pictures were"
        warn(
            f"{n} {what} removed from {out} by hand and not placed again; another --out takes them"
        )


def counts(plan: Placements, unplaced: Set[str]) -> tuple[int, int]:
    """Count the pictures and the sidecars that came into the result by this run."""
    fresh = [one.source for one in plan.transfers if not one.aside and one.source not in unplaced]
    n_sidecars = len(set(plan.sidecars).intersection(fresh))
    return len(fresh) - n_sidecars, n_sidecars


def per_class(plan: Placements, classes: Sequence[str]) -> dict[str, int]:
    """Count the pictures of this run in each folder, those of corrections included.

    The classes come first, in their order, then other folders.
    """
    spelled = {class_key(name): name for name in classes}
    found = dict.fromkeys(classes, 0)
    for place in filter(None, plan.destinations):
        folder = place.partition("/")[0]
        label = spelled.get(class_key(folder), folder)
        found[label] = found.get(label, 0) + 1
    return found


def summary(plan: Placements) -> str:
    """Say how many pictures were in the folder already; the end of a sentence."""
    parts = ""
    if n := len(plan.resorted):
        went = (
            "an earlier run went to another folder"
            if n == 1
            else "earlier runs went to other folders"
        )
        parts += f"; {n} of {went}"
    if plan.present:
        parts += f"; {len(plan.present)} were in place already"
    return parts


def as_json(plan: Placements) -> dict[str, Any]:
    """Return the same for JSON."""
    return {
        "n_present": len(plan.present),
        "n_resorted": len(plan.resorted),
        "corrections": [asdict(one) for one in plan.corrections],
        "edited": list(plan.edited),
        "removed": list(plan.removed),
    }
