"""Quiz questions in full sentences; scored by the F1 overlap of words with the accepted answers."""

# ruff: noqa: E501 - sentences and rows of tables are kept whole

from __future__ import annotations

import random

from llmfusionbench.builders.simulation.query import Draft, SimulatedTask
from llmfusionbench.builders.simulation.tasks.open_questions import FACTS, draft_of
from llmfusionbench.builders.simulation.words import surname, town

INSTRUCTION = "Give the bare answer, no sentence."
ROUNDS = (
    "Round {k} of the quiz night in {town}: {ask} {core}?", "The quizmaster {name} asks in round {k}: {ask} {core}?",
    "A card from the box of the {name} family reads: {ask} {core}?", "For {k} points in {town}: {ask} {core}?",
    "The tie-breaker that {name} wrote for {town}: {ask} {core}?",
)  # fmt: skip


def _draft(rng: random.Random, difficulty: float) -> Draft:
    skill = rng.choice(list(FACTS))
    fact = FACTS[skill](rng, difficulty)
    question = rng.choice(ROUNDS).format(
        ask=fact.ask, core=fact.core, k=rng.randrange(2, 10), town=town(rng), name=surname(rng)
    )
    return draft_of(fact, skill, question, f"{question}\n{INSTRUCTION}")


TASK = SimulatedTask(
    name="trivia_qa",
    metric="f1_score",
    description=(
        "Pub quiz questions in full sentences. The expected answer is a word or a short name, and a reply is scored by how many of its words "
        "agree with an accepted answer."
    ),
    skills=tuple(FACTS),
    draft=_draft,
)
