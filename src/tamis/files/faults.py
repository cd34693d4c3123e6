"""Say what a failing system call means, and what to do next."""

import errno
import os
from typing import Final

from tamis.errors import DestinationError, printable

_FREE: Final = "Free some space, or choose a place on another disk."
_DENIED: Final = "Choose another place, or ask its owner for the permission."
_SAYS: Final = {
    errno.ENOSPC: ("the disk is full", _FREE),
    errno.EDQUOT: ("the disk quota is used up", _FREE),
    errno.EFBIG: ("the file is larger than the disk or the limit allows", _FREE),
    errno.EACCES: ("permission denied", _DENIED),
    errno.EPERM: ("the operation is not permitted", _DENIED),
    errno.EROFS: ("the file system is read-only", "Choose a place on another disk."),
    errno.ENAMETOOLONG: ("the name is too long for the disk", "Choose a shorter name or path."),
    errno.EILSEQ: ("the disk does not take this name", "Choose a plainer name."),
    errno.EEXIST: ("something of that name is in the way", "Choose another name, or move it away."),
    errno.ENOTDIR: (
        "a file is where a folder should be",
        "Choose another name, or move the file away.",
    ),
    errno.EISDIR: ("it is a folder, not a file", "Name a file."),
    errno.ENOTEMPTY: ("the folder is not empty", "Choose another name, or move it away."),
    errno.ENOENT: ("there is no such file or folder", "Check the path."),
    errno.ELOOP: ("its links lead round in a circle", "Check the link."),
    errno.EMFILE: ("too many files are open", "Raise the limit (ulimit -n), or lower --jobs."),
    errno.ENFILE: ("too many files are open on this machine", "Close programs, and try again."),
    errno.EIO: ("the disk reported an error", "Check the disk and its connection, and try again."),
    errno.ENOMEM: ("there is not enough memory", "Close programs, or lower --jobs."),
    errno.EBUSY: ("it is in use by the system", "Choose another place."),
    errno.ESTALE: ("the network disk lost it", "Check the connection, and try again."),
    errno.EXDEV: ("it lies on another disk", "Choose a place on the same disk."),
}


def explain(error: OSError) -> tuple[str, str]:
    """Split what a system call reported into a reason and the next step.

    Parameters
    ----------
    error : OSError

    Returns
    -------
    reason : str
        A clause without a full stop, such as ``the disk is full``.
    advice : str
        A sentence; "" where there is nothing to say.
    """
    if error.errno in _SAYS:
        return _SAYS[error.errno]
    return printable(error.strerror or str(error) or type(error).__name__), ""


def cannot_write(what: str | os.PathLike[str], error: OSError) -> DestinationError:
    """Make the error that says what cannot be written, why, and what to do.

    Parameters
    ----------
    what : str or os.PathLike
        A path, or words that end in one, such as ``the model x.tamis``.
    error : OSError
        What the system reported; its number is kept in `errno`.
    """
    reason, advice = explain(error)
    made = DestinationError(
        f"cannot write {printable(os.fspath(what))}: {reason}. {advice}".rstrip()
    )
    made.errno = error.errno
    return made
