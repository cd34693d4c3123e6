"""`tamis index`."""

from typing import Annotated

import typer

from tamis.cli.options import (
    MAX_PIXELS,
    FollowLinks,
    Jobs,
    Json,
    MaxMemory,
    MaxPixels,
    NoIcc,
    Quiet,
    Root,
    Strict,
    Verbose,
)


def index(
    source: Annotated[str, typer.Argument(metavar="DIR", help="A folder, or a CSV file.")],
    into: Annotated[str, typer.Option(metavar="NAME", help="The collection, such as p.tamis.")],
    by: Annotated[
        str,
        typer.Option(
            metavar="SPECS",
            help="Descriptors to compute, with commas between.",
            show_default="those it has; auto for a new one",
        ),
    ] = "",
    approximate: Annotated[
        bool,
        typer.Option("--approximate", help="Make indexes for `tamis search --approximate`."),
    ] = False,
    metric: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Of the approximate indexes: l2, cosine, dot or hellinger.",
            show_default="hellinger for histograms that are mostly zeros, else l2",
        ),
    ] = "",
    prune: Annotated[
        bool,
        typer.Option(
            "--prune",
            help="Remove also pictures whose folder is empty or cannot be entered.",
        ),
    ] = False,
    root: Root = None,
    follow_links: FollowLinks = False,
    jobs: Jobs = None,
    max_pixels: MaxPixels = MAX_PIXELS,
    max_memory: MaxMemory = 1000,
    no_icc: NoIcc = False,
    strict: Strict = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    json: Json = None,
) -> None:
    """Keep pictures and their vectors in a collection, and keep it up to date.

    Run it again after the folder has changed: only new and changed pictures are
    described, renamed ones are recognised, and those that are gone leave the
    collection; those whose folder is empty or cannot be entered stay, unless --prune is
    given. Every command that takes a folder of pictures takes a collection.

        tamis index photos --into photos.tamis

        tamis index photos --into photos.tamis --by auto,color,lbp
    """
    import os
    import time

    from tamis.cli.console import as_dicts, say, warn, warn_failures, write_json
    from tamis.cli.notes import check_apart, print_remarks
    from tamis.cli.progress import progress
    from tamis.dataset import Dataset
    from tamis.descriptors import AUTO, Reduction, descriptor, split_specs
    from tamis.descriptors.reduction import LEARNED
    from tamis.errors import InvalidParameterError, TableError, printable
    from tamis.evaluation.signature import program
    from tamis.store import (
        Approximate,
        Collection,
        build,
        check_metric,
        fit_reduction,
        is_collection,
        is_committed,
        update,
    )

    start = time.perf_counter()
    if is_collection(source):
        raise InvalidParameterError(
            f"{printable(source)} is a collection. Name the folder of its pictures instead."
        )
    check_apart(
        "A collection is a folder of its own: name another, such as "
        f"{printable(os.path.basename(os.path.abspath(source)))}.tamis.",
        **{"DIR": source, "--into": into},
    )
    known = Collection.open(into).specs if is_committed(into) else []
    wanted = [descriptor(spec) for spec in split_specs(by or ("" if known else AUTO))]
    if metric:
        check_metric(metric)
    table = print_remarks(
        Dataset.open(
            source,
            exclude=[into],
            follow_links=follow_links,
            may_be_empty=is_committed(into),
            root=root,
        )
    ).table
    if not len(table) and not prune:
        warn_failures(table.failures)
        raise TableError(
            f"{printable(source)} holds no picture: is its disk mounted? The pictures of "
            f"{printable(into)} stay in it; --prune removes them."
        )
    with progress("pictures", len(table)) as advance:
        changes = update(
            into, table, wanted, jobs=jobs, max_pixels=max_pixels, progress=advance, prune=prune
        )
    warn_failures(changes.failures)
    if changes.unseen:
        warn(
            f"{len(changes.unseen)} pictures of {printable(into)} cannot be looked at and stay in "
            f"it, such as {printable(changes.unseen[0])}: their folder is empty or cannot be "
            "entered. --prune removes them"
        )
    collection = changes.collection
    say(f"{printable(into)}: {changes}", unless=json)
    kept = [
        fit_reduction(collection, one).spec
        for one in wanted
        if isinstance(one, Reduction) and one.method in LEARNED and not one.fitted
    ]
    for spec in kept:
        say(f"fitted {printable(spec)}", unless=json)
    recalls: dict[str, float] = {}
    if approximate:
        leaves = [leaf.spec for one in wanted for leaf in one.leaves] if by else collection.specs
        named = {leaf.spec: leaf for one in wanted for leaf in one.leaves}
        for spec in dict.fromkeys(leaves):
            one = named.get(spec) or descriptor(spec, stored_in=into)
            build(into, one, metric=metric or None)
            index = Approximate.open(Collection.open(into), one)
            recalls[one.spec] = index.recall(
                10, distance=one.default_distance, sample=100, jobs=jobs
            )
            say(
                f"approximate index by {one.spec}, {index.metric}: recall@10 of "
                f"{one.default_distance} {recalls[one.spec]:.3f}",
                unless=json,
            )
    write_json(
        json,
        {
            "collection": os.path.abspath(into),
            "n_images": len(collection),
            "new": changes.new,
            "changed": changes.changed,
            "renamed": changes.renamed,
            "removed": changes.removed,
            "unchanged": changes.unchanged,
            "unseen": list(changes.unseen),
            "computed": dict(changes.computed),
            "descriptors": collection.specs,
            "reductions": kept,
            "recall_at_10": recalls,
            "signature": program(),
            "ignored": list(table.ignored),
            "failures": as_dicts(changes.failures),
            "seconds": time.perf_counter() - start,
        },
    )
    if strict and changes.failures:
        raise typer.Exit(1)
