"""The tasks that answers are collected for: which queries, how they are asked, and how an answer is scored."""

from __future__ import annotations

from typing import Final

from llmfusionbench.builders.tasks import (
    arc_challenge,
    boolq,
    commonsense_qa,
    gpqa,
    gsm8k,
    hellaswag,
    human_eval,
    math,
    mbpp,
    mmlu,
    natural_qa,
    openbook_qa,
    squad,
    trivia_qa,
)
from llmfusionbench.builders.tasks.task import Task

CATALOG: Final[dict[str, Task]] = {
    "gsm8k": gsm8k.TASK,
    "math": math.TASK,
    "mbpp": mbpp.TASK,
    "human_eval": human_eval.TASK,
    "commonsense_qa": commonsense_qa.TASK,
    "arc_challenge": arc_challenge.TASK,
    "hellaswag": hellaswag.TASK,
    "openbook_qa": openbook_qa.TASK,
    "natural_qa": natural_qa.TASK,
    "trivia_qa": trivia_qa.TASK,
    "squad": squad.TASK,
    "boolq": boolq.TASK,
    "mmlu": mmlu.TASK,
    "gpqa": gpqa.TASK,
}
"""Canonical name -> task."""

__all__ = ["CATALOG", "Task"]
