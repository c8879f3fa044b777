"""Corpora of labelled answers for KTO: single answers, each called good or bad."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from llmfusionbench.baselines.exporters.corpora.answers import Answers, By
from llmfusionbench.baselines.exporters.corpora.chosen import Chosen, draws, lowest, positions, scored
from llmfusionbench.baselines.exporters.corpora.corpus import Corpus
from llmfusionbench.baselines.exporters.corpora.drops import Drops
from llmfusionbench.baselines.exporters.corpora.option import ONE_OR_ABOVE, option, takes
from llmfusionbench.baselines.exporters.corpora.pipeline import export
from llmfusionbench.baselines.exporters.corpora.queries import Floats, Mask, Places
from llmfusionbench.baselines.exporters.corpora.settings import Settings
from llmfusionbench.errors import InputError
from llmfusionbench.release import Release


@dataclass(frozen=True, kw_only=True)
class KtoSettings(Settings):
    """The options of `export kto`."""

    kind = "kto"
    by: By = option("performance", "Score that ranks the answers: performance or judge.", metavar="NAME", noun="score")
    answers_per_label: int = option(
        2, "Maximum number of good and of bad answers per query.", flag="--answers", bounds=ONE_OR_ABOVE
    )
    good: float = option(0.5, "An answer with at least this score is good.")
    bad: float = option(0.0, "An answer with at most this score is bad; answers in between are skipped.")
    balance: bool = option(False, "Keep as many good as bad answers.")
    format: str = option("trl", "Format: trl, trl_chat, alpaca, sharegpt or parquet.", metavar="NAME")

    def check(self) -> None:
        super().check()
        if not 0 <= self.bad < self.good <= 1:
            raise InputError(f"good {self.good}, bad {self.bad}: expected 0 <= bad < good <= 1. Remedy: change --good or --bad")

    def may_enter(self, answers: Answers, rows: Places, drops: Drops) -> Places:
        rows = scored(answers, rows, self.by, drops)
        return drops.keep(rows, self._is_good(answers, rows) | (answers.score(self.by)[rows] <= self.bad), "between")

    def merit(self, answers: Answers) -> list[Floats]:
        return [answers.score(self.by), answers.output_tokens]

    def choose(self, answers: Answers, truths: Places, rows: Places, drops: Drops) -> Chosen:
        """Per query, up to `answers_per_label` good answers and as many bad ones: the best and the worst, then by a draw."""
        good, query = self._is_good(answers, rows), answers.query[rows]
        merit = np.where(good, -1, 1) * answers.score(self.by)[rows]
        order = np.lexsort((draws(answers, self.seed)[rows], merit, ~good, query))
        place = positions((query * 2 + good)[order])
        order, place = order[place < self.answers_per_label], place[place < self.answers_per_label]
        chosen = Chosen(query[order], rows[order], place, label=good[order])
        drops.keep(rows, np.isin(rows, chosen.answer), "not_top")
        return chosen

    def trim(self, chosen: Chosen, drops: Drops) -> Chosen:
        """With `balance`, as many good as bad records; the lowest ranks of the others go, by the seed."""
        if not self.balance or chosen.label is None:
            return chosen
        draw = np.random.default_rng((self.seed, 3)).random(len(chosen))
        least = min(int(chosen.label.sum()), int((~chosen.label).sum()))
        keep = lowest(chosen.label.astype(np.int64), (draw, chosen.rank), least)
        drops.check(drops.keep(np.arange(len(chosen)), keep, "balance"))
        return chosen.rows(keep)

    def _is_good(self, answers: Answers, rows: Places) -> Mask:
        """[n] a score of `good` or above; by judge's score, one that is known to be wrong (performance 0) is not good."""
        return (answers.score(self.by)[rows] >= self.good) & ~(answers.performance[rows] <= 0)


@takes(KtoSettings)
def export_kto(release: Release | str | Path, out: str | Path, **options: Any) -> Corpus:
    """Write a corpus of labelled answers for KTO; corpus.json counts the good and the bad ones.

    Args:
        release: A release, or where one is.
        out: Directory of the corpus, written atomically.
        **options: The fields of `KtoSettings`.

    Raises:
        The same as `export_sft`.
    """
    return export(release, out, KtoSettings(**options))
