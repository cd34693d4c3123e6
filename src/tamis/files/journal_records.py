"""The lines of a journal: read strictly, since a journal may come from anywhere.

`read_records` is the one place where journals are checked: types, ranges, lengths,
paths, numbers of lines, and the signature of each line.
"""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

from tamis.errors import printable
from tamis.files.result import FOLDER
from tamis.files.signing import Signer
from tamis.files.transfer import Mode, Transfer

FORMAT: Final = 3
COMMANDS: Final = ("search", "sort", "split", "duplicates", "check")
LONGEST_LINE: Final = 1 << 20
_NAME: Final = 255
_DEPTH: Final = 2048
_PATH: Final = 1 << 16
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_TOKEN: Final = re.compile(r"[0-9a-f]{32}")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+]00:00")
_DRAFT: Final = re.compile(r"made-\d{1,9}")

Json = dict[str, Any]


class NewerFormatError(ValueError):
    """The journal was written by a newer tamis."""


@dataclass(slots=True)
class Records:
    """What the lines of a journal say.

    Attributes
    ----------
    command, mode, created, folders, settings, token :
        As in `tamis.files.journal.Journal`.
    place : tuple of (str, int, int)
        Path, device and number of the folder for which it was written.
    transfers : list of Transfer
        Names that were chosen later included.
    finished : bool
    undoing : bool
    failed : set of int
        Numbers of the transfers that could not be carried out.
    signed : bool
        Every line carries the signature of this user.
    """

    command: str
    mode: Mode
    created: str
    folders: tuple[str, ...]
    settings: Json
    token: str
    place: tuple[str, int, int]
    transfers: list[Transfer] = field(default_factory=list)
    finished: bool = False
    signed: bool = True
    undoing: bool = False
    failed: set[int] = field(default_factory=set)

    def foreign(self, root: str) -> str:
        """Say why the journal in `root` may be another's; nothing if it is this user's."""
        if not self.signed:
            return (
                "is not signed by you: another user, another machine or an earlier version wrote "
                "it, or it was changed"
            )
        path, *identity = self.place
        status = os.stat(root)
        if path != os.path.realpath(root) and identity != [status.st_dev, status.st_ino]:
            return f"was written for another folder, {printable(path)}"
        return ""


def header(records: Records) -> Json:
    """Return the first line of a journal."""
    return {
        "tamis journal": FORMAT,
        "command": records.command,
        "mode": str(records.mode),
        "created": records.created,
        "folders": list(records.folders),
        "settings": records.settings,
        "token": records.token,
        "place": list(records.place),
    }


def line_of(transfer: Transfer, root: str) -> Json:
    """Return the line of a transfer, without what is at its default."""
    values: Json = {"destination": transfer.destination}
    if transfer.made:
        values["made"] = os.path.basename(transfer.source)
    elif transfer.aside:
        values["aside"] = transfer.below(root)
    else:
        values["source"] = transfer.source
    values |= {"size": transfer.size, "mtime_ns": transfer.mtime_ns}
    values |= {
        name: value for name in ("link", "digest") if (value := getattr(transfer, name)) is not None
    }
    return values


def read_records(lines: Iterator[bytes], root: str, number: int, signer: Signer) -> Records:
    """Read a journal.

    Parameters
    ----------
    lines : iterator of bytes
        Each with its end; a last one without, which a crash cut short, is passed over.
    root : str
        The folder in which the journal lies.
    number : int
        Of the journal.
    signer : Signer
        Knows the signatures; afterwards it can sign a line to be appended.

    Raises
    ------
    ValueError
        Something is not as tamis writes it; says what.
    """
    found = _parsed(lines, signer)
    first, signed = next(found, ({}, False))
    version: Any = first.get("tamis journal")
    _need(type(version) is int and version >= 1, "the first line is not that of a journal")
    if version > FORMAT:
        raise NewerFormatError(version)
    records = _header(first, old=version == 1)
    records.signed = signed and version > 1
    drafts = os.path.join(os.path.abspath(root), FOLDER, f"run-{number:04}")
    planned = False
    for record, line_signed in found:
        records.signed &= line_signed
        if planned:
            _event(record, records)
        elif "planned" in record:
            _need(record == {"planned": len(records.transfers)}, "the number of files is wrong")
            planned = True
        else:
            record = _modern(record) if version == 1 else record
            records.transfers.append(_transfer(record, root, drafts))
    _need(planned, "it ends before its plan does")
    return records


def _parsed(lines: Iterator[bytes], signer: Signer) -> Iterator[tuple[Json, bool]]:
    for line in lines:
        if not line.endswith(b"\n"):
            return
        _need(len(line) <= LONGEST_LINE, "a line is too long")
        try:
            record = json.loads(
                line.decode("ascii"), object_pairs_hook=_unique, parse_constant=_no_constant
            )
        except RecursionError:
            raise ValueError("a line is nested too deep") from None
        _need(type(record) is dict, "a line is no record")
        yield record, signer.check(record)


def _unique(pairs: list[tuple[str, Any]]) -> Json:
    record = dict(pairs)
    _need(len(record) == len(pairs), "a line names something twice")
    return record


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _header(record: Json, *, old: bool) -> Records:
    keys = {"tamis journal", "command", "mode", "created", "folders"}
    _need(
        record.keys() == (keys if old else keys | {"settings", "token", "place"}),
        "its first line lacks something, or says too much",
    )
    _need(record["command"] in COMMANDS, "its command is not known")
    _need(record["mode"] in list(Mode), "its mode is not known")
    _need(_text(record["created"]) and bool(_TIME.fullmatch(record["created"])), "its date is none")
    folders = record["folders"]
    _need(type(folders) is list, "its folders are no list")
    for folder in folders:
        _need(folder == "" or is_below(folder), "a folder lies elsewhere")
    settings: Json = {}
    token, place = "", ("", 0, 0)
    if not old:
        settings, token = record["settings"], record["token"]
        _need(type(settings) is dict, "its settings are no record")
        for value in settings.values():
            for one in value if type(value) is list else [value]:
                _need(one is None or isinstance(one, str | int | float), "a setting is no value")
        _need(_text(token) and bool(_TOKEN.fullmatch(token)), "its token is wrong")
        place = tuple(record["place"]) if type(record["place"]) is list else ()
        _need(len(place) == 3 and _text(place[0]), "its place is wrong")
        _need(all(_whole(one, 0) for one in place[1:]), "its place is wrong")
    mode = Mode(record["mode"])
    return Records(
        record["command"], mode, record["created"], tuple(folders), settings, token, place
    )


def _modern(record: Json) -> Json:
    """Write a transfer of format 1 as format 2 does: a draft by its name."""
    if record.get("made") is not True:
        return record
    record = dict(record)
    source = record.pop("source", None)
    record["made"] = os.path.basename(source) if _text(source) else None
    return record


def _transfer(record: Json, root: str, drafts: str) -> Transfer:
    kinds = record.keys() & {"source", "made", "aside"}
    keys = record.keys() - kinds
    _need(len(kinds) == 1, "a file has no origin")
    _need(
        keys <= {"destination", "size", "mtime_ns", "link", "digest"}
        and keys >= {"destination", "size", "mtime_ns"},
        "a file lacks something, or says too much",
    )
    kind = kinds.pop()
    origin, destination = record[kind], record["destination"]
    _need(is_below(destination), "a destination lies elsewhere")
    _need(_whole(record["size"], 0), "a size is wrong")
    _need(_whole(record["mtime_ns"], -(2**63)), "a time is wrong")
    link: Any = record.get("link")
    digest: Any = record.get("digest")
    _need("link" not in record or (_text(link) and len(link) <= _PATH), "a link is wrong")
    _need(
        "digest" not in record or (_text(digest) and bool(_DIGEST.fullmatch(digest))),
        "a digest is wrong",
    )
    if kind == "made":
        _need(_text(origin) and bool(_DRAFT.fullmatch(origin)), "a draft lies elsewhere")
        source = os.path.join(drafts, origin)
    elif kind == "aside":
        _need(is_below(origin), "what an earlier run placed lies elsewhere")
        source = os.path.join(os.path.abspath(root), origin)
    else:
        source = origin
        _need(_text(source) and os.path.isabs(source), "a source is no absolute path")
        _need(source == os.path.normpath(source) and len(source) <= _PATH, "a source is no path")
        _need(os.path.basename(source) != "", "a source is no path")
    _need(kind != "made" or link is None, "an output is a link")
    return Transfer(
        source, destination, record["size"], record["mtime_ns"], link, digest,
        made=kind == "made", aside=kind == "aside",
    )  # fmt: skip


def _event(record: Json, records: Records) -> None:
    """Take a line that was appended to the plan."""
    if "renamed" in record:
        _need(record.keys() == {"renamed", "destination"}, "a new name says too much")
        number, destination = record["renamed"], record["destination"]
        _need(_whole(number, 0) and number < len(records.transfers), "a new name is of no file")
        _need(is_below(destination), "a destination lies elsewhere")
        transfer = records.transfers[number]
        _need(
            os.path.dirname(destination) == os.path.dirname(transfer.destination),
            "a new name is in another folder",
        )
        records.transfers[number] = replace(transfer, destination=destination)
    elif "failed" in record:
        _need(record.keys() == {"failed"}, "a line on failures says too much")
        failed = record["failed"]
        _need(type(failed) is list, "its failures are no list")
        _need(all(_whole(one, 0) and one < len(records.transfers) for one in failed), "no file")
        records.failed |= set(failed)
    else:
        _need(record.keys() in ({"finished", "failures"}, {"undoing"}), "a line is not known")
        records.finished = True
        records.undoing |= "undoing" in record


def is_below(path: object) -> bool:
    """Tell whether a value is a path that stays below its folder and out of ``.tamis``."""
    if not _text(path) or not isinstance(path, str):
        return False
    parts = path.split("/")
    if len(parts) > _DEPTH or parts[0].casefold() == FOLDER:
        return False
    if os.name == "nt" and any(c in path for c in "\\:"):
        return False
    return all(part not in ("", ".", "..") and len(os.fsencode(part)) <= _NAME for part in parts)


def _text(value: object) -> bool:
    """Tell whether a value is a text that a path can be."""
    if not isinstance(value, str) or "\0" in value:
        return False
    try:
        os.fsencode(value)
    except UnicodeEncodeError:
        return False
    return True


def _whole(value: object, least: int) -> bool:
    return type(value) is int and least <= value < 2**63


def _need(right: bool, wrong: str) -> None:
    if not right:
        raise ValueError(wrong)
