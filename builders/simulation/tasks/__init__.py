"""The fourteen simulated tasks."""

from __future__ import annotations

from llmfusionbench.builders.simulation.query import SimulatedTask
from llmfusionbench.builders.simulation.tasks import (
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

TASKS: dict[str, SimulatedTask] = {
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

__all__ = ["TASKS"]
