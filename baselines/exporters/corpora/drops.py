"""What a selection leaves out, counted by reason; and the error that says which reason left nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from llmfusionbench.baselines.exporters.corpora.answers import Mask, Places
from llmfusionbench.errors import InputError

REASONS: Final[Mapping[str, tuple[str, str]]] = {
    "like_test": ("queries like one of a test split", "--include-test, or another release"),
    "task": ("other tasks", "another --task"),
    "license": ("other licences of queries", "another --license"),
    "no_prompt": ("queries whose text the log does not hold", "a release built together with its prompts"),
    "llm": ("other LLMs", "another --llm"),
    "llm_license": ("other licences of LLMs", "another --llm-license"),
    "mode": ("the other mode", "another --mode"),
    "scale": ("LLMs of another or unknown scale", "another --scale"),
    "not_ok": ("no answer: empty, failed or missing", "another release"),
    "no_text": ("answers whose text was not kept", "a release with texts"),
    "no_tokens": ("answers without a count of tokens", "llmfusionbench tokens, or no --min-tokens and --max-tokens"),
    "tokens": ("too short or too long", "another --min-tokens or --max-tokens"),
    "unjudged": ("answers without a judge score", "another --setting or --by, and no --min-judge"),
    "judge": ("judge score below the minimum", "a lower --min-judge"),
    "unscored": ("answers without a performance", "llmfusionbench rescore, or going by judges (--setting judge, --by judge)"),
    "wrong": ("performance of 0", "another release"),
    "between": ("scores that are neither good nor bad", "another --good or --bad"),
    "not_drawn": ("not among the answers drawn", "a higher --best-of"),
    "repeated_prompt": ("prompts that repeat another query's", "--duplicates keep"),
    "repeated_answer": ("texts that repeat another answer to the query", "--duplicates keep"),
    "same_llm": ("further answers of one LLM", "no --one-per-llm"),
    "no_partner": ("answers in no pair", "a smaller --min-gap, a wider --match-length, a higher --pairs or more LLMs"),
    "not_top": ("beyond the best k", "a higher --k"),
    "no_ground_truth": ("queries without a ground truth", "another --setting"),
    "tests_for_truth": ("queries whose ground truth is a program's tests", "another --setting"),
    "share": ("beyond the share of a task", "a higher --max-share"),
    "balance": ("beyond the rarer label", "another --good or --bad, or no --balance"),
    "only_reasoning": ("nothing left beside the reasoning", "--reasoning keep"),
}
"""Reason -> what was left out, in words, and the option that brings it back."""


class Drops:
    """Counts by reason, in the order in which things were left out."""

    def __init__(self, noun: str) -> None:
        self.noun = noun
        """What is counted: answers, queries or records."""
        self.counts: dict[str, int] = {}

    def keep(self, rows: Places, mask: Mask, reason: str) -> Places:
        """Those of `rows` that `mask` has, in the same order; the others are counted."""
        lost = len(rows) - int(np.count_nonzero(mask))
        if not lost:
            return rows
        self.counts[reason] = self.counts.get(reason, 0) + lost
        return rows[mask]

    def check(self, rows: Places) -> None:
        """Say what emptied it, where nothing is left.

        Raises:
            InputError: `rows` is empty.
        """
        if len(rows):
            return
        told = ", ".join(f"{n:,} {REASONS[reason][0]}" for reason, n in self.counts.items()) or "none were there"
        remedies = "; ".join(dict.fromkeys(REASONS[reason][1] for reason in reversed(self.counts))) or "another release"
        raise InputError(f"the corpus would be empty. Of the {self.noun} were left out: {told}. Remedy: {remedies}")
