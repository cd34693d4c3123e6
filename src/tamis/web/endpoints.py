"""The API under /api/v1: one table of what there is, and what answers."""

import contextlib
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tamis.errors import InvalidParameterError, printable
from tamis.web import looking, searching
from tamis.web.applying import Applying
from tamis.web.plane import Plane
from tamis.web.preparation import Preparation
from tamis.web.repeats import Repeats
from tamis.web.session import Session
from tamis.web.suspicion import suspects
from tamis.web.thumbnails import SIZES

MAX_JSON: Final = 8 << 20
MAX_UPLOAD: Final = 32 << 20
"""Bytes of a request."""


@dataclass(frozen=True, slots=True, eq=False)
class Review:
    """All that the endpoints answer from."""

    session: Session
    preparation: Preparation
    applying: Applying
    repeats: Repeats
    plane: Plane


@dataclass(frozen=True, slots=True)
class Binary:
    """An answer that is no JSON."""

    data: bytes
    media_type: str = "application/octet-stream"
    tag: str = ""
    stays: bool = False
    """Whether its address will never mean anything else."""


Given = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address of the API.

    Attributes
    ----------
    method, path : str
    answer : callable
        Called in a thread with the review and what was given: the parameters of path and
        query as text, and the members of the JSON body; ``body`` is that of an upload.
    summary : str
    takes : dict from str to str
        Members of the JSON body, or parameters of the query, with their meaning.
    upload : bool
        The body is a picture.
    """

    method: str
    path: str
    answer: Callable[[Review, Given], Any]
    summary: str
    takes: Mapping[str, str] = field(default_factory=dict)
    upload: bool = False


def _client(given: Given) -> str:
    client = given.get("client", "api")
    if not isinstance(client, str) or not 0 < len(client) <= 64:
        raise InvalidParameterError("client must be a text of 1 to 64 characters.")
    return client


def _rows(given: Given, name: str = "rows") -> list[object]:
    rows = given.get(name)
    if not isinstance(rows, list):
        raise InvalidParameterError(f"{name} must be a list of numbers of pictures.")
    return rows


def _number(given: Given, name: str, default: float) -> float:
    value = given.get(name, default)
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if isinstance(value, bool) or not abs(number) < 1e9:
        raise InvalidParameterError(
            f"{name} must be a number. Got {printable(repr(value)[:40])}."
        ) from None
    return number


def _row(given: Given) -> int:
    text = str(given["row"])
    if not text.isascii() or not text.isdigit() or len(text) > 10:
        raise InvalidParameterError(f"a row is a number. Got {printable(text[:40])}.")
    return int(text)


def _thumb(review: Review, given: Given) -> Binary:
    if given["size"] not in SIZES:
        raise InvalidParameterError(f"size must be one of {', '.join(SIZES)}.")
    (row,) = review.session.catalog.check([_row(given)])
    found = review.session.thumbnails.get(row, given["size"])
    # The address holds the beginning of the digest, if the page knew it.
    named = given.get("v", "") == found.key[:4].hex()
    return Binary(found.data, "image/webp", f"{found.key.hex()}-{given['size']}", named)


def _label(review: Review, given: Given) -> Any:
    if "class" not in given:
        raise InvalidParameterError("class must be a name, or null to take it back.")
    return review.session.label(_rows(given), given["class"], client=_client(given))


def _class(review: Review, given: Given) -> Any:
    key = given.get("key", "")
    if not isinstance(key, str):
        raise InvalidParameterError("key must be a letter or a digit.")
    code = review.session.add_class(given.get("name"), key)  # type: ignore[arg-type]
    return {"class": code}


def _wanted(given: Given) -> searching.Wanted:
    classes = given.get("classes") or []
    if isinstance(classes, str):
        classes = [classes]
    if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
        raise InvalidParameterError("classes must be a list of names.")
    return searching.Wanted(
        int(_number(given, "count", 200)), classes,
        _number(given, "least", 0), _number(given, "most", 1),
    )  # fmt: skip


def _search(review: Review, given: Given) -> Any:
    if "words" in given:
        if "rows" in given:
            raise InvalidParameterError("search for rows or by words: name one of them.")
        return searching.by_words(
            review.session, review.preparation, given["words"], _wanted(given)
        )
    return searching.nearest(
        review.session, review.preparation, _rows(given), wanted=_wanted(given)
    )


def _upload(review: Review, given: Given) -> Any:
    """Search by a picture that was sent; it lies in a file only meanwhile."""
    handle, file = tempfile.mkstemp(prefix="tamis-upload-")
    try:
        with open(handle, "wb") as stream:
            stream.write(given["body"])
        return searching.nearest(
            review.session, review.preparation, file=file, wanted=_wanted(given)
        )
    finally:
        with contextlib.suppress(OSError):
            os.unlink(file)


def _order(review: Review, given: Given) -> Binary:
    order = looking.order_of(review.session, review.preparation, given["by"])
    return Binary(order.tobytes())


ENDPOINTS: Final = (
    Endpoint("GET", "/state", lambda r, g: r.session.state(),
             "Classes, keys, counts, and what is being done"),
    Endpoint("GET", "/rows", lambda r, g: Binary(looking.rows_of(r.session)),
             "Columns of all pictures, binary: see tamis.web.looking.rows_of"),
    Endpoint("GET", "/names", lambda r, g: list(
        map(printable, r.session.catalog.names[: r.session.catalog.n])), "File names, by row"),
    Endpoint("GET", "/order/{by}", _order,
             "Rows in an order (unsure, name, time, likeness, ask), as uint32"),
    Endpoint("GET", "/pictures/{row}", lambda r, g: looking.picture(
        r.session, r.preparation, _row(g)), "All that is known of a picture"),
    Endpoint("GET", "/thumbs/{size}/{row}", _thumb, "A thumbnail, small or large, as WebP",
             {"v": "First 8 hexadecimal digits of the digest of the file; lets browsers keep it."}),
    Endpoint("POST", "/labels", _label, "Give pictures a class; answered when it is on the disk",
             {"rows": "Numbers of pictures.", "class": "Name of a class; null takes it back.",
              "client": "Who speaks; undo is per client."}),
    Endpoint("POST", "/undo", lambda r, g: r.session.undo(client=_client(g)),
             "Take back the last act of a client", {"client": "Who speaks."}),
    Endpoint("POST", "/classes", _class, "Make a class, or give a class a key",
             {"name": "Of the class.", "key": "A digit or letter that gives it."}),
    Endpoint("POST", "/search", _search,
             "The pictures that look most like some pictures, or show what words name",
             {"rows": "Numbers of pictures.", "words": "Instead of rows: a few words, in English.",
              "count": "How many to find; 200 by default.",
              "classes": "Find only these classes.", "least": "Least confidence.",
              "most": "Largest confidence."}),
    Endpoint("POST", "/search/upload", _upload,
             "The pictures that look most like the one in the body",
             {"count": "How many to find; 200 by default.", "classes": "Find only this class.",
              "least": "Least confidence.", "most": "Largest confidence."}, upload=True),
    Endpoint("GET", "/duplicates", lambda r, g: r.repeats.look(),
             "Groups of the same picture; the first call begins to look for them"),
    Endpoint("POST", "/duplicates/keep", lambda r, g: r.repeats.keep(_rows(g)),
             "Let pictures be those that are kept of their groups",
             {"rows": "Numbers of pictures."}),
    Endpoint("POST", "/duplicates/apart", lambda r, g: r.repeats.apart(_rows(g)),
             "Take pictures out of their groups, for good", {"rows": "Numbers of pictures."}),
    Endpoint("GET", "/suspects", lambda r, g: suspects(r.session, r.preparation),
             "Examples whose class is doubtful, most doubtful first"),
    Endpoint("GET", "/map", lambda r, g: Binary(r.plane.look()),
             "x and y of each picture, as float32; empty until they are known"),
    Endpoint("GET", "/report", lambda r, g: looking.report(r.session),
             "What was promised of corrected pictures, and what was kept"),
    Endpoint("POST", "/plan", lambda r, g: r.applying.plan(g), "What applying would do",
             {"out": "Folder.", "mode": "copy, hardlink, symlink or move.",
              "unsure": "sort, aside (into _unsure) or leave.",
              "repeats": "sort, aside (into _duplicates) or leave: all but the kept of a group."}),
    Endpoint("POST", "/apply", lambda r, g: r.applying.apply(g), "Begin to carry out the plan",
             {"out": "Folder.", "mode": "As for plan.", "unsure": "As for plan.",
              "repeats": "As for plan."}),
    Endpoint("POST", "/apply/undo", lambda r, g: r.applying.undo(g),
             "Take back the last run into a folder", {"out": "Folder."}),
    Endpoint("POST", "/examples", lambda r, g: r.applying.save_examples(g),
             "Copy corrected pictures into a folder per class", {"out": "Folder."}),
    Endpoint("POST", "/model", lambda r, g: r.applying.save_model(g),
             "Write a model that has learned from all corrections", {"file": "Its path."}),
)  # fmt: skip
"""All of them, but for the stream of events at /events."""
