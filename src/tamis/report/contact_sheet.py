"""The contact sheet of a search: the query, and the pictures nearest to it."""

import os
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import quote_from_bytes

from tamis.errors import InvalidParameterError
from tamis.evaluation.signature import versions
from tamis.features import available_processors
from tamis.features.index import Hit
from tamis.images import DEFAULT_MAX_PIXELS
from tamis.images.thumbnails import THUMBNAIL, thumbnails
from tamis.report.templating import environment

_QUERY: Final = 320
_RESULT: Final = 192
_LARGE: Final = 200
"""More results than this are shown smaller, so that the page stays within megabytes."""


def contact_sheet(
    queries: Sequence[str],
    found: Sequence[Hit],
    *,
    title: str,
    signature: Mapping[str, object],
    max_pixels: int = DEFAULT_MAX_PIXELS,
    jobs: int | None = None,
    folder: str = "",
) -> str:
    """Write the page.

    Parameters
    ----------
    queries : sequence of str
        Paths of the pictures that were searched for.
    found : sequence of Hit
        Nearest first.
    title : str
        Heading of the page.
    signature : mapping
        All that the results depend on.
    max_pixels : int
        As `tamis.images.read_image` takes it.
    jobs : int, optional
        Threads that make thumbnails; as many as there are processors by default.
    folder : str
        In which the page will lie: each picture is a link to its file, relative to this
        folder where they have one above them in common. By default all links are absolute.

    Returns
    -------
    str
        HTML, the same for the same arguments and files; can be encoded as UTF-8.

    Raises
    ------
    InvalidParameterError
        `jobs` is below 1.
    """
    jobs = jobs if jobs is not None else available_processors()
    if jobs < 1:
        raise InvalidParameterError(f"jobs must be at least 1. Got {jobs}.")
    small = _RESULT if len(found) <= _LARGE else THUMBNAIL
    paths = [one.path for one in found]
    made = thumbnails(paths, max_pixels=max_pixels, jobs=jobs, size=small)
    # A query may be a result of another query: it is shown large all the same.
    asked = thumbnails(queries, max_pixels=max_pixels, jobs=jobs, size=_QUERY)
    return (
        environment()
        .get_template("sheet.html.j2")
        .render(
            title=title,
            queries=[(path, os.path.basename(path)) for path in queries],
            found=found,
            query_thumbnails=asked,
            thumbnails=made,
            links={path: link_to(path, folder) for path in {*queries, *paths}},
            settings={k: v for k, v in signature.items() if k not in versions()},
            versions={k: v for k, v in signature.items() if k in versions()},
        )
    )


def link_to(path: str, folder: str = "") -> str:
    """Write the link by which a page in a folder leads to a file.

    Examples
    --------
    >>> link_to("/photos/a b/1.jpg", "/photos/pages"), link_to("/photos/1.jpg", "/srv")
    ('../a%20b/1.jpg', 'file:///photos/1.jpg')
    """
    whole = os.path.abspath(path)
    if folder:
        place = os.path.abspath(folder)
        drive, root = os.path.splitdrive(whole)
        if os.path.splitdrive(place)[0] == drive:
            shared = os.path.commonpath([whole, place])
            if shared.removeprefix(drive) != os.sep and root:
                below = os.path.relpath(whole, place).replace(os.sep, "/")
                text = quote_from_bytes(os.fsencode(below))
                return f"./{text}" if ":" in text.partition("/")[0] else text
    name = quote_from_bytes(os.fsencode(whole.replace(os.sep, "/").lstrip("/")))
    return f"file:///{name}"
