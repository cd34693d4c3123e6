"""`serve`: open a review, serve its page, end with nothing lost."""

import asyncio
import contextlib
import os
import socket
import sys
import webbrowser
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import platformdirs

from tamis.dataset import Dataset, Source
from tamis.descriptors import AUTO, Descriptor, descriptor
from tamis.errors import DestinationError, InvalidParameterError, MissingExtraError, printable
from tamis.files.digest import digest_of
from tamis.files.lock import locked
from tamis.images import DEFAULT_MAX_PIXELS, reading_with
from tamis.model import Model
from tamis.splits import check_classes

LOCAL: Final = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True, eq=False)
class Served:
    """A page that is being served.

    Attributes
    ----------
    url : str
        With the token: for the one who may use it.
    folder : str
        Where the corrections are kept.
    remarks : tuple of str
        What a person should know of the sources.
    """

    url: str
    folder: str
    remarks: tuple[str, ...]


def serve(
    photos: Source | Dataset,
    *,
    train: Source | Dataset | None = None,
    model: Model | str | os.PathLike[str] | None = None,
    by: str | Descriptor = AUTO,
    classifier: str = "auto",
    collection: str | os.PathLike[str] | None = None,
    out: str | os.PathLike[str] | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    token: str | None = None,
    browser: bool = True,
    jobs: int | None = None,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    ready: Callable[[Served], object] | None = None,
) -> None:
    """Serve a page on which a person looks at the answers for pictures and corrects them.

    It returns when it is interrupted. Every correction is on the disk before the page says
    so, and is there again at the next call with the same pictures.

    Parameters
    ----------
    photos : str, os.PathLike, sequence of paths, ImageTable or Dataset
    train : str, os.PathLike, sequence of paths, ImageTable or Dataset, optional
        Examples of each class.
    model : Model, str or os.PathLike, optional
        Answers instead of examples.
    by, classifier
        As `train` takes them, without the networks that are trained on pixels.
    collection : str or os.PathLike, optional
        Where vectors are kept; by default beside the corrections.
    out : str or os.PathLike, optional
        The folder for the sorted pictures that the page proposes.
    host : str
        Address to listen on. Another than that of this machine needs a `token`, and then
        pictures are written into `out` only.
    port : int
        0 takes one that is free.
    token : str, optional
        Made at random by default.
    browser : bool
        Open the page.
    jobs, max_pixels
        As `tamis.features.extract` takes them.
    ready : callable, optional
        Told a `Served` as soon as the page can be opened.

    Raises
    ------
    MissingExtraError
        The web server is not installed.
    InvalidParameterError
        Both or none of `train` and `model` are given, or a value is out of its range.
    DestinationError
        The review is open elsewhere, or the address cannot be listened on.

    Examples
    --------
    >>> serve("photos", train="examples")  # doctest: +SKIP
    """
    try:
        import starlette  # noqa: F401
        import uvicorn
    except ImportError:
        raise MissingExtraError.for_extra("web", "the page") from None
    from tamis.web.opening import opened_review

    if (train is None) == (model is None):
        raise InvalidParameterError(
            "say what answers: examples (train), or a trained model (model). "
            f"Got {'neither' if train is None else 'both'}."
        )
    if host not in LOCAL and not token:
        raise InvalidParameterError(
            f"on {printable(host)} others can reach the page: choose a token that they must know. "
            "On this machine alone, leave the host out."
        )
    if token is not None and len(token) < 16:
        raise InvalidParameterError("a token must have 16 characters or more.")
    pictures = _absolute(Dataset.open(photos))
    if model is not None and not isinstance(model, Model):
        model = Model.open(model)
    examples = None
    if train is not None:
        examples = _absolute(Dataset.open(train, role="examples").part("train").labelled())
        check_classes(examples.table)
    looks = model.descriptor if model is not None else None
    if looks is None:
        looks = descriptor(by) if isinstance(by, str) else by
    folder = review_folder(pictures, collection)
    place = os.path.abspath(out) if out is not None else str(folder / "sorted")
    with (
        locked(str(folder), inside=True),
        reading_with(max_pixels=max_pixels) as how,
        _socket(host, port) as listening,
    ):
        remarks = (*pictures.remarks, *(examples.remarks if examples else ()))
        review, app, secret = opened_review(
            pictures, examples, model, looks, classifier=classifier, folder=folder,
            collection=None if collection is None else os.fspath(collection), out=place,
            fixed=host not in LOCAL, token=token, how=how, jobs=jobs,
            port=listening.getsockname()[1], host=host,
        )  # fmt: skip
        shown = f"[{host}]" if ":" in host else host
        url = f"http://{shown}:{listening.getsockname()[1]}/?token={secret}"
        review.preparation.start()
        try:
            if ready is not None:
                ready(Served(url, str(folder), remarks))
            if browser:
                _open_browser(url)
            config = uvicorn.Config(
                app, log_level="error", lifespan="on", server_header=False,
                timeout_graceful_shutdown=2, access_log=False,
            )  # fmt: skip
            asyncio.run(_serve(uvicorn.Server(config), listening, review))
        finally:
            review.preparation.stop()
            review.session.thumbnails.close()
            review.session.corrections.close()


def _absolute(dataset: Dataset) -> Dataset:
    """Name the pictures by absolute paths, as collections do."""
    table = dataset.table
    root = os.path.abspath(table.root) if table.root else ""
    return dataset.having(replace(table, paths=tuple(map(os.path.abspath, table.paths)), root=root))


async def _serve(server: Any, listening: socket.socket, review: Any) -> None:
    """Serve until interrupted; the streams of events end first, which pages keep open."""
    kept = server.handle_exit

    def ending(*signal: Any) -> None:
        review.session.events.end()
        kept(*signal)

    server.handle_exit = ending
    with contextlib.suppress(KeyboardInterrupt):
        await server.serve(sockets=[listening])


@contextlib.contextmanager
def _socket(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # By its protocol asyncio knows a socket on which small answers must not wait for another.
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        try:
            made.bind((host, port))
        except OSError as error:
            raise DestinationError(
                f"cannot listen on {printable(host)}, port {port}: {error.strerror}. Choose "
                "another port; 0 takes one that is free."
            ) from None
        made.listen(128)
        yield made
    finally:
        made.close()


def _open_browser(url: str) -> None:
    if sys.platform == "linux" and not os.environ.get("DISPLAY", os.environ.get("WAYLAND_DISPLAY")):
        return
    with contextlib.suppress(webbrowser.Error):
        webbrowser.open(url)


def review_folder(photos: Dataset, collection: str | os.PathLike[str] | None) -> Path:
    """Say where a review keeps its corrections: beside its collection, or beside its pictures.

    Where nothing can be written there, in the data folder of the user.
    """
    beside = collection
    if beside is None and photos.collection is not None:
        beside = photos.source
    if beside is None and os.path.isdir(photos.source):
        beside = photos.source
    if beside is None and os.path.isfile(photos.source):
        beside = photos.source
    if beside is not None:
        place = Path(os.path.realpath(beside))
        if os.access(place.parent, os.W_OK | os.X_OK):
            return place.with_name(f"{place.name}.review")
    named = os.path.realpath(photos.table.root or photos.source)
    digest = digest_of(named.encode("utf-8", "surrogateescape"))
    return Path(platformdirs.user_data_dir("tamis", appauthor=False)) / "reviews" / digest
