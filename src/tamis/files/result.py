"""The folder ``.tamis`` in a result: who may make it, and when it goes.

It holds the journals of the runs, a folder per run that is being planned
(``run-0001``), the lock, and, if tamis made the folder of the result, a file that
says so. When the last journal is gone, ``.tamis`` goes, and the folder around it if
tamis made it and nothing else is in it.
"""

import contextlib
import os
import re
import stat
from typing import Final

from tamis.files.entry import entry_below, make_folder, sync_folder

FOLDER: Final = ".tamis"
LOCK: Final = "lock"
_MADE: Final = "folder-made-by-tamis"
_RUN: Final = re.compile(r"run-\d{4,9}")
_DRAFT: Final = re.compile(r"made-\d{1,9}|plan")


def enter(root: str) -> None:
    """Make ``root/.tamis`` and what is missing above it; harmless if it is there.

    Raises
    ------
    NotADirectoryError
        ``.tamis`` is a link or a file.
    OSError
        The system says no.
    """
    fresh, folder = 0, os.path.abspath(root)
    while not os.path.lexists(folder):
        fresh, folder = fresh + 1, os.path.dirname(folder)
    try:
        os.makedirs(root, exist_ok=True)
        make_folder(root, FOLDER)
        if fresh:
            sync_folder(os.path.dirname(os.path.abspath(root)))
            with (
                entry_below(root, f"{FOLDER}/{_MADE}") as mark,
                mark.opened(os.O_WRONLY | os.O_CREAT) as file,
            ):
                os.write(file, b"%d" % min(fresh, 99))  # with those above it
    except BaseException:
        leave(root)
        _remove_empty(root, fresh)
        raise


def leave(root: str) -> None:
    """Remove ``root/.tamis`` if it tells of nothing, and `root` if tamis made it."""
    with contextlib.suppress(OSError):
        names = os.listdir(os.path.join(root, FOLDER))
        if not set(names) <= {_MADE}:
            return
        made = 0
        if names:
            with entry_below(root, f"{FOLDER}/{_MADE}") as mark:
                with mark.opened() as file:
                    text = os.read(file, 2)
                made = int(text) if text.isdigit() else 1
                mark.unlink()
        with entry_below(root, FOLDER) as entry:
            os.rmdir(entry.name, dir_fd=entry.folder)
        _remove_empty(root, made)


def sweep(root: str) -> None:
    """Remove the drafts of runs that were killed before their plan was written.

    Only while no other run is at work: the folder is locked.
    """
    with contextlib.suppress(OSError):
        names = set(os.listdir(os.path.join(root, FOLDER)))
        for name in names:
            if _RUN.fullmatch(name) and f"{name}.jsonl" not in names:
                remove_drafts(root, name)


def remove_drafts(root: str, name: str) -> None:
    """Remove the folder in which a run keeps its drafts; what is not of a run stays."""
    below = f"{FOLDER}/{name}"
    with contextlib.suppress(OSError):
        for draft in os.listdir(os.path.join(root, below)):
            if _DRAFT.fullmatch(draft):
                with entry_below(root, f"{below}/{draft}") as file:
                    status = file.status()
                    if status is not None and not stat.S_ISDIR(status.st_mode):
                        file.unlink()
        with entry_below(root, below) as folder:
            os.rmdir(folder.name, dir_fd=folder.folder)


def _remove_empty(folder: str, number: int) -> None:
    """Remove a folder and those above it, that many, as far as they are empty."""
    folder = os.path.abspath(folder)
    with contextlib.suppress(OSError):
        for _ in range(number):
            os.rmdir(folder)
            folder = os.path.dirname(folder)
