"""MMLU: examination questions from 57 subjects with four options. Train queries come from its auxiliary training set."""

from __future__ import annotations

from llmfusionbench.builders.tasks.cells import index, words
from llmfusionbench.builders.tasks.multiple_choice import multiple_choice, option_list
from llmfusionbench.builders.tasks.task import Draft, Row, Task


def _draft(row: Row) -> Draft:
    options = option_list(row.get("choices"), "choices")
    return multiple_choice(words(row, "question"), options, index(row, "answer", len(options)))


TASK = Task(
    name="mmlu",
    metric="em_mc",
    dataset="cais/mmlu",
    configs=("all",),
    train_split="auxiliary_train",
    test_split="test",
    fields=("question", "choices", "answer"),
    draft=_draft,
    citation="Hendrycks et al., Measuring Massive Multitask Language Understanding, ICLR 2021, arXiv 2009.03300",
)
