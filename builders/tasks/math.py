"""MATH: problems of mathematics competitions in seven subjects, whose solutions end in a box."""

from __future__ import annotations

from typing import Final

from llmfusionbench.builders.reading.fields import BadRecordError, text
from llmfusionbench.builders.tasks.answer_forms import BOX
from llmfusionbench.builders.tasks.cells import words
from llmfusionbench.builders.tasks.task import Draft, Row, Task, asked

SUBJECTS: Final = (
    "algebra",
    "counting_and_probability",
    "geometry",
    "intermediate_algebra",
    "number_theory",
    "prealgebra",
    "precalculus",
)
"""Configurations of the data set. The field `type` names the subject in words, such as "Counting & Probability"."""
_PER_SUBJECT: Final = 72


def _draft(row: Row) -> Draft:
    solution = words(row, "solution")
    if "\\boxed" not in solution and "\\fbox" not in solution:
        raise BadRecordError("solution has no \\boxed, expected a solution whose answer is in a box")
    return Draft(
        messages=asked(f"{words(row, 'problem')}\n\n{BOX}"),
        ground_truth=solution,
        source_id=text(row, "unique_id"),
        group=words(row, "type"),
    )


TASK = Task(
    name="math",
    metric="math",
    dataset="EleutherAI/hendrycks_math",
    configs=SUBJECTS,
    test_split="test",
    train=_PER_SUBJECT,
    train_per_group=True,
    fields=("problem", "solution", "type"),
    optional=("unique_id",),
    draft=_draft,
    citation="Hendrycks et al., Measuring Mathematical Problem Solving With the MATH Dataset, 2021, arXiv 2103.03874",
)
