"""What `tamis evaluate` does for several k or several votes."""

import time
from collections.abc import Sequence

from rich.table import Table

from tamis.cli.answering import Teacher, in_groups, open_examples
from tamis.cli.console import as_dicts, say, screen, warn, warn_failures, write_json
from tamis.cli.notes import warn_overlap
from tamis.cli.progress import progress
from tamis.dataset import Dataset
from tamis.deduplication.content import overlap
from tamis.descriptors import descriptor
from tamis.errors import Failure, InvalidParameterError
from tamis.model.sweep import sweep
from tamis.splits import check_classes


def check_sweep(how: Teacher, report: str | None) -> None:
    """Refuse what does not go with several k or votes."""
    if how.model is not None or how.classifier != "knn":
        raise InvalidParameterError(
            "several k or votes are for k-NN, which learns from --train: --classifier knn."
        )
    if report is not None:
        raise InvalidParameterError(
            "--report is of one classification, and several k or votes give as many. Name one k "
            "and one vote."
        )


def score_sweep(
    how: Teacher,
    tested: Dataset,
    *,
    test: str,
    ks: Sequence[int],
    votes: Sequence[str],
    root: str | None,
    follow_links: bool,
    seed: int,
    jobs: int | None,
    max_pixels: int,
    json: str | None,
) -> Sequence[Failure]:
    """Score each k and each vote, and print a line for each; gives the files that were skipped."""
    start = time.perf_counter()
    examples = open_examples(how, root=root, follow_links=follow_links)
    check_classes(examples.table)
    examples = in_groups(examples, how.group_by)
    shared = overlap(tested.table.paths, examples.table.paths)
    what = ("test picture is", "test pictures are")
    warn_overlap(
        shared, what, "among the examples too", {"--train": how.train or "", "--test": test}
    )
    with progress("pictures", len(examples) + len(tested)) as advance:
        found = sweep(
            examples, tested, by=descriptor(how.by), ks=ks, votes=votes, distance=how.distance,
            seed=seed, jobs=jobs, max_pixels=max_pixels, progress=advance,
        )  # fmt: skip
    failures = found[0].evaluation.failures
    warn_failures(failures)
    if json != "-":
        table = Table(box=None, pad_edge=False)
        for title in ("vote", "k"):
            table.add_column(title, justify="right" if title == "k" else "left")
        for title in ("accuracy", "95 % interval", "macro F1"):
            table.add_column(title, justify="right")
        for one in found:
            result = one.evaluation
            low, high = result.accuracy_ci
            f1 = result.report["macro avg"]["f1-score"]
            figures = (f"{result.accuracy:.1%}", f"{low:.1%} to {high:.1%}", f"{f1:.3f}")
            table.add_row(one.vote, str(one.k), *figures)
        screen().print(table)
    best = max(found, key=lambda one: one.evaluation.accuracy)
    say(
        f"best of {len(found)} on these {best.evaluation.n_images} pictures: {best.vote}, "
        f"k = {best.k}, {best.evaluation.accuracy:.1%}. The best of several flatters: choose on a "
        "part val, and score the choice on the part test",
        unless=json,
    )
    if len({one.evaluation.accuracy for one in found}) == 1:
        warn("all are equally right here")
    write_json(
        json,
        {
            "sweep": [one.to_dict() for one in found],
            "overlap": shared.to_dict(),
            "n_images": best.evaluation.n_images,
            "signature": found[0].evaluation.signature,
            "failures": as_dicts(failures),
            "seconds": time.perf_counter() - start,
        },
    )
    return failures
