"""A Python signature with a docstring to complete; the ground truth is a `check(candidate)` test."""

# ruff: noqa: E501 - sentences and rows of tables are kept whole

from __future__ import annotations

import random

from llmfusionbench.builders.simulation.query import Draft, SimulatedTask
from llmfusionbench.builders.simulation.tasks import code_problems


def _draft(rng: random.Random, difficulty: float) -> Draft:
    skill, problem = code_problems.draw(rng, difficulty)
    examples = [
        f"    >>> {problem.name}({', '.join(map(repr, args))})\n    {expected!r}" for args, expected in problem.cases[:2]
    ]
    sentence = problem.task[0].upper() + problem.task[1:]
    doc = "\n".join([f'    """{sentence}.', "", *examples, '    """'])
    asserts = "\n".join(
        f"    assert candidate({', '.join(map(repr, args))}) == {expected!r}" for args, expected in problem.cases
    )
    return code_problems.draft_of(
        rng,
        problem,
        prompt=f"def {problem.name}({problem.signature}) -> {problem.returns}:\n{doc}\n",
        ground_truth=f"\n\ndef check(candidate):\n{asserts}\n",
        skill=skill,
        question=f"{problem.name} should {problem.task}.",
    )


TASK = SimulatedTask(
    name="human_eval",
    metric="code_eval",
    description=(
        "Python functions to be completed from their signature and docstring. The finished function is handed to a hidden check, which calls "
        "it on several inputs."
    ),
    skills=tuple(code_problems.PROBLEMS),
    draft=_draft,
)
