"""Questions to the Hugging Face hub, each asked once and with a limit of time.

`huggingface_hub` alone asks again for half a minute where there is no network.
"""

import contextlib
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeVar

from tamis.descriptors.neural.weights.hub_file import HubFile, endpoint
from tamis.errors import MissingExtraError

# All of looking up: names, connecting, the answer. An error has to come within 3 seconds.
_PATIENCE: Final = 2.0
_REST: Final = 30.0  # seconds for which a hub that did not answer is not asked again

_T = TypeVar("_T")

# Many threads may want the same network, and each would wait in its turn.
_unanswered: dict[str, tuple[float, str]] = {}


class UnreachableError(Exception):
    """The hub does not answer, or not as a hub does; the text says how."""


class AbsentError(Exception):
    """The hub answers that it does not have this, or not for everybody."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the hub says about a file.

    Attributes
    ----------
    commit : str
        The commit to which the revision leads now.
    etag : str
        Changes with the content. 64 hexadecimal digits are its SHA-256.
    size : int or None
        In bytes, if the hub announces it.
    """

    commit: str
    etag: str
    size: int | None


def read_metadata(file: HubFile) -> Metadata:
    """Ask the hub once for the metadata of a file.

    Raises
    ------
    UnreachableError
        There is no good answer within 2 seconds, or as many as HF_HUB_ETAG_TIMEOUT says.
    AbsentError
        The hub has no such repository, revision or file.
    MissingExtraError
        huggingface_hub is not installed.
    """
    hub = library()
    seconds = _seconds("HF_HUB_ETAG_TIMEOUT", _PATIENCE)

    def ask() -> Any:
        return hub.get_hf_file_metadata(
            file.address, timeout=seconds, endpoint=endpoint(), **user_agent()
        )

    found = _answer(ask, f"{file.repository}, revision {file.revision}", file.file, seconds)
    if not found.etag or not found.commit_hash:
        raise UnreachableError(
            "what answers there is no Hugging Face hub; a proxy or a login page perhaps"
        )
    return Metadata(found.commit_hash, found.etag, found.size)


def list_files(repository: str, revision: str) -> list[str]:
    """Ask the hub once for the names of the files of a repository; as `read_metadata`."""
    hub = library()
    seconds = _seconds("HF_HUB_ETAG_TIMEOUT", _PATIENCE)

    def ask() -> Any:
        interface = hub.HfApi(endpoint=endpoint(), **user_agent())
        return interface.model_info(repository, revision=revision, timeout=seconds)

    found = _answer(ask, f"{repository}, revision {revision}", "", seconds)
    return sorted(one.rfilename for one in found.siblings or ())


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
        why = describe_error(error)
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


def describe_error(error: Exception) -> str:
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


def user_agent() -> dict[str, str]:
    """Return the arguments by which tamis names itself to the hub."""
    from tamis import __version__

    return {"library_name": "tamis", "library_version": __version__}


def library() -> Any:
    """Import huggingface_hub, or raise MissingExtraError."""
    try:
        import huggingface_hub
        import huggingface_hub.utils
    except ImportError as error:
        raise MissingExtraError.for_extra("hub", "a download") from error
    return huggingface_hub
