"""GSM8K: stories of grade school arithmetic with one number as the answer."""

from __future__ import annotations

from llmfusionbench.builders.reading.fields import BadRecordError
from llmfusionbench.builders.tasks.answer_forms import NUMBER
from llmfusionbench.builders.tasks.cells import words
from llmfusionbench.builders.tasks.task import Draft, Row, Task, asked


def _draft(row: Row) -> Draft:
    solution = words(row, "answer")
    if "####" not in solution:
        raise BadRecordError("answer has no ####, expected a solution that ends in #### and a number")
    return Draft(messages=asked(f"{words(row, 'question')}\n\n{NUMBER}"), ground_truth=solution)


TASK = Task(
    name="gsm8k",
    metric="gsm8k",
    dataset="openai/gsm8k",
    configs=("main",),
    test_split="test",
    fields=("question", "answer"),
    draft=_draft,
    citation="Cobbe et al., Training Verifiers to Solve Math Word Problems, 2021, arXiv 2110.14168",
)
