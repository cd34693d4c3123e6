"""What sorting will do, before it is done."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tamis.errors import Failure, printable
from tamis.files.transfer import Mode, Transfer
from tamis.sorting.earlier import Correction
from tamis.sorting.xmp import KeywordFile


@dataclass(frozen=True, slots=True)
class Placements:
    """What sorting will do: nothing is done yet.

    Attributes
    ----------
    out : str
        The folder that receives the class folders.
    mode : Mode
    folders : tuple of str
        One per class, those that stay empty included, and folders below them that are kept.
    transfers : tuple of Transfer
        Each picture that is not in place yet, followed by its sidecars.
    destinations : tuple of str
        For each picture of the predictions its place below `out`; empty for those among
        `failures` and `removed`.
    present : tuple of str
        Pictures whose very bytes are in place already, from an earlier run.
    sidecars : tuple of str
        Of the files in `transfers` those that are no pictures.
    failures : tuple of Failure
        Pictures that are gone since they were read, and sidecars whose place is taken.
    resorted : tuple of str
        Pictures that an earlier run put into another folder, where nobody touched them.
    corrections : tuple of Correction
        Pictures that a person moved in the result: they stay where they are.
    edited, removed : tuple of str
        Pictures that a person changed in the result, or removed from it: they are left so.
    folders_of : tuple of tuple of str
        For each picture of the predictions the folders between the source and it.
    keywords : mapping from str to KeywordFile
        XMP files that will be written, by their place below `out`.
    """

    out: str
    mode: Mode
    folders: tuple[str, ...]
    transfers: tuple[Transfer, ...]
    destinations: tuple[str, ...]
    present: tuple[str, ...]
    sidecars: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()
    resorted: tuple[str, ...] = ()
    corrections: tuple[Correction, ...] = ()
    edited: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    folders_of: tuple[tuple[str, ...], ...] = ()
    keywords: Mapping[str, KeywordFile] = field(default_factory=dict)

    def __repr__(self) -> str:
        n = sum(not one.aside for one in self.transfers)
        verb = {"copy": "copy", "move": "move"}.get(self.mode, "link")
        parts = [f"{verb} {n} file{'s' * (n != 1)} into {len(self.folders)} folders"]
        if self.resorted:
            parts.append(f"{len(self.resorted)} go from folder to folder")
        if self.corrections:
            parts.append(f"{len(self.corrections)} were moved by hand and stay")
        if self.present:
            parts.append(f"{len(self.present)} in place already")
        if self.failures:
            parts.append(f"{len(self.failures)} cannot be placed")
        return f"SortPlan({'; '.join(parts)}; below {printable(self.out)})"
