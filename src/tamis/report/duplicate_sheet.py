"""The contact sheet of duplicates: a row of pictures per group, the best first."""

from collections.abc import Mapping
from typing import Final

from tamis.deduplication import KINDS, Duplicates
from tamis.evaluation.signature import versions
from tamis.features import available_processors
from tamis.images import DEFAULT_MAX_PIXELS
from tamis.images.thumbnails import thumbnails
from tamis.report.templating import environment

_SIZE: Final = 160
_GROUPS: Final = 200
"""Groups of a kind that are shown, and pictures of a group: the page stays within megabytes."""
_PICTURES: Final = 24
_SAID: Final = {
    "copy": ("The same file", "Files with the same bytes."),
    "same": (
        "The same picture",
        "Saved anew, resized, brighter, a little cut, grey or with a caption. The percentage is "
        "how far the details agree once one picture lies over the other.",
    ),
    "mirrored": ("Mirrored", "The same picture, left and right exchanged."),
    "turned": ("Turned", "The same picture, turned by some degrees or by right angles."),
    "burst": (
        "Neighbours",
        "Pictures of one scene, such as shots of a burst: nearer to each other than different "
        "pictures are, but not the same.",
    ),
}


def duplicate_sheet(
    found: Duplicates,
    *,
    title: str,
    signature: Mapping[str, object],
    max_pixels: int = DEFAULT_MAX_PIXELS,
    jobs: int | None = None,
) -> str:
    """Write the page.

    Parameters
    ----------
    found : Duplicates
    title : str
        Heading of the page.
    signature : mapping
        All that the groups depend on.
    max_pixels : int
        As `tamis.images.read_image` takes it.
    jobs : int, optional
        Threads that make thumbnails; as many as there are processors by default.

    Returns
    -------
    str
        HTML, the same for the same arguments and files; can be encoded as UTF-8.
    """
    sections, paths = [], []
    for kind in KINDS:
        groups = [group for group in found if group.kind == kind]
        shown = [
            list(zip(group.paths, group.kinds, group.agreement, strict=True))[:_PICTURES]
            for group in groups[:_GROUPS]
        ]
        paths += [path for group in shown for path, _, _ in group]
        if groups:
            sections.append((kind, *_SAID[kind], shown, len(groups) - len(shown)))
    known = versions()
    return (
        environment()
        .get_template("duplicates.html.j2")
        .render(
            title=title,
            sections=sections,
            n_groups=len(found),
            n_images=len(found.table),
            n_extra=len(found.extra),
            failures=found.failures,
            thumbnails=thumbnails(
                paths, max_pixels=max_pixels, jobs=jobs or available_processors(), size=_SIZE
            ),
            settings={k: v for k, v in signature.items() if k not in known},
            versions=known,
        )
    )
