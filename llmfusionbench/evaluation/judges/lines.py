"""The report on judges in lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from llmfusionbench.evaluation.judges.agreement import Agreements
from llmfusionbench.evaluation.judges.judge_figures import JudgeFigures
from llmfusionbench.evaluation.judges.told import Told
from llmfusionbench.redaction import redacted

MOST_MEANS: Final = 12
"""Number of candidates whose means are printed."""


def lines_of(data: Mapping[str, Any], judges: Sequence[JudgeFigures], agreement: Agreements) -> list[str]:
    """The verdict on every judge first, then its figures, then the agreement; no line holds a secret.

    Args:
        data: The report as plain data.
        judges: The figures of its judges.
        agreement: Their agreement.
    """
    mark = " (SIMULATED)" if "simulated" in data["release"]["provenance"] else ""
    of = f"{data['answers']:,} answers to {data['queries']:,} queries"
    compared = sum(judge.comparisons for judge in judges)
    of = of if data["answers"] or not compared else f"{compared:,} comparisons of two answers"
    lines = [f"{len(judges)} judge{'' if len(judges) == 1 else 's'} of {of}, 95% intervals over queries{mark}"]
    for judge in judges:
        lines += ["", f"{judge.name}: {' '.join(judge.verdict)}", *(f"  {line}" for line in _about(judge))]
    lines += ["", "Agreement"] if agreement.pairs else []
    for pair in (*agreement.pairs, *([agreement.panel] if agreement.panel else [])):
        lines.append(f"  {' and '.join(pair.judges)}, n = {pair.alpha.n:,}")
        named = {"alpha": pair.alpha, "ordinal": pair.alpha_ordinal, "AC2": pair.ac2, "Spearman": pair.spearman}
        lines.append("    " + ", ".join(f"{label} {figure}" for label, figure in named.items() if figure is not None))
    lines += [f"note: {note}" for note in data["notes"]]
    return [redacted(line) for line in lines]


def _about(judge: JudgeFigures) -> Iterator[str]:
    unscored = f", {judge.unscored:,} without a score" if judge.unscored else ""
    mean = f"; mean score {judge.mean}" if judge.answers else ""
    yield f"{judge.rows:,} judgements{unscored}{mean}"
    if judge.metric is not None:
        fitted = judge.metric.fitted
        yield f"against the metric, n = {judge.metric.answers:,}: AUC {judge.metric.auc}, bias {judge.metric.bias}"
        where = "unknown" if fitted.threshold is None else f"{fitted.threshold:.2f}"
        yield f"at the fitted threshold {where}: sensitivity {fitted.sensitivity}, specificity {fitted.specificity}"
    yield f"retest variance: {judge.retest.variance}"
    if judge.comparisons:
        yield f"share of the first place: {judge.position.first}; in both orders: {judge.position.first_of_swapped}"
        yield f"pairs whose winner changes with the order: {judge.position.flipped}"
    if not judge.answers:
        return
    fixed = "at equal performance" if judge.length.fixed else "performance unknown"
    yield f"score per doubling of length ({fixed}): {judge.length.per_doubling}"
    yield f"self-preference: {_first(judge.self_preference.at_equal_performance, judge.self_preference.at_equal_scores)}"
    if judge.corrected is not None:
        yield "mean by its scores -> corrected:"
        means = judge.corrected.means
        yield from (f"  {m.candidate}: {m.judge} -> {m.corrected}" for m in means[:MOST_MEANS])
        if len(means) > MOST_MEANS:
            yield f"  and {len(means) - MOST_MEANS:,} more"
        if left := judge.corrected.labels.left_out:
            yield f"  without {left:,} answers, which no label of their candidate in their task corrects"


def _first(*figures: Told) -> Told:
    """The first figure that has a value, else the first."""
    known: Sequence[Told] = [figure for figure in figures if figure.value is not None]
    return known[0] if known else figures[0]
