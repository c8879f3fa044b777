"""Reading: a passage of our own and a question whose answer is a span of it; scored by the F1 overlap of words."""

# ruff: noqa: E501 - sentences and rows of tables are kept whole

from __future__ import annotations

import json
import random
from collections.abc import Iterator

from llmfusionbench.builders.simulation.query import SimulatedQuery, distinct
from llmfusionbench.builders.simulation.tasks import passages

TASK = "squad"
DESCRIPTION = (
    "A passage about an invented place, person or event, followed by one question. The answer is a short span that stands word for word "
    "in the passage."
)
INSTRUCTION = "Copy the shortest span of the passage that answers the question, and nothing else."


def _build(rng: random.Random, difficulty: float) -> SimulatedQuery:
    skill = rng.choice(list(passages.TOPICS))
    passage = passages.draw(rng, skill)
    text = passages.with_neighbour(rng, passage, skill) if difficulty > 0.35 else passage.text
    # Spans that stand late in the passage are found less often.
    ranked = sorted(passage.points, key=lambda point: passage.text.index(point.sentence))
    point = ranked[min(len(ranked) - 1, int(difficulty * len(ranked)))]
    return SimulatedQuery(
        task=TASK,
        task_description=DESCRIPTION,
        prompt=f"Passage: {text}\nQuestion: {point.question}\n{INSTRUCTION}",
        ground_truth=json.dumps([point.span]),
        metric="f1_score",
        difficulty=difficulty,
        skill=skill,
        answer=point.span,
        wrong_answers=point.false,
        steps=(f'The passage says: "{point.sentence}"',),
        question=point.question,
    )


def generate(rng: random.Random, n: int) -> Iterator[SimulatedQuery]:
    """`n` distinct passages with a question."""
    return distinct(_build, rng, n)
