"""Everyday knowledge with five options: where one goes for what, what a tool is for, what follows from what."""

# ruff: noqa: E501 - sentences and rows of tables are kept whole

from __future__ import annotations

import random

from llmfusionbench.builders.simulation.query import Draft, SimulatedTask, multiple_choice
from llmfusionbench.builders.simulation.words import person, town

INSTRUCTION = "Choose the one option that fits best and reply with its letter in parentheses, for example (A)."

# (what somebody wants, where or what it is); within a table no right-hand side serves another row.
PLACES = (
    ("borrow a novel without paying for it", "library"), ("have a painful tooth looked at", "dental surgery"),
    ("post a parcel to an aunt abroad", "post office"), ("see a sculpture from antiquity", "museum"),
    ("swim lengths although it is raining hard", "indoor pool"), ("have a winter coat shortened", "tailor's shop"),
    ("board a flight to another continent", "airport"), ("watch a new film on a wide screen", "cinema"),
    ("buy bread that is still warm", "bakery"), ("get new tyres fitted", "garage"),
    ("have her eyes tested for glasses", "optician's"), ("sleep one night between two train rides", "hotel"),
    ("watch penguins being fed", "zoo"), ("pay in a bag of coins", "bank"), ("hear a string quartet play", "concert hall"),
    ("pick up a prescribed ointment", "pharmacy"), ("bring in a dog that limps", "veterinary clinic"),
    ("see a football match among thousands of fans", "stadium"), ("milk a cow at dawn", "dairy farm"),
    ("moor a sailing boat for the winter", "harbour"),
)  # fmt: skip
TOOLS = (
    ("drive a nail into a beam", "hammer"), ("cut a loaf into slices", "bread knife"), ("measure the fever of a child", "thermometer"),
    ("tighten the screw of a door handle", "screwdriver"), ("see the craters of the moon", "telescope"),
    ("sew a button back on", "needle and thread"), ("clear snow from the drive", "shovel"), ("keep dry on the way to the bus", "umbrella"),
    ("reach the top shelf of a tall cupboard", "stepladder"), ("take the creases out of a shirt", "iron"),
    ("find north in thick fog", "compass"), ("carry water from the well", "bucket"), ("wake up at five in the morning", "alarm clock"),
    ("weigh flour for a cake", "kitchen scales"), ("light a dark cellar", "torch"), ("dry wet hair quickly", "hairdryer"),
    ("saw a plank in two", "handsaw"), ("open a bottle that has a cork", "corkscrew"), ("keep milk cold in summer", "refrigerator"),
    ("draw a perfect circle on paper", "pair of compasses"),
)  # fmt: skip
FEELINGS = (
    ("finds out that a cherished bicycle has been stolen", "angry"), ("hears footsteps in a house that should be empty", "frightened"),
    ("wins a prize after years of practice", "proud"), ("waits three hours for a delayed train with nothing to read", "bored"),
    ("has just carried furniture up six floors", "exhausted"), ("says goodbye to a friend who moves overseas", "sad"),
    ("forgets the words in the middle of a speech", "embarrassed"), ("is handed an unexpected present", "surprised"),
    ("has eaten nothing since the day before", "hungry"), ("learns that the lost child has been found unharmed", "relieved"),
    ("sees a neighbour get the very car that was out of reach", "envious"), ("cannot work out what the instructions mean", "confused"),
)  # fmt: skip
RESULTS = (
    ("leaves ice cream on a sunny table", "it melts"), ("drops a drinking glass on a stone floor", "it shatters"),
    ("never waters the fern on the sill", "it withers"), ("pumps far too much air into a balloon", "it bursts"),
    ("leaves an iron gate in the rain for years", "it rusts"), ("puts a tray of water into the freezer", "it turns to ice"),
    ("holds dry paper over a candle", "it catches fire"), ("stirs sugar into hot tea", "it dissolves"),
    ("forgets bread in a damp bag for three weeks", "it grows mouldy"), ("lets go of a balloon filled with helium", "it floats upwards"),
    ("lets a kettle of water stand on full heat", "it boils"), ("throws a pebble into a pond", "it sinks"),
)  # fmt: skip
OPENINGS = (
    "On a {day} in {town}, {name} wants to {want}.", "{name}, who has just moved to {town}, would like to {want}.",
    "Before the guests arrive in {town}, {name} has to {want}.", "It is {day}, and {name} from {town} plans to {want}.",
    "{name} promised a cousin in {town} to {want}.", "During a visit to {town}, {name} needs to {want}.",
)  # fmt: skip
SKILLS = ("place", "tool", "feeling", "result")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


def _pick(rng: random.Random, rows: tuple[tuple[str, str], ...]) -> tuple[str, str, list[str]]:
    cue, right = rng.choice(rows)
    return cue, right, rng.sample([other for _, other in rows if other != right], 4)


def _draft(rng: random.Random, difficulty: float) -> Draft:
    name, she, _ = person(rng)
    skill = rng.choice(SKILLS)
    if skill in ("place", "tool"):
        cue, right, wrong = _pick(rng, PLACES if skill == "place" else TOOLS)
        cue = cue.replace("her eyes", "both eyes")
        opening = rng.choice(OPENINGS).format(day=rng.choice(DAYS), town=town(rng), name=name, want=cue)
        ask = f"Where is {name} most likely to go?" if skill == "place" else f"Which of these will {name} reach for?"
        reason = f"People who want to {cue} normally {'go to a place of this kind' if skill == 'place' else 'use exactly this'}: {right}."
    elif skill == "feeling":
        cue, right, wrong = _pick(rng, FEELINGS)
        opening = f"{name} from {town(rng)} {cue}."
        ask = f"How does {she} probably feel?"
        reason = f"Somebody who {cue} is, as a rule, {right}."
    else:
        cue, right, wrong = _pick(rng, RESULTS)
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
