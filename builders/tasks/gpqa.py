"""GPQA, the main set: graduate questions on physics, chemistry and biology.

The data set is gated. It names the right option first, so the options are shuffled.
"""

from __future__ import annotations

from llmfusionbench.builders.tasks.cells import source_id, words
from llmfusionbench.builders.tasks.multiple_choice import multiple_choice, shuffled
from llmfusionbench.builders.tasks.task import Draft, Row, Task

_WRONG = ("Incorrect Answer 1", "Incorrect Answer 2", "Incorrect Answer 3")


def _draft(row: Row) -> Draft:
    question = words(row, "Question")
    options = [words(row, name) for name in ("Correct Answer", *_WRONG)]
    order = shuffled(question, options)
    return multiple_choice(question, [options[place] for place in order], order.index(0), source_id(row, "Record ID"))


TASK = Task(
    name="gpqa",
    metric="em_mc",
    dataset="Idavidrein/gpqa",
    configs=("gpqa_main",),
    train=404,
    fields=("Question", "Correct Answer", *_WRONG),
    optional=("Record ID",),
    draft=_draft,
    citation="Rein et al., GPQA: A Graduate-Level Google-Proof Q&A Benchmark, 2023, arXiv 2311.12022",
)
