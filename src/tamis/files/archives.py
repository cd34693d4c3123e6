"""Reading zip files that may have been made to harm: no more is read than they hold."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Final

from tamis.errors import FileFormatError, printable
from tamis.files.regular import size_of

_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED: Final = 0x1


@contextmanager
def bounded_zip(file: BinaryIO, *, limit: int | None = None) -> Iterator[zipfile.ZipFile]:
    """Open a zip file, once all that it announces is known to be within bounds.

    Parameters
    ----------
    file : binary file
    limit : int, optional
        Bytes that its parts may unfold to, all together. By default the size of the
        file, so that only stored parts are taken.

    Yields
    ------
    zipfile.ZipFile
        Its parts have unique, relative names.

    Raises
    ------
    FileFormatError
        It is no zip file, is damaged, or is out of bounds. The same for whatever zipfile
        raises while the parts are read.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            _check(archive, size_of(file) if limit is None else limit)
            yield archive
    except FileFormatError:
        raise
    # zipfile raises all sorts on bytes that are something else; a full disk has an errno.
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise FileFormatError(f"it is no zip file, or a damaged one ({_said(error)})") from error


def _check(archive: zipfile.ZipFile, limit: int) -> None:
    names: set[str] = set()
    total = 0
    for part in archive.infolist():
        shown = printable(part.filename)
        if part.filename in names:
            raise FileFormatError(f"it holds {shown} twice")
        names.add(part.filename)
        pieces = part.filename.split("/")
        if part.orig_filename != part.filename or ".." in pieces or not pieces[0]:
            raise FileFormatError(f"it holds a part with the name {shown}")
        if part.compress_type not in _METHODS or part.flag_bits & _ENCRYPTED:
            raise FileFormatError(f"{shown} is encrypted or packed in an unknown way")
        total += part.file_size
        if total > limit:
            raise FileFormatError(
                f"its parts unfold to more than {limit:,} bytes, which is more than such a file "
                "can hold"
            )


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {printable(str(error)[:200])}"
