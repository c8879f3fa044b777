"""What an export drops, counted by reason, and the error that names the reasons when it drops everything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from llmfusionbench.baselines.exporters.corpora.queries import Mask, Places
from llmfusionbench.errors import InputError

REASONS: Final[Mapping[str, tuple[str, str]]] = {
    "like_test": ("queries like one of a test split", "use --include-test"),
    "task": ("of another task", "change --task"),
    "license": ("under another licence", "change --license"),
    "no_prompt": ("queries whose text the log does not hold", "build the release together with its prompts"),
    "llm": ("of another LLM", "change --llm"),
    "llm_license": ("of an LLM under another licence", "change --llm-license"),
    "mode": ("in another mode", "change --mode"),
    "scale": ("of an LLM of another or unknown scale", "change --scale"),
    "not_ok": ("empty, failed or missing answers", "choose another release"),
    "no_text": ("answers whose text was not kept", "choose a release with texts"),
    "no_tokens": ("answers without a token count", "run llmfusionbench tokens, or drop --min-tokens and --max-tokens"),
    "tokens": ("too short or too long", "change --min-tokens or --max-tokens"),
    "judged_in_pairs": (
        "answers with pairwise judgements alone, which are not used: they tell which answer is better, and not how good it is",
        "rank by performance (change --setting or --by, and drop --min-judge), or choose a release whose judges scored each "
        "answer alone",
    ),
    "unjudged": ("answers without a judge score", "change --setting or --by, and drop --min-judge"),
    "judge": ("judge score below the minimum", "lower --min-judge"),
    "unscored": (
        "answers without a performance",
        "run llmfusionbench rescore, or use judge scores (--setting judge, --by judge)",
    ),
    "wrong": ("performance of 0", "choose another release"),
    "between": ("scores that are neither good nor bad", "change --good or --bad"),
    "not_drawn": ("not among the answers drawn", "raise --best-of"),
    "repeated_prompt": ("prompts that repeat another query's", "use --duplicates keep"),
    "repeated_answer": ("texts that repeat another answer to the query", "use --duplicates keep"),
    "same_llm": ("further answers of one LLM", "drop --one-per-llm"),
    "no_partner": ("answers in no pair", "lower --min-gap, widen --match-length, raise --pairs, or add LLMs"),
    "not_top": ("beyond the best k", "raise --k"),
    "no_ground_truth": ("queries without a ground truth", "change --setting"),
    "tests_for_truth": ("queries whose ground truth is a program's tests", "change --setting"),
    "unscorable_truth": (
        "queries whose ground truth gives no score (it names no option, may be an index from 0 or from 1, or has no number)",
        "change --setting, or build with --option truth=index0, index1, letter or text",
    ),
    "share": ("beyond the share of a task", "raise --max-share"),
    "balance": ("beyond the rarer label", "change --good or --bad, or drop --balance"),
    "only_reasoning": ("nothing besides the reasoning", "use --reasoning keep"),
}
"""Reason -> what was dropped, in words, and how to bring it back."""


class Drops:
    """Counts by reason, in the order in which things were dropped."""

    def __init__(self, noun: str) -> None:
        self.noun = noun
        """What is counted: answers, queries or records."""
        self.counts: dict[str, int] = {}

    def keep(self, rows: Places, mask: Mask, reason: str) -> Places:
        """Those of `rows` where `mask` is true, in the same order; the others are counted."""
        lost = len(rows) - int(np.count_nonzero(mask))
        if not lost:
            return rows
        self.counts[reason] = self.counts.get(reason, 0) + lost
        return rows[mask]

    def check(self, rows: Places) -> None:
        """Refuse an empty `rows` with an InputError that lists the reasons."""
        if len(rows):
            return
        dropped = ", ".join(f"{n:,} {REASONS[reason][0]}" for reason, n in self.counts.items()) or "none were there"
        remedies = "; ".join(dict.fromkeys(REASONS[reason][1] for reason in reversed(self.counts))) or "choose another release"
        raise InputError(f"the corpus would be empty. Dropped {self.noun}: {dropped}. Remedy: {remedies}")
