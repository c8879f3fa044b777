"""Whether a judge is worth its price, in figures and in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from llmfusionbench.evaluation.judges.against_metric import NO_GOLD, AgainstMetric
from llmfusionbench.evaluation.judges.agreement import Agreement
from llmfusionbench.evaluation.judges.biases import NO_PAIRS
from llmfusionbench.evaluation.judges.corrected import CandidateMean, Corrected, correlation_draws
from llmfusionbench.evaluation.judges.judgements import Judgements
from llmfusionbench.evaluation.judges.told import Told, drawn, untold
from llmfusionbench.release.card_text import counted
from llmfusionbench.statistics.alpha import alpha_draws
from llmfusionbench.statistics.resamples import Resamples

_LEVEL: Final = 1e-9
"""Means that differ by less are level."""


@dataclass(frozen=True)
class Worth:
    """What a judge costs, and what one gets for it."""

    cost_per_answer: float | None
    """USD per judged answer; None where it is not known."""
    labels: int
    """Labelled answers that the means were corrected by."""
    effective: float | None
    """Number of labels that alone would give intervals as narrow, over all candidates."""
    replaced: float | None
    """Labels that the judge's scores save: `effective` less `labels`, at least 0."""
    answers_per_label: float | None
    """Answers to judge for each label saved. Labelled answers are judged, too: their scores show how far the judge errs."""
    break_even: float | None
    """USD per label from which the judge is cheaper than labels; None where its cost is not known, or it saves none."""
    panel_gain: Told
    """Correlation with performance of the mean of all judges, less that of the mean without this one."""
    alpha_gain: Told
    """Krippendorff's alpha of all judges, less that of the others without this one."""


def worth(data: Judgements, judge: int, found: Corrected | None, cost: float | None, resamples: Resamples) -> Worth:
    """Price and yield of a judge; `cost` is in USD per judged answer."""
    gain = _panel_gain(data, judge, resamples), _alpha_gain(data, judge, resamples)
    if found is None:
        return Worth(cost, 0, None, None, None, None, *gain)
    labels = sum(m.labelled.n for m in found.means if m.effective is not None)
    judged = sum(m.judge.n for m in found.means if m.effective is not None)
    if found.gain.value is None or not labels:
        return Worth(cost, labels, None, None, None, None, *gain)
    replaced = max(labels * (found.gain.value - 1), 0.0)
    per_label = judged / replaced if replaced >= 1 else None
    even = None if per_label is None or cost is None else per_label * cost
    return Worth(cost, labels, labels * found.gain.value, replaced, per_label, even, *gain)


def _panel_gain(data: Judgements, judge: int, resamples: Resamples) -> Told:
    known = ~np.isnan(data.scores)
    others = known.copy()
    others[:, judge] = False
    rows = known[:, judge] & others.any(axis=1) & ~np.isnan(data.answers.performance)
    if not rows.any():
        return untold("no answer has a performance and the score of another judge")
    filled = np.where(known, data.scores, 0.0)
    with_it = filled.sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    without = np.where(others, filled, 0.0).sum(axis=1) / np.maximum(others.sum(axis=1), 1)
    draws = correlation_draws(data, with_it, rows, resamples) - correlation_draws(data, without, rows, resamples)
    return drawn(draws, int(rows.sum()), len(np.unique(data.answers.query[rows])), why="scores do not differ")


def _alpha_gain(data: Judgements, judge: int, resamples: Resamples) -> Told:
    """Over the answers that it and at least two others scored, so that both figures are of the same answers."""
    known = ~np.isnan(data.scores)
    without = np.delete(data.scores, judge, axis=1)
    rows = known[:, judge] & ((~np.isnan(without)).sum(axis=1) >= 2)
    if not rows.any():
        return untold("no answer has its score and those of two other judges")
    query = data.answers.query[rows]
    draws = alpha_draws(data.scores[rows], query, resamples) - alpha_draws(without[rows], query, resamples)
    return drawn(draws, int(rows.sum()), len(np.unique(query)), why="scores do not differ")


def sentences(
    judge: str,
    metric: AgainstMetric | None,
    found: Corrected | None,
    value: Worth,
    pairs: Sequence[Agreement],
    right: Told,
) -> Iterator[str]:
    """The answers to the two questions: is the judge worth its price, and what would it say if it were right.

    Args:
        judge: Its name.
        metric: Its scores against metrics.
        found: The means that they correct.
        value: Its price and yield.
        pairs: Agreement of pairs of judges.
        right: Share of its comparisons that the answer of higher performance won.
    """
    if right.value is not None:
        yield f"Of two answers of different performance it prefers the better one in {_percent(right)}."
    if metric is None or found is None:
        if right.value is None:
            why = NO_GOLD if right.why == NO_PAIRS else right.why
            yield f"Whether it is worth its price, and what it would say if it were right, is unknown: {why}."
        if value.cost_per_answer is not None:
            yield f"It costs {_usd(value.cost_per_answer)} per judged answer."
        yield from _nearest(judge, pairs)
        return
    yield _calls(metric.fixed.sensitivity, metric.fixed.specificity)
    yield from _price(found, value)
    if value.panel_gain.value is not None:
        yield _beside_others(value.panel_gain)
    yield from _nearest(judge, pairs)
    yield from _if_right(found)


def _calls(sensitivity: Told, specificity: Told) -> str:
    """What it calls right and wrong, as far as it is known."""
    known = [
        f"of the {noun} answers it calls {_percent(figure)} {noun}"
        for noun, figure in (("right", sensitivity), ("wrong", specificity))
        if figure.value is not None
    ]
    unknown = [
        f"what share of the {noun} answers it calls {noun} is unknown ({figure.why})"
        for noun, figure in (("right", sensitivity), ("wrong", specificity))
        if figure.value is None
    ]
    said = ", and ".join([*known, *unknown])
    return f"{said[0].upper()}{said[1:]}."


def _nearest(judge: str, pairs: Sequence[Agreement]) -> Iterator[str]:
    """How far it agrees with the judge that it agrees with most."""
    known = [pair for pair in pairs if judge in pair.judges and pair.alpha.value is not None]
    if not known:
        return
    best = max(known, key=lambda pair: pair.alpha.value or 0.0)
    other = best.judges[1] if best.judges[0] == judge else best.judges[0]
    shift = best.difference.value if best.difference is not None else None
    apart = ""
    if shift is not None:
        own = shift if best.judges[0] == judge else -shift
        apart = f", and its scores are {_change(own)} on average"
    with_it = f"is highest with {other}:" if len(known) > 1 else f"with {other} is"
    yield f"Its agreement {with_it} alpha {best.alpha} over {counted(best.alpha.n, 'answer')}{apart}."


def _price(found: Corrected, value: Worth) -> Iterator[str]:
    gain = found.gain
    cost = "" if value.cost_per_answer is None else f" A judged answer costs {_usd(value.cost_per_answer)}."
    if gain.value is None or value.effective is None:
        yield f"Its worth in labels is unknown: {gain.why}.{cost}"
        return
    if gain.low is None or gain.low <= 1:
        yield f"Not shown to be worth any price: {_against(gain)}.{cost}"
        return
    tried = "" if found.labels.kept is None else f"With {found.labels.kept:.0%} of the labels kept and the rest hidden, "
    text = (
        f"{tried}{value.labels:,} labels with its scores tell as much as {value.effective:,.0f} alone "
        f"({_ends(gain)} times as many): it replaces {counted(round(value.replaced or 0.0), 'labelled answer')}"
    )
    if value.answers_per_label is None:
        yield f"{text}.{cost}"
        return
    per = f"{value.answers_per_label:,.1f}"
    one = per == "1.0"
    yield f"{text}, one per {'judged answer' if one else f'{per} judged answers'}."
    if value.break_even is not None:
        yield f"Worth its price where a label costs more than {_usd(value.break_even)}.{cost}"
    else:
        yield f"Worth its price where a label costs more than {'one judged answer' if one else f'{per} judged answers'}."


def _beside_others(gain: Told) -> str:
    sure = ", which chance may explain" if gain.low is not None and not gain.excludes(0) else ""
    return f"With it, the correlation of the panel's mean with performance changes by {_signed(gain)}{sure}."


def _if_right(found: Corrected) -> Iterator[str]:
    means = [m for m in found.means if m.corrected.value is not None and m.judge.value is not None]
    if not means:
        yield "If it were right: unknown, no candidate has enough labelled queries."
        return
    shift = [float(m.corrected.value or 0.0) - float(m.judge.value or 0.0) for m in means]
    said = max(means, key=lambda m: (_of(m, "judge"), _of(m, "corrected"), m.candidate))
    right = max(means, key=lambda m: (_of(m, "corrected"), m is said, m.candidate))
    change = _change(float(np.mean(shift)))
    if len(means) == 1:
        yield f"If it were right, the mean of {said.candidate} would be {change}."
        return
    least, most = (f"{round(end, 3) + 0.0:+.3f}" for end in (min(shift), max(shift)))
    apart = "" if least == most else f" (from {least} to {most} by candidate)"
    yield f"If it were right, the means would be {change} on average{apart}."
    level = [m for m in means if m is not said and abs(_of(m, "judge") - _of(said, "judge")) < _LEVEL]
    if level:
        names = sorted([said.candidate, level[0].candidate]) if len(level) == 1 else [said.candidate, f"{len(level):,} more"]
        yield f"{' and '.join(names)} lead by its scores ({said.judge})."
        return
    level = [m for m in means if m is not right and abs(_of(m, "corrected") - _of(right, "corrected")) < _LEVEL]
    if level:
        yield f"{said.candidate} leads by its scores. Once corrected, {len(level) + 1:,} candidates lead ({right.corrected})."
        return
    if said is right:
        yield f"{said.candidate} leads by its scores and once corrected."
        return
    near = "" if _apart(said.corrected, right.corrected) else ", and the two intervals overlap"
    yield (
        f"{said.candidate} leads by its scores ({said.judge}), {right.candidate} once corrected ({right.corrected}; "
        f"{said.candidate}: {said.corrected}{near})."
    )


def _apart(a: Told, b: Told) -> bool:
    if a.low is None or a.high is None or b.low is None or b.high is None:
        return False
    return a.high < b.low or b.high < a.low


def _of(m: CandidateMean, part: str) -> float:
    value: Told = getattr(m, part)
    return value.value if value.value is not None else float("-inf")


def _change(shift: float) -> str:
    return "the same" if abs(shift) < 5e-4 else f"{abs(shift):.3f} {'higher' if shift > 0 else 'lower'}"


def _against(gain: Told) -> str:
    return f"labels with its scores tell as much as {gain.value:.2f} times as many alone ({_ends(gain)})"


def _ends(figure: Told) -> str:
    return "no interval" if figure.low is None or figure.high is None else f"{figure.low:.2f} to {figure.high:.2f}"


def _percent(figure: Told) -> str:
    ends = "" if figure.low is None or figure.high is None else f" ({100 * figure.low:.1f} to {100 * figure.high:.1f})"
    return f"{100 * (figure.value or 0.0):.1f}%{ends}"


def _signed(figure: Told) -> str:
    ends = figure.why if figure.low is None or figure.high is None else f"{figure.low:+.3f} to {figure.high:+.3f}"
    return f"{figure.value:+.3f} ({ends})"


def _usd(value: float) -> str:
    if not value:
        return "USD 0"
    return f"USD {value:,.2f}" if value >= 1 else f"USD {value:.2g}" if value >= 1e-4 else f"USD {value:.2e}"
