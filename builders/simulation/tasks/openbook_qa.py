"""One elementary fact to be applied to a new case: sentence openings with four endings."""

# ruff: noqa: E501 - sentences and rows of tables are kept whole

from __future__ import annotations

import random
from typing import Any

from llmfusionbench.builders.simulation.query import Draft, SimulatedTask, multiple_choice
from llmfusionbench.builders.simulation.stock import stock
from llmfusionbench.builders.simulation.words import person, town

INSTRUCTION = "Complete the sentence and give the letter of your ending in parentheses."

FACTS: list[dict[str, Any]] = stock("science")["facts"]
SETTINGS = ("At a science evening in {town}:", "Notes from a class in {town}:", "From the diary of a school club in {town}:",
            "During an open day in {town}:", "A worksheet from {town} says:", "A teacher in {town} dictates:")  # fmt: skip
SKILLS = tuple(fact.split()[0] + "-" + fact.split()[-1] for fact in (row["fact"] for row in FACTS))
TIMES = ("in spring", "in summer", "in autumn", "in winter", "on the last day of term", "after the holidays")


def _draft(rng: random.Random, difficulty: float) -> Draft:
    name, _, _ = person(rng)
    index = rng.randrange(len(FACTS))
    fact, opening = FACTS[index]["fact"], FACTS[index]["opening"]
    right = rng.choice(FACTS[index]["holds"])
    setting = rng.choice(SETTINGS).format(town=town(rng))
    return multiple_choice(
        rng, instruction=INSTRUCTION,
        question=f"{setting[:-1]} {rng.choice(TIMES)}: {opening.format(name=name)}", right=right, wrong=rng.sample(FACTS[index]["fails"], 3),
        steps=[f"The fact to use is that {fact}.", f"Among the four endings only {right} fits this fact.",
               "The remaining endings describe things for which the fact does not hold."],
        skill=SKILLS[index],
    )  # fmt: skip


TASK = SimulatedTask(
    name="openbook_qa",
    metric="em_mc",
    description=(
        "Each item applies one elementary fact of science to a fresh case. The fact itself is not printed and has to be brought along. One of "
        "the four endings is right."
    ),
    skills=SKILLS,
    draft=_draft,
)
