"""The ground truth as an answer, in the form of the published corpora: what a label-only baseline is trained on."""

from __future__ import annotations

import ast
import json
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.baselines.exporters.corpora.queries import Mask, Queries, batches
from llmfusionbench.release import Release
from llmfusionbench.scoring.answers.choices.options import read_options
from llmfusionbench.scoring.answers.parsing import CODE_LIMIT, Parser, TooMuchWorkError
from llmfusionbench.scoring.answers.truths import accepted_answers
from llmfusionbench.scoring.metrics.em_mc import truth_label

COLUMNS: Final = ["ground_truth", "metric", "choices"]


def label_answer(ground_truth: str | None, metric: str, choices: list[str] | None) -> str | None:
    """The ground truth as an answer; null where there is none that could be one.

    Multiple choice: the letter in parentheses, `(A)`. Code: the program between `[BEGIN]` and `[DONE]`. Several accepted
    answers: the first. Anything else: as it is. The published script does the same by the name of the task, but writes the
    tests of a program where the answer should be, and the whole list of accepted answers: here neither is taken for an answer.
    """
    if ground_truth is None or not ground_truth.strip():
        return None
    if metric == "code_eval":
        return None if is_tests(ground_truth) else f"[BEGIN]\n {ground_truth} \n[DONE]"
    accepted = accepted_answers(ground_truth)
    if not accepted:
        return None
    if metric == "em_mc":
        letter = truth_label(accepted[0], read_options(choices))
        return accepted[0] if letter is None else f"({letter})"
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


def truths_of(release: Release, queries: Queries) -> tuple[Mask, Mask]:
    """[Q] which queries have a ground truth at all, and which one that can be an answer."""
    there, answer = [np.zeros(0, bool)], [np.zeros(0, bool)]
    for batch in batches(release, "queries", queries.splits, COLUMNS):
        usable = label_answers(batch).is_valid().to_numpy(zero_copy_only=False)
        written = pc.not_equal(pc.utf8_trim_whitespace(pc.fill_null(batch["ground_truth"], "")), "")
        tests = pc.and_(written, pc.equal(batch["metric"], "code_eval"))
        there.append(usable | pc.fill_null(tests, False).to_numpy(zero_copy_only=False))
        answer.append(usable)
    return np.concatenate(there), np.concatenate(answer)
