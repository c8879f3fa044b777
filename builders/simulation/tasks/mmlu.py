"""Examination questions across subjects with four options; figures are computed, names come from the fact tables."""

# ruff: noqa: E501 - sentences and rows of tables are kept whole

from __future__ import annotations

import random
import statistics

from llmfusionbench.builders.simulation import facts
from llmfusionbench.builders.simulation.query import Parts, SimulatedTask, by_topic, figures, harder, number_options
from llmfusionbench.builders.simulation.words import surname, town


def _binary(rng: random.Random, d: float) -> Parts:
    n = harder(rng, d, 9, 900) + rng.randrange(60)
    text = f"Computer science. Which binary numeral stands for the decimal number {n}?"
    wrong = [f"{n + 1:b}", f"{n ^ 4:b}", f"{n ^ 2 ^ 8:b}"]
    return text, f"{n:b}", [w for w in dict.fromkeys(wrong) if w != f"{n:b}"], [
        "Write the number as a sum of powers of two, starting with the largest.", f"For {n} the digits are {n:b}."]  # fmt: skip


def _hexadecimal(rng: random.Random, d: float) -> Parts:
    n = harder(rng, d, 20, 4000) + rng.randrange(90)
    text = f"Computer science. A register shows {n:X} in hexadecimal. What is its decimal value?"
    return text, str(n), number_options(rng, n, [n + 16, n - 1, n + 10], lambda x: f"{x:.0f}"), [
        "Each hexadecimal digit counts for a power of sixteen.", f"Adding the parts up gives {n}."]  # fmt: skip


def _median(rng: random.Random, d: float) -> Parts:
    values = [rng.randrange(2, 99) for _ in range(2 * harder(rng, d, 2, 5) + 1)]
    middle = statistics.median(values)
    text = f"Statistics. A clerk in {town(rng)} writes down the values {', '.join(map(str, values))}. What is their median?"
    return text, str(middle), number_options(rng, middle, [values[len(values) // 2], max(values), round(statistics.mean(values)) + 1, min(values)],
                                             lambda x: f"{x:.0f}"), [
        f"In order the values are {', '.join(map(str, sorted(values)))}.", f"The one in the middle is {middle}."]  # fmt: skip


def _element(rng: random.Random, d: float) -> Parts:
    rows = facts.ELEMENTS[: harder(rng, d, 12, len(facts.ELEMENTS))]
    name, symbol, number = rng.choice(rows)
    near = [row for row in facts.ELEMENTS if row[0] != name]
    if rng.random() < 0.5:
        text = f"Chemistry. Professor {surname(rng)} of {town(rng)} asks for the symbol of {name}. Which one is right?"
        return text, symbol, [row[1] for row in rng.sample(near, 3)], [f"{name.capitalize()} has atomic number {number}.", f"Its symbol is {symbol}."]  # fmt: skip
    text = f"Chemistry. Professor {surname(rng)} of {town(rng)} names the element whose nucleus holds {number} protons. Which element is meant?"
    return text, name, [row[0] for row in rng.sample(near, 3)], ["The number of protons is the atomic number.", f"Atomic number {number} belongs to {name}."]  # fmt: skip


def _capital(rng: random.Random, d: float) -> Parts:
    country, city, continent = rng.choice(facts.COUNTRIES)
    same = [row for row in facts.COUNTRIES if row[0] != country and (row[2] == continent or d < 0.4)]
    text = f"Geography. A student in {town(rng)}, {surname(rng)} by name, has to find the seat of government of {country} on a map. Which city is the capital?"
    return text, city, [row[1] for row in rng.sample(same, 3)], [f"{country} lies in {continent}.", f"Its capital is {city}."]


def _logic(rng: random.Random, d: float) -> Parts:
    who = [surname(rng) for _ in range(2)]
    things = rng.sample(("potters", "weavers", "divers", "bakers", "pilots", "clerks", "miners", "singers"), 3)
    p, q, r = things
    text = (
        f"Logic. All {p} in {town(rng)} are {q}, and no {q} are {r}. {who[0]} is one of the {p}. What follows with certainty?"
    )
    right = f"{who[0]} is not one of the {r}."
    wrong = [f"{who[0]} is one of the {r}.", f"All {q} are {p}.", f"Some {r} are {p}."]
    return text, right, wrong, [f"{who[0]} belongs to the {p} and therefore to the {q}.", f"Since no {q} are {r}, {right}"]


def _elasticity(rng: random.Random, d: float) -> Parts:
    price, quantity = rng.choice((2, 4, 5, 8, 10, 20)), harder(rng, d, 4, 60)
    value = quantity / price
    text = (f"Economics. A grocer in {town(rng)} raises the price of a good by {price} percent, and the quantity sold falls by {quantity} "
            "percent. How large is the price elasticity of demand in absolute value?")  # fmt: skip
    return text, f"{figures(value, 3)}", number_options(rng, value, [price / quantity, quantity * price, quantity - price], lambda x: f"{figures(x, 3)}"), [
        "Elasticity is the relative change of quantity over the relative change of price.", f"{quantity} / {price} = {figures(value, 3)}."]  # fmt: skip


def _interest(rng: random.Random, d: float) -> Parts:
    capital, rate, years = 100 * rng.randrange(2, 60), rng.choice((2, 3, 4, 5, 6, 8)), harder(rng, d, 2, 9)
    value = capital * rate * years / 100
    text = f"Accounting. {surname(rng)} lends ${capital} at {rate} percent simple interest a year. How much interest is due after {years} years?"
    return text, f"${value:.0f}", number_options(rng, value, [capital * rate / 100, value + capital, capital * years / 100], lambda x: f"${x:.0f}"), [
        "Simple interest is capital times rate times time.", f"{capital} * {rate} / 100 * {years} = {value:.0f}."]  # fmt: skip


def _sorting(rng: random.Random, d: float) -> Parts:
    n = 2 ** harder(rng, d, 4, 14)
    steps = n.bit_length()
    text = (f"Algorithms. A sorted archive in {town(rng)} holds {n - 1} records. At most how many records must a binary search look at before it "
            "finds a record or gives up?")  # fmt: skip
    return text, str(steps - 1), number_options(rng, steps - 1, [n // 2, n - 1, steps + 3], lambda x: f"{x:.0f}"), [
        "Every look halves what remains.", f"{n - 1} is 2^{steps - 1} - 1, so {steps - 1} looks suffice."]  # fmt: skip


SUBJECTS = {"binary": _binary, "hexadecimal": _hexadecimal, "statistics": _median, "chemistry": _element, "geography": _capital,
            "logic": _logic, "economics": _elasticity, "accounting": _interest, "algorithms": _sorting}  # fmt: skip


TASK = SimulatedTask(
    name="mmlu",
    metric="em_mc",
    description=(
        "Examination questions from many subjects, from computing and statistics to geography, chemistry, economics and logic. Four options, "
        "one of them right."
    ),
    skills=tuple(SUBJECTS),
    draft=by_topic(SUBJECTS, "Give only one option. Write its letter in parentheses at the end of your reply."),
)
