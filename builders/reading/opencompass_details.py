"""Results files of OpenCompass: the score of each record of a dataset, by its number in the predictions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from llmfusionbench.builders.reading.harness_metrics import Metric, choose
from llmfusionbench.builders.reading.json import read_fields
from llmfusionbench.builders.reading.opencompass_repeats import (
    Answered,
    Place,
    Scores,
    flattened,
    matched,
    nested_in,
)
from llmfusionbench.builders.reading.stated_scores import Stated, numbers_in, positive

_SCORES: Final = (
    "correct", "is_correct", "cascade_correct", "score", "acc", "accuracy", "pass", "passed", "exact_match", "judge_score",
)  # fmt: skip
"""What the details of a record call its score, in the order of preference."""
_NAMED: Final = frozenset(_SCORES)
_RIGHT: Final = ("correct", "is_correct", "cascade_correct")
_ACCURACY: Final = re.compile(r"accuracy( \(\d{1,6} runs average\))?")
_OF_A_JUDGE: Final = ("origin_prompt", "prediction")
_VERDICT: Final = re.compile(r"[\s*\"'`(]*([ABC])[\s*\"'`).]*(:?\s*(IN)?CORRECT\W*)?")
"""A line in which a judge says A, right, or B, wrong; C stands for an answer that was not attempted."""
_NUMBERED: Final = "example_abbr"
"""A field that OpenCompass adds where it gathers the details of all repeats of a record."""
_LIST: Final = "details"
_NOT_A_RECORD: Final = ("type",)
_DIGITS: Final = 10
_WHOLE: Final = "one score of a whole conversation"
_LAST_NUMBER: Final = re.compile(r"_(\d{1,9})$", re.ASCII)


def results_fields(path: Path, file: str) -> dict[str, Any] | None:
    """The fields of a results file; None for any other file, such as one of predictions."""
    fields, _ = read_fields(path, file, "\0")
    if not fields or any(isinstance(value, dict) and "prediction" in value for value in fields.values()):
        return None
    if "prediction" in fields or not any(_is_score(value) for value in fields.values()):
        return None
    return fields


def _is_score(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def scores_of(fields: Mapping[str, Any]) -> Scores:
    """The details by number: of an object as they are, and of a list by the numbers that they state, or their place.

    The details that an LLM as judge leaves are its prompts and replies; a reply of A or B becomes `correct`. Details that hold
    one detail for each repeat become one with a list of each value.
    """
    is_judged = any(map(_ACCURACY.fullmatch, numbers_in(fields)))
    found: dict[str, dict[str, Any]] = {}
    for name, detail in _details(fields).items():
        nested = nested_in(detail)
        if nested:
            found[name] = flattened(detail, [_judged(one) if is_judged else one for one in nested])
        else:
            found[name] = _judged(detail) if is_judged else detail
    return found


def repeats_within(fields: Mapping[str, Any]) -> int | None:
    """How many repeats of a record each of the details holds; 0 if they differ in that, None if none is nested."""
    lengths = {len(nested_in(detail)) for detail in _details(fields).values()}
    if not any(lengths):
        return None
    return lengths.pop() if len(lengths) == 1 else 0


def _details(fields: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The details by number, as they are written."""
    details = fields.get(_LIST)
    if isinstance(details, dict):
        return {name: d for name, d in details.items() if name not in _NOT_A_RECORD and isinstance(d, dict)}
    if not isinstance(details, list):
        return {}
    found = {str(i): detail for i, detail in enumerate(details) if isinstance(detail, dict)}
    if not all(_NUMBERED in detail for detail in found.values()):
        return found
    stated = {name: _stated_number(detail) for name, detail in found.items()}
    is_other_order = {*stated.values()} == {*map(str, range(len(details)))}
    return {stated[name]: detail for name, detail in found.items()} if is_other_order else found


def _stated_number(detail: Mapping[str, Any]) -> str:
    """The number of a record that its details state, such as 3 in `gsm8k_3`; empty if they state none."""
    stated = detail.get(_NUMBERED)
    match = _LAST_NUMBER.search(stated) if isinstance(stated, str) else None
    return "" if match is None else match[1]


def _judged(detail: dict[str, Any]) -> dict[str, Any]:
    """Details with what a judge says of them, where they hold its reply and no score."""
    if not _NAMED.isdisjoint(detail) or not all(name in detail for name in _OF_A_JUDGE):
        return detail
    said = detail["prediction"]
    return {**detail, "correct": list(map(_verdict, said)) if isinstance(said, list) else _verdict(said)}


def _verdict(reply: Any) -> bool | None:
    """Whether a judge's reply, or its first or last line, is the letter of a right answer; None if there is no such letter."""
    lines = reply.strip().splitlines() if isinstance(reply, str) else []
    found = next((match for line in (lines[:1] + lines[-1:]) if (match := _VERDICT.fullmatch(line))), None)
    return None if found is None else found[1] == "A"


def stated_in(fields: Mapping[str, Any], found: Details) -> Stated:
    """What a results file states of its dataset: the number of its records, and the accuracy, which is a percentage.

    A share of 1 or less may be either, and is not compared.
    """
    metric = found.metric
    share = next((value for name, value in numbers_in(fields).items() if _ACCURACY.fullmatch(name)), 0.0) / 100
    is_stated = metric is not None and metric.name in _RIGHT and 0.01 < share <= 1
    samples = sum(map(str.isdecimal, found.scores)) * found.repeats
    return Stated(positive(samples), {metric.name: share} if metric is not None and is_stated else {})


@dataclass(frozen=True)
class Details:
    """The details of a dataset, and the score in them that becomes the performance."""

    scores: Scores
    metric: Metric | None
    repeats: int = 1
    """How often the dataset was asked; its records are all of the first time, then all of the second, and so on."""
    nested: int | None = None
    """How many repeats of a record each of the details holds; 0 if they differ in that, None if none is nested."""
    places: Mapping[str, Place] | None = None
    """The places of the records among nested details."""

    @classmethod
    def of(cls, asked: str | None, scores: Scores, nested: int | None = None) -> Details:
        """The details with the score of each record that was asked for, or the first that is known."""
        repeats = _repeats(scores) if nested is None else max(1, nested)
        words = [{k: _flag(v) for k, v in detail.items() if k == asked or k in _NAMED} for detail in scores.values()]
        held = set().union(*words)
        known = [name for name in _SCORES if name in held]
        return cls(scores, choose(asked, known, words, [repeats] * len(words)), repeats, nested)

    def matched(self, records: Mapping[str, Answered], total: int) -> tuple[Details, str | None]:
        """(the details with the places of the records among those that are nested, a warning); see `matched`."""
        repeats, places, note = matched(self.scores, self.nested or 0, records, total)
        return replace(self, repeats=repeats, places=places), note

    def place(self, key: str) -> Place:
        """What a record is among the details, by its number."""
        if self.places is not None:
            return self.places.get(key) or Place(key, order=())
        if self.repeats == 1 or not key.isdecimal() or len(key) >= _DIGITS:
            return Place(key)
        repeat, question = divmod(int(key), len(self.scores))
        return Place(str(question), repeat)

    def score(self, place: Place, answers: int, *, in_turns: bool = False) -> list[float | None]:
        """The score of each answer of a record. One score of several turns is of none of them."""
        detail = self.scores.get(place.question)
        if self.metric is None or detail is None or place.order == ():
            return [None] * answers
        value = detail.get(self.metric.name)
        if type(value) is bool and answers == 1 and place.repeat is None:
            return [float(value)]
        value = _flag(value)
        if place.order is not None and isinstance(value, list) and len(value) == self.nested:
            value = [value[i] for i in place.order]
            value = value[0] if len(value) == 1 else value
        elif place.repeat is not None:
            several = value if isinstance(value, list) else [value]
            value = several[place.repeat] if place.repeat < len(several) else None
        if in_turns and answers > 1 and value is not None and not (isinstance(value, list) and len(value) == answers):
            self.metric.unread[_WHOLE] = self.metric.unread.get(_WHOLE, 0) + 1
            return [None] * answers
        return self.metric.read(value, answers)


def _repeats(scores: Scores) -> int:
    """How often a dataset was asked: the length of the lists of scores in details that OpenCompass gathered."""
    if not all(_NUMBERED in detail for detail in scores.values()):
        return 1
    lengths = {len(v) for d in scores.values() for k, v in d.items() if k in _SCORES and isinstance(v, list)}
    return max(1, *lengths) if len(lengths) == 1 else 1


def _flag(value: Any) -> Any:
    """A word for a truth value as such, and those of a list: details may be written as texts."""
    return [_word(part) for part in value] if isinstance(value, list) else _word(value)


def _word(value: Any) -> Any:
    word = value.strip().lower() if isinstance(value, str) else ""
    return {"true": True, "false": False}.get(word, value)
