"""Options that a harness scored by their log-likelihood: the one that the LLM chose, and the letter of the right one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from llmfusionbench.builders.reading.fields import BadRecordError, literal, option_texts, writable
from llmfusionbench.scoring.answers.choices.lettered import LETTERS

_MARKS: Final = " \t\n()[].:"
_LONGEST_INDEX: Final = 6


def chosen(scores: Sequence[float], lengths: Sequence[int] | None = None) -> int:
    """The place of the highest score, each divided by its option's length if lengths are given; the first of equal ones."""
    values = [s / (n or 1) for s, n in zip(scores, lengths, strict=True)] if lengths else list(scores)
    return max(range(len(values)), key=lambda i: values[i] if not math.isnan(values[i]) else -math.inf)


def are_labels(options: Sequence[str]) -> bool:
    """Whether options are letters in their order, A, B, C, ..., so that their texts are elsewhere."""
    return [option.strip(_MARKS).upper() for option in options] == list(LETTERS[: len(options)])


def texts_of(options: Sequence[str], listed: Any) -> list[str] | None:
    """The texts of options: themselves, or where they are letters, those of the list `listed`, if it has as many."""
    if not are_labels(options):
        return [writable(option.strip(), "an option") for option in options]
    try:
        texts = option_texts(listed)
    except BadRecordError:
        return None
    return texts if texts is not None and len(texts) == len(options) else None


def right_places(target: Any, options: Sequence[str], by_place: bool = False) -> list[int]:
    """The places of the right options: by number from 0, by numbers, or by their text. Empty if the target names none.

    A number that is also the text of an option is that text, unless `by_place`.
    """
    if isinstance(target, bool):
        return []
    if isinstance(target, str):
        word = target.strip()
        plain = [option.strip() for option in options]
        if word in plain and not (by_place and place_of(word, len(options)) is not None):
            return [plain.index(word)]
        if word.lstrip("-").isdecimal() and len(word) <= _LONGEST_INDEX:
            target = int(word)
        elif word.startswith("[") and word.endswith("]"):
            target = literal(word)
        else:
            return []
    listed = target if isinstance(target, list) else [target]
    found: list[int] = []
    for one in listed:
        if isinstance(one, int) and not isinstance(one, bool) and 0 <= one < len(options):
            found.append(one)
        elif isinstance(one, str) and isinstance(target, list):
            found += right_places(one, options)
    return list(dict.fromkeys(found))


def place_of(word: str, options: int) -> int | None:
    """The place among some options that a text states as a number from 0; None if it states none."""
    plain = word.strip()
    if not plain.isdecimal() or len(plain) > _LONGEST_INDEX or int(plain) >= options:
        return None
    return int(plain)


def truth_of(places: Sequence[int], options: Sequence[str]) -> str | None:
    """The ground truth as the tables have it: the letter of the right option, or a JSON list of several; its text beyond Z."""
    names = [LETTERS[i] if len(options) <= len(LETTERS) else options[i].strip() for i in places]
    if not names:
        return None
    return names[0] if len(names) == 1 else "[" + ", ".join(f'"{name}"' for name in names) + "]"


def common_start(texts: Sequence[str]) -> str:
    """What all texts begin with, up to the end of a word."""
    low, high = min(texts), max(texts)
    same = next((i for i, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), min(len(low), len(high)))
    return low[: max(low.rfind(" ", 0, same), low.rfind("\n", 0, same)) + 1]


def number_of(value: Any) -> float | None:
    """A log-likelihood, written as a number or a text; None if it is neither."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)) or (isinstance(value, str) and len(value) > 40):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None
