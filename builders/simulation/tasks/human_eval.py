"""A Python signature with a docstring to complete; the ground truth is a `check(candidate)` test."""

# ruff: noqa: E501 - sentences and rows of tables are kept whole

from __future__ import annotations

import random
from collections.abc import Iterator

from llmfusionbench.builders.simulation.query import SimulatedQuery, distinct
from llmfusionbench.builders.simulation.tasks import code_problems

TASK = "human_eval"
DESCRIPTION = (
    "Python functions to be completed from their signature and docstring. The finished function is handed to a hidden check, which calls "
    "it on several inputs."
)


def _build(rng: random.Random, difficulty: float) -> SimulatedQuery:
    skill, problem = code_problems.draw(rng, difficulty)
    examples = [
        f"    >>> {problem.name}({', '.join(map(repr, args))})\n    {expected!r}" for args, expected in problem.cases[:2]
    ]
    sentence = problem.task[0].upper() + problem.task[1:]
    doc = "\n".join([f'    """{sentence}.', "", *examples, '    """'])
    asserts = "\n".join(
        f"    assert candidate({', '.join(map(repr, args))}) == {expected!r}" for args, expected in problem.cases
    )
    return SimulatedQuery(
        task=TASK,
        task_description=DESCRIPTION,
        prompt=f"def {problem.name}({problem.signature}) -> {problem.returns}:\n{doc}\n",
        ground_truth=f"\n\ndef check(candidate):\n{asserts}\n",
        metric="code_eval",
        difficulty=difficulty,
        skill=skill,
        answer=problem.program(problem.body),
        wrong_answers=tuple(problem.program(body) for body in problem.wrong),
        steps=problem.steps,
        question=f"{problem.name} should {problem.task}.",
        task_id=f"SIM/{rng.getrandbits(48):012x}",
    )


def generate(rng: random.Random, n: int) -> Iterator[SimulatedQuery]:
    """`n` distinct functions to complete."""
    return distinct(_build, rng, n)
