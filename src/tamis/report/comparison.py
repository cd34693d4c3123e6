"""The page of a comparison: which descriptor or fusion retrieves best, and how sure that is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tamis.evaluation.comparison_result import Comparison
from tamis.evaluation.signature import versions
from tamis.report.templating import environment

_CANDIDATES: Final = 200
"""Candidates that are shown; the JSON has all."""


@dataclass(frozen=True, slots=True)
class _Lead:
    names: list[str]
    difference: float
    interval: tuple[float, float]
    shown: bool
    better: int
    worse: int
    p_value: float


def render_comparison(comparison: Comparison, *, title: str, commands: Sequence[str] = ()) -> str:
    """Write the page.

    Parameters
    ----------
    comparison : Comparison
    title : str
        Heading of the page.
    commands : sequence of str
        That give the best figure again, and use it.

    Returns
    -------
    str
        HTML, the same for the same arguments; can be encoded as UTF-8.
    """
    candidates = [(comparison.names(one.parts), one) for one in comparison.candidates[:_CANDIDATES]]
    leads = [
        _Lead(
            comparison.names(lead.other), lead.difference, lead.interval, lead.shown,
            lead.first_result.only_first, lead.first_result.only_second,
            lead.first_result.p_value,
        )
        for lead in comparison.leads
    ]  # fmt: skip
    chosen: dict[tuple[str, ...], int] = {}
    for parts in comparison.chosen:
        key = tuple(comparison.names(parts))
        chosen[key] = chosen.get(key, 0) + 1
    known = versions()
    return (
        environment()
        .get_template("compare.html.j2")
        .render(
            title=title,
            comparison=comparison,
            candidates=candidates,
            n_more=len(comparison.candidates) - len(candidates),
            leads=leads,
            chosen=sorted(chosen.items(), key=lambda one: (-one[1], one[0])),
            commands=commands,
            failures=comparison.failures,
            settings={k: v for k, v in comparison.signature.items() if k not in known},
            versions=known,
        )
    )
