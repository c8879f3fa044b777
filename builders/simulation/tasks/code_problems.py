"""Small programming problems that mbpp and human_eval share: a specification, a solution, failing programs and cases.

Cases are chosen so that every failing program gives a wrong result on at least one of them; a test runs them all.
"""

# ruff: noqa: E501 - sentences and rows of tables are kept whole

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from llmfusionbench.builders.simulation.query import Draft, harder
from llmfusionbench.builders.simulation.words import town

NOUNS = (
    "readings", "prices", "scores", "heights", "ages", "weights", "distances", "delays", "levels", "votes",
    "depths", "doses", "tariffs", "lengths",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CodeProblem:
    """One function to write. Bodies are lines of the function, without indentation at their outer level."""

    name: str
    signature: str
    returns: str
    task: str
    """What the function does, as an imperative without full stop."""
    body: str
    wrong: tuple[str, ...]
    cases: list[tuple[tuple[Any, ...], Any]]
    steps: tuple[str, ...] = field(default=())

    def program(self, body: str) -> str:
        """The whole function with a body."""
        lines = "\n".join(f"    {line}" if line else line for line in body.split("\n"))
        return f"def {self.name}({self.signature}) -> {self.returns}:\n{lines}\n"


def _cases(oracle: Callable[..., Any], *inputs: tuple[Any, ...]) -> list[tuple[tuple[Any, ...], Any]]:
    return [(args, oracle(*args)) for args in inputs]


def _ints(rng: random.Random, count: int, low: int = 1, high: int = 60) -> list[int]:
    return [rng.randrange(low, high) for _ in range(count)]


def _count_above(rng: random.Random, noun: str, k: int) -> CodeProblem:
    k += 3
    first = [k, k + rng.randrange(1, 9), k - 2, k + rng.randrange(9, 20)]
    return CodeProblem(
        f"count_{noun}_above", f"{noun}: list[int]", "int", f"count how many of the given {noun} are strictly greater than {k}",
        f"return sum(1 for value in {noun} if value > {k})",
        (f"return sum(1 for value in {noun} if value >= {k})", f"return sum(value for value in {noun} if value > {k})", f"return len({noun})"),
        _cases(lambda v: sum(1 for x in v if x > k), (first,), (_ints(rng, 6),), ([],)),
        (f"Walk through the {noun} once.", f"Count only what is strictly greater than {k}; equality does not count."),
    )  # fmt: skip


def _sum_multiples(rng: random.Random, noun: str, k: int) -> CodeProblem:
    k += 3
    a, b, c, e = _ints(rng, 4, 1, 12)
    return CodeProblem(
        f"sum_{noun}_divisible", f"{noun}: list[int]", "int", f"add up those of the {noun} that are divisible by {k}",
        f"return sum(value for value in {noun} if value % {k} == 0)",
        (f"return sum(1 for value in {noun} if value % {k} == 0)", f"return sum(value for value in {noun} if value % {k})", f"return sum({noun}) // {k}"),
        _cases(lambda v: sum(x for x in v if x % k == 0), ([k * a, k * b + 1, k * c, k * e + 1],), ([k, 2 * k, 3 * k + 1],), ([k + 1],)),
        (f"A number is divisible by {k} when the remainder is zero.", "Add such numbers and leave out the rest."),
    )  # fmt: skip


def _longest(rng: random.Random, noun: str, k: int) -> CodeProblem:
    words = [town(rng).lower()[:5], "aba" + town(rng).lower()[:4] * (k + 2), "abe" + town(rng).lower()[:4] * (k + 2), "zz"]
    return CodeProblem(
        f"longest_of_{noun}", "names: list[str]", "str", f"return the longest name of a table of {noun}, and the first one where several are equally long",
        "return max(names, key=len)",
        ("return max(names)", "return min(names, key=len)", "return max(reversed(names), key=len)"),
        _cases(lambda v: max(v, key=len), (words,), (["zu", town(rng).lower()],), (["b", "a"],)),
        ("Compare the names by their length.", "Taking the first maximum settles ties in favour of the earlier name."),
    )  # fmt: skip


def _rotate(rng: random.Random, noun: str, k: int) -> CodeProblem:
    k = k % 7 + 1
    values = sorted(rng.sample(range(100), 2 * k + 3))
    return CodeProblem(
        f"rotate_{noun}", f"{noun}: list[int]", "list[int]", f"move the first {k} of the {noun} to the end of the list, keeping the order otherwise",
        f"return {noun}[{k}:] + {noun}[:{k}]",
        (f"return {noun}[-{k}:] + {noun}[:-{k}]", f"return {noun}[::-1]", f"return {noun}[{k}:]"),
        _cases(lambda v: v[k:] + v[:k], (values,), (_ints(rng, k + 4),)),
        (f"Everything from position {k} on comes first.", f"The first {k} entries are appended after it."),
    )  # fmt: skip


def _totals(rng: random.Random, noun: str, k: int) -> CodeProblem:
    start = k * 5 + 5
    return CodeProblem(
        f"running_{noun}", f"{noun}: list[int]", "list[int]", f"return the running totals of the {noun}, counted on from {start}, one total per entry",
        f"total, totals = {start}, []\nfor value in {noun}:\n    total += value\n    totals.append(total)\nreturn totals",
        (f"total, totals = 0, []\nfor value in {noun}:\n    total += value\n    totals.append(total)\nreturn totals",
         f"return {start} + sum({noun})", f"total, totals = {start}, [{start}]\nfor value in {noun}:\n    total += value\n    totals.append(total)\nreturn totals"),
        _cases(lambda v: [start + s for s in itertools.accumulate(v)], (_ints(rng, 5),), (_ints(rng, 3),), ([],)),
        (f"Keep a total that begins at {start}.", "Add each entry to it and note the total right away."),
    )  # fmt: skip


def _digits(rng: random.Random, noun: str, k: int) -> CodeProblem:
    power = 2 + k % 3
    first = int(f"2{rng.randrange(3, 10)}{rng.randrange(3, 10)}")
    return CodeProblem(
        f"digit_check_of_{noun}", "number: int", "int", f"raise each decimal digit of a positive number to the power {power} and add up the results, as a check digit for {noun}",
        f"return sum(int(digit) ** {power} for digit in str(number))",
        ("return sum(int(digit) for digit in str(number))", f"return sum(int(digit) for digit in str(number)) ** {power}",
         f"return number ** {power}"),
        _cases(lambda n: sum(int(c) ** power for c in str(n)), (first,), (rng.randrange(200, 99_999),), (7,)),
        ("Turn the number into its digits.", f"Raise each digit to the power {power} before adding."),
    )  # fmt: skip


def _clamp(rng: random.Random, noun: str, k: int) -> CodeProblem:
    low, high = k + 2, 2 * k + 15 + rng.randrange(20)
    return CodeProblem(
        f"clamp_{noun}", f"{noun}: list[int]", "list[int]", f"replace {noun} below {low} by {low} and {noun} above {high} by {high}",
        f"return [min({high}, max({low}, value)) for value in {noun}]",
        (f"return [value for value in {noun} if {low} <= value <= {high}]", f"return [min({high}, value) for value in {noun}]",
         f"return [max({high}, min({low}, value)) for value in {noun}]"),
        _cases(lambda v: [min(high, max(low, x)) for x in v], ([low - 1, low + 1, high + 3],), (_ints(rng, 6, -20, 90),)),
        (f"Lift each entry to at least {low}.", f"Then cut it off at {high}."),
    )  # fmt: skip


def _runner_up(rng: random.Random, noun: str, k: int) -> CodeProblem:
    top = 30 + rng.randrange(40)
    return CodeProblem(
        f"runner_up_of_{noun}", f"{noun}: list[int]", "int", f"return the second largest distinct value among the {noun}, or -{k + 1} if there is none",
        f"ranked = sorted(set({noun}), reverse=True)\nreturn ranked[1] if len(ranked) > 1 else -{k + 1}",
        (f"return sorted({noun})[-2] if len({noun}) > 1 else -{k + 1}", f"return max({noun}) if {noun} else -{k + 1}",
         f"ranked = sorted(set({noun}))\nreturn ranked[1] if len(ranked) > 1 else -{k + 1}"),
        _cases(lambda v: sorted(set(v))[-2] if len(set(v)) > 1 else -(k + 1), ([top, 3, top, top - 2, 7],), ([top, top],), ([5, top, 9],)),
        ("Equal values count once, so a set comes first.", "After sorting downwards the second entry is the answer."),
    )  # fmt: skip


def _cipher(rng: random.Random, noun: str, k: int) -> CodeProblem:
    k = k % 11 + 1
    text = f"xyz {town(rng).lower().replace('ü', 'u')}"

    def oracle(t: str) -> str:
        return "".join(chr((ord(c) - 97 + k) % 26 + 97) if c.islower() else c for c in t)

    return CodeProblem(
        f"hide_{noun}", "text: str", "str", f"shift every lower-case letter a to z of a note about {noun} by {k} places in the alphabet, going round after z, and leave other characters alone",
        f'return "".join(chr((ord(c) - 97 + {k}) % 26 + 97) if "a" <= c <= "z" else c for c in text)',
        (f'return "".join(chr((ord(c) - 97 - {k}) % 26 + 97) if "a" <= c <= "z" else c for c in text)',
         f'return "".join(chr(ord(c) + {k}) if "a" <= c <= "z" else c for c in text)',
         f'return "".join(chr((ord(c) - 97 + {k}) % 26 + 97) for c in text if "a" <= c <= "z")'),
        _cases(oracle, (text,), ("lock 12",), ("",)),
        ("Map a to z onto 0 to 25.", f"Add {k}, take the remainder modulo 26 and map back."),
    )  # fmt: skip


def _pairs(rng: random.Random, noun: str, k: int) -> CodeProblem:
    target = 2 * (k + 8)
    values = [1, target - 1, 2, target - 2, target // 2]
    rng.shuffle(values)
    return CodeProblem(
        f"count_{noun}_pairs", f"{noun}: list[int]", "int", f"count the pairs of positions i < j whose {noun} add up to {target}",
        f"count = 0\nfor i, first in enumerate({noun}):\n    for second in {noun}[i + 1 :]:\n        if first + second == {target}:\n            count += 1\nreturn count",
        (f"count = 0\nfor first in {noun}:\n    for second in {noun}:\n        if first + second == {target}:\n            count += 1\nreturn count",
         f"return int(any({target} - value in {noun} for value in {noun}))",
         f"count = 0\nfor i, first in enumerate({noun}):\n    for second in {noun}[i:]:\n        if first + second == {target}:\n            count += 1\nreturn count"),
        _cases(lambda v: sum(a + b == target for a, b in itertools.combinations(v, 2)), (values,), ([target // 2] * 3,), ([],)),
        ("Look at every position together with each later one.", f"Count the pair when its sum is {target}."),
    )  # fmt: skip


def _vowels(rng: random.Random, noun: str, k: int) -> CodeProblem:
    letters = ("aeiou", "aeiouy", "aei", "aou")[k % 4]
    text = f"A note from {town(rng)} about {noun}"
    return CodeProblem(
        f"count_letters_in_{noun}", "text: str", "int", f'count the characters of a line about {noun} that belong to "{letters}", whatever their case',
        f'return sum(1 for c in text.lower() if c in "{letters}")',
        (f'return sum(1 for c in text if c in "{letters}")', f'return len(set(text.lower()) & set("{letters}"))', f'return sum(1 for c in text.lower() if c not in "{letters}")'),
        _cases(lambda t: sum(c in letters for c in t.lower()), (text,), ("AAA",), ("xyzzz",)),
        ("Make the text lower-case first.", f'Count each character that stands in "{letters}".'),
    )  # fmt: skip


def _group(rng: random.Random, noun: str, k: int) -> CodeProblem:
    size = k % 3 + 1
    words = [town(rng).lower() for _ in range(4)]
    words.append(words[0] + "er")

    def oracle(names: list[str]) -> dict[str, list[str]]:
        groups: dict[str, list[str]] = {}
        for name in names:
            groups.setdefault(name[:size], []).append(name)
        return groups

    letters = "first letter" if size == 1 else f"first {size} letters"
    return CodeProblem(
        f"group_{noun}_labels", "names: list[str]", "dict[str, list[str]]", f"group the labels of {noun} by their {letters}, keeping the order inside each group",
        f"groups = {{}}\nfor name in names:\n    groups.setdefault(name[:{size}], []).append(name)\nreturn groups",
        (f"return {{name[:{size}]: [name] for name in names}}", f"groups = {{}}\nfor name in names:\n    groups.setdefault(name[-{size}:], []).append(name)\nreturn groups",
         f"groups = {{}}\nfor name in names:\n    groups.setdefault(name[:{size}], 0)\n    groups[name[:{size}]] += 1\nreturn groups"),
        _cases(oracle, (words,), (["plum", "pear", "plumage"],), ([],)),
        (f"The key of a name is its {letters}.", "Each key collects a list, which is created when it is first needed."),
    )  # fmt: skip


def _runs(rng: random.Random, noun: str, k: int) -> CodeProblem:
    a, b = rng.sample("abcdefghkm", 2)
    text = a * (k % 5 + 2) + b * rng.randrange(2, 6) + a * rng.randrange(1, 4)
    return CodeProblem(
        f"runs_of_{noun}", "marks: str", "list[tuple[str, int]]", f"describe a string of marks for {noun} as a list of (mark, length) pairs, one for each run of equal neighbours",
        "runs = []\nfor mark in marks:\n    if runs and runs[-1][0] == mark:\n        runs[-1] = (mark, runs[-1][1] + 1)\n    else:\n        runs.append((mark, 1))\nreturn runs",
        ("return [(mark, marks.count(mark)) for mark in dict.fromkeys(marks)]", "return [(mark, 1) for mark in marks]",
         "runs = []\nfor mark in marks:\n    if runs and runs[-1][0] == mark:\n        runs[-1] = (mark, runs[-1][1] + 1)\n    else:\n        runs.append((mark, 0))\nreturn runs"),
        _cases(lambda t: [(m, len(list(g))) for m, g in itertools.groupby(t)], (text,), (f"{a}{b}{a}",), ("",)),
        ("Remember the run at the end of the list.", "An equal mark makes that run longer, any other mark opens a new one."),
    )  # fmt: skip


def _recurrence(rng: random.Random, noun: str, k: int) -> CodeProblem:
    p, q, s = rng.randrange(2, 5), k + 1, rng.randrange(1, 9)

    def oracle(n: int) -> int:
        value = s
        for _ in range(n):
            value = p * value + q
        return value

    return CodeProblem(
        f"forecast_{noun}", "n: int", "int", f"return term n of the forecast of {noun} that starts with {s} for n = 0 and continues by multiplying the last term by {p} and adding {q}",
        f"value = {s}\nfor _ in range(n):\n    value = {p} * value + {q}\nreturn value",
        (f"value = {s}\nfor _ in range(n - 1):\n    value = {p} * value + {q}\nreturn value", f"value = {s}\nfor _ in range(n):\n    value = {p} * (value + {q})\nreturn value",
         f"return {s} + n * {q}"),
        _cases(oracle, (0,), (rng.randrange(3, 6),), (rng.randrange(6, 10),)),
        (f"Start from {s}.", f"Apply the rule value -> {p} * value + {q} exactly n times."),
    )  # fmt: skip


def _clock(rng: random.Random, noun: str, k: int) -> CodeProblem:
    mark = (":", ".", "-", "/")[k % 4]
    return CodeProblem(
        f"show_{noun}", "seconds: int", "str", f"write a time span of {noun}, given in whole seconds, as hours{mark}minutes{mark}seconds with two digits for minutes and seconds",
        f'minutes, rest = divmod(seconds, 60)\nhours, minutes = divmod(minutes, 60)\nreturn f"{{hours}}{mark}{{minutes:02d}}{mark}{{rest:02d}}"',
        (f'minutes, rest = divmod(seconds, 60)\nhours, minutes = divmod(minutes, 60)\nreturn f"{{hours}}{mark}{{minutes}}{mark}{{rest}}"',
         f'minutes, rest = divmod(seconds, 60)\nreturn f"{{minutes // 60}}{mark}{{minutes:02d}}{mark}{{rest:02d}}"',
         f'return f"{{seconds // 3600}}{mark}{{seconds % 60:02d}}"'),
        _cases(lambda t: f"{t // 3600}{mark}{t // 60 % 60:02d}{mark}{t % 60:02d}",
               (3600 * rng.randrange(1, 9) + 60 * rng.randrange(1, 9) + rng.randrange(9),), (rng.randrange(90_000),), (59,)),
        ("Split off the seconds, then the minutes, by division with remainder.", "Pad minutes and seconds to two digits."),
    )  # fmt: skip


def _diagonal(rng: random.Random, noun: str, k: int) -> CodeProblem:
    size = k % 3 + 3
    grid = [_ints(rng, size) for _ in range(size)]
    grid[0][0] = 100 + rng.randrange(50)
    return CodeProblem(
        f"falling_{noun}", "grid: list[list[int]]", "int", f"add up the {noun} of a square grid along the diagonal from the top right to the bottom left",
        "return sum(row[-1 - index] for index, row in enumerate(grid))",
        ("return sum(row[index] for index, row in enumerate(grid))", "return sum(sum(row) for row in grid)", "return sum(row[-1] for row in grid)"),
        _cases(lambda g: sum(g[i][-1 - i] for i in range(len(g))), (grid,), ([[1, 2], [9, 4]],)),
        ("In row number i the wanted entry is the one at place i counted from the right.", "Add these entries."),
    )  # fmt: skip


def _interleave(rng: random.Random, noun: str, k: int) -> CodeProblem:
    first, second = _ints(rng, 3 + k % 4), _ints(rng, 6 + k % 3, 61, 120)

    def oracle(a: list[int], b: list[int]) -> list[int]:
        short = min(len(a), len(b))
        return [x for pair in zip(a, b, strict=False) for x in pair] + a[short:] + b[short:]

    return CodeProblem(
        f"interleave_{noun}", "first: list[int], second: list[int]", "list[int]", f"take {noun} from two lists in turn, beginning with the first list, and append what is left of the longer one",
        "short = min(len(first), len(second))\nmixed = [value for pair in zip(first, second) for value in pair]\nreturn mixed + first[short:] + second[short:]",
        ("return first + second", "return [value for pair in zip(first, second) for value in pair]",
         "short = min(len(first), len(second))\nmixed = [value for pair in zip(second, first) for value in pair]\nreturn mixed + first[short:] + second[short:]"),
        _cases(oracle, (first, second), ([1, 2], []), ([5], [6])),
        ("Pair the lists as far as the shorter one reaches.", "Append the rest of whichever list is longer."),
    )  # fmt: skip


def _limit(rng: random.Random, noun: str, k: int) -> CodeProblem:
    most = k % 4 + 1
    values = [9] * (most + 2) + [3] + [9] + [3] * (most + 1) + _ints(rng, 2)

    def oracle(v: list[int]) -> list[int]:
        return [x for i, x in enumerate(v) if v[:i].count(x) < most]

    return CodeProblem(
        f"limit_{noun}", f"{noun}: list[int]", "list[int]", f"keep each value among the {noun} at most {most} time{'s' if most > 1 else ''}, in the original order",
        f"seen, kept = {{}}, []\nfor value in {noun}:\n    seen[value] = seen.get(value, 0) + 1\n    if seen[value] <= {most}:\n        kept.append(value)\nreturn kept",
        (f"return sorted(set({noun}))", f"return [value for value in {noun} if {noun}.count(value) <= {most}]",
         f"seen, kept = {{}}, []\nfor value in {noun}:\n    seen[value] = seen.get(value, 0) + 1\n    if seen[value] <= {most + 1}:\n        kept.append(value)\nreturn kept"),
        _cases(oracle, (values,), ([9, 3, 9],), ([],)),
        ("Count how often each value has occurred so far.", f"Keep an entry as long as that count is at most {most}."),
    )  # fmt: skip


PROBLEMS = {
    "filter": _count_above, "divisible": _sum_multiples, "longest": _longest, "rotate": _rotate, "totals": _totals, "digits": _digits,
    "clamp": _clamp, "ranking": _runner_up, "cipher": _cipher, "pairs": _pairs, "letters": _vowels, "group": _group, "runs": _runs,
    "recurrence": _recurrence, "clock": _clock, "grid": _diagonal, "interleave": _interleave, "limit": _limit,
}  # fmt: skip


def draw(rng: random.Random, difficulty: float) -> tuple[str, CodeProblem]:
    """A kind of problem and a problem of this kind."""
    skill = rng.choice(list(PROBLEMS))
    return skill, PROBLEMS[skill](rng, rng.choice(NOUNS), harder(rng, difficulty, 0, 30))


def draft_of(rng: random.Random, problem: CodeProblem, **texts: Any) -> Draft:
    """The query that asks for a program, with its `skill`, `question`, `prompt` and `ground_truth`."""
    return Draft(
        answer=problem.program(problem.body),
        wrong_answers=tuple(problem.program(body) for body in problem.wrong),
        steps=problem.steps,
        task_id=f"SIM/{rng.getrandbits(48):012x}",
        **texts,
    )
