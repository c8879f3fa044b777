"""One elementary fact to be applied to a new case: sentence openings with four endings."""

# ruff: noqa: E501 - sentences and rows of tables are kept whole

from __future__ import annotations

import random

from llmfusionbench.builders.simulation.query import Draft, SimulatedTask, multiple_choice
from llmfusionbench.builders.simulation.words import person, town

INSTRUCTION = "Complete the sentence and give the letter of your ending in parentheses."

# (the fact, things it holds for, things it does not hold for, the opening of the sentence)
FACTS = (
    ("metals conduct electricity", ("a copper spoon", "an iron nail", "a brass key", "a silver ring", "a steel wire"),
     ("a glass rod", "a rubber boot", "a wooden ruler", "a plastic cup", "a wool scarf", "a china plate"),
     "The lamp lights up again when {name} closes the gap in the circuit with"),
    ("iron and steel are attracted by a magnet", ("a steel needle", "an iron bolt", "a paper clip of steel", "a tin-plated steel lid"),
     ("a copper coin", "a silver spoon", "an oak leaf", "a candle end", "an eraser", "a glass bead"),
     "From the tray that {name} carries, the magnet lifts"),
    ("dark surfaces take up more sunlight than bright ones", ("a black slate", "a navy blue towel", "a dark brown blanket"),
     ("a white sheet", "a sheet of shiny foil", "a cream tablecloth", "a pale yellow shirt", "a mirror"),
     "After an hour in the sun {name} finds that the hottest of four things is"),
    ("mammals feed their young with milk", ("a bat", "a dolphin", "a hedgehog", "a seal", "a mole"),
     ("a gecko", "a trout", "a stork", "a toad", "a wasp", "a turtle"),
     "For a talk on animals that feed their young with milk, {name} should pick"),
    ("plants take in carbon dioxide", ("a potted lime tree", "a bed of moss", "a row of tomato plants"),
     ("a burning stove", "a sleeping cat", "a choir of children", "an idling lorry", "a swarm of bees"),
     "If {name} wants less carbon dioxide in the bright greenhouse, it helps to bring in"),
    ("what is less dense than water floats on it", ("a cork", "an empty sealed bottle", "a block of pine", "a table tennis ball"),
     ("a lead weight", "a granite pebble", "a gold ring", "a brick", "a steel spanner"),
     "When {name} empties the whole box into the pool, the one thing that stays on the surface is"),
    ("friction slows a moving thing", ("a gravel path", "a thick carpet", "a sheet of sandpaper"),
     ("a frozen pond", "an oiled steel plate", "a wet tiled floor", "a polished marble hall"),
     "The curling stone that {name} pushes with the same force stops soonest on"),
    ("fossil fuels do not renew themselves within human lifetimes", ("a plant that burns coal", "a generator that runs on diesel", "a boiler heated by natural gas"),
     ("a row of wind turbines", "a dam in the river", "a roof of solar panels", "a tide mill in the bay"),
     "The town council asks {name} which supply cannot be renewed within a lifetime; it is"),
    ("animals that live in the cold keep warm with fur or fat", ("thick fat under the skin", "a dense double coat of fur", "downy feathers close to the body"),
     ("large thin ears", "a bare wet skin", "long bare legs", "a habit of sweating heavily"),
     "An animal that {name} invents for a polar island would survive best with"),
    ("seeds need water to sprout", ("moist soil", "a damp paper towel", "a wet sponge"),
     ("a dry glass jar", "a bowl of salt", "a tray of hot ash", "a sealed tin of dry sand"),
     "The beans that {name} keeps at the window will sprout first in"),
    ("some wastes rot and return to the soil", ("an apple core", "a handful of straw", "carrot peel", "fallen leaves"),
     ("a drink can", "a plastic bag", "a glass jar", "a rubber tyre", "a foil tray"),
     "A year later {name} digs up the compost and cannot find any trace of"),
    ("sound needs matter to travel through", ("a vacuum chamber", "the empty space between two planets"),
     ("a water tank", "a corridor full of air", "a long steel rail", "a wooden wall"),
     "The one thing that a bell's ringing cannot cross on its way to {name} is"),
)  # fmt: skip
SETTINGS = ("At a science evening in {town}:", "Notes from a class in {town}:", "From the diary of a school club in {town}:",
            "During an open day in {town}:", "A worksheet from {town} says:", "A teacher in {town} dictates:")  # fmt: skip
SKILLS = tuple(fact.split()[0] + "-" + fact.split()[-1] for fact, *_ in FACTS)
TIMES = ("in spring", "in summer", "in autumn", "in winter", "on the last day of term", "after the holidays")


def _draft(rng: random.Random, difficulty: float) -> Draft:
    name, _, _ = person(rng)
    index = rng.randrange(len(FACTS))
    fact, holds, fails, opening = FACTS[index]
    right = rng.choice(holds)
    setting = rng.choice(SETTINGS).format(town=town(rng))
    return multiple_choice(
        rng, instruction=INSTRUCTION,
        question=f"{setting[:-1]} {rng.choice(TIMES)}: {opening.format(name=name)}", right=right, wrong=rng.sample(fails, 3),
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
