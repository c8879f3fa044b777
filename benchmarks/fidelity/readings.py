"""Mistakes of `em_mc` per 1,000 answers, from answers that were drawn at random and read by a language model.

An answer's key is a digest of its LLM, query and text. readings/SET.csv has the letter that was read for each key, and no
text. Answers are drawn by the digest of the seed and the key, so a change of the scorer changes the draw only where an answer
changes its stratum, and what has been read stays read.
"""

from __future__ import annotations

import csv
import hashlib
import math
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from llmfusionbench.statistics.intervals import wilson

from .answers import Answer

FOLDER: Final = Path(__file__).parent / "readings"
NO_LETTER: Final = "none"
"""The reading of an answer that commits to no single option: a refusal, several options, or a text that was cut off."""
DRAWN: Final = {
    "only we call it right": 100,
    "only the reference does": 100,
    "both right": 300,
    "both wrong, same letter": 300,
    "both wrong, other letters": 150,
}
"""Stratum -> the number of answers that each draw takes from it."""
SEEDS: Final = (0, 1, 2)
"""One per draw. Draws were added when the answers of the earlier ones had led to corrections of the scorer."""
_LETTER: Final = re.compile(r"reference found '([A-Z])';")


class Stratum(NamedTuple):
    """What the readings say of the answers of one kind."""

    name: str
    answers: int
    drawn: int
    read: int
    wrong: int
    """Answers read whose score is not the one that the reading would have."""

    def rate(self, n: int) -> tuple[float, float, float]:
        """Our mistakes in this stratum per 1,000 of `n` answers, with the 95% Wilson interval of it; NaN if none was read."""
        if not self.read:
            return math.nan, math.nan, math.nan
        share = self.wrong / self.read
        scale = 1000 * self.answers / n
        low, high = wilson(share, self.read)
        return scale * share, scale * low, scale * high


@lru_cache
def readings(name: str, folder: Path = FOLDER) -> dict[str, str]:
    """Key -> the letter read, of set `name`."""
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        return {row["key"]: row["letter"] for row in csv.DictReader(stream)}


def strata(answers: Sequence[Answer]) -> dict[str, list[Answer]]:
    """The answers by what the reference and we say of them. Only where the reference found a letter can it be the same."""
    found: dict[str, list[Answer]] = {name: [] for name in DRAWN}
    for answer in answers:
        found[_stratum(answer)].append(answer)
    return found


def draw(answers: Sequence[Answer], n: int) -> list[Answer]:
    """The union of draws of up to `n` answers at random, one per seed; the same for each order of the answers."""
    found: dict[str, Answer] = {}
    for seed in SEEDS:
        order = sorted(answers, key=lambda answer: hashlib.sha256(f"{seed}/{answer.key}".encode()).digest())
        found |= {answer.key: answer for answer in order[:n]}
    return list(found.values())


def unread(name: str, answers: Sequence[Answer]) -> list[Answer]:
    """The drawn answers that have no reading."""
    known = readings(name)
    drawn = [answer for group, some in strata(answers).items() for answer in draw(some, DRAWN[group])]
    return [answer for answer in drawn if answer.key not in known]


def measured(name: str, answers: Sequence[Answer]) -> list[Stratum]:
    """One per stratum that has answers."""
    known = readings(name)
    found = []
    for group, some in strata(answers).items():
        drawn = draw(some, DRAWN[group])
        read = [answer for answer in drawn if answer.key in known]
        wrong = sum((known[answer.key] == answer.truth) != (answer.ours >= 0.5) for answer in read)
        if some:
            found.append(Stratum(group, len(some), len(drawn), len(read), wrong))
    return found


def total(measures: Sequence[Stratum], n: int) -> tuple[float, float, float]:
    """The sum of the rates, with an interval by the method of variance estimates recovery (Zou and Donner, 2008)."""
    rates = [measure.rate(n) for measure in measures]
    value = math.fsum(rate for rate, _, _ in rates)
    below = math.sqrt(math.fsum((rate - low) ** 2 for rate, low, _ in rates))
    above = math.sqrt(math.fsum((high - rate) ** 2 for rate, _, high in rates))
    return value, value - below, value + above


def rows(name: str, answers: Sequence[Answer]) -> Iterator[list[str]]:
    """The rows of a table: our false positives by stratum and in all, then our false negatives, per 1,000 answers."""
    measures = measured(name, answers)
    for side, right in (("FP", True), ("FN", False)):
        some = [one for one in measures if (one.name in ("only we call it right", "both right")) == right]
        for one in some:
            counts = (f"{count:,}" for count in one[1:])
            yield [side, one.name, *counts, *(f"{rate:.2f}" for rate in one.rate(len(answers)))]
        sums = (f"{sum(column):,}" for column in zip(*(one[1:] for one in some), strict=True))
        yield [side, "all", *sums, *(f"{rate:.2f}" for rate in total(some, len(answers)))]


def _stratum(answer: Answer) -> str:
    if answer.false_positive:
        return "only we call it right"
    if answer.false_negative:
        return "only the reference does"
    if answer.ours >= 0.5:
        return "both right"
    letter = _LETTER.search(answer.note)
    same = letter is not None and letter[1] == answer.extracted
    return f"both wrong, {'same letter' if same else 'other letters'}"
