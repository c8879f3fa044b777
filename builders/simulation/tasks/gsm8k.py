"""Arithmetic word problems in whole numbers, with a worked solution that ends in `#### N`."""

# ruff: noqa: E501 - sentences and rows of tables are kept whole

from __future__ import annotations

import random
from dataclasses import dataclass

from llmfusionbench.builders.simulation.query import Draft, SimulatedTask, harder
from llmfusionbench.builders.simulation.words import person, town, two_people

INSTRUCTION = "Work the problem out and give the final number on a last line of its own after four hash signs."


@dataclass(frozen=True, slots=True)
class Story:
    """A story problem: text, worked steps, the answer and the values that usual slips give."""

    text: str
    steps: list[str]
    answer: int
    slips: list[int]


def _crates(rng: random.Random, d: float) -> Story:
    name, she, _ = person(rng)
    fruit = rng.choice(("plums", "quinces", "apricots", "pears", "figs", "limes"))
    crates, each = harder(rng, d, 3, 28), rng.randrange(12, 48)
    whole = crates * each
    bad, sold = rng.randrange(2, 8), rng.randrange(10, whole - 10)
    left = whole - bad - sold
    return Story(
        f"A van brings {crates} crates to the stall that {name} runs in {town(rng)}, with {each} {fruit} in every crate. "
        f"{name} throws out {bad} bruised ones and sells {sold} before noon. How many {fruit} does {she} still have at noon?",
        [f"The crates hold {crates} * {each} = {whole} {fruit}.",
         f"Without the bruised ones there are {whole} - {bad} = {whole - bad} {fruit}.",
         f"After the sales {whole - bad} - {sold} = {left} {fruit} remain."],
        left, [whole - bad, whole - sold, left + 2 * bad],
    )  # fmt: skip


def _wages(rng: random.Random, d: float) -> Story:
    name, she, her = person(rng)
    hours, pay = rng.randrange(4, 10), rng.randrange(11, 31)
    days, rent = harder(rng, d, 3, 22), rng.randrange(20, 90)
    earned = hours * pay * days
    left = earned - rent
    return Story(
        f"{name} repairs bicycles for ${pay} an hour and works {hours} hours on each of {days} days. Out of {her} earnings "
        f"{she} pays ${rent} for the workshop. How many dollars are left over?",
        [f"One day brings {hours} * {pay} = {hours * pay} dollars.",
         f"All {days} days bring {hours * pay} * {days} = {earned} dollars.",
         f"After paying for the workshop {earned} - {rent} = {left} dollars are left."],
        left, [earned, hours * pay - rent, earned + rent],
    )  # fmt: skip


def _share(rng: random.Random, d: float) -> Story:
    first, second = two_people(rng)
    groups, each = rng.randrange(3, 10), harder(rng, d, 4, 40)
    extra = rng.randrange(1, groups)
    thing = rng.choice(("beads", "stickers", "marbles", "seed packets", "postcards", "shells"))
    total = groups * each + extra
    mine = rng.randrange(2, total // 2)
    return Story(
        f"{first} owns {mine} {thing} and {second} owns {total - mine}. They put everything together and fill {groups} bags "
        f"equally, as full as they can. How many {thing} go into each bag?",
        [f"Together they own {mine} + {total - mine} = {total} {thing}.",
         f"{groups} * {each} = {groups * each}, and {total} - {groups * each} = {extra} is too few for another round.",
         f"So every bag gets {each} {thing}."],
        each, [each + 1, total, each * 2],
    )  # fmt: skip


def _journey(rng: random.Random, d: float) -> Story:
    name, _, _ = person(rng)
    fast, slow = rng.randrange(60, 110, 5), rng.randrange(25, 55, 5)
    first, second = rng.randrange(2, 6), harder(rng, d, 1, 7)
    total = fast * first + slow * second
    goal = total + rng.randrange(10, 160, 5)
    return Story(
        f"{name} drives from {town(rng)} towards a lake that is {goal} km away: {first} hours at {fast} km an hour on the "
        f"motorway, then {second} hours at {slow} km an hour in the hills. How many kilometres are still ahead of {name}?",
        [f"The motorway part is {fast} * {first} = {fast * first} km.",
         f"The hill part is {slow} * {second} = {slow * second} km.",
         f"So far that makes {fast * first} + {slow * second} = {total} km.",
         f"Ahead lie {goal} - {total} = {goal - total} km."],
        goal - total, [total, goal - fast * first, abs((fast + slow) * (first + second) - goal) + 1],
    )  # fmt: skip


def _discount(rng: random.Random, d: float) -> Story:
    name, _, her = person(rng)
    item = rng.choice(("lamp", "tent", "kettle", "coat", "drum", "bookcase", "violin case"))
    price, off = 20 * harder(rng, d, 2, 30), rng.choice((5, 10, 15, 20, 25, 35, 40))
    cut = price * off // 100
    count = rng.randrange(2, 7)
    due = (price - cut) * count
    return Story(
        f"In a clearance sale a {item} that normally costs ${price} is marked down by {off} percent. {name} orders {count} of "
        f"them for {her} guest house. What is the bill in dollars?",
        [f"The reduction is {price} * {off} / 100 = {cut} dollars.",
         f"One {item} now costs {price} - {cut} = {price - cut} dollars.",
         f"{count} of them cost {price - cut} * {count} = {due} dollars."],
        due, [price * count, cut * count, price - cut],
    )  # fmt: skip


def _ages(rng: random.Random, d: float) -> Story:
    first, second = two_people(rng)
    young, times, years = rng.randrange(3, 15), rng.randrange(2, 6), harder(rng, d, 2, 25)
    total = young * times + young + 2 * years
    return Story(
        f"{first} is {times} times as old as {second}, who is {young}. What will their ages add up to {years} years from now?",
        [f"{first} is {times} * {young} = {young * times} years old.",
         f"Today the ages add up to {young * times} + {young} = {young * times + young}.",
         f"Both grow older by {years} years, so the sum becomes {young * times + young} + 2 * {years} = {total}."],
        total, [total - years, young * times + young, young * times + years],
    )  # fmt: skip


def _garden(rng: random.Random, d: float) -> Story:
    name, she, _ = person(rng)
    wide, deep, path = rng.randrange(6, 30), harder(rng, d, 5, 40), rng.randrange(2, 20)
    price = rng.randrange(2, 9)
    area = wide * deep - path
    return Story(
        f"{name} wants to sow clover on a plot {wide} metres wide and {deep} metres long, except for a path that covers "
        f"{path} square metres. Seed costs ${price} for each square metre. How many dollars does {she} need?",
        [f"The plot measures {wide} * {deep} = {wide * deep} square metres.",
         f"Without the path {wide * deep} - {path} = {area} square metres are sown.",
         f"The seed costs {area} * {price} = {area * price} dollars."],
        area * price, [wide * deep * price, area, 2 * (wide + deep) * price],
    )  # fmt: skip


def _recipe(rng: random.Random, d: float) -> Story:
    name, she, _ = person(rng)
    serves, grams, times = rng.randrange(3, 9), 10 * rng.randrange(6, 50), harder(rng, d, 2, 14)
    stock = 10 * rng.randrange(1, grams * times // 10)
    need = grams * times - stock
    return Story(
        f"A stew for {serves} people takes {grams} grams of lentils. {name} cooks for {serves * times} people and finds "
        f"{stock} grams of lentils in the cupboard. How many more grams must {she} buy?",
        [f"{serves * times} people are {serves * times} / {serves} = {times} times as many.",
         f"That takes {grams} * {times} = {grams * times} grams of lentils.",
         f"To buy: {grams * times} - {stock} = {need} grams."],
        need, [grams * times, need + grams, abs(grams - stock) + 5],
    )  # fmt: skip


def _factory(rng: random.Random, d: float) -> Story:
    machines, rate, hours = rng.randrange(2, 13), rng.randrange(14, 60), harder(rng, d, 3, 20)
    box = rng.randrange(4, 13)
    made = machines * rate * hours
    made -= made % box
    faulty = machines * rate * hours - made
    goods = rng.choice(("candles", "hinges", "tiles", "whistles", "buttons", "corks"))
    return Story(
        f"A workshop in {town(rng)} has {machines} machines, and each of them turns out {rate} {goods} an hour. One shift lasts {hours} "
        f"hours. In that shift {faulty} {goods} are rejected, and the rest are packed {box} to a box. How many boxes are filled?",
        [f"In an hour the machines make {machines} * {rate} = {machines * rate} {goods}.",
         f"In a shift they make {machines * rate} * {hours} = {machines * rate * hours} {goods}.",
         f"After the check {machines * rate * hours} - {faulty} = {made} remain.",
         f"They fill {made} / {box} = {made // box} boxes."],
        made // box, [made, made // box + 1, rate * hours // box + 2],
    )  # fmt: skip


def _savings(rng: random.Random, d: float) -> Story:
    name, she, her = person(rng)
    start, weekly, weeks = rng.randrange(10, 200), rng.randrange(6, 45), harder(rng, d, 4, 30)
    gift = rng.randrange(5, 60)
    total = start + weekly * weeks + gift
    aim = rng.choice(("a telescope", "a kayak", "a sewing machine", "an accordion", "a camera"))
    return Story(
        f"For {aim} {name} puts ${weekly} a week into a jar that held ${start} at first. After {weeks} weeks {her} uncle adds "
        f"${gift}, and the jar holds exactly half the price. What is the price in dollars?",
        [f"In {weeks} weeks {she} adds {weekly} * {weeks} = {weekly * weeks} dollars.",
         f"The jar holds {start} + {weekly * weeks} + {gift} = {total} dollars.",
         f"That is half, so the price is {total} * 2 = {total * 2} dollars."],
        total * 2, [total, total * 2 - gift, (weekly * weeks + gift) * 2],
    )  # fmt: skip


def _seats(rng: random.Random, d: float) -> Story:
    rows, per = harder(rng, d, 8, 40), rng.randrange(9, 30)
    part = rng.choice((2, 3, 4, 5))
    seats = rows * per * part
    child, adult = rng.randrange(3, 9), rng.randrange(10, 25)
    taken = seats // part
    return Story(
        f"A theatre in {town(rng)} has {rows} rows of {per * part} seats. One {dict(zip((2, 3, 4, 5), ('half', 'third', 'quarter', 'fifth'), strict=True))[part]} "
        f"of the seats are taken by children at ${child}, and all the others by adults at ${adult}. How many dollars does the theatre take?",
        [f"There are {rows} * {per * part} = {seats} seats.",
         f"Children take {seats} / {part} = {taken} of them and adults {seats} - {taken} = {seats - taken}.",
         f"Children pay {taken} * {child} = {taken * child} dollars, adults {seats - taken} * {adult} = {(seats - taken) * adult} dollars.",
         f"Together that is {taken * child} + {(seats - taken) * adult} = {taken * child + (seats - taken) * adult} dollars."],
        taken * child + (seats - taken) * adult, [seats * adult, taken * adult + (seats - taken) * child + 1, seats * child],
    )  # fmt: skip


def _water(rng: random.Random, d: float) -> Story:
    fill, leak = rng.randrange(12, 60), rng.randrange(2, 11)
    minutes, start = harder(rng, d, 5, 55), rng.randrange(20, 300)
    level = start + (fill - leak) * minutes
    return Story(
        f"A cistern on a farm near {town(rng)} holds {start} litres. A pump adds {fill} litres a minute while a cracked pipe loses {leak} litres "
        f"a minute. How many litres are in the cistern {minutes} minutes later?",
        [f"Each minute the cistern gains {fill} - {leak} = {fill - leak} litres.",
         f"In {minutes} minutes it gains {fill - leak} * {minutes} = {(fill - leak) * minutes} litres.",
         f"It then holds {start} + {(fill - leak) * minutes} = {level} litres."],
        level, [start + fill * minutes, (fill - leak) * minutes, start + (fill + leak) * minutes],
    )  # fmt: skip


STORIES = {
    "stock": _crates, "wages": _wages, "sharing": _share, "journey": _journey, "percent": _discount, "ages": _ages,
    "area": _garden, "proportion": _recipe, "rate": _factory, "savings": _savings, "fractions": _seats, "flow": _water,
}  # fmt: skip


def _draft(rng: random.Random, difficulty: float) -> Draft:
    skill = rng.choice(list(STORIES))
    story = STORIES[skill](rng, difficulty)
    slips = [*story.slips, story.answer + 10, story.answer + 1, story.answer * 2 + 1]
    wrong = tuple(dict.fromkeys(str(value) for value in slips if value != story.answer and value > 0))
    return Draft(
        prompt=f"{story.text}\n{INSTRUCTION}",
        ground_truth="\n".join([*story.steps, f"#### {story.answer}"]),
        skill=skill,
        answer=str(story.answer),
        wrong_answers=wrong,
        steps=tuple(story.steps),
        question=story.text,
    )


TASK = SimulatedTask(
    name="gsm8k",
    metric="GSM8K",
    description=(
        "Short everyday arithmetic stories. Every problem needs a few additions, subtractions, multiplications or divisions "
        "of whole numbers, and has exactly one number as its answer."
    ),
    skills=tuple(STORIES),
    draft=_draft,
)
