"""What every command says of its sources before it works on them."""

import os
from collections.abc import Mapping
from dataclasses import replace

from tamis.cli.console import warn
from tamis.dataset import Dataset, default_by, default_descriptor
from tamis.dataset.opening import check_root, takes_root
from tamis.deduplication.content import Overlap
from tamis.descriptors import AUTO, Descriptor, descriptor
from tamis.errors import InvalidParameterError, printable
from tamis.store import is_collection


def print_remarks(dataset: Dataset) -> Dataset:
    """Print the remarks of a dataset; gives it without them, so that none is printed twice."""
    for remark in dataset.remarks:
        warn(remark)
    return replace(dataset, remarks=())


def chosen_by(dataset: Dataset, by: str | None) -> Descriptor:
    """Make the descriptor that is named, or the default for a dataset; say so if it is not auto."""
    if by:
        return descriptor(by)
    if (spec := default_by(dataset)) != AUTO:
        warn(f"{printable(dataset.source)} holds no vectors by {AUTO}: taking {spec}")
    return default_descriptor(dataset)


def roots(root: str | None, *sources: str | None) -> list[str | None]:
    """Give --root to each source that is a list or a collection; refuse it if none is."""
    check_root([source for source in sources if source is not None], root)
    return [root if source is not None and takes_root(source) else None for source in sources]


def check_apart(advice: str, **options: str | None) -> None:
    """Refuse two options that name the same folder.

    Parameters
    ----------
    advice : str
        What to do instead; a sentence.
    **options
        What each names, by its word on the command line.
    """
    (first, one), (second, other) = options.items()
    if one is None or other is None or is_collection(one) or not os.path.isdir(one):
        return
    if os.path.realpath(one) == os.path.realpath(other):
        raise InvalidParameterError(f"{first} and {second} are both {printable(one)}. {advice}")


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
