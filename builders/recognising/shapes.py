"""Whether the values of a field fit one of our columns, and how they become ours: a unit, a scale, or words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from statistics import median
from typing import Final

from llmfusionbench.builders.reading.fields import BadRecordError
from llmfusionbench.builders.reading.written_numbers import WRITTEN, NumberReader
from llmfusionbench.builders.recognising.fields import MESSAGES, Field, snake
from llmfusionbench.builders.recognising.names import FAIL_WORDS, PASS_WORDS, SPLIT_WORDS, STATUS_WORDS

_NAME: Final = 200
"""The longest text that names an LLM, a task or a status."""
_SCALES: Final = ((0, 1), (1, 5), (1, 10), (0, 10), (0, 100))
_MS: Final = re.compile(r"(?:^|_)(?:ms|millis|milliseconds)(?:_|$)")
_NUMBERS: Final = ("whole number", "number")
TRUTH_OR_ANSWER: Final = ("answer", "answers", "text", "content", "solution")
"""Names of answers in a log of answers, and of ground truths or prompts in a set of questions, which names no LLM."""


@dataclass(frozen=True)
class Line:
    """Where one of our columns comes from."""

    ours: str
    theirs: str
    """A path, with a unit or scale, or a text with `{parent}` or `{stem}`."""
    why: str
    source: Field | None = None
    words: Mapping[str, str | int] = field(default_factory=dict)
    """Words of the field -> ours."""
    is_sure: bool = True
    """Whether it is to be used as it is; a guess is only written as a comment."""


def _called(one: Field) -> str:
    return f"called {one.name}"


def _text(ours: str, one: Field) -> Line | None:
    """A field of texts; numbers may be prompts, answers or truths too."""
    if one.type in ("object", MESSAGES, "null") or (one.type == "list" and ours not in ("ground_truth",)):
        return None
    if ours in ("prompt", "response") and one.type == "true or false":
        return None
    if ours == "prompt" and one.type in _NUMBERS:
        return None
    if one.key == "label" and set(numbers_of(one)) <= {0, 1} and one.type in _NUMBERS:
        return None  # whether the answer is right
    if ours == "response" and one.key in TRUTH_OR_ANSWER and one.type in _NUMBERS:
        return None
    return Line(ours, one.path, _called(one), one)


def _short(ours: str, one: Field) -> Line | None:
    """A field of names."""
    texts = [value for value in one.values if isinstance(value, str)]
    if one.type != "text" or len(texts) < len(one.values) or any("\n" in t or len(t) > _NAME for t in texts):
        return None
    return Line(ours, one.path, _called(one), one)


def _messages(ours: str, one: Field) -> Line | None:
    if one.type != MESSAGES:
        return None
    asked = [value[-1].get("role") != "assistant" for value in one.values]
    return Line(ours, one.path, f"{_called(one)}, a list of messages", one) if all(asked) else None


def _choices(ours: str, one: Field) -> Line | None:
    plain = all(isinstance(v, (list, tuple)) and all(isinstance(item, str) for item in v) for v in one.values)
    return Line(ours, one.path, f"{_called(one)}, lists of texts", one) if one.type == "list" and plain else None


def _score(ours: str, one: Field) -> Line | None:
    """Numbers on a scale, or words for right and wrong."""
    if one.type in ("true or false", "text"):
        words = {str(value).lower() if isinstance(value, bool) else str(value).strip() for value in one.values} - {""}
        known = {w: int(w.lower() in PASS_WORDS) for w in sorted(words) if w.lower() in (*PASS_WORDS, *FAIL_WORDS)}
        whole = len(known) == len(words) and words
        if whole:
            return Line(ours, one.path, f"{_called(one)}, right or wrong", one, known)
    numbers, example = _written(ours, one)
    if not numbers:
        return None
    low, high = min(numbers), max(numbers)
    if example is not None:
        return Line(ours, one.path, f"{_called(one)}, percentages such as {example}", one) if low >= 0 and high <= 1 else None
    ends = next(((a, b) for a, b in _SCALES if a <= low and high <= b), None)
    if ends == (0, 1):
        return Line(ours, one.path, f"{_called(one)}, from {low:g} to {high:g}", one)
    if ends is None:
        return Line(ours, one.path, f"{_called(one)}, from {low:g} to {high:g}: state its scale", one, is_sure=False)
    scale = f"{one.path} {ends[0]}:{ends[1]}"
    return Line(ours, scale, f"{_called(one)}, from {low:g} to {high:g}: check that the scale is {ends[0]} to {ends[1]}", one)


def _count(ours: str, one: Field) -> Line | None:
    numbers, _ = _written(ours, one)
    whole = bool(numbers) and all(n >= 0 and n.is_integer() for n in numbers)
    return Line(ours, one.path, _called(one), one) if whole else None


def _cost(ours: str, one: Field) -> Line | None:
    numbers, example = _written(ours, one)
    if not numbers or min(numbers) < 0:
        return None
    if example is not None:
        return Line(ours, one.path, f"{_called(one)}, amounts such as {example}", one)
    unit = "/100" if "cent" in snake(one.name) else ""
    return Line(ours, one.path + unit, f"{_called(one)}: check that it is in USD", one)


def _latency(ours: str, one: Field) -> Line | None:
    numbers, example = _written(ours, one)
    if not numbers or min(numbers) < 0:
        return None
    if example is not None:
        return Line(ours, one.path, f"{_called(one)}, times such as {example}", one)
    if _MS.search(snake(one.name)):
        return Line(ours, f"{one.path}/1000", f"{_called(one)}, in milliseconds", one)
    middle = f"{_called(one)}, {median(numbers):g} in the middle"
    if median(numbers) >= 100:
        return Line(ours, f"{one.path}/1000", f"{middle}: check that it is in milliseconds", one)
    return Line(ours, one.path, f"{middle}: check that it is in seconds", one)


def _id(ours: str, one: Field) -> Line | None:
    fits = one.type in ("text", "whole number") and all(isinstance(v, (str, int)) and len(str(v)) <= _NAME for v in one.values)
    return Line(ours, one.path, _called(one), one) if fits else None


def _words(table: Mapping[str, Sequence[str]]) -> Callable[[str, Field], Line | None]:
    """A field of words that all have a meaning of ours."""

    def shape(ours: str, one: Field) -> Line | None:
        words = {str(value).strip() for value in one.values} - {""}
        known = {w: name for w in sorted(words) for name, others in table.items() if w.lower() in others}
        if one.type != "text" or not words or len(known) < len(words):
            return None
        return Line(ours, one.path, _called(one), one, {} if all(w == name for w, name in known.items()) else known)

    return shape


def _moment(ours: str, one: Field) -> Line | None:
    if numbers := numbers_of(one):
        return Line(ours, one.path, _called(one), one) if min(numbers) > 1e8 else None
    dated = all(isinstance(v, str) and re.match(r"\d{4}-\d\d-\d\d", v) for v in one.values)
    return Line(ours, one.path, _called(one), one) if one.type == "text" and dated else None


def _replicate(ours: str, one: Field) -> Line | None:
    line = _count(ours, one)
    return line if line is not None and max(numbers_of(one)) <= 1000 and len(set(numbers_of(one))) > 1 else None


def _written(ours: str, one: Field) -> tuple[list[float], str | None]:
    """The numbers of a field in our unit, also those that are texts such as `850ms`, and the first with a unit of its own.

    There are none if one of the texts is not a number.
    """
    kinds = {*one.types} - {"null"}
    if ours not in WRITTEN or "text" not in kinds or not kinds <= {"text", *_NUMBERS}:
        return numbers_of(one), None
    reader = NumberReader(ours, one.path)
    try:
        found = [reader.of(value, one.path) for value in one.values]
    except BadRecordError:
        return numbers_of(one), None
    return [number for number in found if number is not None and isfinite(number)], reader.seen.units.get(ours)


def numbers_of(one: Field) -> list[float]:
    """The numbers of a field of numbers, which are texts in CSV."""
    found: list[float] = []
    if one.type not in _NUMBERS:
        return found
    for value in one.values:
        try:
            found.append(float(value))
        except (TypeError, ValueError, OverflowError):
            continue
    return [number for number in found if number == number and abs(number) != float("inf")]


_SHAPES: Final[dict[str, Callable[[str, Field], Line | None]]] = {
    "messages": _messages, "llm": _short, "task": _short, "choices": _choices, "performance": _score, "judge": _short,
    "status": _words(STATUS_WORDS), "split": _words(SPLIT_WORDS), "finish_reason": _short, "input_tokens": _count,
    "output_tokens": _count, "reasoning_tokens": _count, "cached_tokens": _count, "cost_usd": _cost, "latency_s": _latency,
    "created_at": _moment, "source_id": _id, "metric": _short, "replicate": _replicate, "requested_model": _short,
    "served_model": _short,
}  # fmt: skip
"""Our column -> what its values must look like; the others are texts."""


def line_of(ours: str, one: Field) -> Line | None:
    """The line by which a field becomes one of our columns; None if its values do not fit."""
    return _SHAPES.get(ours, _text)(ours, one)
