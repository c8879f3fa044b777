"""What happens next: a scene of our own from an everyday procedure, with four continuations."""

# ruff: noqa: E501 - sentences and rows of tables are kept whole

from __future__ import annotations

import random

from llmfusionbench.builders.simulation.query import Draft, SimulatedTask, harder, multiple_choice
from llmfusionbench.builders.simulation.stock import stock
from llmfusionbench.builders.simulation.words import person, town

INSTRUCTION = "Which continuation makes sense? Reply with its letter in parentheses."

SCRIPTS: dict[str, list[str]] = stock("scripts")
"""Procedures, each a fixed order of actions."""
FRAMES = ("It is a quiet {part} in {town}. {Name}", "In a back yard in {town}, early in the {part}, {Name}", "While the radio plays in {town}, {Name}",
          "With nobody else at home in {town} this {part}, {Name}", "A film shot in {town} begins like this: {Name}")  # fmt: skip


def _draft(rng: random.Random, difficulty: float) -> Draft:
    name, she, _ = person(rng)
    skill = rng.choice(list(SCRIPTS))
    script = SCRIPTS[skill]
    shown = harder(rng, 1 - difficulty, 2, 4)
    start = rng.randrange(len(script) - shown)
    scene = script[start : start + shown]
    right = script[start + shown]
    frame = rng.choice(FRAMES).format(part=rng.choice(("morning", "afternoon", "evening")), town=town(rng), Name=name)
    told = [
        f"{frame} {scene[0]}.",
        *(f"{lead} {she} {action}." for lead, action in zip(("Then", "After that", "Next"), scene[1:], strict=False)),
    ]
    others = rng.sample([key for key in SCRIPTS if key != skill], 3)
    wrong = [rng.choice(SCRIPTS[key]) for key in others]
    if difficulty > 0.6 and start > 0:
        wrong[0] = script[start - 1]
    question = " ".join([*told, f"Straight afterwards, {she} ..."])
    return multiple_choice(
        rng, instruction=INSTRUCTION, question=question, right=right, wrong=wrong,
        steps=[f"The scene shows somebody who {scene[0]} and then {scene[-1]}.", f"In such a scene the natural next action is that {she} {right}.",
               "The remaining continuations belong elsewhere or come too late."],
        skill=skill,
    )  # fmt: skip


TASK = SimulatedTask(
    name="hellaswag",
    metric="em_mc",
    description=(
        "A scene from everyday work breaks off. Of four continuations three belong to other scenes or come in an impossible order, and one "
        "carries the scene on."
    ),
    skills=tuple(SCRIPTS),
    draft=_draft,
)
