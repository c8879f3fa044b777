"""The ground truth as an answer, in the form of the published corpora: what a label-only baseline is trained on."""

from __future__ import annotations

import ast
import json
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from llmfusionbench.baselines.exporters.corpora.queries import Queries, batches
from llmfusionbench.release import Release
from llmfusionbench.scoring import score
from llmfusionbench.scoring.answers.choices.options import options_of
from llmfusionbench.scoring.answers.parsing import CODE_LIMIT, Parser, TooMuchWorkError
from llmfusionbench.scoring.answers.truths import accepted_answers, choice_answers
from llmfusionbench.scoring.metrics.em_mc import truth_label

_DECIDED_BY_TRUTH: Final = ("em_mc", "gsm8k")
"""Metrics in which some truths give no response a score, whatever it says."""
COLUMNS: Final = ["ground_truth", "metric", "choices", "prompt"]


FAULTS: Final = ("no_ground_truth", "tests_for_truth", "unscorable_truth")
"""Why a ground truth is not an answer; `drops.REASONS` has each in words."""
_ANY_RESPONSE: Final = "?"


def truth_fault(ground_truth: str | None, metric: str, choices: list[str] | None, prompt: str | None = None) -> str | None:
    """Which of `FAULTS` keeps a ground truth from being an answer; None for none.

    A truth that gives no response a score is not an answer either: a text that names none of the options, a number that may be
    an index counted from 0 or from 1, a text without a number where a number is asked for. Without `choices` the options are
    those that the prompt lists.
    """
    if ground_truth is None or not ground_truth.strip():
        return "no_ground_truth"
    if metric == "code_eval":
        return "tests_for_truth" if is_tests(ground_truth) else None
    if not accepted_answers(ground_truth):
        return "no_ground_truth"
    if metric in _DECIDED_BY_TRUTH:
        found = score(metric, _ANY_RESPONSE, ground_truth, choices=choices, prompt=prompt)
        return "unscorable_truth" if found.value is None else None
    return None


def label_answer(ground_truth: str | None, metric: str, choices: list[str] | None, prompt: str | None = None) -> str | None:
    """The ground truth as an answer; null where there is none that could be one.

    Multiple choice: the letter in parentheses, `(A)`. Code: the program between `[BEGIN]` and `[DONE]`. Several accepted
    answers: the first. Anything else: as it is. The published script does the same by the name of the task, but writes the
    tests of a program where the answer should be, and the whole list of accepted answers: here neither is taken for an answer.
    """
    if ground_truth is None or truth_fault(ground_truth, metric, choices, prompt) is not None:
        return None
    if metric == "code_eval":
        return f"[BEGIN]\n {ground_truth} \n[DONE]"
    accepted = accepted_answers(ground_truth)
    if metric == "em_mc":
        accepted, options = choice_answers(ground_truth), options_of(choices, prompt)
        letters = [letter for truth in accepted if (letter := truth_label(truth, options)) is not None]
        return f"({letters[0]})" if letters else accepted[0]
    return accepted[0] if accepted[0] != ground_truth.strip() else ground_truth


def is_tests(ground_truth: str) -> bool:
    """Whether the ground truth of a programming task is tests to be passed and not a program: a list, or code that asserts."""
    text = ground_truth.strip()[:CODE_LIMIT]
    if text.startswith("["):
        try:
            return isinstance(json.loads(text), list)
        except (ValueError, RecursionError):
            pass
    try:
        tree = Parser().tree(text)
    except TooMuchWorkError:
        tree = None
    return "assert " in text if tree is None else any(isinstance(node, ast.Assert) for node in ast.walk(tree))


def label_answers(batch: pa.RecordBatch | pa.Table) -> pa.Array:
    """[n] the ground truths of some queries as answers; null where there is none."""
    rows = zip(*(batch[c].to_pylist() for c in COLUMNS), strict=True)
    return pa.array([label_answer(*row) for row in rows], pa.string())


def truth_faults(release: Release, queries: Queries) -> npt.NDArray[np.str_]:
    """[Q] the fault of each query's ground truth; "" for none."""
    found: list[str] = []
    for batch in batches(release, "queries", queries.splits, COLUMNS):
        found += [truth_fault(*row) or "" for row in zip(*(batch[c].to_pylist() for c in COLUMNS), strict=True)]
    return np.array(found, np.str_)
