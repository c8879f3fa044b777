"""BoolQ: yes/no questions on a passage of Wikipedia."""

from __future__ import annotations

from llmfusionbench.builders.tasks.answer_forms import TRUTH_VALUE
from llmfusionbench.builders.tasks.cells import truth_value, words
from llmfusionbench.builders.tasks.task import Draft, Row, Task, asked


def _draft(row: Row) -> Draft:
    question = words(row, "question").removesuffix("?")
    return Draft(
        messages=asked(f"Passage: {words(row, 'passage')}\n\nQuestion: {question}?\n\n{TRUTH_VALUE}"),
        ground_truth=str(truth_value(row, "answer")).lower(),
    )


TASK = Task(
    name="boolq",
    metric="em",
    dataset="google/boolq",
    test_split="validation",
    fields=("question", "passage", "answer"),
    draft=_draft,
    citation="Clark et al., BoolQ: Exploring the Surprising Difficulty of Natural Yes/No Questions, NAACL 2019, "
    "arXiv 1905.10044",
)
