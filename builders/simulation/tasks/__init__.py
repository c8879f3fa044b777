"""The fourteen generators of queries, by canonical task name."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from llmfusionbench.builders.simulation.query import SimulatedQuery
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

Generate = Callable[[random.Random, int], Iterator[SimulatedQuery]]

TASKS: dict[str, Generate] = {
    "gsm8k": gsm8k.generate,
    "math": math.generate,
    "mbpp": mbpp.generate,
    "human_eval": human_eval.generate,
    "commonsense_qa": commonsense_qa.generate,
    "arc_challenge": arc_challenge.generate,
    "hellaswag": hellaswag.generate,
    "openbook_qa": openbook_qa.generate,
    "natural_qa": natural_qa.generate,
    "trivia_qa": trivia_qa.generate,
    "squad": squad.generate,
    "boolq": boolq.generate,
    "mmlu": mmlu.generate,
    "gpqa": gpqa.generate,
}

__all__ = ["TASKS", "Generate"]
