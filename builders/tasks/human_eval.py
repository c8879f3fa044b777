"""HumanEval: Python functions to be completed from their signature and docstring, tested by a function `check`."""

from __future__ import annotations

import re
from typing import Final

from llmfusionbench.builders.reading.fields import BadRecordError
from llmfusionbench.builders.tasks.answer_forms import FUNCTION
from llmfusionbench.builders.tasks.cells import code, source_id
from llmfusionbench.builders.tasks.task import Draft, Row, Task, asked

_CHECK: Final = re.compile(r"^def[ \t]+check\b", re.MULTILINE)


def _draft(row: Row) -> Draft:
    test = code(row, "test")
    if not _CHECK.search(test):
        raise BadRecordError("test defines no function check, expected def check(candidate)")
    function = code(row, "prompt").strip("\n")
    return Draft(
        messages=asked(f"Complete this Python function.\n\n```python\n{function}\n```\n\n{FUNCTION}"),
        ground_truth=test,
        source_id=source_id(row, "task_id"),
    )


TASK = Task(
    name="human_eval",
    metric="code_eval",
    dataset="openai/openai_humaneval",
    configs=("openai_humaneval",),
    train_split="test",
    train=114,
    fields=("prompt", "test"),
    optional=("task_id",),
    draft=_draft,
    citation="Chen et al., Evaluating Large Language Models Trained on Code, 2021, arXiv 2107.03374",
)
