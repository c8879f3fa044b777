"""Reading: a passage of our own and a question whose answer is a span of it; scored by the F1 overlap of words."""

# ruff: noqa: E501 - sentences and rows of tables are kept whole

from __future__ import annotations

import json
import random

from llmfusionbench.builders.simulation.query import Draft, SimulatedTask
from llmfusionbench.builders.simulation.tasks import passages

INSTRUCTION = "Copy the shortest span of the passage that answers the question, and nothing else."


def _draft(rng: random.Random, difficulty: float) -> Draft:
    skill, passage, text = passages.draw(rng, difficulty)
    # Spans that stand late in the passage are found less often.
    ranked = sorted(passage.points, key=lambda point: passage.text.index(point.sentence))
    point = ranked[min(len(ranked) - 1, int(difficulty * len(ranked)))]
    return Draft(
        prompt=f"Passage: {text}\nQuestion: {point.question}\n{INSTRUCTION}",
        ground_truth=json.dumps([point.span]),
        skill=skill,
        answer=point.span,
        wrong_answers=point.false,
        steps=(f'The passage says: "{point.sentence}"',),
        question=point.question,
    )


TASK = SimulatedTask(
    name="squad",
    metric="f1_score",
    description=(
        "A passage about an invented place, person or event, followed by one question. The answer is a short span that stands word for word "
        "in the passage."
    ),
    skills=tuple(passages.TOPICS),
    draft=_draft,
)
