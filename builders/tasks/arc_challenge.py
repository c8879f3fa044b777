"""ARC, the Challenge set: science questions of school tests, most with four options."""

from __future__ import annotations

from llmfusionbench.builders.tasks.cells import source_id, words
from llmfusionbench.builders.tasks.multiple_choice import labelled_options, multiple_choice
from llmfusionbench.builders.tasks.task import Draft, Row, Task


def _draft(row: Row) -> Draft:
    options, right = labelled_options(row, "choices", "answerKey")
    return multiple_choice(words(row, "question"), options, right, source_id(row, "id"))


TASK = Task(
    name="arc_challenge",
    metric="em_mc",
    dataset="allenai/ai2_arc",
    configs=("ARC-Challenge",),
    test_split="test",
    fields=("question", "choices", "answerKey"),
    optional=("id",),
    draft=_draft,
    citation="Clark et al., Think you have Solved Question Answering? Try ARC, the AI2 Reasoning Challenge, 2018, "
    "arXiv 1803.05457",
)
