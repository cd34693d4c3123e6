"""One writer per folder or file."""

import contextlib
import getpass
import json
import os
import socket
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from filelock import FileLock, SoftFileLock, Timeout

from tamis.errors import DestinationError, printable
from tamis.files.entry import entry, entry_below
from tamis.files.faults import cannot_write
from tamis.files.result import FOLDER, LOCK, enter, leave, sweep

_BOOT: Final = "/proc/sys/kernel/random/boot_id"


@contextlib.contextmanager
def locked(path: str, *, inside: bool = False) -> Iterator[None]:
    """Keep other tamis processes from writing into a folder or file.

    The lock is a file beside what it locks, so that all who may write there meet,
    from any host, container or user. It says who holds it, and is removed afterwards,
    as are the folders that were made for it.

    Parameters
    ----------
    path : str
        It need not exist.
    inside : bool
        `path` is a folder that receives results: the lock lies in its folder
        ``.tamis``. What runs that were killed before their plan left there is removed.

    Raises
    ------
    DestinationError
        Another tamis is writing there now, or the lock cannot be made.
    """
    if inside:
        folder, name = os.path.join(path, FOLDER), LOCK
    else:
        folder, name = os.path.split(os.path.realpath(path))
        name = f".{name}.lock"
    file = os.path.join(folder, name)
    made: list[str] = []
    try:
        if inside:
            enter(path)
        else:
            made = _make_folders(folder)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a disk without locks: files must do
            lock = FileLock(file, timeout=0)
            lock.acquire()
    except Timeout:
        raise DestinationError(
            f"another tamis is writing into {printable(path)}{_by(_holder(file))}. Wait until it "
            "is done."
        ) from None
    except (OSError, NotImplementedError) as error:
        if inside:
            leave(path)
        _remove_folders(made)
        if isinstance(error, OSError):
            raise cannot_write(path, error) from error
        raise DestinationError(f"cannot lock {printable(path)}: {error}.") from error
    soft = isinstance(lock, SoftFileLock)  # its file is the lock, and says who made it
    if not soft and (other := _elsewhere(file)):
        lock.release()
        raise DestinationError(
            f"{printable(path)} was being written{_by(other)}. If that process is gone, remove "
            f"{printable(file)} and try again."
        )
    try:
        if not soft:
            _say_who(folder, name)
        if inside:
            sweep(path)
        yield
    finally:
        if not soft:
            # Unlinked while it is held: who opened it finds a file without a name.
            with contextlib.suppress(OSError):
                os.unlink(file)
        lock.release()
        if inside:
            leave(path)
        _remove_folders(made)


def _say_who(folder: str, name: str) -> None:
    holder = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "user": _user(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
        "boot": _boot(),
    }
    with (
        contextlib.suppress(OSError),  # Windows lets no one write to a locked file
        entry_below(folder, name) as file,
        file.opened(os.O_WRONLY | os.O_TRUNC) as descriptor,
    ):
        os.write(descriptor, json.dumps(holder).encode("ascii"))


def _holder(file: str) -> dict[str, Any]:
    """Read who holds a lock; nothing if it does not say."""
    try:
        with entry(file) as lock, lock.opened() as descriptor:
            found = json.loads(os.read(descriptor, 4096))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _elsewhere(file: str) -> dict[str, Any]:
    """Return the holder of a lock if it is on another machine, whose locks may not be seen here.

    A lock that was taken has no holder on this machine: what a killed run wrote into it
    counts for nothing. Containers of one machine share its boot.
    """
    holder = _holder(file)
    if not holder or holder.get("host") == socket.gethostname():
        return {}
    return {} if _boot() and holder.get("boot") == _boot() else holder


def _by(holder: dict[str, Any]) -> str:
    if not holder:
        return ""
    pid, host, user, since = (
        printable(str(holder.get(name, "?")))[:80] for name in ("pid", "host", "user", "since")
    )
    return f": process {pid} of {user} on {host}, since {since}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # no entry in passwd, as in a container
        return str(os.getuid()) if hasattr(os, "getuid") else "?"


def _boot() -> str:
    try:
        with open(_BOOT, encoding="ascii") as file:
            return file.read().strip()
    except (OSError, ValueError):
        return ""


def _make_folders(folder: str) -> list[str]:
    """Make a folder and those above it; returns those that were made, the last first."""
    missing = []
    while not os.path.lexists(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    for one in reversed(missing):
        with contextlib.suppress(FileExistsError):
            os.mkdir(one)
    return missing


def _remove_folders(made: list[str]) -> None:
    with contextlib.suppress(OSError):
        for folder in made:
            os.rmdir(folder)
