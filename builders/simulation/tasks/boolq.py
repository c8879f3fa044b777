"""Reading: a passage of our own and a yes/no question about it; the exact reply is true or false."""

# ruff: noqa: E501 - sentences and rows of tables are kept whole

from __future__ import annotations

import random

from llmfusionbench.builders.simulation.query import Draft, SimulatedTask
from llmfusionbench.builders.simulation.tasks import passages

INSTRUCTION = "Judge by the passage alone and reply with one word, true or false."


def _draft(rng: random.Random, difficulty: float) -> Draft:
    skill, passage, text = passages.draw(rng, difficulty)
    point = rng.choice(passage.points)
    truth = rng.random() < 0.55
    question = point.claim.format(point.span if truth else rng.choice(point.false))
    verdict = "agrees with" if truth else "contradicts"
    return Draft(
        prompt=f"Passage: {text}\nQuestion: {question}?\n{INSTRUCTION}",
        ground_truth="true" if truth else "false",
        skill=skill,
        answer="true" if truth else "false",
        wrong_answers=("false" if truth else "true",),
        steps=(f'The passage says: "{point.sentence}"', f"This {verdict} what the question supposes."),
        question=f"{question}?",
    )


TASK = SimulatedTask(
    name="boolq",
    metric="em",
    description=(
        "A passage about an invented place, person or event, followed by a yes/no question that the passage settles. The expected reply is "
        "the one word true or false."
    ),
    skills=tuple(passages.TOPICS),
    draft=_draft,
)
