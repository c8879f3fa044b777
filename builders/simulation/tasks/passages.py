"""Passages about invented places, people and events, with the facts they state: shared by squad and boolq."""

# ruff: noqa: E501 - sentences and rows of tables are kept whole

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from llmfusionbench.builders.simulation.facts import MONTHS
from llmfusionbench.builders.simulation.words import HE, SHE, surname, town


@dataclass(frozen=True, slots=True)
class Point:
    """One fact of a passage: the sentence, a question with its span, false spans and a claim with a gap for a span."""

    sentence: str
    question: str
    span: str
    false: tuple[str, ...]
    claim: str
    """A yes/no question with `{}` where the span stands."""


@dataclass(frozen=True, slots=True)
class Passage:
    """The text and its points; every span occurs in the text as it is."""

    text: str
    points: list[Point]


def _years(rng: random.Random, low: int, high: int) -> tuple[str, tuple[str, ...]]:
    year = rng.randrange(low, high)
    return str(year), tuple(str(year + shift) for shift in rng.sample((-31, -12, -4, 3, 9, 27), 3))


def _number(rng: random.Random, low: int, high: int, unit: str) -> tuple[str, tuple[str, ...]]:
    value = rng.randrange(low, high)
    return f"{value} {unit}", tuple(
        f"{value + shift} {unit}" for shift in rng.sample((-low // 2, low // 2, low, 2 * low + 1), 3)
    )


def _one(rng: random.Random, items: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    first, *rest = rng.sample(items, 4)
    return first, tuple(rest)


def _full(rng: random.Random) -> tuple[str, tuple[str, ...]]:
    drawn: list[str] = []
    while len(drawn) < 4:
        name = f"{rng.choice(SHE + HE)} {surname(rng)}"
        if all(part not in other for other in drawn for part in name.split()):
            drawn.append(name)
    return drawn[0], tuple(drawn[1:])


def _place(rng: random.Random, *taken: str) -> tuple[str, tuple[str, ...]]:
    drawn: list[str] = []
    while len(drawn) < 4:
        name = town(rng)
        if name not in drawn and name not in taken:
            drawn.append(name)
    return drawn[0], tuple(drawn[1:])


STONES = ("red sandstone", "grey granite", "white limestone", "black basalt", "green slate", "yellow brick")
TRADES = ("glassblowing", "rope making", "bell casting", "paper milling", "salt boiling", "clock making", "boat building")
PRIZES = ("a silver thimble", "a copper lantern", "a carved oar", "a woollen cloak", "a basket of quinces", "a painted drum")
ANIMALS = ("otters", "herons", "goats", "swans", "mules", "storks")


def _bridge(rng: random.Random) -> tuple[str, list[Point]]:
    here = town(rng)
    bridge = f"the {surname(rng)} Bridge"
    year, years = _years(rng, 1690, 1930)
    who, others = _full(rng)
    stone, stones = _one(rng, STONES)
    length, lengths = _number(rng, 60, 400, "metres")
    month, months = _one(rng, MONTHS)
    return f"In {here} the river is crossed by {bridge}, one of the best known sights of the region.", [
        Point(f"Work on the bridge was finished in {year}, two years later than promised.", f"In which year was {bridge} finished?", year, years,
              f"was {bridge} finished in {{}}"),
        Point(f"The plans were drawn by {who}, who had learned the craft from an aunt.", f"Who drew the plans of {bridge}?", who, others,
              f"were the plans of {bridge} drawn by {{}}"),
        Point(f"Its arches consist of {stone} brought in on barges.", f"Which material do the arches of {bridge} consist of?", stone, stones,
              f"are the arches of {bridge} made of {{}}"),
        Point(f"From bank to bank it measures {length}, not counting the ramps.", f"How long is {bridge} from bank to bank?", length, lengths,
              f"does {bridge} measure {{}} from bank to bank"),
        Point(f"Every {month} the lamps on it are switched off for one night so that people can watch the stars.",
              f"In which month are the lamps on {bridge} switched off for a night?", month, months, f"are the lamps on {bridge} switched off for a night in {{}}"),
    ]  # fmt: skip


def _festival(rng: random.Random) -> tuple[str, list[Point]]:
    here = town(rng)
    year, years = _years(rng, 1780, 1990)
    who, others = _full(rng)
    prize, prizes = _one(rng, PRIZES)
    animal, animals = _one(rng, ANIMALS)
    visitors, numbers = _number(rng, 300, 9000, "visitors")
    feast = f"the {here} lantern race"
    return f"Once a year the people of {here} hold a race through the old lanes, known as {feast}.", [
        Point(f"It goes back to {year}, when a storm put out every light in the harbour.", f"To which year does {feast} go back?", year, years,
              f"does {feast} go back to {{}}"),
        Point(f"The rules in use today were written down by {who}, then the town's miller.", f"Who wrote down today's rules of {feast}?", who, others,
              f"were the rules of {feast} written down by {{}}"),
        Point(f"Whoever comes in first receives {prize} and may keep it until the next race.", f"What does the winner of {feast} receive?", prize, prizes,
              f"does the winner of {feast} receive {{}}"),
        Point(f"The route is lined with figures of {animal}, cut from old sails.", f"Figures of which animals line the route of {feast}?", animal, animals,
              f"is the route of {feast} lined with figures of {{}}"),
        Point(f"The last race was attended by {visitors}, more than the inns could hold.", f"How many people attended the last of the races known as {feast}?",
              visitors, numbers, f"was the last of the races known as {feast} attended by {{}}"),
    ]  # fmt: skip


def _scientist(rng: random.Random) -> tuple[str, list[Point]]:
    who, _ = _full(rng)
    last = who.split()[-1]
    born, borns = _place(rng)
    work, works = _place(rng, born)
    year, years = _years(rng, 1820, 1960)
    trade, trades = _one(rng, TRADES)
    pages, numbers = _number(rng, 90, 800, "pages")
    return f"{who} is remembered as an observer of tides and as a patient teacher.", [
        Point(f"The family lived in {born}, where {last} spent a rather lonely childhood.", f"Where did {who} spend childhood?", born, borns,
              f"did {who} spend childhood in {{}}"),
        Point(f"In {year} the first tide tables appeared, printed at the author's own cost.", f"When did the first tide tables of {who} appear?", year, years,
              f"did the first tide tables of {who} appear in {{}}"),
        Point(f"Most of the measuring was done from a tower in {work}, which still stands.", f"From a tower in which town did {who} do most of the measuring?",
              work, works, f"did {who} do most of the measuring from a tower in {{}}"),
        Point(f"Money was short, and {trade} paid for the instruments.", f"Which trade paid for the instruments of {who}?", trade, trades,
              f"were the instruments of {who} paid for by {{}}"),
        Point(f"The great work on tides that came out after {last} had retired runs to {pages}.", f"How long is the great work on tides by {who}?",
              pages, numbers, f"does the great work on tides by {who} run to {{}}"),
    ]  # fmt: skip


def _company(rng: random.Random) -> tuple[str, list[Point]]:
    house = f"{surname(rng)} & {surname(rng)}"
    here, heres = _place(rng)
    year, years = _years(rng, 1850, 2005)
    trade, trades = _one(rng, TRADES)
    staff, numbers = _number(rng, 20, 900, "people")
    who, others = _full(rng)
    return f"The firm of {house} has outlived three wars and two floods.", [
        Point(f"It was set up in {year} with a loan from a baker.", f"When was the firm of {house} set up?", year, years, f"was the firm of {house} set up in {{}}"),
        Point(f"Its workshops stand in {here}, next to the old customs house.", f"In which town do the workshops of {house} stand?", here, heres,
              f"do the workshops of {house} stand in {{}}"),
        Point(f"The founders lived by {trade}, and the firm has never done anything else.", f"By which trade did the founders of {house} live?", trade, trades,
              f"did the founders of {house} live by {{}}"),
        Point(f"Today it gives work to {staff}, apprentices included.", f"To how many people does {house} give work today?", staff, numbers,
              f"does {house} give work to {{}} today"),
        Point(f"The firm is led by {who}, a grandchild of the first bookkeeper.", f"Who leads the firm of {house}?", who, others,
              f"is the firm of {house} led by {{}}"),
    ]  # fmt: skip


def _island(rng: random.Random) -> tuple[str, list[Point]]:
    isle = f"{town(rng)} Island"
    far, fars = _number(rng, 12, 300, "kilometres")
    animal, animals = _one(rng, ANIMALS)
    month, months = _one(rng, MONTHS)
    who, others = _full(rng)
    stone, stones = _one(rng, STONES)
    return f"{isle} is small enough to be walked around in a day, yet it has a school and a brass band.", [
        Point(f"It lies {far} off the coast, and the ferry does not sail in a storm.", f"How far off the coast does {isle} lie?", far, fars,
              f"does {isle} lie {{}} off the coast"),
        Point(f"Visitors come for the {animal} that rest on the northern cliffs.", f"Which animals rest on the northern cliffs of {isle}?", animal, animals,
              f"do {{}} rest on the northern cliffs of {isle}"),
        Point(f"The wells run low in {month}, and water is then brought by ship.", f"In which month do the wells of {isle} run low?", month, months,
              f"do the wells of {isle} run low in {{}}"),
        Point(f"The first map of it was made by {who} after a shipwreck.", f"Who made the first map of {isle}?", who, others, f"was the first map of {isle} made by {{}}"),
        Point(f"All houses are built of {stone}, since there is no timber.", f"What are the houses of {isle} built of?", stone, stones,
              f"are the houses of {isle} built of {{}}"),
    ]  # fmt: skip


TOPICS: dict[str, Callable[[random.Random], tuple[str, list[Point]]]] = {
    "bridge": _bridge, "festival": _festival, "scientist": _scientist, "company": _company, "island": _island,
}  # fmt: skip
ASIDES = (
    "Guide books rarely fail to mention it.", "Older inhabitants tell the story a little differently.", "A small museum keeps the papers that prove it.",
    "Not all of this is known outside the region.", "Schools teach it to this day.", "The local newspaper returns to the matter every few years.",
)  # fmt: skip


def draw(rng: random.Random, difficulty: float) -> tuple[str, Passage, str]:
    """A topic, a passage on it, and the text to show: if difficult, with a passage on another topic before or after it."""
    topic = rng.choice(list(TOPICS))
    passage = _draw(rng, topic)
    if difficulty <= 0.35:
        return topic, passage, passage.text
    pair = [passage.text, _draw(rng, rng.choice([name for name in TOPICS if name != topic])).text]
    rng.shuffle(pair)
    return topic, passage, "\n\n".join(pair)


def _draw(rng: random.Random, topic: str) -> Passage:
    """A passage of about 100 words, its sentences in a random order after the first."""
    first, points = TOPICS[topic](rng)
    rng.shuffle(points)
    sentences = [point.sentence for point in points]
    for aside in rng.sample(ASIDES, 2):
        sentences.insert(rng.randrange(1, len(sentences) + 1), aside)
    return Passage(" ".join([first, *sentences]), points)
