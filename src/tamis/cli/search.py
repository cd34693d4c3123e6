"""`tamis search`."""

from typing import Annotated

import typer

from tamis.cli.options import (
    MAX_PIXELS,
    By,
    Classes,
    Distance,
    FollowLinks,
    Jobs,
    Json,
    MaxMemory,
    MaxPixels,
    NoIcc,
    Parts,
    Quiet,
    Report,
    Root,
    Strict,
    Verbose,
)


def search(
    source: Annotated[str, typer.Argument(metavar="DIR", help="Folder or collection to search.")],
    queries: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="QUERY...",
            help="Pictures to search for, in DIR or elsewhere; or words in English, such as 'a red "
            "fox'.",
        ),
    ] = None,
    like: Annotated[
        list[str] | None,
        typer.Option(metavar="QUERY", help="The same; repeat the option for several."),
    ] = None,
    unlike: Annotated[
        list[str] | None,
        typer.Option(
            metavar="QUERY", help="A picture that the results should not look like; repeatable."
        ),
    ] = None,
    k: Annotated[int, typer.Option("--k", "-k", min=1, help="Number of pictures to find.")] = 10,
    by: By = None,
    distance: Distance = "",
    combine: Annotated[
        str,
        typer.Option(
            metavar="HOW", help="How several queries are joined: average, or best (of each result)."
        ),
    ] = "average",
    classes: Classes = None,
    parts: Parts = None,
    report: Report = None,
    copy_to: Annotated[
        str | None,
        typer.Option("--copy-to", metavar="DIR", help="Copy the pictures found to DIR."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Model of tamis train, whose classes are found by their names; with words.",
        ),
    ] = None,
    approximate: Annotated[
        bool, typer.Option("--approximate", help="Search the approximate index of a collection.")
    ] = False,
    sample: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=0,
            help="Number of stored pictures on which --approximate measures its recall.",
        ),
    ] = 20,
    root: Root = None,
    follow_links: FollowLinks = False,
    jobs: Jobs = None,
    max_pixels: MaxPixels = MAX_PIXELS,
    max_memory: MaxMemory = 1000,
    no_icc: NoIcc = False,
    strict: Strict = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    null: Annotated[
        bool,
        typer.Option("--null", "-0", help="Print paths alone, each ended by NUL, for xargs -0."),
    ] = False,
    json: Json = None,
) -> None:
    """Find the pictures that look most like one picture, or like several.

    Prints a line per picture, nearest first: its path, a tab, its distance. A query
    that is itself in DIR is not among the results.

        tamis search photos.tamis photos/fox/a.jpg -k 20

        tamis search photos.tamis "a red fox"

        tamis search photos.tamis "invoice" --model papers.tamis

        tamis search photos.tamis --like a.jpg --like b.jpg --unlike c.jpg -0 | xargs -0 ls -l
    """
    import os
    import sys
    import time

    from tamis.cli.console import as_dicts, say, warn, warn_failures, write_json, write_page
    from tamis.cli.notes import chosen_by, print_remarks
    from tamis.cli.progress import progress
    from tamis.dataset import Dataset
    from tamis.dataset.searching import search as search_images
    from tamis.dataset.wording import are_words
    from tamis.errors import InvalidParameterError, printable
    from tamis.evaluation.signature import versions
    from tamis.report import contact_sheet

    start = time.perf_counter()
    asked = [*(queries or []), *(like or [])]
    if not asked:
        raise InvalidParameterError("there is no QUERY. Name a picture to search for.")
    if null and json == "-":
        raise InvalidParameterError("-0 and --json - both write to stdout. Take one of them.")
    gallery = print_remarks(Dataset.open(source, root=root, follow_links=follow_links))
    opened = time.perf_counter() - start
    words = len(asked) == 1 and are_words(asked[0], gallery)
    if gallery.collection is not None:
        warn(f"opened {printable(source)}, {len(gallery):,} pictures, in {opened:.2f} s")
    taught = None
    if model is not None:
        from tamis.model import Model

        if not words:
            raise InvalidParameterError("--model goes with words, such as the name of a class.")
        with progress("answers", len(gallery)) as advance:
            taught = Model.open(model).predict(
                gallery, jobs=jobs, max_pixels=max_pixels, progress=advance
            )
    with progress("pictures", len(gallery)) as advance:
        matches = search_images(
            gallery,
            asked,
            k,
            unlike=unlike or (),
            by=by or "" if words else chosen_by(gallery, by),
            distance=distance,
            combine=combine,
            classes=classes,
            parts=parts,
            approximate=approximate,
            sample=sample if approximate else 0,
            taught=taught,
            jobs=jobs,
            max_pixels=max_pixels,
            progress=advance,
        )
    hits = list(matches)
    warn_failures(matches.failures)
    if len(hits) < k:
        warn(f"there are only {len(hits)} pictures to find")
    if newer := matches.signature.get("newer"):
        warn(f"{newer:,} pictures are newer than the approximate index and were all compared")
    if (recall := matches.signature.get("recall")) is not None:
        warn(f"approximate: recall@{k} {recall:.3f} on {sample} stored pictures")
    if words:
        nearest = (
            f"{matches.signature['nearest_labels']} (likeness {matches.signature['likeness']})"
        )
        warn(f"the networks know: {nearest}")
        if matches.signature["taught"]:
            warn(f"and examples have taught: {printable(matches.signature['taught'])}")
        if matches.signature["doubtful"]:
            warn("none of these is near to the words, so that much is guessed")
        asked = []
    if null:
        sys.stdout.flush()
        sys.stdout.buffer.write(b"".join(os.fsencode(hit.path) + b"\0" for hit in hits))
    for hit in () if null else hits:
        say(f"{printable(hit.path)}\t{hit.distance:.6g}", unless=json)
    signature = dict(matches.signature) | {
        "k": k,
        "combine": combine,
        "unlike": len(unlike or ()),
        "labels": ",".join(classes or ["all"]),
        "splits": parts or "all",
    }
    copied = None
    if copy_to is not None:
        from tamis.cli.copying import copy_found

        copied = copy_found(gallery, hits, copy_to, queries=asked, follow_links=follow_links)
        what = "picture" if copied.n_copied == 1 else "pictures"
        already = f", {copied.n_present} were there already" if copied.n_present else ""
        warn(
            f"copied {copied.n_copied} {what} to {printable(copy_to)}{already}; to take it back: "
            f"tamis undo {printable(copy_to)}"
        )
    if report is not None:
        name = os.path.basename(os.path.abspath(source))
        page = contact_sheet(
            asked,
            hits,
            title=f"{name}, searched for {matches.signature['words']}"
            if words
            else f"{name}, searched",
            signature=signature | versions(),
            max_pixels=max_pixels,
            jobs=jobs,
            folder=os.path.dirname(os.path.abspath(report)),
        )
        write_page(report, page)
        warn(f"see {printable(report)}")
    write_json(
        json,
        {
            "query": [matches.signature["words"]] if words else asked,
            "unlike": unlike or [],
            "n_images": matches.n_gallery,
            "results": [
                {"path": hit.path, "label": hit.label, "distance": hit.distance} for hit in hits
            ],
            "copied": None if copied is None else copied.n_copied,
            "signature": signature | versions(),
            "failures": as_dicts(matches.failures),
            "seconds_to_open": opened,
            "seconds": time.perf_counter() - start,
        },
    )
    if (strict and matches.failures) or (copied is not None and copied.failures):
        raise typer.Exit(1)
