"""A described Python function with asserts as its ground truth."""

# ruff: noqa: E501 - sentences and rows of tables are kept whole

from __future__ import annotations

import json
import random
from collections.abc import Iterator

from llmfusionbench.builders.simulation.query import SimulatedQuery, distinct
from llmfusionbench.builders.simulation.tasks import code_problems

TASK = "mbpp"
DESCRIPTION = (
    "Short Python functions described in a sentence. A program is judged by running it against a few assert statements, of which the "
    "first is shown."
)
INSTRUCTION = "Put the finished code between the tags [BEGIN] and [DONE]."


def _build(rng: random.Random, difficulty: float) -> SimulatedQuery:
    skill, problem = code_problems.draw(rng, difficulty)
    asserts = [f"assert {problem.name}({', '.join(map(repr, args))}) == {expected!r}" for args, expected in problem.cases]
    question = f"Program a Python function {problem.name} that takes ({problem.signature}). It should {problem.task}."
    return SimulatedQuery(
        task=TASK,
        task_description=DESCRIPTION,
        prompt=f"{question}\nOne of its tests reads:\n{asserts[0]}\n{INSTRUCTION}",
        ground_truth=json.dumps(asserts),
        metric="code_eval",
        difficulty=difficulty,
        skill=skill,
        answer=problem.program(problem.body),
        wrong_answers=tuple(problem.program(body) for body in problem.wrong),
        steps=problem.steps,
        question=question,
        task_id=f"SIM/{rng.getrandbits(48):012x}",
    )


def generate(rng: random.Random, n: int) -> Iterator[SimulatedQuery]:
    """`n` distinct functions to write."""
    return distinct(_build, rng, n)
