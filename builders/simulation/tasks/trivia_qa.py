"""Quiz questions in full sentences; scored by the F1 overlap of words with the accepted answers."""

# ruff: noqa: E501 - sentences and rows of tables are kept whole

from __future__ import annotations

import json
import random
from collections.abc import Iterator

from llmfusionbench.builders.simulation.query import SimulatedQuery, distinct
from llmfusionbench.builders.simulation.tasks.open_questions import FACTS
from llmfusionbench.builders.simulation.words import surname, town

TASK = "trivia_qa"
DESCRIPTION = (
    "Pub quiz questions in full sentences. The expected answer is a word or a short name, and a reply is scored by how many of its words "
    "agree with an accepted answer."
)
INSTRUCTION = "Give the bare answer, no sentence."
ROUNDS = (
    "Round {k} of the quiz night in {town}: {ask} {core}?", "The quizmaster {name} asks in round {k}: {ask} {core}?",
    "A card from the box of the {name} family reads: {ask} {core}?", "For {k} points in {town}: {ask} {core}?",
    "The tie-breaker that {name} wrote for {town}: {ask} {core}?",
)  # fmt: skip


def _build(rng: random.Random, difficulty: float) -> SimulatedQuery:
    skill = rng.choice(list(FACTS))
    fact = FACTS[skill](rng, difficulty)
    question = rng.choice(ROUNDS).format(
        ask=fact.ask, core=fact.core, k=rng.randrange(2, 10), town=town(rng), name=surname(rng)
    )
    return SimulatedQuery(
        task=TASK,
        task_description=DESCRIPTION,
        prompt=f"{question}\n{INSTRUCTION}",
        ground_truth=json.dumps(fact.aliases),
        metric="f1_score",
        difficulty=difficulty,
        skill=skill,
        answer=fact.aliases[0],
        wrong_answers=tuple(fact.wrong),
        steps=(fact.step,),
        question=question,
    )


def generate(rng: random.Random, n: int) -> Iterator[SimulatedQuery]:
    """`n` distinct questions."""
    return distinct(_build, rng, n)
