"""Corpora for supervised fine-tuning: the best k answers to each query, chosen by numbers alone.

How the published FusionFactory script ranks (model_level/sft_data_gen.py): `perf` by performance and then the number of output
tokens, `judge` by the judge's score and then the tokens, `hybrid` by performance and then the judge's score; every key is
sorted from high to low, so of two equally good answers **the longer one wins**. That is the default here; `length="shortest"`
turns it round. Three things differ, each on purpose. The script stops at the first wrong answer, which by judge's score may
stand anywhere: here wrong ones are skipped and the rest is considered. It lets an answer without a performance through: here a
missing score never wins. Ties beyond its keys follow the order of its file, which is that of the LLMs: here the seed draws
among them, so that no LLM gains by its name.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from llmfusionbench.baselines.exporters.corpora.answers import Answers
from llmfusionbench.baselines.exporters.corpora.chosen import GROUND_TRUTH, Chosen, firsts, positions, scored
from llmfusionbench.baselines.exporters.corpora.corpus import Corpus
from llmfusionbench.baselines.exporters.corpora.drops import Drops
from llmfusionbench.baselines.exporters.corpora.ground_truths import FAULTS, truth_faults
from llmfusionbench.baselines.exporters.corpora.option import ONE_OR_ABOVE, option, takes
from llmfusionbench.baselines.exporters.corpora.pipeline import export
from llmfusionbench.baselines.exporters.corpora.queries import Floats, Places
from llmfusionbench.baselines.exporters.corpora.settings import Settings
from llmfusionbench.errors import InputError
from llmfusionbench.release import Release

Setting = Literal["perf", "judge", "hybrid", "baseline"]
Length = Literal["longest", "shortest"]


@dataclass(frozen=True, kw_only=True)
class SftSettings(Settings):
    """The options of `export sft`."""

    kind = "sft"
    setting: Setting = option(
        "perf", "How answers are ranked: perf, judge or hybrid; baseline exports only the ground truth.", metavar="NAME"
    )
    k: int = option(5, "Maximum number of answers per query.", bounds=ONE_OR_ABOVE)
    format: str = option(
        "alpaca", "alpaca, sharegpt, messages, openai, prompt_completion, prompt_completion_chat or parquet.", metavar="NAME"
    )
    with_labels: bool = option(False, "Put the ground truth of each query before its answers, as the published corpora do.")
    one_per_llm: bool = option(False, "Keep at most one answer per LLM and query, the better of its two modes.")
    length: Length = option(
        "longest", "Which of two equally good answers comes first: longest (as published) or shortest.", metavar="NAME"
    )

    def check(self) -> None:
        super().check()
        if self.setting == "baseline":
            given = sorted({*self.stated()} - {"tasks", "licenses"})
            given += [name for name in ("best_of", "one_per_llm") if getattr(self, name)]
            if given:
                raise InputError(
                    f"{', '.join(given)}: the baseline has no answers to choose from. Remedy: choose another --setting"
                )

    def selection(self) -> dict[str, Any]:
        given = super().selection()
        return {n: v for n, v in given.items() if self.setting != "baseline" or n in {"setting", "duplicates", "max_share"}}

    @property
    def takes_answers(self) -> bool:
        return self.setting != "baseline"

    def truths(self, release: Release, answers: Answers, queries: Places, drops: Drops) -> Places:
        """The queries whose ground truth is a record."""
        if self.setting != "baseline" and not self.with_labels:
            return queries[:0]
        faults = truth_faults(release, answers.queries)
        if self.setting != "baseline":
            return queries[np.flatnonzero(faults[queries] == "")]
        for fault in FAULTS:
            queries = drops.keep(queries, faults[queries] != fault, fault)
        return queries

    def may_enter(self, answers: Answers, rows: Places, drops: Drops) -> Places:
        """The answers that may be learned from: performance above 0; for `judge`, judged, and not known to be wrong."""
        rows = scored(answers, rows, "judge" if self.setting == "judge" else "performance", drops)
        return drops.keep(rows, ~(answers.performance[rows] <= 0), "wrong")

    def merit(self, answers: Answers) -> list[Floats]:
        tokens = answers.output_tokens * (-1 if self.length == "shortest" else 1)
        keys = {"judge": [answers.judge], "hybrid": [answers.performance, answers.judge]}
        return [*keys.get(self.setting, [answers.performance]), tokens]

    def choose(self, answers: Answers, truths: Places, rows: Places, drops: Drops) -> Chosen:
        """The ground truths of the queries `truths`, and behind each the best k answers."""
        if self.one_per_llm:
            rows = drops.keep(rows, firsts(answers.query[rows], answers.llm[rows]), "same_llm")
        rows = drops.keep(rows, positions(answers.query[rows]) < self.k, "not_top")
        query = answers.query[rows]
        chosen = Chosen(
            np.concatenate([truths, query]),
            np.concatenate([np.full(len(truths), GROUND_TRUTH), rows]),
            np.concatenate([np.zeros(len(truths), np.int64), positions(query) + 1]),
        )
        return chosen.rows(np.lexsort((chosen.rank, chosen.query)))


@takes(SftSettings)
def export_sft(release: Release | str | Path, out: str | Path, **options: Any) -> Corpus:
    """Write a corpus for supervised fine-tuning: the best answers to every query.

    What is best, by `setting`. `perf`: performance, then length. `judge`: the judges' mean score, then length. `hybrid`:
    performance, then the judges' score, then length. In each, answers with a performance of 0 are skipped, and so are those
    without the first score; an answer without a later score comes after those that have it. `baseline`: no answers, but the
    ground truth of every query, in the published form (see `ground_truths.label_answer`).

    Args:
        release: A release, or where one is (see `open_release`).
        out: Directory of the corpus, written atomically.
        **options: The fields of `SftSettings`.

    Raises:
        UnknownNameError: No such setting, format, task, LLM, ...
        InputError: No record is left to write, an option is out of range, or `out` exists already.
        ReleaseError: The release is damaged.
    """
    return export(release, out, SftSettings(**options))
