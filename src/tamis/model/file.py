"""The file `model.tamis`: a zip of stored parts, each under its digest."""

import hashlib
import json
import os
import zipfile
from collections.abc import Mapping
from typing import Any, Final

from tamis.errors import FileFormatError, ModelError, printable, sentence
from tamis.files.archives import bounded_zip
from tamis.files.atomic import write_whole
from tamis.files.digest import digest_of
from tamis.files.kinds import MODEL
from tamis.files.regular import open_regular

FORMAT: Final = "tamis model"
VERSION: Final = 3
MANIFEST: Final = "model.json"

_AGAIN: Final = "Train it again: tamis train DIR --out FILE."
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # the time of day is no part of a model


def write_archive(
    path: str | os.PathLike[str], manifest: Mapping[str, Any], parts: Mapping[str, bytes]
) -> str:
    """Write a model: whole, or not at all.

    Parameters
    ----------
    path : str or os.PathLike
        Replaced if it is a model; any other file is left alone.
    manifest : mapping
        Plain types; gets the format, its version and the digest of each part.
    parts : mapping from str to bytes
        By their names in the file.

    Returns
    -------
    str
        The digest of the model: 12 hexadecimal digits. The same content gives the same
        bytes.

    Raises
    ------
    DestinationError
        The file cannot be written, or is there already and is no model.
    """
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in parts.items()}
    whole = {"format": FORMAT, "version": VERSION, **manifest, "parts": digests}
    text = json.dumps(whole, indent=1).encode()
    with write_whole(path, MODEL) as file, zipfile.ZipFile(file, "w") as archive:
        for part, data in {MANIFEST: text, **parts}.items():
            archive.writestr(zipfile.ZipInfo(part, _EPOCH), data)
    return digest_of(text)


def read_archive(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, bytes], str]:
    """Read what `write_archive` wrote: manifest, parts, digest.

    Raises
    ------
    ModelError
        There is no such file; it is no model, damaged, or of a newer format.
    """
    shown = printable(os.fspath(path))
    try:
        with open_regular(path) as file, bounded_zip(file) as archive:
            text = archive.read(MANIFEST)
            manifest = json.loads(text)
            _check_format(manifest, shown)
            parts = {name: archive.read(name) for name in manifest["parts"]}
    except FileNotFoundError as error:
        raise ModelError(
            f"there is no model {shown}. Name the file that `tamis train --out` wrote."
        ) from error
    except IsADirectoryError as error:
        raise ModelError(
            f"{shown} is a folder, and a model is a file. A folder of examples is given by --train."
        ) from error
    except OSError as error:
        raise ModelError(f"cannot read the model {shown}: {error.strerror or error}.") from error
    except ModelError:
        raise
    except FileFormatError as error:
        raise ModelError(
            f"{shown} is no model of tamis, or a damaged one: {sentence(error)} {_AGAIN}"
        ) from error
    for name, data in parts.items():
        if hashlib.sha256(data).hexdigest() != manifest["parts"][name]:
            raise ModelError(
                f"the model {shown} is damaged: {printable(name)} has changed. {_AGAIN}"
            )
    return manifest, parts, digest_of(text)


def is_model(path: str | os.PathLike[str]) -> bool:
    """Tell whether a file is a model of tamis, of whatever version, even if damaged."""
    return MODEL.wrote(os.fspath(path))


def _check_format(manifest: Any, shown: str) -> None:
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise ModelError(f"{shown} is no model of tamis. {_AGAIN}")
    version = manifest.get("version")
    if not isinstance(version, int) or version < 1:
        raise ModelError(f"the model {shown} has no version that can be read. {_AGAIN}")
    if version < VERSION:
        raise ModelError(
            f"the model {shown} has format {version}, of an earlier tamis; this one reads format "
            f"{VERSION}. {_AGAIN}"
        )
    if version > VERSION:
        raise ModelError(
            f"the model {shown} has format {version}; this tamis reads format {VERSION}. "
            "Install a newer one: pip install -U tamis."
        )
