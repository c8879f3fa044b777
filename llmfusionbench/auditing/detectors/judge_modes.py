"""Judges that give one score to most answers."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Final, Self

import numpy as np
import pyarrow as pa

from llmfusionbench.auditing.counting import Best, example_of, lower_share
from llmfusionbench.auditing.detector import JUDGE_SCORES
from llmfusionbench.auditing.finding import EXAMPLES, Finding, Place
from llmfusionbench.auditing.judging import judge_rows

SHARE: Final = 0.75
"""Share of one score from which a judge hardly tells answers apart; the lower end of its 95% interval counts."""
MIN_SCORES: Final = 50
"""Smallest number of scores of a judge that is looked at."""
_DISTINCT: Final = 100
"""Number of different scores of a judge that are counted, and for which examples are kept."""
_DECIMALS: Final = 3


class JudgeModes:
    """Counts the scores of each judge, rounded to three decimals, and looks at the share of the most frequent one."""

    name = "judge_modes"
    columns = (JUDGE_SCORES, "prompt", "response")

    def __init__(self) -> None:
        self.scores: defaultdict[str, Counter[float]] = defaultdict(Counter)
        """Judge -> score -> number of answers."""
        self.totals: Counter[str] = Counter()
        self.examples: dict[tuple[str, float], Best] = {}

    def look(self, batch: pa.RecordBatch) -> None:
        """Count the scores of a batch."""
        found = judge_rows(batch)
        rounded = np.round(found.scores, _DECIMALS)
        for j, judge in enumerate(found.judges):
            mine = found.judge == j
            values, first, counts = np.unique(rounded[mine], return_index=True, return_counts=True)
            rows = found.rows[mine][first]
            self._add(judge, dict(zip(values.tolist(), counts.tolist(), strict=True)))
            for value, row in zip(values.tolist(), rows.tolist(), strict=True):
                if value in self.scores[judge]:
                    note = f"{judge} gives {value:g}"
                    shown = example_of(batch, row, {"prompt": "prompt", "answer": "response"}, note)
                    self.examples.setdefault((judge, value), Best()).offer_one(shown)

    def merge(self, other: Self) -> None:
        """Add the counts of `other`."""
        for judge, counts in other.scores.items():
            self._add(judge, dict(counts), other.totals[judge])
        for place, best in other.examples.items():
            self.examples.setdefault(place, Best()).merge(best)

    def findings(self) -> list[Finding]:
        """One finding for all such judges."""
        found = []
        for judge, counts in sorted((judge, counts) for judge, counts in self.scores.items() if counts):
            score, count = min(counts.items(), key=lambda entry: (-entry[1], entry[0]))
            if self.totals[judge] >= MIN_SCORES and lower_share(count, self.totals[judge]) >= SHARE:
                found.append((judge, score, count))
        if not found:
            return []
        found.sort(key=lambda entry: -entry[2] / self.totals[entry[0]])
        words = [f"{judge} gives {score:g} to {count / self.totals[judge]:.0%} of the answers" for judge, score, count in found]
        examples = [example for judge, score, _ in found for example in self.examples[judge, score].examples()]
        return [
            Finding(
                detector=self.name,
                title="A judge gives one score to most answers",
                what=f"{'; '.join(words)}. Such scores hardly tell answers apart.",
                count=sum(count for _, _, count in found),
                total=self.totals.total(),
                remedy="Choose a finer rubric, a pairwise comparison or another judge",
                severity="medium",
                places=[Place("judge", judge, count, self.totals[judge]) for judge, _, count in found],
                examples=examples[:EXAMPLES],
            )
        ]

    def _add(self, judge: str, counts: dict[float, int], total: int | None = None) -> None:
        self.totals[judge] += sum(counts.values()) if total is None else total
        mine = self.scores[judge]
        for score, count in counts.items():
            if score in mine or len(mine) < _DISTINCT:
                mine[score] += count
