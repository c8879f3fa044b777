"""The fact questions that natural_qa and trivia_qa share: a clue, the accepted answers and plausible wrong ones."""

# ruff: noqa: E501 - sentences and rows of tables are kept whole

from __future__ import annotations

import datetime
import json
import random
from collections.abc import Callable
from dataclasses import dataclass

from llmfusionbench.builders.simulation import facts
from llmfusionbench.builders.simulation.query import Draft, harder


@dataclass(frozen=True, slots=True)
class Fact:
    """A question core such as `the capital of Norway`, asked for with `what` or `which day`."""

    ask: str
    """The question word and its noun, e.g. `what`, `which weekday`."""
    core: str
    """Follows the question word, without a question mark."""
    aliases: list[str]
    wrong: list[str]
    step: str


def _others(rng: random.Random, pool: list[str], right: str, count: int = 4) -> list[str]:
    rest = sorted({item for item in pool if item != right})
    return rng.sample(rest, min(count, len(rest)))


def _capital(rng: random.Random, d: float) -> Fact:
    country, city, continent = rng.choice(facts.COUNTRIES)
    wrong = _others(rng, [row[1] for row in facts.COUNTRIES if row[2] == continent], city)
    return Fact("which city", f"is the capital of {country}", [city], wrong,
                f"{country} is a country in {continent}, governed from {city}.")  # fmt: skip


def _country(rng: random.Random, d: float) -> Fact:
    country, city, continent = rng.choice(facts.COUNTRIES)
    wrong = _others(rng, [row[0] for row in facts.COUNTRIES if row[2] == continent], country)
    return Fact("which country", f"has {city} as its capital", [country], wrong,
                f"{city} is the seat of government of {country}.")  # fmt: skip


def _element(rng: random.Random, d: float) -> Fact:
    name, _, number = rng.choice(facts.ELEMENTS[: harder(rng, d, 12, len(facts.ELEMENTS))])
    aliases = [name, "aluminum"] if name == "aluminium" else [name, "sulphur"] if name == "sulfur" else [name]
    wrong = _others(rng, [row[0] for row in facts.ELEMENTS], name)
    return Fact("which chemical element", f"has the atomic number {number}", aliases, wrong,
                f"The nucleus of {name} holds {number} protons.")  # fmt: skip


def _weekday(rng: random.Random, d: float) -> Fact:
    day = datetime.date(1900, 1, 1) + datetime.timedelta(days=rng.randrange(harder(rng, d, 20_000, 50_000)))
    right = facts.WEEKDAYS[day.weekday()]
    text = f"{day.day} {facts.MONTHS[day.month - 1]} {day.year}"
    return Fact("which day of the week", f"was {text} in the Gregorian calendar", [right], _others(rng, list(facts.WEEKDAYS), right),
                f"Counting whole weeks from a known date, {text} falls on a {right}.")  # fmt: skip


def _roman(rng: random.Random, d: float) -> Fact:
    n = harder(rng, d, 40, 3000) + rng.randrange(80)
    return Fact("which number", f"do the Roman numerals {facts.roman(n)} stand for", [str(n)], [str(n + 10), str(n - 1), str(n + 100), str(n + 5)],
                f"Adding up the marks of {facts.roman(n)} from left to right gives {n}.")  # fmt: skip


def _planet(rng: random.Random, d: float) -> Fact:
    index = rng.randrange(8)
    name = facts.PLANETS[index]
    return Fact("which planet", f"is number {facts.spelled(index + 1)} counted outwards from the Sun", [name], _others(rng, list(facts.PLANETS), name),
                f"Counting outwards, {name} comes {facts.ordinal(index + 1)}.")  # fmt: skip


def _unit(rng: random.Random, d: float) -> Fact:
    quantity, unit = rng.choice(facts.UNITS)
    return Fact("which SI unit", f"is used for {quantity}", [unit], _others(rng, [row[1] for row in facts.UNITS], unit),
                f"In the international system {quantity} is given in the {unit}.")  # fmt: skip


def _polygon(rng: random.Random, d: float) -> Fact:
    sides = rng.choice(list(facts.POLYGONS))
    name = facts.POLYGONS[sides]
    return Fact("which polygon", f"has {facts.spelled(sides)} corners", [name], _others(rng, list(facts.POLYGONS.values()), name),
                f"A {name} has {facts.spelled(sides)} corners and as many sides.")  # fmt: skip


def _letter(rng: random.Random, d: float) -> Fact:
    # Names shorter than five letters occur inside other words, where the score would find them by chance.
    index = rng.choice([place for place, letter in enumerate(facts.GREEK) if place and len(letter) > 4])
    name = facts.GREEK[index]
    return Fact("which letter", f"comes directly after {facts.GREEK[index - 1]} in the Greek alphabet", [name],
                _others(rng, [letter for letter in facts.GREEK if letter not in name], name), f"The order there is {facts.GREEK[index - 1]}, {name}.")  # fmt: skip


def _later(rng: random.Random, d: float) -> Fact:
    start = datetime.date(1950, 1, 1) + datetime.timedelta(days=rng.randrange(27_000))
    shift = harder(rng, d, 8, 200)
    end = start + datetime.timedelta(days=shift)
    right = facts.MONTHS[end.month - 1]
    text = f"{start.day} {facts.MONTHS[start.month - 1]} {start.year}"
    return Fact("which month", f"is it {shift} days after {text}", [right], _others(rng, list(facts.MONTHS), right),
                f"Counting {shift} days on leads to {end.day} {right}.")  # fmt: skip


FACTS: dict[str, Callable[[random.Random, float], Fact]] = {
    "capital": _capital, "country": _country, "element": _element, "weekday": _weekday, "roman": _roman, "planet": _planet, "unit": _unit,
    "polygon": _polygon, "letter": _letter, "calendar": _later,
}  # fmt: skip


def draft_of(fact: Fact, skill: str, question: str, prompt: str) -> Draft:
    """The query that asks for a fact."""
    return Draft(
        skill=skill,
        question=question,
        prompt=prompt,
        ground_truth=json.dumps(fact.aliases),
        answer=fact.aliases[0],
        wrong_answers=tuple(fact.wrong),
        steps=(fact.step,),
    )
