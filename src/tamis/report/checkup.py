"""The page of a check of examples: the doubtful ones, with the neighbours that disagree."""

from collections.abc import Mapping
from typing import Final

from tamis.checking import Checkup
from tamis.checking.looks import LOOKS
from tamis.features import available_processors
from tamis.images import DEFAULT_MAX_PIXELS
from tamis.images.thumbnails import thumbnails
from tamis.report.templating import environment

_SUSPECTS: Final = 200
"""Doubtful examples that are shown, and pictures of a kind: the page stays within megabytes."""
_PICTURES: Final = 48
_PAIRS: Final = 20
_SAID: Final = {
    "black": ("Nearly black", "Ninety-nine of a hundred points are darker than a tenth of white."),
    "white": ("Nearly white", "Ninety-nine of a hundred points are as good as white."),
    "plain": ("Of one shade", "There is nothing to be seen in them."),
    "blurred": ("Blurred", "They have far less detail than the others of this folder."),
    "cut": ("Cut off", "The lower end is filled with grey, as decoders do where data end."),
}


def render_checkup(
    found: Checkup,
    *,
    title: str,
    versions: Mapping[str, object],
    max_pixels: int = DEFAULT_MAX_PIXELS,
    jobs: int | None = None,
) -> str:
    """Write the page.

    Parameters
    ----------
    found : Checkup
        Its pictures should still lie where they were: thumbnails are made of some.
    title : str
        Heading of the page.
    versions : mapping
        Names of programs to their versions.
    max_pixels : int
        As `tamis.images.read_image` takes it.
    jobs : int, optional
        Threads that make thumbnails; as many as there are processors by default.

    Returns
    -------
    str
        HTML, the same for the same arguments and files; can be encoded as UTF-8.
    """
    suspects = found.suspects[:_SUSPECTS]
    paths = [path for one in suspects for path in (one.path, *one.neighbours)]
    looks = []
    for kind in LOOKS:
        some = [one.path for one in found.looks if one.kind == kind]
        if some:
            looks.append((kind, *_SAID[kind], some[:_PICTURES], len(some) - _PICTURES))
            paths += some[:_PICTURES]
    names = dict(zip(found.table.paths, found.table.names, strict=True))
    return (
        environment()
        .get_template("check.html.j2")
        .render(
            title=title,
            found=found,
            suspects=suspects,
            looks=looks,
            names=names,
            noise=found.noise[:_PAIRS],
            n_more_pairs=max(0, len(found.noise) - _PAIRS),
            failures=found.failures,
            thumbnails=thumbnails(
                paths, max_pixels=max_pixels, jobs=jobs or available_processors()
            ),
            settings=found.signature,
            versions=versions,
        )
    )
