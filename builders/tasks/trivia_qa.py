"""TriviaQA without evidence: quiz questions with all accepted names of the answer. The test split's answers are not public."""

from __future__ import annotations

from llmfusionbench.builders.tasks.answer_forms import BARE
from llmfusionbench.builders.tasks.cells import accepted, checked_texts, inside, source_id, unfolded, words
from llmfusionbench.builders.tasks.task import Draft, Row, Task, asked


def _draft(row: Row) -> Draft:
    answer = inside(row, "answer")
    aliases = unfolded(answer.get("aliases"))
    named = [answer["value"]] if isinstance(answer.get("value"), str) else []
    return Draft(
        messages=asked(f"{words(row, 'question')}\n\n{BARE}"),
        ground_truth=accepted(checked_texts([*named, *(aliases if isinstance(aliases, list) else [])], "answer.aliases")),
        source_id=source_id(row, "question_id"),
    )


TASK = Task(
    name="trivia_qa",
    metric="f1_score",
    dataset="mandarjoshi/trivia_qa",
    configs=("rc.nocontext",),
    test_split="validation",
    fields=("question", "answer"),
    optional=("question_id",),
    draft=_draft,
    citation="Joshi et al., TriviaQA: A Large Scale Distantly Supervised Challenge Dataset for Reading Comprehension, "
    "ACL 2017, arXiv 1705.03551",
)
