"""Files from the Hugging Face hub: asked for once, taken up where they were cut.

`huggingface_hub` says where a file is, who asks and what the answers mean. What it does
not do is done here: its own download asks again for half a minute where there is no
network, and begins anew when the process was ended.
"""

import contextlib
import os
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, BinaryIO, Final, TypeVar
from urllib.parse import quote

from tamis.errors import MissingExtraError
from tamis.files.faults import cannot_write

Progress = Callable[[int, int | None], object]
"""Called with the bytes that are there and those that there will be, if that is known."""

HUB: Final = "https://huggingface.co"
"""The hub, unless HF_ENDPOINT names another."""

MOST: Final = 1 << 30
"""Bytes that are taken of a file whose size the hub does not announce."""

# All of looking up: names, connecting, the answer. An error has to come within 3 seconds.
_PATIENCE: Final = 2.0
_SILENCE: Final = 10.0  # seconds without a byte that end a download
_REST: Final = 30.0  # seconds for which a hub that did not answer is not asked again

_T = TypeVar("_T")

# Many threads may want the same network, and each would wait in its turn.
_unanswered: dict[str, tuple[float, str]] = {}


class UnreachableError(Exception):
    """The hub does not answer, or not as a hub does; the text says how."""


class TooLongError(Exception):
    """More comes than was announced."""


class AbsentError(Exception):
    """The hub answers that it does not have this, or not for everybody."""


@dataclass(frozen=True, slots=True)
class Remote:
    """A file on the hub, as it is now.

    Attributes
    ----------
    url : str
        Of its content.
    etag : str
        Changes with the content. 64 hexadecimal digits are its SHA-256.
    size : int or None
        In bytes.
    """

    url: str
    etag: str
    size: int | None


def endpoint() -> str:
    """Address of the hub: that of the environment variable HF_ENDPOINT, or `HUB`."""
    return (os.environ.get("HF_ENDPOINT") or HUB).rstrip("/")


def address(repository: str, file: str, revision: str) -> str:
    """Address of a file on the hub, for a browser as well."""
    return f"{endpoint()}/{repository}/resolve/{quote(revision, safe='')}/{quote(file)}"


def look_up(repository: str, file: str, revision: str) -> Remote:
    """Ask the hub once for a file.

    Parameters
    ----------
    repository : str
        Such as ``timm/resnet50.tv_in1k``.
    file : str
        Path in the repository.
    revision : str
        Branch, tag or commit.

    Raises
    ------
    UnreachableError
        There is no good answer within 2 seconds, or as many as HF_HUB_ETAG_TIMEOUT says.
    AbsentError
        The hub has no such repository, revision or file.
    MissingExtraError
        huggingface_hub is not installed.
    """
    hub = _library()
    url = address(repository, file, revision)
    seconds = _seconds("HF_HUB_ETAG_TIMEOUT", _PATIENCE)

    def ask() -> Any:
        return hub.get_hf_file_metadata(url, timeout=seconds, endpoint=endpoint(), **_who())

    found = _answer(ask, f"{repository}, revision {revision}", file, seconds)
    if not found.etag or not found.commit_hash:
        raise UnreachableError(
            "what answers there is no Hugging Face hub; a proxy or a login page perhaps"
        )
    # By the commit: a push in between does not mix two versions.
    return Remote(address(repository, file, found.commit_hash), found.etag, found.size)


def list_files(repository: str, revision: str) -> list[str]:
    """Ask the hub once for the names of the files of a repository; the errors of `look_up`."""
    hub = _library()
    seconds = _seconds("HF_HUB_ETAG_TIMEOUT", _PATIENCE)

    def ask() -> Any:
        interface = hub.HfApi(endpoint=endpoint(), **_who())
        return interface.model_info(repository, revision=revision, timeout=seconds)

    found = _answer(ask, f"{repository}, revision {revision}", "", seconds)
    return sorted(one.rfilename for one in found.siblings or ())


def download(remote: Remote, path: Path, *, progress: Progress = lambda *_: None) -> None:
    """Bring a file to `path`, from where an earlier download of it was cut.

    Cut while it comes, it is asked for again as long as that brings more. What has come
    stays beside `path`, for the next time.

    Raises
    ------
    UnreachableError
        Nothing comes any more, or more than was announced.
    DestinationError
        It cannot be written.
    """
    part = path.with_name(f".{path.name}.{re.sub(r'[^0-9A-Za-z-]', '_', remote.etag[:16])}.part")
    try:
        with open(part, "ab") as file:
            if remote.size is not None and file.tell() > remote.size:
                file.truncate(0)
            _complete(remote, file, progress)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except TooLongError as error:
        part.unlink()  # it cannot be the file that was announced
        raise UnreachableError(str(error)) from None
    except OSError as error:
        raise cannot_write(path, error) from error


def _complete(remote: Remote, file: BinaryIO, progress: Progress) -> None:
    while remote.size is None or file.tell() < remote.size:
        before, why = file.tell(), "the connection was cut"
        try:
            _receive(remote, file, progress)
            if remote.size is None:
                return
        except TooLongError:
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # of the disk; those of the network have no number
            why = _said(error)
        if file.tell() <= before:
            whole = "an unknown number of" if remote.size is None else f"{remote.size:,}"
            raise UnreachableError(
                f"{why}; {before:,} of {whole} bytes have come and are kept, the same command goes "
                "on from there"
            )


def _receive(remote: Remote, file: BinaryIO, progress: Progress) -> None:
    """Append what comes, until the end or an error."""
    hub = _library()
    headers = {**hub.utils.build_hf_headers(**_who()), "Accept-Encoding": "identity"}
    if file.tell():
        headers["Range"] = f"bytes={file.tell()}-"
    seconds = _seconds("HF_HUB_DOWNLOAD_TIMEOUT", _SILENCE)
    session = hub.get_session()
    with session.stream("GET", remote.url, headers=headers, timeout=seconds) as answer:
        hub.utils.hf_raise_for_status(answer)
        if file.tell() and answer.status_code != 206:
            file.truncate(0)  # it does not know of ranges, and sends all of it again
            file.seek(0)
        most = MOST if remote.size is None else remote.size
        for block in answer.iter_bytes():  # as it comes: of a block of one size a part is lost
            if file.tell() + len(block) > most:
                announced = "may be taken without an announced size"
                raise TooLongError(
                    f"it sends more than the {most:,} bytes that "
                    f"{announced if remote.size is None else 'it announced'}"
                )
            file.write(block)
            progress(file.tell(), remote.size)


def _answer(ask: Callable[[], _T], where: str, file: str, seconds: float) -> _T:
    """Give what `ask` gives, or say in our words what it raises."""
    from huggingface_hub import errors

    when, why = _unanswered.get(endpoint(), (-_REST, ""))
    if time.monotonic() - when < _REST:
        raise UnreachableError(why)
    try:
        return _within(seconds, ask)
    except errors.GatedRepoError:
        raise AbsentError(
            f"{where} is only for those who have accepted its terms: accept them on its page, and "
            "log in by `hf auth login`"
        ) from None
    except errors.RepositoryNotFoundError:
        raise AbsentError(f"there is no repository {where}, or it is private") from None
    except errors.RevisionNotFoundError:
        raise AbsentError(f"there is no {where}") from None
    except errors.EntryNotFoundError:
        raise AbsentError(f"{where} has no file {file}") from None
    except errors.OfflineModeIsEnabled:
        raise UnreachableError("HF_HUB_OFFLINE is set") from None
    except Exception as error:
        why = _said(error)
        _unanswered[endpoint()] = time.monotonic(), why
        raise UnreachableError(why) from None


def _within(seconds: float, call: Callable[[], _T]) -> _T:
    """Call, and wait no longer than `seconds` for its end.

    The time limits of a request bound each of its steps, not their sum, and a name
    server that is silent not at all.
    """
    answers: SimpleQueue[tuple[_T | None, BaseException | None]] = SimpleQueue()

    def run() -> None:
        try:
            answers.put((call(), None))
        except BaseException as error:
            answers.put((None, error))

    threading.Thread(target=run, daemon=True, name="tamis-hub").start()
    try:
        found, error = answers.get(timeout=seconds)
    except Empty:
        raise TimeoutError(
            f"no answer within {seconds:g} seconds; HF_HUB_ETAG_TIMEOUT=20 waits longer"
        ) from None
    if error is not None:
        raise error
    return found  # type: ignore[return-value]


def _said(error: Exception) -> str:
    """Say an error of the library in one line."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status is not None:
        return f"it answers with the status {status}"
    text = " ".join(str(error).split()).rstrip(".")
    return text if isinstance(error, TimeoutError) else f"{type(error).__name__}: {text}"


def _seconds(variable: str, default: float) -> float:
    """Seconds that one of the variables of huggingface_hub asks for."""
    with contextlib.suppress(ValueError):
        return max(float(os.environ.get(variable, default)), 0.1)
    return default


def _who() -> dict[str, str]:
    from tamis import __version__

    return {"library_name": "tamis", "library_version": __version__}


def _library() -> Any:
    try:
        import huggingface_hub
        import huggingface_hub.utils
    except ImportError as error:
        raise MissingExtraError.for_extra("neural", "a download") from error
    return huggingface_hub
