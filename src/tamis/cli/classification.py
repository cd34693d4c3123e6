"""What `tamis evaluate --train --test` does: answers, scored."""

import time
from collections.abc import Sequence

import numpy as np

from tamis.classifiers.knn import DEFAULT_K
from tamis.classifiers.votes import VOTES
from tamis.cli.answering import Teacher, answer
from tamis.cli.console import as_dicts, say, write_json, write_page
from tamis.cli.notes import roots, warn_overlap
from tamis.cli.scored import open_labelled
from tamis.cli.tables import print_evaluation
from tamis.deduplication.content import overlap
from tamis.errors import Failure, printable
from tamis.evaluation.classification import evaluate as evaluate_answers
from tamis.report.promises import promise_notes, set_notes


def classification(
    how: Teacher,
    test: str,
    *,
    ks: Sequence[int],
    votes: Sequence[str],
    classes: Sequence[str] | None,
    truth: str | None,
    abstain: float | None,
    unlike_any: float | None,
    sets: float | None,
    report: str | None,
    root: str | None,
    follow_links: bool,
    seed: int,
    jobs: int | None,
    max_pixels: int,
    json: str | None,
) -> Sequence[Failure]:
    """Score answers and print the figures; gives the files that were skipped."""
    start = time.perf_counter()
    test_root, train_root = roots(root, test, how.train)
    tested = open_labelled(
        test, truth, part="test", classes=classes, root=test_root, follow_links=follow_links
    )
    if max(len(ks), len(votes)) > 1:
        from tamis.cli.sweeping import check_sweep, score_sweep

        check_sweep(how, report)
        return score_sweep(
            how, tested, test=test, ks=ks or [DEFAULT_K], votes=votes or VOTES[:1], root=train_root,
            follow_links=follow_links, seed=seed, jobs=jobs, max_pixels=max_pixels, json=json,
        )  # fmt: skip
    learned, answers = answer(
        how, tested, root=train_root, follow_links=follow_links, jobs=jobs, max_pixels=max_pixels,
    )  # fmt: skip
    pairs = zip(tested.table.paths, tested.table.labels, strict=True)
    labels = {path: label for path, label in pairs if label is not None}
    shared = None
    if learned.examples:
        shared = overlap(answers.paths, learned.examples)
        warn_overlap(
            shared,
            ("test picture is", "test pictures are"),
            "among the examples too",
            {} if how.train is None else {"--train": how.train, "--test": test},
        )
    if sets is not None:
        answers = learned.with_sets(answers, sets)
    aside = learned.set_aside(answers, abstain=abstain, unlike_any=unlike_any)
    result = evaluate_answers(answers, labels, seed=seed, overlap=shared)
    right = np.array([labels[path] for path in answers.paths]) == np.array(answers.labels)
    notes = [*promise_notes(answers, aside, right), *set_notes(answers, sets, labels)]
    if json != "-":
        print_evaluation(result)
        for note in notes:
            say(note)
    if report is not None:
        from tamis.report import render

        page = render(
            answers,
            result,
            truth=labels,
            title=f"How well {printable(how.by)} tells {len(result.classes)} classes apart",
            train_failures=learned.failures,
            ignored=tested.table.ignored,
            aside=aside,
            coverage=sets,
            max_pixels=max_pixels,
        )
        write_page(report, page)
        say(f"see {printable(report)}", unless=json)
    skipped = (*learned.failures, *answers.failures)
    write_json(
        json,
        result.to_dict()
        | {
            "promises": notes,
            "failures": as_dicts(skipped),
            "ignored": list(tested.table.ignored),
            "seconds": time.perf_counter() - start,
        },
    )
    return skipped
