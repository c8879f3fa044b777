"""SQuAD 1.1: questions on a passage of Wikipedia, whose answers are pieces of it."""

from __future__ import annotations

from llmfusionbench.builders.tasks.answer_forms import SPAN
from llmfusionbench.builders.tasks.cells import accepted, checked_texts, inside, source_id, words
from llmfusionbench.builders.tasks.task import Draft, Row, Task, asked


def _draft(row: Row) -> Draft:
    answers = checked_texts(inside(row, "answers").get("text"), "answers.text")
    return Draft(
        messages=asked(f"Passage: {words(row, 'context')}\n\nQuestion: {words(row, 'question')}\n\n{SPAN}"),
        ground_truth=accepted(answers),
        source_id=source_id(row, "id"),
    )


TASK = Task(
    name="squad",
    metric="f1_score",
    dataset="rajpurkar/squad",
    configs=("plain_text",),
    test_split="validation",
    fields=("context", "question", "answers"),
    optional=("id",),
    draft=_draft,
    citation="Rajpurkar et al., SQuAD: 100,000+ Questions for Machine Comprehension of Text, EMNLP 2016, arXiv 1606.05250",
)
