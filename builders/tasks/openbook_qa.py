"""OpenBookQA: elementary science questions with four options."""

from __future__ import annotations

from llmfusionbench.builders.tasks.cells import source_id, words
from llmfusionbench.builders.tasks.multiple_choice import labelled_options, multiple_choice
from llmfusionbench.builders.tasks.task import Draft, Row, Task


def _draft(row: Row) -> Draft:
    options, right = labelled_options(row, "choices", "answerKey")
    return multiple_choice(words(row, "question_stem"), options, right, source_id(row, "id"))


TASK = Task(
    name="openbook_qa",
    metric="em_mc",
    dataset="allenai/openbookqa",
    configs=("main",),
    test_split="test",
    fields=("question_stem", "choices", "answerKey"),
    optional=("id",),
    draft=_draft,
    citation="Mihaylov et al., Can a Suit of Armor Conduct Electricity? A New Dataset for Open Book Question Answering, "
    "EMNLP 2018, arXiv 1809.02789",
)
