"""Everyday knowledge with five options: where one goes for what, what a tool is for, what follows from what."""

# ruff: noqa: E501 - sentences and rows of tables are kept whole

from __future__ import annotations

import random

from llmfusionbench.builders.simulation.query import Draft, SimulatedTask, multiple_choice
from llmfusionbench.builders.simulation.stock import stock
from llmfusionbench.builders.simulation.words import person, town

INSTRUCTION = "Choose the one option that fits best and reply with its letter in parentheses, for example (A)."

_STOCK = stock("everyday")
SKILLS = ("place", "tool", "feeling", "result")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


def _pick(rng: random.Random, rows: list[tuple[str, str]]) -> tuple[str, str, list[str]]:
    cue, right = rng.choice(rows)
    return cue, right, rng.sample([other for _, other in rows if other != right], 4)


def _draft(rng: random.Random, difficulty: float) -> Draft:
    name, she, _ = person(rng)
    skill = rng.choice(SKILLS)
    if skill in ("place", "tool"):
        cue, right, wrong = _pick(rng, _STOCK["places" if skill == "place" else "tools"])
        cue = cue.replace("her eyes", "both eyes")
        opening = rng.choice(_STOCK["openings"]).format(day=rng.choice(DAYS), town=town(rng), name=name, want=cue)
        ask = f"Where is {name} most likely to go?" if skill == "place" else f"Which of these will {name} reach for?"
        reason = f"People who want to {cue} normally {'go to a place of this kind' if skill == 'place' else 'use exactly this'}: {right}."
    elif skill == "feeling":
        cue, right, wrong = _pick(rng, _STOCK["feelings"])
        opening = f"{name} from {town(rng)} {cue}."
        ask = f"How does {she} probably feel?"
        reason = f"Somebody who {cue} is, as a rule, {right}."
    else:
        cue, right, wrong = _pick(rng, _STOCK["results"])
        opening = f"In {town(rng)} {name} {cue}."
        ask = "What will probably happen to the thing in question?"
        reason = f"If somebody {cue}, experience says that {right}."
    return multiple_choice(
        rng, instruction=INSTRUCTION, question=f"{opening} {ask}", right=right, wrong=wrong,
        steps=[f"The situation is that {name} is described in one plain sentence and nothing unusual is said.", reason,
               f"The other options belong to quite different situations, so \"{right}\" is left."],
        skill=skill,
    )  # fmt: skip


TASK = SimulatedTask(
    name="commonsense_qa",
    metric="em_mc",
    description=(
        "Questions about ordinary life that any grown-up could answer. Five options are given, and only one of them fits what "
        "people usually do, use, feel or expect."
    ),
    skills=SKILLS,
    draft=_draft,
)
