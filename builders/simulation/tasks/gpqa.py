"""Graduate-level physics, chemistry and biology with four numerical options; every figure is computed here."""

# ruff: noqa: E501 - sentences and rows of tables are kept whole

from __future__ import annotations

import math
import random
from collections.abc import Callable

from llmfusionbench.builders.simulation.query import Parts, SimulatedTask, by_topic, figures, harder, number_options
from llmfusionbench.builders.simulation.words import surname


def _show(unit: str) -> Callable[[float], str]:
    return lambda value: f"{figures(value, 3)} {unit}".strip()


def _parts(rng: random.Random, text: str, value: float, slips: list[float], unit: str, steps: list[str]) -> Parts:
    show = _show(unit)
    return text, show(value), number_options(rng, value, slips, show), [*steps, f"The result is {show(value)}."]


def _photon(rng: random.Random, d: float) -> Parts:
    nm = rng.randrange(120, 1600, 7)
    value = 1239.84 / nm
    return _parts(
        rng,
        f"A spectrometer in the laboratory of Dr {surname(rng)} isolates a line at {nm} nm. Which energy does one photon of this line carry?",
        value, [nm / 1239.84, value * 1.602, value / 6.626], "eV",
        ["The energy of a photon is hc divided by the wavelength, and hc is about 1239.84 eV nm.",
         f"So 1239.84 / {nm} is needed."],
    )  # fmt: skip


def _decay(rng: random.Random, d: float) -> Parts:
    half, k, start = rng.randrange(3, 90), harder(rng, d, 2, 7), rng.randrange(3, 99) * 64
    value = start / 2**k
    return _parts(
        rng,
        f"A tracer with a half-life of {half} minutes shows {start} counts a second. Which rate does Dr {surname(rng)} expect {half * k} minutes later?",
        value, [start / k, start - half * k if start > half * k else start * 2, start / 2 ** (k - 1), start / 2 ** (k + 1)], "counts/s",
        [f"{half * k} minutes are {k} half-lives.",
         f"The rate falls to one part in {2**k}."],
    )  # fmt: skip


def _lorentz(rng: random.Random, d: float) -> Parts:
    percent = rng.choice((60, 80, 28, 96)) if d < 0.5 else rng.randrange(30, 99)
    seconds = rng.randrange(2, 400)
    gamma = 1 / math.sqrt(1 - (percent / 100) ** 2)
    return _parts(
        rng,
        f"A probe passes Dr {surname(rng)} at {percent} percent of the speed of light. A process on board takes {seconds} s on the probe's own clock. How long "
        "does it take on the clock of the observer?",
        seconds * gamma, [seconds / gamma, seconds * gamma**2, seconds * (1 + percent / 100)], "s",
        [f"The Lorentz factor is 1 / sqrt(1 - {percent / 100:g}^2) = {gamma:.4g}.",
         "The moving clock runs slow, so the observer's time is longer by this factor."],
    )  # fmt: skip


def _carnot(rng: random.Random, d: float) -> Parts:
    cold, hot = rng.randrange(240, 330, 5), rng.randrange(360, 1100, 10)
    heat = 10 * harder(rng, d, 5, 90)
    value = heat * (1 - cold / hot)
    return _parts(
        rng,
        f"An ideal engine designed by Dr {surname(rng)} works between reservoirs at {hot} K and {cold} K and takes {heat} J from the hot one in each cycle. What "
        "is the largest work it can deliver in a cycle?",
        value, [heat * cold / hot, heat * (hot / cold - 1), heat * (hot - cold) / 1000], "J",
        [f"The best efficiency is 1 - {cold}/{hot} = {1 - cold / hot:.4g}.",
         f"It applies to the {heat} J taken in."],
    )  # fmt: skip


def _acid(rng: random.Random, d: float) -> Parts:
    moles, litres = rng.randrange(1, 90) / 1000, rng.choice((0.25, 0.5, 1.0, 2.0, 4.0, 5.0))
    value = -math.log10(moles / litres)
    return _parts(
        rng,
        f"Dr {surname(rng)} dissolves {moles:g} mol of hydrogen chloride in water and fills the flask up to {litres:g} L. Which pH does the solution have?",
        value, [14 - value, -math.log10(moles), -math.log(moles / litres)], "",
        [f"The acid is strong, so the concentration of protons is {moles:g} / {litres:g} = {moles / litres:.3g} mol/L.",
         "The pH is minus its decadic logarithm."],
    )  # fmt: skip


def _gas(rng: random.Random, d: float) -> Parts:
    moles, kelvin, litres = rng.randrange(2, 40) / 4, rng.randrange(250, 480, 5), harder(rng, d, 5, 60)
    value = moles * 8.314 * kelvin / litres
    return _parts(
        rng,
        f"A rigid tank of {litres} L holds {moles:g} mol of an ideal gas at {kelvin} K. Which pressure does the gauge of Dr {surname(rng)} show?",
        value, [moles * 8.314 * (kelvin - 273.15) / litres if kelvin > 280 else value * 7, moles * 0.08206 * kelvin / litres, litres * 8.314 * kelvin / moles], "kPa",
        ["The law of ideal gases gives p = nRT / V.",
         f"With R = 8.314 J/(mol K) that is {moles:g} * 8.314 * {kelvin} / {litres} kPa."],
    )  # fmt: skip


def _alleles(rng: random.Random, d: float) -> Parts:
    q = rng.randrange(4, 60) / 100
    people = 100 * harder(rng, d, 5, 90)
    value = round(2 * q * (1 - q) * people)
    return _parts(
        rng,
        f"In a randomly mating island population of {people} people, Dr {surname(rng)} finds a recessive allele at frequency {q:g}. How many carriers with one copy "
        "are expected?",
        value, [q * q * people, q * people, (1 - q) ** 2 * people, q * (1 - q) * people], "people",
        [f"Under Hardy-Weinberg the share of heterozygotes is 2pq = {2 * q * (1 - q):.4g}.",
         f"Among {people} people these are about {value}."],
    )  # fmt: skip


def _lens(rng: random.Random, d: float) -> Parts:
    f = rng.randrange(4, 30)
    g = f + harder(rng, d, 3, 70)
    value = f * g / (g - f)
    return _parts(
        rng,
        f"A thin lens of focal length {f} cm images a slit that stands {g} cm in front of it. At which distance behind the lens must Dr {surname(rng)} put the screen?",
        value, [f * g / (g + f), g - f, f + g], "cm",
        ["The lens equation is 1/f = 1/g + 1/b.",
         f"Hence b = {f} * {g} / ({g} - {f})."],
    )  # fmt: skip


def _orbit(rng: random.Random, d: float) -> Parts:
    ratio = rng.randrange(2, 60) / 4 + 1
    value = ratio**1.5
    return _parts(
        rng,
        f"Dr {surname(rng)} discovers a planet on a circle of radius {ratio:g} astronomical units around a twin of the Sun. How long does one orbit take?",
        value, [ratio ** (2 / 3), ratio**2, ratio], "years",
        ["By Kepler's third law the square of the period goes with the cube of the radius.",
         f"So the period is {ratio:g}^1.5."],
    )  # fmt: skip


TOPICS = {"photon": _photon, "decay": _decay, "relativity": _lorentz, "thermodynamics": _carnot, "acid": _acid, "gas": _gas,
          "genetics": _alleles, "optics": _lens, "orbit": _orbit}  # fmt: skip


TASK = SimulatedTask(
    name="gpqa",
    metric="em_mc",
    description=(
        "Problems from the first years of a science degree. They combine a definition with a short calculation, and the wrong options come from "
        "typical slips. One of four options is right."
    ),
    skills=tuple(TOPICS),
    draft=by_topic(TOPICS, "Think it through, then end with the letter of the right option in parentheses."),
)
