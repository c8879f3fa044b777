"""Reading: a passage of our own and a yes/no question about it; the exact reply is true or false."""

# ruff: noqa: E501 - sentences and rows of tables are kept whole

from __future__ import annotations

import random
from collections.abc import Iterator

from llmfusionbench.builders.simulation.query import SimulatedQuery, distinct
from llmfusionbench.builders.simulation.tasks import passages

TASK = "boolq"
DESCRIPTION = (
    "A passage about an invented place, person or event, followed by a yes/no question that the passage settles. The expected reply is "
    "the one word true or false."
)
INSTRUCTION = "Judge by the passage alone and reply with one word, true or false."


def _build(rng: random.Random, difficulty: float) -> SimulatedQuery:
    skill = rng.choice(list(passages.TOPICS))
    passage = passages.draw(rng, skill)
    text = passages.with_neighbour(rng, passage, skill) if difficulty > 0.35 else passage.text
    point = rng.choice(passage.points)
    truth = rng.random() < 0.55
    question = point.claim.format(point.span if truth else rng.choice(point.false))
    verdict = "agrees with" if truth else "contradicts"
    return SimulatedQuery(
        task=TASK,
        task_description=DESCRIPTION,
        prompt=f"Passage: {text}\nQuestion: {question}?\n{INSTRUCTION}",
        ground_truth="true" if truth else "false",
        metric="em",
        difficulty=difficulty,
        skill=skill,
        answer="true" if truth else "false",
        wrong_answers=("false" if truth else "true",),
        steps=(f'The passage says: "{point.sentence}"', f"This {verdict} what the question supposes."),
        question=f"{question}?",
    )


def generate(rng: random.Random, n: int) -> Iterator[SimulatedQuery]:
    """`n` distinct passages with a yes/no question."""
    return distinct(_build, rng, n)
