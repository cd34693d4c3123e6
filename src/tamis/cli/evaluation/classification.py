"""How well examples, or a trained model, classify pictures."""

import time
from collections.abc import Sequence

from tamis.cli.answering import Teacher, answer
from tamis.cli.console import as_dicts, say, write_json, write_page
from tamis.cli.notes import told, warn_overlap
from tamis.cli.tables import print_evaluation
from tamis.dataset import Dataset, Role
from tamis.duplicates import overlap
from tamis.errors import Failure, printable
from tamis.evaluation.classification import evaluate


def score_classification(
    how: Teacher,
    test: str,
    *,
    truth: str | None,
    report: str | None,
    follow_links: bool,
    seed: int,
    jobs: int | None,
    max_pixels: int,
    json: str | None,
) -> Sequence[Failure]:
    """Answer for the pictures of `test`, score, print; give the files that were skipped."""
    start = time.perf_counter()
    # With a manifest the classes of the source itself do not matter.
    role: Role = "scored" if truth is None else "pictures"
    opened = Dataset.open(test, role=role, follow_links=follow_links)
    tested = told(opened.part("test", or_only="val").labelled(truth))
    pictures = tested.table
    unused, answers = answer(
        how, tested, follow_links=follow_links, jobs=jobs, max_pixels=max_pixels
    )
    labels = {
        path: label
        for path, label in zip(pictures.paths, pictures.labels, strict=True)
        if label is not None
    }
    shared = None
    if how.train is not None:
        shared = overlap(answers.paths, answers.train_paths)
        warn_overlap(
            shared,
            ("test picture is", "test pictures are"),
            "among the examples too",
            {"--train": how.train, "--test": test},
        )
    result = evaluate(answers, labels, seed=seed, overlap=shared)
    if json != "-":
        print_evaluation(result)
    if report is not None:
        from tamis.report import render

        page = render(
            answers,
            result,
            truth=labels,
            title=f"How well {printable(how.by)} tells {len(result.classes)} classes apart",
            train_failures=unused,
            ignored=pictures.ignored,
            max_pixels=max_pixels,
        )
        write_page(report, page)
        say(f"see {printable(report)}", unless=json)
    write_json(
        json,
        result.to_dict()
        | {
            "failures": as_dicts((*unused, *answers.failures)),
            "ignored": list(pictures.ignored),
            "seconds": time.perf_counter() - start,
        },
    )
    return (*unused, *answers.failures)
