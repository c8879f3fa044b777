"""Judges that prefer long answers."""

from __future__ import annotations

from collections import defaultdict
from typing import Final, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.auditing.counting import Best, Floats, example_of, numbers
from llmfusionbench.auditing.detector import JUDGE_SCORES
from llmfusionbench.auditing.finding import EXAMPLES, Finding, Place
from llmfusionbench.auditing.judging import judge_rows

CORRELATION: Final = 0.2
"""Rank correlation from which a judge prefers long answers; the lower end of its 95% interval counts."""
MIN_ANSWERS: Final = 4
"""Smallest number of scored answers to a query that gives a correlation."""
MIN_QUERIES: Final = 20
"""Smallest number of such queries of a judge."""
_Z: Final = 1.959964


class Sums(NamedTuple):
    """Sums over the correlations of a judge, one per query."""

    queries: int = 0
    total: float = 0.0
    squares: float = 0.0
    answers: int = 0

    @property
    def mean(self) -> float:
        """The mean correlation; NaN without a query."""
        return self.total / self.queries if self.queries else float("nan")

    @property
    def half_width(self) -> float:
        """Half the width of the 95% interval of the mean, by its standard error over queries."""
        variance = max(0.0, self.squares - self.queries * self.mean**2) / max(1, self.queries - 1)
        return float(_Z * np.sqrt(variance / max(1, self.queries)))


class JudgeLength:
    """Averages, over queries, the rank correlation (Spearman) of a judge's scores with the length of the answers.

    Where the log has scores of the metric that differ within the query, they are held fixed (partial rank correlation), so
    that a judge who rightly prefers right answers, which may be long, is not blamed.
    """

    name = "judge_length"
    columns = (JUDGE_SCORES, "response", "performance", "prompt")

    def __init__(self) -> None:
        self.sums: defaultdict[str, Sums] = defaultdict(Sums)
        self.best: defaultdict[str, Best] = defaultdict(Best)

    def look(self, batch: pa.RecordBatch) -> None:
        """Add the correlations of the queries of a batch."""
        lengths, performance = numbers(pc.utf8_length(batch["response"])), numbers(batch["performance"])
        found = judge_rows(batch)
        query = batch["query_id"].dictionary_encode().indices.to_numpy().astype(np.int64)
        kept = lengths[found.rows] > 0  # an empty answer is short and bad for another reason
        rows, judge, scores = found.rows[kept], found.judge[kept], found.scores[kept]
        group = judge * (query.max(initial=0) + 1) + query[rows]
        names, code, sizes = np.unique(group, return_inverse=True, return_counts=True)
        if not names.size:
            return
        r = correlations(code, scores, lengths[rows], performance[rows])
        usable = (sizes >= MIN_ANSWERS) & ~np.isnan(r)
        of = names // (query.max(initial=0) + 1)
        for j, name in enumerate(found.judges):
            mine = usable & (of == j)
            if mine.any():
                values = r[mine]
                added = Sums(values.size, float(values.sum()), float((values**2).sum()), int(sizes[mine].sum()))
                self._add(name, added)
                for place in np.argsort(-values, kind="stable")[:EXAMPLES]:
                    answers = code == np.flatnonzero(mine)[place]
                    self._offer(name, batch, rows[answers], scores[answers], lengths, float(values[place]))

    def merge(self, other: Self) -> None:
        """Add the sums of `other`."""
        for judge, sums in other.sums.items():
            self._add(judge, sums)
        for judge, best in other.best.items():
            self.best[judge].merge(best)

    def findings(self) -> list[Finding]:
        """One finding for all such judges."""
        found = sorted(
            (
                (judge, sums)
                for judge, sums in self.sums.items()
                if sums.queries >= MIN_QUERIES and sums.mean - sums.half_width >= CORRELATION
            ),
            key=lambda entry: (-entry[1].mean, entry[0]),
        )
        if not found:
            return []
        words = [
            f"{judge}: {s.mean:+.2f} ({s.mean - s.half_width:+.2f} to {s.mean + s.half_width:+.2f}, {s.queries:,} queries)"
            for judge, s in found
        ]
        examples = [example for judge, _ in found for example in self.best[judge].examples()]
        return [
            Finding(
                detector=self.name,
                title="A judge prefers long answers",
                what=f"Mean rank correlation of score and length within a query, at equal performance where that is known: "
                f"{'; '.join(words)}.",
                count=sum(sums.answers for _, sums in found),
                total=sum(sums.answers for sums in self.sums.values()),
                remedy="Ask the judge again with a rubric that ignores length, or compare answers of similar length",
                severity="medium",
                places=[Place("judge", judge, sums.answers, sums.answers) for judge, sums in found],
                examples=examples[:EXAMPLES],
            )
        ]

    def _offer(
        self, judge: str, batch: pa.RecordBatch, rows: npt.NDArray[np.int64], scores: Floats, lengths: Floats, r: float
    ) -> None:
        """Offer the best-judged of the answers `rows` to one query as an example."""
        top, low = (int(i) for i in np.lexsort((lengths[rows], scores))[[-1, 0]])
        note = (
            f"{judge} gives {scores[top]:.3g} to this answer of {lengths[rows[top]]:,.0f} characters, and {scores[low]:.3g} to "
            f"one of {lengths[rows[low]]:,.0f}; the correlation for the query is {r:+.2f}."
        )
        self.best[judge].offer_one(example_of(batch, int(rows[top]), {"prompt": "prompt", "answer": "response"}, note), r)

    def _add(self, judge: str, added: Sums) -> None:
        mine = self.sums[judge]
        self.sums[judge] = Sums(
            mine.queries + added.queries,
            mine.total + added.total,
            mine.squares + added.squares,
            mine.answers + added.answers,
        )


def correlations(group: npt.NDArray[np.int64], scores: Floats, lengths: Floats, control: Floats) -> Floats:
    """[G] the rank correlation of scores and lengths within each group, with `control` held fixed.

    Args:
        group: [S] the group of each score, from 0 to G - 1.
        scores: [S]
        lengths: [S]
        control: [S] A group in which it is missing (NaN) once, or constant, gets the plain correlation.

    Returns:
        NaN where scores or lengths do not differ within the group, or the control explains one of them fully.
    """
    a, b, c = (_centred_ranks(values, group) for values in (scores, lengths, control))
    with np.errstate(invalid="ignore", divide="ignore"):
        ab, ac, bc = (_correlation(x, y, group) for x, y in ((a, b), (a, c), (b, c)))
        partial = (ab - ac * bc) / np.sqrt(np.maximum(0.0, (1 - ac**2) * (1 - bc**2)))
        return np.where(np.isnan(ac) | np.isnan(bc), ab, np.where(np.isfinite(partial), partial, np.nan))


def _centred_ranks(values: Floats, group: npt.NDArray[np.int64]) -> Floats:
    ranks = pd.Series(values).groupby(group).rank().to_numpy()
    sizes = np.bincount(group)
    return ranks - ((sizes + 1) / 2)[group]


def _correlation(a: Floats, b: Floats, group: npt.NDArray[np.int64]) -> Floats:
    products = (np.bincount(group, weights=x * y) for x, y in ((a, b), (a, a), (b, b)))
    both, left, right = products
    return np.where((left > 0) & (right > 0), both / np.sqrt(left * right), np.nan)
