"""Results files of OpenCompass: the score of each record of a dataset, by its number in the predictions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from llmfusionbench.builders.reading.harness_metrics import Metric, choose
from llmfusionbench.builders.reading.json import read_fields
from llmfusionbench.builders.reading.stated_scores import Stated, numbers_in, positive

_SCORES: Final = (
    "correct", "is_correct", "cascade_correct", "score", "acc", "accuracy", "pass", "passed", "exact_match", "judge_score",
)  # fmt: skip
"""What the details of a record call its score, in the order of preference."""
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

Scores = Mapping[str, Mapping[str, Any]]
"""Number of a record as text -> its details."""


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
    """The details by number: of an object as they are, and of a list by their place.

    The details that an LLM as judge leaves are its prompts and replies; a reply of A or B becomes `correct`.
    """
    details = fields.get(_LIST)
    if isinstance(details, list):
        found = {str(i): detail for i, detail in enumerate(details) if isinstance(detail, dict)}
    elif isinstance(details, dict):
        found = {name: d for name, d in details.items() if name not in _NOT_A_RECORD and isinstance(d, dict)}
    else:
        return {}
    if any(map(_ACCURACY.fullmatch, numbers_in(fields))):
        return {name: _judged(detail) for name, detail in found.items()}
    return found


def _judged(detail: dict[str, Any]) -> dict[str, Any]:
    """Details with what a judge says of them, where they hold its reply and no score."""
    if any(name in detail for name in _SCORES) or not all(name in detail for name in _OF_A_JUDGE):
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

    @classmethod
    def of(cls, asked: str | None, scores: Scores) -> Details:
        """The details with the score of each record that was asked for, or the first that is known."""
        repeats = _repeats(scores)
        flat = [{k: v for k, v in detail.items() if k == asked or k in _SCORES} for detail in scores.values()]
        words = [{k: _flag(v) for k, v in detail.items()} for detail in flat]
        return cls(scores, choose(asked, _SCORES, words, [repeats] * len(words)), repeats)

    def place(self, key: str) -> tuple[str, int | None]:
        """(number of the question of a record, number of the repeat), by the number of the record; None without repeats."""
        if self.repeats == 1 or not key.isdecimal() or len(key) >= _DIGITS:
            return key, None
        repeat, place = divmod(int(key), len(self.scores))
        return str(place), repeat

    def score(self, question: str, repeat: int | None, answers: int, *, in_turns: bool = False) -> list[float | None]:
        """The score of each answer of a record. One score of several turns is of none of them."""
        detail = self.scores.get(question)
        if self.metric is None or detail is None:
            return [None] * answers
        value = _flag(detail.get(self.metric.name))
        if repeat is not None:
            several = value if isinstance(value, list) else [value]
            value = several[repeat] if repeat < len(several) else None
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
