"""Opening a review: from its sources and its folder to what the page is served from."""

import os
from pathlib import Path
from typing import Any

from tamis.classifiers.base import CLASSIFIERS
from tamis.classifiers.network.registry import NETWORKS
from tamis.dataset import Dataset
from tamis.deduplication import decisions_file
from tamis.descriptors import Descriptor
from tamis.errors import InvalidParameterError, UnknownNameError
from tamis.images import Reading
from tamis.model import Model
from tamis.web.application import application
from tamis.web.applying import Applying
from tamis.web.catalog import Catalog
from tamis.web.corrections import Corrections
from tamis.web.describing import Plan
from tamis.web.endpoints import Review
from tamis.web.events import Events
from tamis.web.plane import Plane
from tamis.web.preparation import Preparation
from tamis.web.repeats import Repeats
from tamis.web.security import new_token
from tamis.web.session import Session
from tamis.web.thumbnails import Thumbnails


def opened_review(
    photos: Dataset,
    examples: Dataset | None,
    model: Model | None,
    by: Descriptor,
    *,
    classifier: str,
    folder: Path,
    collection: str | None,
    out: str,
    fixed: bool,
    token: str | None,
    how: Reading,
    jobs: int | None,
    host: str,
    port: int,
) -> tuple[Review, Any, str]:
    """Open a review; gives it, its ASGI application, and the token.

    Parameters
    ----------
    photos, examples, model
        What is sorted, and what answers.
    by : Descriptor
    classifier : str
    folder : Path
        Of the review; made if it does not exist.
    collection : str or None
        Where the vectors of the photos are kept, if not in `folder`.
    out : str
        Folder that is proposed for the sorted pictures.
    fixed : bool
        Nothing may be written elsewhere.
    token : str or None
    how : Reading
    jobs : int or None
    host, port
        Under which it is served.
    """
    if classifier not in CLASSIFIERS:
        raise UnknownNameError.among("classifier", classifier, CLASSIFIERS)
    if classifier in NETWORKS:
        raise InvalidParameterError(
            f"the page cannot train the network {classifier}. Train it first, and give the model."
        )
    folder.mkdir(parents=True, exist_ok=True)
    catalog = Catalog.of(photos, examples)
    thumbnails = Thumbnails(catalog.paths, how)
    known = model.classes if model is not None else examples.classes if examples else []
    session = Session(
        catalog,
        Corrections(folder / "corrections.sqlite"),
        thumbnails,
        Events(),
        list(known),
        {
            "photos": os.path.basename(os.path.abspath(photos.source)) or photos.source,
            "by": by.spec,
            "classifier": model.net if model is not None else classifier,
            "out": out,
            "fixed": fixed,
            "signature": {"descriptor": by.spec, "answers": "reviewed"},
        },
    )
    plan = Plan(
        photos, examples, model, by, classifier, folder,
        collection or str(folder / "photos.tamis"), jobs, how.max_pixels,
    )  # fmt: skip
    preparation = Preparation(plan, session)
    decisions = decisions_file(photos.source) if os.path.isdir(photos.source) and not fixed else ""
    repeats = Repeats(session, preparation, decisions or str(folder / "duplicates.csv"))
    applying = Applying(session, preparation, repeats, out=out, fixed=fixed)
    review = Review(session, preparation, applying, repeats, Plane(session, preparation))
    secret = token or new_token()
    names = {host, "127.0.0.1", "localhost", "[::1]"} if not fixed else {host}
    if host in ("0.0.0.0", "::"):
        names |= _own_names()
    hosts = {f"{f'[{name}]' if ':' in name and name[0] != '[' else name}:{port}" for name in names}
    return review, application(review, token=secret, hosts=hosts, port=port), secret


def _own_names() -> set[str]:
    """Return the names and addresses under which this machine may be reached."""
    import contextlib
    import socket

    names = {socket.gethostname(), "127.0.0.1", "localhost"}
    with contextlib.suppress(OSError):
        for *_, address in socket.getaddrinfo(socket.gethostname(), None):
            names.add(str(address[0]))
    return names
