"""Fact questions in the lower-case manner of a search box; scored by whether an accepted answer occurs in the reply."""

# ruff: noqa: E501 - sentences and rows of tables are kept whole

from __future__ import annotations

import random

from llmfusionbench.builders.simulation.query import Draft, SimulatedTask
from llmfusionbench.builders.simulation.tasks.open_questions import FACTS, draft_of
from llmfusionbench.builders.simulation.words import town

INSTRUCTION = "Reply as briefly as you can."
MANNERS = (
    "{ask} {core}", "please tell me {ask} {core}", "need to know {ask} {core}", "{ask} {core} i forgot", "quiz at work in {town} {ask} {core}",
    "my kid in {town} asks {ask} {core}", "homework help {ask} {core}", "does anyone in {town} know {ask} {core}",
)  # fmt: skip


def _draft(rng: random.Random, difficulty: float) -> Draft:
    skill = rng.choice(list(FACTS))
    fact = FACTS[skill](rng, difficulty)
    core = fact.core if skill == "roman" else fact.core.lower()
    question = rng.choice(MANNERS).format(ask=fact.ask, core=core, town=town(rng).lower())
    return draft_of(fact, skill, question, f"Question: {question}\n{INSTRUCTION}")


TASK = SimulatedTask(
    name="natural_qa",
    metric="cem",
    description=(
        "Questions as people type them into a search box, about capitals, elements, calendars, units and the like. The reply counts as right "
        "when it contains one of the accepted answers."
    ),
    skills=tuple(FACTS),
    draft=_draft,
)
