"""The fourteen generators of queries, by canonical task name."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from llmfusionbench.builders.simulation.query import SimulatedQuery
from llmfusionbench.builders.simulation.tasks import (
    arc_challenge,
    boolq,
    code_problems,
    commonsense_qa,
    gpqa,
    gsm8k,
    hellaswag,
    human_eval,
    math,
    mbpp,
    mmlu,
    natural_qa,
    open_questions,
    openbook_qa,
    passages,
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

# The kinds of query in each task, on which LLMs differ.
SKILLS: dict[str, tuple[str, ...]] = {
    "gsm8k": tuple(gsm8k.STORIES),
    "math": tuple(math.PROBLEMS),
    "mbpp": tuple(code_problems.PROBLEMS),
    "human_eval": tuple(code_problems.PROBLEMS),
    "commonsense_qa": commonsense_qa.SKILLS,
    "arc_challenge": tuple(arc_challenge.TOPICS),
    "hellaswag": tuple(hellaswag.SCRIPTS),
    "openbook_qa": openbook_qa.SKILLS,
    "natural_qa": tuple(open_questions.FACTS),
    "trivia_qa": tuple(open_questions.FACTS),
    "squad": tuple(passages.TOPICS),
    "boolq": tuple(passages.TOPICS),
    "mmlu": tuple(mmlu.SUBJECTS),
    "gpqa": tuple(gpqa.TOPICS),
}

__all__ = ["SKILLS", "TASKS", "Generate"]
