"""A described Python function with asserts as its ground truth."""

# ruff: noqa: E501 - sentences and rows of tables are kept whole

from __future__ import annotations

import json
import random

from llmfusionbench.builders.simulation.query import Draft, SimulatedTask
from llmfusionbench.builders.simulation.tasks import code_problems

INSTRUCTION = "Put the finished code between the tags [BEGIN] and [DONE]."


def _draft(rng: random.Random, difficulty: float) -> Draft:
    skill, problem = code_problems.draw(rng, difficulty)
    asserts = [f"assert {problem.name}({', '.join(map(repr, args))}) == {expected!r}" for args, expected in problem.cases]
    question = f"Program a Python function {problem.name} that takes ({problem.signature}). It should {problem.task}."
    return code_problems.draft_of(
        rng,
        problem,
        prompt=f"{question}\nOne of its tests reads:\n{asserts[0]}\n{INSTRUCTION}",
        ground_truth=json.dumps(asserts),
        skill=skill,
        question=question,
    )


TASK = SimulatedTask(
    name="mbpp",
    metric="code_eval",
    description=(
        "Short Python functions described in a sentence. A program is judged by running it against a few assert statements, of which the "
        "first is shown."
    ),
    skills=tuple(code_problems.PROBLEMS),
    draft=_draft,
)
