"""What every command says of a folder or list before it works on it."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence

from tamis.cli.console import warn
from tamis.duplicates import Overlap
from tamis.errors import printable
from tamis.images.listing import is_system_name
from tamis.splits import Split
from tamis.table import ImageTable


def warn_passed_over(table: ImageTable, folder: str) -> None:
    """Say what a listing left out: no pictures, what systems keep, links that lead outside."""
    name = printable(folder)
    system = [path for path in table.ignored if is_system_name(os.path.basename(path))]
    others = [path for path in table.ignored if not is_system_name(os.path.basename(path))]
    if others:
        kinds = Counter(os.path.splitext(path)[1].lower() or "no suffix" for path in others)
        plural = "file that is no picture" if len(others) == 1 else "files that are no pictures"
        warn(f"passing over {len(others)} {plural} in {name} ({_shown(sorted(kinds))})")
    if system:
        kinds = Counter(_kind_of_system(os.path.basename(path)) for path in system)
        counts = [f"{kind} {n} times" if n > 1 else kind for kind, n in sorted(kinds.items())]
        plural = "hidden or system entry" if len(system) == 1 else "hidden or system entries"
        warn(f"passing over {len(system)} {plural} in {name} ({_shown(counts)})")
    if table.outside:
        links = [os.path.relpath(path, folder) for path in table.outside]
        plural = "linked folder that leads" if len(links) == 1 else "linked folders that lead"
        warn(
            f"not entering {len(links)} {plural} out of {name} ({_shown(links)}); --follow-links "
            "enters them"
        )


def warn_split(split: Split, source: str) -> None:
    """Say that a source was taken for a split, and which its parts are."""
    are = "is its part" if len(split.parts) == 1 else "are its parts"
    where = "the classes are the folders in them" if split.folders else "by its column split"
    warn(f"{printable(source)} is a split: {split} {are}, {where}")


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


def _kind_of_system(name: str) -> str:
    return "._*" if name.startswith("._") else name


def _shown(names: Sequence[str], *, most: int = 8) -> str:
    return ", ".join(map(printable, names[:most])) + (", ..." if len(names) > most else "")
