"""Models from the Hugging Face hub: found in the cache folder, or brought there.

A file lies where the address says: ``timm/resnet50.tv_in1k/model.safetensors`` below the
folder ``hub`` of the cache. Whoever has no network puts it there by hand.
"""

import contextlib
import hashlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from filelock import FileLock

from tamis.descriptors.neural.weights.hub_file import HubFile, endpoint
from tamis.descriptors.neural.weights.hub_metadata import (
    AbsentError,
    Metadata,
    UnreachableError,
    describe_error,
    library,
    list_files,
    read_metadata,
    user_agent,
)
from tamis.errors import DestinationError, WeightsError, printable
from tamis.files.faults import cannot_write

Progress = Callable[[int, int | None], object]
"""Called with the bytes that have come and those that will come, if that is known."""

MOST: Final = 1 << 30
"""Bytes that are taken of a file whose size the hub does not announce."""

_SHA256: Final = 64


class TooLongError(Exception):
    """More comes than was announced."""


def fetch(
    sources: Sequence[HubFile],
    asked: str,
    *,
    others: Callable[[], Sequence[str]] = tuple,
    progress: Progress | None = None,
) -> HubFile:
    """Find the first of some files that is in the cache, or bring the first that the hub has.

    Parameters
    ----------
    sources : sequence of HubFile
        One, or where the same may be found, the likeliest first.
    asked : str
        What the user called it, such as ``resnet50``.
    others : callable
        Gives the names of backbones that work without a download, for the error.
    progress : callable, optional
        As `tamis.descriptors.neural.weights.hub.Progress`; by default a bar if stderr
        is a terminal.

    Returns
    -------
    HubFile
        Whose `path` is there, with the content that it should have.

    Raises
    ------
    WeightsError
        None is there and none can be downloaded, or the content is not what it should
        be. With no network this comes within 3 seconds.
    DestinationError
        It cannot be written into the cache.
    MissingExtraError
        huggingface_hub is needed and not installed.
    """
    source = _placed(sources)
    if source is None:
        with _alone(sources[0].path):
            source = _placed(sources) or _bring(sources, asked, others, progress)
    if source.sha256 is not None and (found := sha256_of(source.path)) != source.sha256:
        raise WeightsError(
            f"{printable(str(source.path))} is not the file that {asked} needs: its SHA-256 is "
            f"{found}, not {source.sha256}. Delete it, and it is downloaded; or put the one from "
            f"{source.address} in its place."
        )
    return source


def fetch_if_any(source: HubFile, asked: str) -> HubFile | None:
    """Fetch a small file that need not be in the repository; None if it is not.

    Raises
    ------
    WeightsError, DestinationError, MissingExtraError
        As `fetch`; so also if nobody can say whether it is there.
    """
    try:
        return fetch([source], asked, progress=lambda *_: None)
    except WeightsError as error:
        if isinstance(error.__cause__, AbsentError):
            return None
        raise


def _placed(sources: Sequence[HubFile]) -> HubFile | None:
    return next((source for source in sources if source.path.is_file()), None)


def sha256_of(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file, in hexadecimal digits; read again only if it has changed.

    Raises
    ------
    OSError
        It cannot be read.
    """
    seen = os.stat(path)
    return _sha256(os.fspath(path), seen.st_ino, seen.st_size, seen.st_mtime_ns)


@lru_cache(maxsize=64)
def _sha256(path: str, *seen: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _bring(
    sources: Sequence[HubFile],
    asked: str,
    others: Callable[[], Sequence[str]],
    progress: Progress | None,
) -> HubFile:
    try:
        source, metadata = _first_on_hub(sources)
        source.path.parent.mkdir(parents=True, exist_ok=True)
        with (
            _bar(source, progress) as advance,
            tempfile.TemporaryDirectory(
                prefix=".new-", dir=source.path.parent, ignore_cleanup_errors=True
            ) as folder,
        ):
            arrived = _download(source, metadata, folder, advance)
            digest = sha256_of(arrived)
            wanted = source.sha256
            if wanted is None:
                wanted = metadata.etag if len(metadata.etag) == _SHA256 else digest
            if digest == wanted:
                os.replace(arrived, source.path)
                return source
    except UnreachableError as error:
        raise WeightsError(
            f"{asked} is not on this machine, and cannot be downloaded: {error}. "
            f"{_by_hand(sources[0])} {_instead(others())}"
        ) from None
    except AbsentError as error:
        raise WeightsError(
            f"{asked} is not on this machine, and not at {sources[0].address}: {error}."
            f"{_has(sources[0])} {_instead(others())}"
        ) from error
    raise WeightsError(
        f"what came from {source.address} for {asked} has the SHA-256 {digest}, not {wanted}: "
        "it was damaged on the way, or is another file. It is not used. Try again; if it stays "
        f"so, tell the authors of tamis. {_instead(others())}"
    )


def _download(file: HubFile, metadata: Metadata, folder: str, progress: Progress) -> Path:
    """Download a file into a folder, and no more bytes than the hub announces."""
    hub = library()
    most = MOST if metadata.size is None else metadata.size
    bar: Any = hub.utils.tqdm

    class Meter(bar):  # type: ignore[misc]
        """Passes on what has come, before it is written; shows nothing itself."""

        def __init__(self, *_: object, initial: int = 0, **__: object) -> None:
            super().__init__(disable=True)
            self.came = initial

        def update(self, n: float | None = 1) -> None:
            self.came += int(n or 0)
            if self.came > most:
                announced = "it announced"
                if metadata.size is None:
                    announced = "may be taken without an announced size"
                raise TooLongError(f"it sends more than the {most:,} bytes that {announced}")
            progress(self.came, metadata.size)

    try:
        # By the commit: a push in between does not mix two versions.
        path = hub.hf_hub_download(
            file.repository,
            file.file,
            revision=metadata.commit,
            local_dir=folder,
            endpoint=endpoint(),
            tqdm_class=Meter,
            **user_agent(),
        )
    except TooLongError as error:
        raise UnreachableError(str(error)) from None
    except Exception as error:
        # Errors of the network have no number, those of the disk have one.
        if isinstance(error, OSError) and error.errno is not None:
            raise cannot_write(file.path, error) from error
        raise UnreachableError(describe_error(error)) from None
    return Path(path)


def _first_on_hub(sources: Sequence[HubFile]) -> tuple[HubFile, Metadata]:
    for source in sources[:-1]:
        with contextlib.suppress(AbsentError):
            return source, read_metadata(source)
    return sources[-1], read_metadata(sources[-1])


def _by_hand(source: HubFile) -> str:
    """Say how to put a file into the cache without this program."""
    size = f" ({source.size} MB)" if source.size else ""
    known = f" Its SHA-256 is {source.sha256}." if source.sha256 else ""
    return (
        f"Without a network, download {source.address}{size} elsewhere and put it into the cache "
        f"folder as {printable(str(source.path))}: it is used from there.{known}"
    )


def _has(source: HubFile) -> str:
    """Say which models the repository has, as far as the hub tells."""
    try:
        files = list_files(source.repository, source.revision)
    except (AbsentError, UnreachableError):
        return ""
    models = [file for file in files if file.endswith(".onnx")]
    if not models:
        return " The repository has no ONNX file at all."
    return f" Its ONNX files are {', '.join(models)}: name one by file=."


def _instead(names: Sequence[str]) -> str:
    return f"Backbones that work here now: {', '.join(names)}." if names else ""


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Let one process download a file; another waits, and finds it there."""
    lock = path.with_name(f".{path.name}.lock")
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock):
            try:
                yield
            finally:
                lock.unlink(missing_ok=True)
    except OSError as error:
        if isinstance(error, WeightsError | DestinationError):
            raise
        raise DestinationError(
            f"cannot write into the cache folder {printable(str(lock.parent))}: "
            f"{error.strerror or error}. Set TAMIS_CACHE to a folder that can be written to."
        ) from error


@contextlib.contextmanager
def _bar(source: HubFile, progress: Progress | None) -> Iterator[Progress]:
    """Show on stderr what has come, if it is a terminal and nobody else does."""
    if progress is not None or not sys.stderr.isatty():
        yield progress or (lambda *_: None)
        return
    from rich import progress as bars
    from rich.console import Console

    with bars.Progress(
        bars.TextColumn("{task.description}", markup=False),
        bars.BarColumn(),
        bars.DownloadColumn(),
        bars.TransferSpeedColumn(),
        bars.TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        task = bar.add_task(f"downloading {printable(source.repository)}", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
