"""CommonsenseQA: questions on everyday knowledge with five options. The labels of the data set's test split are not public."""

from __future__ import annotations

from llmfusionbench.builders.tasks.multiple_choice import labelled
from llmfusionbench.builders.tasks.task import Task

TASK = Task(
    name="commonsense_qa",
    metric="em_mc",
    dataset="tau/commonsense_qa",
    test_split="validation",
    fields=("question", "choices", "answerKey"),
    optional=("id",),
    draft=labelled("question"),
    citation="Talmor et al., CommonsenseQA: A Question Answering Challenge Targeting Commonsense Knowledge, NAACL 2019, "
    "arXiv 1811.00937",
)
