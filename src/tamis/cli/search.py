"""`tamis search`."""

from typing import Annotated

import typer

from tamis.cli.console import (
    Distance,
    FollowLinks,
    Jobs,
    Json,
    MaxMemory,
    MaxPixels,
    NoIcc,
    Strict,
    writes,
)
from tamis.files.kinds import PAGE


def search(
    source: Annotated[
        str, typer.Argument(metavar="DIR", help="Where to search: a folder or a collection.")
    ],
    queries: Annotated[
        list[str], typer.Argument(metavar="QUERY...", help="Pictures, in DIR or elsewhere.")
    ],
    k: Annotated[int, typer.Option("--k", "-k", min=1, help="Pictures to find.")] = 10,
    by: Annotated[
        str,
        typer.Option(
            metavar="SPEC",
            help="Descriptor, or several as a+b; `tamis descriptors` lists them.",
            show_default="the only one of a collection, else color",
        ),
    ] = "",
    distance: Distance = "",
    combine: Annotated[
        str,
        typer.Option(metavar="HOW", help="Several queries: by their average, or the best of each."),
    ] = "average",
    label: Annotated[
        list[str] | None,
        typer.Option(
            metavar="A,B,...",
            help="Find only pictures of these classes; give it again for names with commas.",
        ),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="Find only pictures of these parts of a split."),
    ] = None,
    html: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Write a contact sheet to FILE.", callback=writes(PAGE)),
    ] = None,
    approximate: Annotated[
        bool, typer.Option("--approximate", help="Use the approximate index of a collection.")
    ] = False,
    sample: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=0,
            help="With --approximate: stored pictures on which recall is measured.",
        ),
    ] = 20,
    follow_links: FollowLinks = False,
    jobs: Jobs = None,
    max_pixels: MaxPixels = 200_000_000,
    max_memory: MaxMemory = 1000,
    no_icc: NoIcc = False,
    strict: Strict = False,
    json: Json = None,
) -> None:
    """Find the pictures that look most like one picture, or like several.

    Prints a line per picture, nearest first: its path, a tab, its distance. A query
    that is itself in DIR is not among the results.

        tamis search photos.tamis photos/fox/a.jpg -k 20 --by color
    """
    import os
    import time

    from tamis.cli.console import as_dicts, say, warn, warn_failures, write_json, write_page
    from tamis.cli.searching import Asked
    from tamis.cli.searching import approximate as search_index
    from tamis.cli.searching import exact as search_all
    from tamis.errors import printable
    from tamis.evaluation.classification import versions
    from tamis.report import contact_sheet

    start = time.perf_counter()
    asked = Asked(
        source,
        queries,
        by=by,
        distance=distance,
        labels=label,
        splits=split,
        follow_links=follow_links,
        jobs=jobs,
        max_pixels=max_pixels,
    )
    if approximate:
        answer = search_index(asked, k, combination=combine, sample=sample)
    else:
        answer = search_all(asked, k, combination=combine)
    warn_failures(answer.failures)
    if len(answer.found) < k:
        warn(f"there are only {len(answer.found)} pictures to find")
    if (recall := answer.settings.get("recall")) is not None:
        warn(f"approximate: recall@{k} {recall:.3f} on {sample} stored pictures")
    for one in answer.found:
        say(f"{printable(one.path)}\t{one.distance:.6g}", unless=json)
    settings = answer.settings | {
        "k": k,
        "combine": combine,
        "labels": ",".join(label or ["all"]),
        "splits": split or "all",
    }
    if html is not None:
        name = os.path.basename(os.path.abspath(source))
        page = contact_sheet(
            queries,
            answer.found,
            title=f"{name}, searched",
            settings=settings | versions(),
            max_pixels=max_pixels,
            jobs=jobs,
        )
        write_page(html, page)
        warn(f"see {printable(html)}")
    write_json(
        json,
        {
            "query": list(queries),
            "n_images": answer.n_images,
            "results": [
                {"path": one.path, "label": one.label, "distance": one.distance}
                for one in answer.found
            ],
            "signature": settings | versions(),
            "failures": as_dicts(answer.failures),
            "seconds": time.perf_counter() - start,
        },
    )
    if strict and answer.failures:
        raise typer.Exit(1)
