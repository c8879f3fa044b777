"""Fact questions in the lower-case manner of a search box; scored by whether an accepted answer occurs in the reply."""

# ruff: noqa: E501 - sentences and rows of tables are kept whole

from __future__ import annotations

import json
import random
from collections.abc import Iterator

from llmfusionbench.builders.simulation.query import SimulatedQuery, distinct
from llmfusionbench.builders.simulation.tasks.open_questions import FACTS
from llmfusionbench.builders.simulation.words import town

TASK = "natural_qa"
DESCRIPTION = (
    "Questions as people type them into a search box, about capitals, elements, calendars, units and the like. The reply counts as right "
    "when it contains one of the accepted answers."
)
INSTRUCTION = "Reply as briefly as you can."
MANNERS = (
    "{ask} {core}", "please tell me {ask} {core}", "need to know {ask} {core}", "{ask} {core} i forgot", "quiz at work in {town} {ask} {core}",
    "my kid in {town} asks {ask} {core}", "homework help {ask} {core}", "does anyone in {town} know {ask} {core}",
)  # fmt: skip


def _build(rng: random.Random, difficulty: float) -> SimulatedQuery:
    skill = rng.choice(list(FACTS))
    fact = FACTS[skill](rng, difficulty)
    core = fact.core if skill == "roman" else fact.core.lower()
    question = rng.choice(MANNERS).format(ask=fact.ask, core=core, town=town(rng).lower())
    return SimulatedQuery(
        task=TASK,
        task_description=DESCRIPTION,
        prompt=f"Question: {question}\n{INSTRUCTION}",
        ground_truth=json.dumps(fact.aliases),
        metric="cem",
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
