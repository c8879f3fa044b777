"""What happens next: a scene of our own from an everyday procedure, with four continuations."""

# ruff: noqa: E501 - sentences and rows of tables are kept whole

from __future__ import annotations

import random

from llmfusionbench.builders.simulation.query import Draft, SimulatedTask, harder, multiple_choice
from llmfusionbench.builders.simulation.words import person, town

INSTRUCTION = "Which continuation makes sense? Reply with its letter in parentheses."

# Each script is a fixed order of actions, written to follow a name or a pronoun.
SCRIPTS = {
    "tea": ("fills the kettle at the tap", "sets it on the stove", "waits until the water bubbles", "pours it over the leaves in the pot",
            "lets the pot stand for four minutes", "fills two cups through a sieve", "stirs a little honey into one of them"),
    "tyre": ("stops at the side of the road", "takes the jack out of the boot", "loosens the wheel nuts a little", "raises the car with the jack",
             "pulls the flat wheel off", "pushes the spare wheel on and turns the nuts by hand", "lowers the car and tightens every nut"),
    "wall": ("covers the floor with old sheets", "sticks tape along the window frame", "stirs the paint with a stick", "dips the roller into the tray",
             "rolls the paint on in long strips", "lets the first coat dry", "peels the tape off slowly"),
    "bread": ("weighs flour and yeast into a bowl", "adds lukewarm water and salt", "kneads the dough on the table", "lets it rise under a cloth",
              "shapes a round loaf", "slides the loaf into the hot oven", "taps the brown crust and listens"),
    "letter": ("takes a sheet of paper from the drawer", "writes the date in the corner", "fills the page with news", "signs at the bottom",
               "folds the sheet twice", "puts it into an envelope and licks the flap", "sticks a stamp on and walks to the post box"),
    "tree": ("chooses a sunny corner of the garden", "digs a hole as deep as a knee", "loosens the roots of the young tree", "sets it upright into the hole",
             "shovels the earth back around it", "treads the soil down gently", "empties a whole can of water over it"),
    "dog": ("runs lukewarm water into a tub", "coaxes the muddy dog into it", "wets the coat with a jug", "rubs in a palmful of shampoo",
            "rinses until no foam is left", "lifts the dripping dog out", "wraps it in an old towel"),
    "fish": ("rows out to the middle of the lake", "threads a worm on the hook", "casts the line in a wide arc", "watches the float for a while",
             "feels a sharp tug", "reels the line in steadily", "lands a perch in the net"),
    "photo": ("screws the camera on the tripod", "points the lens at the old bridge", "sets a long exposure", "presses the remote release",
              "looks at the picture on the display", "moves the tripod a step to the left", "takes a second picture"),
    "shirt": ("sorts the white laundry from the coloured", "loads the drum and adds powder", "starts the machine", "lifts the wet things into a basket",
              "pegs them out in the wind", "takes them down when they are dry", "irons the collar first"),
    "tent": ("clears stones from a level patch of grass", "unrolls the groundsheet", "slides the poles into their sleeves", "raises the dome",
             "hammers the pegs in at the corners", "stretches the rain cover over it", "crawls inside with a sleeping bag"),
    "violin": ("opens the case and takes out the bow", "tightens the hair and rubs it with rosin", "tunes the four strings", "plays a slow scale",
               "turns to the hard passage", "repeats two bars again and again", "loosens the bow and closes the case"),
    "soup": ("peels three carrots and a leek", "cuts them into small pieces", "fries them in butter", "pours broth over them",
             "lets everything simmer", "blends the soup until it is smooth", "ladles it into bowls and adds parsley"),
    "bike": ("turns the bicycle upside down", "takes the wheel out of the frame", "levers the tyre off the rim", "finds the hole in the tube under water",
             "roughens the spot and spreads glue on it", "presses a patch on", "pumps the tyre up again"),
}  # fmt: skip
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
