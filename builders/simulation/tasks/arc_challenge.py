"""School science with four options: small calculations and classifications told through an experiment."""

# ruff: noqa: E501 - sentences and rows of tables are kept whole

from __future__ import annotations

import random

from llmfusionbench.builders.simulation.query import Parts, SimulatedTask, by_topic, figures, harder, number_options
from llmfusionbench.builders.simulation.words import person, town

CHANGES = (
    ("solid wax turns into a liquid above a flame", "melting"), ("puddles vanish on a warm windy day", "evaporation"),
    ("droplets form on a cold bottle in a warm room", "condensation"), ("pond water turns into a hard sheet in winter", "freezing"),
    ("dry ice shrinks without leaving a liquid behind", "sublimation"),
)  # fmt: skip
ENERGY = (
    ("a battery lamp is switched on", "chemical energy to light"), ("a ball rolls down a ramp", "gravitational energy to motion"),
    ("a wind turbine feeds the village grid", "motion to electrical energy"), ("a toaster browns bread", "electrical energy to heat"),
    ("a leaf makes sugar at noon", "light to chemical energy"), ("a loudspeaker plays a march", "electrical energy to sound"),
)  # fmt: skip
ORGANS = (
    ("pumps blood through the body", "heart"), ("takes up oxygen from the air", "lungs"), ("filters waste out of the blood into urine", "kidneys"),
    ("digests food with acid", "stomach"), ("stores bile made by the liver", "gall bladder"), ("controls balance with fluid-filled canals", "inner ear"),
)  # fmt: skip
ROCKS = (
    ("cooled slowly from magma deep underground", "igneous"), ("was pressed together from layers of sand on a sea floor", "sedimentary"),
    ("was changed by great heat and pressure without melting", "metamorphic"), ("fell from space and was found on the ice", "meteorite"),
)  # fmt: skip
LEVELS = (
    ("grass", "producer"), ("a rabbit that eats clover", "primary consumer"), ("a weasel that eats voles", "secondary consumer"),
    ("a fungus on a fallen trunk", "decomposer"),
)  # fmt: skip


def _table(rng: random.Random, rows: tuple[tuple[str, str], ...]) -> tuple[str, str, list[str]]:
    cue, right = rng.choice(rows)
    return cue, right, rng.sample([other for _, other in rows if other != right], 3)


def _speed(rng: random.Random, d: float) -> Parts:
    name, _, _ = person(rng)
    v, t = rng.randrange(2, 19), harder(rng, d, 4, 60)
    thing = rng.choice(("toy boat", "model train", "beetle robot", "sledge", "marble on a track"))
    text = f"{name} times a {thing} that covers {v * t} metres in {t} seconds without changing its pace. What is its speed?"
    wrong = number_options(rng, v, [v * t * t / 10, v + t, t, abs(v * t - t)], lambda x: f"{x:g} m/s")
    return text, f"{v} m/s", wrong, ["Speed is distance divided by time.", f"{v * t} m / {t} s = {v} m/s."]


def _density(rng: random.Random, d: float) -> Parts:
    name, _, _ = person(rng)
    rho, vol = rng.choice((2, 3, 4, 5, 7, 8, 9, 11)), harder(rng, d, 3, 45)
    text = f"A stone that {name} found near {town(rng)} has a mass of {rho * vol} grams and pushes {vol} cubic centimetres of water aside. How dense is it?"
    wrong = number_options(rng, rho, [rho * vol * vol, vol, rho + vol], lambda x: f"{x:g} g/cm³")
    return text, f"{rho} g/cm³", wrong, ["Density is mass divided by volume, and the displaced water gives the volume.",
                                          f"{rho * vol} g / {vol} cm³ = {rho} g/cm³."]  # fmt: skip


def _circuit(rng: random.Random, d: float) -> Parts:
    amps, ohms = rng.randrange(2, 13), harder(rng, d, 2, 40)
    text = f"A current of {amps} A runs through a wire of {ohms} ohms in a school laboratory in {town(rng)}. Which voltage is applied?"
    wrong = number_options(rng, amps * ohms, [amps + ohms, ohms / amps, amps * amps * ohms], lambda x: f"{x:g} V")
    return text, f"{amps * ohms} V", wrong, ["Voltage is current times resistance.", f"{amps} A * {ohms} ohms = {amps * ohms} V."]  # fmt: skip


def _lever(rng: random.Random, d: float) -> Parts:
    first, _, _ = person(rng)
    force, arm, other = rng.randrange(10, 90, 5), harder(rng, d, 2, 12), rng.choice((1, 2, 4, 5))
    need = force * arm / other
    text = (f"On a beam {first} hangs a load of {force} N at {arm} m from the pivot. Which force at {other} m on the other side keeps the "
            "beam level?")  # fmt: skip
    wrong = number_options(rng, need, [force, force * other / arm, force + arm - other], lambda x: f"{figures(x, 4)} N")
    return text, f"{figures(need, 4)} N", wrong, ["Level means that force times arm is equal on both sides.", f"{force} * {arm} / {other} = {figures(need, 4)} N."]  # fmt: skip


def _heat(rng: random.Random, d: float) -> Parts:
    kilos, rise = rng.randrange(2, 20), harder(rng, d, 5, 70)
    value = kilos * rise * 4.2
    text = f"How much heat warms {kilos} kg of water by {rise} degrees Celsius if each kilogram takes 4.2 kJ for a degree?"
    wrong = number_options(rng, value, [kilos * rise, kilos * 4.2, rise * 4.2, value + 4.2], lambda x: f"{figures(x, 4)} kJ")
    return text, f"{figures(value, 4)} kJ", wrong, ["Heat is mass times specific heat times the rise in temperature.",
                                            f"{kilos} * 4.2 * {rise} = {figures(value, 4)} kJ."]  # fmt: skip


def _change(rng: random.Random, d: float) -> Parts:
    name, _, her = person(rng)
    cue, right, wrong = _table(rng, CHANGES)
    text = f"In {her} notebook {name} from {town(rng)} records that {cue}. Which change of state did {name} observe?"
    return text, right, wrong, [f"The note says that {cue}.", f"That change of state is called {right}."]


def _energy(rng: random.Random, d: float) -> Parts:
    name, _, _ = person(rng)
    cue, right, wrong = _table(rng, ENERGY)
    text = f"{name} watches closely while {cue} in {town(rng)}. Which conversion of energy matters most here?"
    return text, right, wrong, [f"What happens is that {cue}.", f"The important conversion is {right}."]


def _organ(rng: random.Random, d: float) -> Parts:
    name, _, _ = person(rng)
    cue, right, wrong = _table(rng, ORGANS)
    text = f"For a poster at a school in {town(rng)}, {name} labels the part of the body that {cue}. Which label is right?"
    return text, right, wrong, [f"The part wanted {cue}.", f"In humans this is the work of: {right}."]


def _rock(rng: random.Random, d: float) -> Parts:
    name, _, _ = person(rng)
    cue, right, wrong = _table(rng, ROCKS)
    text = f"{name} keeps a stone from {town(rng)} that {cue}. To which kind does it belong?"
    return text, right, wrong, [f"The stone {cue}.", f"Such a stone is called {right}."]


def _food(rng: random.Random, d: float) -> Parts:
    name, _, _ = person(rng)
    cue, right, wrong = _table(rng, LEVELS)
    text = f"In a meadow outside {town(rng)} {name} studies {cue}. What is its place in the food web?"
    return text, right, wrong, [f"The organism is {cue}.", f"By the way it feeds it is a {right}."]


TOPICS = {"motion": _speed, "density": _density, "electricity": _circuit, "lever": _lever, "heat": _heat, "states": _change,
          "energy": _energy, "body": _organ, "geology": _rock, "ecology": _food}  # fmt: skip


TASK = SimulatedTask(
    name="arc_challenge",
    metric="em_mc",
    description=(
        "Natural science as taught up to the ninth grade: motion, matter, energy, electricity, living things and the Earth. Four "
        "options are given and exactly one is right."
    ),
    skills=tuple(TOPICS),
    draft=by_topic(TOPICS, "Answer with the letter of the right option in parentheses."),
)
