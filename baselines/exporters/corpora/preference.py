"""Corpora of preference pairs: a better and a worse answer to the same prompt."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from llmfusionbench.baselines.exporters.corpora.answers import Answers, By
from llmfusionbench.baselines.exporters.corpora.chosen import Chosen, draws, positions, scored
from llmfusionbench.baselines.exporters.corpora.corpus import Corpus
from llmfusionbench.baselines.exporters.corpora.drops import Drops
from llmfusionbench.baselines.exporters.corpora.option import ONE_OR_ABOVE, SHARE, option, takes
from llmfusionbench.baselines.exporters.corpora.pipeline import export
from llmfusionbench.baselines.exporters.corpora.queries import Floats, Places
from llmfusionbench.baselines.exporters.corpora.settings import Settings
from llmfusionbench.release import Release

_CELLS: Final = 2**20
"""Pairs compared at a time: the bound on memory."""


@dataclass(frozen=True, kw_only=True)
class PreferenceSettings(Settings):
    """The options of `export preference`."""

    kind = "preference"
    by: By = option("performance", "Score that ranks the answers: performance or judge.", metavar="NAME", noun="score")
    pairs_per_query: int = option(1, "Maximum number of pairs per query.", flag="--pairs", bounds=ONE_OR_ABOVE)
    min_gap: float = option(0.3, "Minimum score difference within a pair.", bounds=SHARE)
    match_length: float | None = option(
        None, "Maximum ratio of the answers' lengths in tokens, 1 or above.", metavar="TIMES", bounds=ONE_OR_ABOVE
    )
    format: str = option("trl", "Format: trl, trl_chat, alpaca, sharegpt, openai or parquet.", metavar="NAME")

    def may_enter(self, answers: Answers, rows: Places, drops: Drops) -> Places:
        return scored(answers, rows, self.by, drops)

    def merit(self, answers: Answers) -> list[Floats]:
        return [answers.score(self.by), answers.output_tokens]

    def choose(self, answers: Answers, truths: Places, rows: Places, drops: Drops) -> Chosen:
        """Up to `pairs_per_query` pairs per query."""
        chosen = pairs(answers, rows, self)
        assert chosen.rejected is not None
        drops.keep(rows, np.isin(rows, np.concatenate([chosen.answer, chosen.rejected])), "no_partner")
        return chosen


@takes(PreferenceSettings)
def export_preference(release: Release | str | Path, out: str | Path, **options: Any) -> Corpus:
    """Write a corpus of preference pairs: a better and a worse answer to the same prompt, see `pairs`.

    Args:
        release: A release, or where one is.
        out: Directory of the corpus, written atomically.
        **options: The fields of `PreferenceSettings`.

    Raises:
        The same as `export_sft`.
    """
    return export(release, out, PreferenceSettings(**options))


def pairs(answers: Answers, rows: Places, settings: PreferenceSettings) -> Chosen:
    """Up to `pairs_per_query` pairs per query, the widest gap first; no answer is in two of them.

    Both answers of a pair are in the same mode, because modes may be sent different prompts. An answer known to be wrong
    (performance 0) is never the chosen one, whatever its judges say. With `match_length`, the longer answer has at most that
    many times the tokens of the shorter one, an answer without a count matches none, and of pairs with the same gap the
    closest in length comes first; otherwise the seed decides.

    Args:
        answers: The numbers.
        rows: The answers to pair; all have a score.
        settings: `by`, `pairs_per_query`, `min_gap`, `match_length` and `seed`.
    """
    group = answers.query * len(answers.modes) + answers.mode
    rows = rows[np.argsort(group[rows], kind="stable")]
    score, draw = answers.score(settings.by), draws(answers, settings.seed)
    starts = np.flatnonzero(np.r_[True, group[rows][1:] != group[rows][:-1]]) if len(rows) else np.zeros(0, np.int64)
    sizes = np.diff(np.r_[starts, len(rows)])
    parts: list[tuple[Places, Places, Places, Places, Floats]] = []
    for first, last in _blocks(sizes, answers.query[rows][starts]):
        size, start = sizes[first:last], starts[first:last]
        cells = size * size
        cell = np.arange(int(cells.sum())) - np.repeat(np.cumsum(cells) - cells, cells)
        width = np.repeat(size, cells)
        better = rows[np.repeat(start, cells) + cell // width]
        worse = rows[np.repeat(start, cells) + cell % width]
        gap = score[better] - score[worse]
        # Differences of decimals: 0.9 - 0.6 is a gap of 0.3.
        fits = (gap >= settings.min_gap - 1e-9) & (gap > 0) & ~(answers.performance[better] <= 0)
        better, worse, gap = better[fits], worse[fits], gap[fits]
        apart = np.zeros(len(better))
        if settings.match_length is not None:
            tokens = np.maximum(answers.output_tokens, 1)
            apart = np.abs(np.log(tokens[better] / tokens[worse]))
            near = apart <= np.log(settings.match_length) + 1e-9  # a missing count is near nothing
            better, worse, gap, apart = better[near], worse[near], gap[near], apart[near]
        query = answers.query[better]
        order = np.lexsort((draw[worse], draw[better], apart, -np.round(gap, 9), query))
        taken, rank = _matched(query[order], better[order], worse[order], settings.pairs_per_query)
        order = order[taken]
        parts.append((query[order], better[order], rank, worse[order], gap[order]))
    none = np.zeros(0, np.int64)
    parts = parts or [(none, none, none, none, np.zeros(0))]
    query, better, rank, worse, gap = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Chosen(query, better, rank, rejected=worse, gap=gap)


def _matched(query: Places, better: Places, worse: Places, n: int) -> tuple[Places, Places]:
    """Up to `n` pairs per query that share no answer: their places and ranks. The pairs come by query, best first."""
    taken, ranks = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    left = np.arange(len(query))
    for rank in range(n):
        best = left[positions(query[left]) == 0]
        if not len(best):
            break
        taken.append(best)
        ranks.append(np.full(len(best), rank))
        used = np.unique(np.concatenate([better[best], worse[best]]))
        left = left[~(np.isin(better[left], used) | np.isin(worse[left], used))]
    chosen, rank_of = np.concatenate(taken), np.concatenate(ranks)
    order = np.lexsort((rank_of, query[chosen]))
    return chosen[order], rank_of[order]


def _blocks(sizes: Places, query: Places) -> list[tuple[int, int]]:
    """Ranges of groups with about a million pairs each; the modes of a query stay together."""
    blocks, first, cells = [], 0, 0
    for i, size in enumerate(sizes.tolist()):
        if cells and cells + size * size > _CELLS and query[i] != query[i - 1]:
            blocks.append((first, i))
            first, cells = i, 0
        cells += size * size
    return [*blocks, (first, len(sizes))] if len(sizes) else []
