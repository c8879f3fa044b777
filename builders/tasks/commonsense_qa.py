"""CommonsenseQA: questions on everyday knowledge with five options. The labels of the data set's test split are not public."""

from __future__ import annotations

from llmfusionbench.builders.tasks.cells import source_id, words
from llmfusionbench.builders.tasks.multiple_choice import labelled_options, multiple_choice
from llmfusionbench.builders.tasks.task import Draft, Row, Task


def _draft(row: Row) -> Draft:
    options, right = labelled_options(row, "choices", "answerKey")
    return multiple_choice(words(row, "question"), options, right, source_id(row, "id"))


TASK = Task(
    name="commonsense_qa",
    metric="em_mc",
    dataset="tau/commonsense_qa",
    test_split="validation",
    fields=("question", "choices", "answerKey"),
    optional=("id",),
    draft=_draft,
    citation="Talmor et al., CommonsenseQA: A Question Answering Challenge Targeting Commonsense Knowledge, NAACL 2019, "
    "arXiv 1811.00937",
)
