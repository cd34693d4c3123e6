"""What every command says of its sources before it works on them."""

import os
from collections.abc import Mapping
from dataclasses import replace

from tamis.cli.console import warn
from tamis.dataset import Dataset
from tamis.duplicates import Overlap
from tamis.errors import printable


def told(dataset: Dataset) -> Dataset:
    """Print the remarks of a dataset; gives it without them, so that none is printed twice."""
    for remark in dataset.remarks:
        warn(remark)
    return replace(dataset, remarks=())


def warn_overlap(
    shared: Overlap, what: tuple[str, str], where: str, sources: Mapping[str, str]
) -> None:
    """Say that pictures which are scored are among those learned from, or searched.

    `what` goes on after the number one, and after others; `sources` are the options and
    what they name.
    """
    if not shared:
        return
    if len({os.path.realpath(source) for source in sources.values()}) < len(sources):
        name = printable(next(iter(sources.values())))
        warn(f"{' and '.join(sources)} are both {name}")
    path, same = next(iter({**shared.by_path, **shared.by_content}.items()))
    example = printable(path if path in shared.by_path else f"{path} = {same}")
    warn(
        f"{len(shared)} {what[len(shared) != 1]} {where} ({len(shared.by_path)} by path, "
        f"{len(shared.by_content)} by content; {example}, for one)"
    )
