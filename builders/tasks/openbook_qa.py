"""OpenBookQA: elementary science questions with four options."""

from __future__ import annotations

from llmfusionbench.builders.tasks.multiple_choice import labelled
from llmfusionbench.builders.tasks.task import Task

TASK = Task(
    name="openbook_qa",
    metric="em_mc",
    dataset="allenai/openbookqa",
    configs=("main",),
    test_split="test",
    fields=("question_stem", "choices", "answerKey"),
    optional=("id",),
    draft=labelled("question_stem"),
    citation="Mihaylov et al., Can a Suit of Armor Conduct Electricity? A New Dataset for Open Book Question Answering, "
    "EMNLP 2018, arXiv 1809.02789",
)
