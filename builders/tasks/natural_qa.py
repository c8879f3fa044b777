"""Natural Questions, the open version: questions that people asked a search engine, with all accepted short answers."""

from __future__ import annotations

from llmfusionbench.builders.tasks.answer_forms import SHORT
from llmfusionbench.builders.tasks.cells import accepted, source_id, texts, words
from llmfusionbench.builders.tasks.task import Draft, Row, Task, asked


def _draft(row: Row) -> Draft:
    return Draft(
        messages=asked(f"{words(row, 'question')}\n\n{SHORT}"),
        ground_truth=accepted(texts(row, "golden_answers")),
        source_id=source_id(row, "id"),
    )


TASK = Task(
    name="natural_qa",
    metric="cem",
    dataset="RUC-NLPIR/FlashRAG_datasets",
    configs=("nq",),
    test_split="test",
    fields=("question", "golden_answers"),
    optional=("id",),
    draft=_draft,
    citation="Kwiatkowski et al., Natural Questions: A Benchmark for Question Answering Research, TACL 2019; in the form of "
    "Jin et al., FlashRAG, 2024, arXiv 2405.13576",
)
