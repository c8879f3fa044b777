"""MBPP: short Python programs from a description, tested by assert statements."""

from __future__ import annotations

from llmfusionbench.builders.reading.fields import BadRecordError, text
from llmfusionbench.builders.tasks.answer_forms import PROGRAM
from llmfusionbench.builders.tasks.cells import accepted, source_id, texts, words
from llmfusionbench.builders.tasks.task import Draft, Row, Task, asked


def _draft(row: Row) -> Draft:
    tests = texts(row, "test_list")
    if not all("assert" in test for test in tests):
        raise BadRecordError("test_list has a text without assert, expected assert statements")
    setup = (text(row, "test_setup_code") or "").strip()
    shown = "\n".join([*([setup] if setup else []), *tests])
    return Draft(
        messages=asked(f"{words(row, 'text')}\n\nThe program has to pass these tests:\n\n{shown}\n\n{PROGRAM}"),
        # Tests run one by one, so that each needs the lines that prepare it.
        ground_truth=accepted([f"{setup}\n{test}" if setup else test for test in tests]),
        source_id=source_id(row, "task_id"),
    )


TASK = Task(
    name="mbpp",
    metric="code_eval",
    dataset="google-research-datasets/mbpp",
    configs=("full",),
    test_split="test",
    train=374,
    fields=("text", "test_list"),
    optional=("task_id", "test_setup_code"),
    draft=_draft,
    citation="Austin et al., Program Synthesis with Large Language Models, 2021, arXiv 2108.07732",
)
