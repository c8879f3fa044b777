"""The report on judges in lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from llmfusionbench.evaluation.judges.agreement import Agreements
from llmfusionbench.evaluation.judges.biases import SelfPreference
from llmfusionbench.evaluation.judges.judge_figures import JudgeFigures
from llmfusionbench.evaluation.judges.told import LEAST
from llmfusionbench.redaction import redacted
from llmfusionbench.release.card_text import counted

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
    lines = [f"{counted(len(judges), 'judge')} {_judged(data, judges)}{mark}"]
    for judge in judges:
        lines += ["", f"{judge.name}: {' '.join(judge.verdict)}", *(f"  {line}" for line in _about(judge))]
    lines += ["", "Agreement"] if agreement.pairs else []
    for pair in (*agreement.pairs, *([agreement.panel] if agreement.panel else [])):
        names = f"  {' and '.join(pair.judges)}"
        named = {"alpha": pair.alpha, "ordinal": pair.alpha_ordinal, "AC2": pair.ac2, "Spearman": pair.spearman}
        if pair.alpha.queries < LEAST:
            lines.append(f"{names}: {pair.alpha}")
            continue
        lines.append(f"{names}, n = {pair.alpha.n:,}")
        lines.append("    " + ", ".join(f"{label} {figure}" for label, figure in named.items() if figure is not None))
    lines += [f"note: {note}" for note in data["notes"]]
    return [redacted(line) for line in lines]


def _judged(data: Mapping[str, Any], judges: Sequence[JudgeFigures]) -> str:
    """What the judges scored, and what the intervals are."""
    compared = sum(judge.comparisons for judge in judges)
    if not data["answers"] and not compared:
        return "without a score"
    of = counted(compared, "comparison") + " of two answers"
    if data["answers"]:
        of = f"{counted(data['answers'], 'answer')} to {counted(data['queries'], 'query', 'queries')}"
    return f"of {of}, 95% intervals over queries"


def _about(judge: JudgeFigures) -> Iterator[str]:
    unscored = f", {judge.unscored:,} without a score" if judge.unscored else ""
    mean = f"; mean score {judge.mean}" if judge.answers else ""
    yield f"{counted(judge.judgements, 'judgement')}{unscored}{mean}"
    if judge.metric is not None:
        fitted = judge.metric.fitted
        yield f"against the metric, n = {judge.metric.answers:,}: AUC {judge.metric.auc}, bias {judge.metric.bias}"
        if fitted.threshold is None:
            yield f"fitted threshold unknown, {fitted.sensitivity}"
        else:
            where = f"{fitted.threshold:.2f}"
            yield f"at the fitted threshold {where}: sensitivity {fitted.sensitivity}, specificity {fitted.specificity}"
    yield f"retest variance: {judge.retest.variance}"
    if judge.comparisons:
        yield f"share of the first place: {judge.position.first}; in both orders: {judge.position.first_of_swapped}"
        yield f"pairs whose winner changes with the order: {judge.position.flipped}"
    if not judge.answers:
        return
    fixed = "at equal performance" if judge.length.fixed else "performance unknown"
    yield f"score per doubling of length ({fixed}): {judge.length.per_doubling}"
    yield _self_preference(judge.self_preference)
    if judge.corrected is not None:
        yield "mean by its scores -> corrected:"
        means = judge.corrected.means
        yield from (f"  {m.candidate}: {m.judge} -> {m.corrected}" for m in means[:MOST_MEANS])
        if len(means) > MOST_MEANS:
            yield f"  and {len(means) - MOST_MEANS:,} more"
        if left := judge.corrected.labels.left_out:
            its = "its" if left == 1 else "their"
            yield f"  without {counted(left, 'answer')}, which no label of {its} candidate in {its} task corrects"


def _self_preference(found: SelfPreference) -> str:
    """The figure at equal performance, else that at equal scores, and which of the two it is."""
    if not found.own:
        return f"self-preference: {found.at_equal_performance}"
    if found.at_equal_performance.value is not None or found.at_equal_scores.value is None:
        return f"self-preference (at equal performance): {found.at_equal_performance}"
    return f"self-preference (at equal scores by judges of other families): {found.at_equal_scores}"
