"""One writer per folder."""

import contextlib
import getpass
import hashlib
import os
import tempfile
from collections.abc import Iterator

from filelock import FileLock, Timeout

from tamis.errors import DestinationError, printable


@contextlib.contextmanager
def locked(root: str) -> Iterator[None]:
    """Keep other tamis processes from writing into a folder.

    Raises
    ------
    DestinationError
        One of this user's is writing there now.
    """
    # Not in the folder, which undo may remove with the lock held.
    user = getpass.getuser()
    key = hashlib.sha256(os.fsencode(os.path.realpath(root))).hexdigest()[:16]
    try:
        with FileLock(os.path.join(tempfile.gettempdir(), f"tamis-{user}-{key}.lock"), timeout=0):
            yield
    except Timeout:
        raise DestinationError(
            f"another tamis is writing into {printable(root)}. Wait until it is done."
        ) from None
