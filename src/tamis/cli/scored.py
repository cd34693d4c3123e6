"""The pictures that `tamis evaluate` scores."""

from collections.abc import Sequence
from dataclasses import replace

from tamis.cli.notes import print_remarks
from tamis.dataset import Dataset, Role
from tamis.splits import check_one_fold


def open_labelled(
    source: str,
    truth: str | None,
    *,
    part: str | None = None,
    parts: str | None = None,
    classes: Sequence[str] | None = None,
    root: str | None,
    follow_links: bool,
) -> Dataset:
    """Open the pictures of a source whose class is known, and print its remarks."""
    # With a manifest the classes of the source itself do not matter.
    role: Role = "scored" if truth is None else "pictures"
    opened = Dataset.open(source, role=role, parts=parts, root=root, follow_links=follow_links)
    if part is not None:
        opened = opened.part(part, or_only="val")
    elif parts is None:
        check_one_fold(opened.table)
    known = print_remarks(opened.labelled(truth))
    return replace(known.select(classes=classes), n_unlabelled=0) if classes else known
