"""Prompts and truths of RouterArena: its templates taken apart, and its letters that are numbers from 0."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from typing import Any, Final

from llmfusionbench.builders.reading.fields import BadRecordError, answer_text, number

OUR_METRIC: Final = {"mcq_accuracy": "em_mc", "mcq_exact_match": "em_mc", "math_metric": "math"}
"""Metric of RouterArena -> ours, where it means the same; the others keep their names."""
_LETTERS: Final = string.ascii_uppercase
_NO_TRUTH: Final = ("see dataset for testcases",)
_INDEX: Final = re.compile(r"(\d{1,2})(?:\.0)?")
_OPTION: Final = re.compile(r"([A-Z])\. ?")
_QUESTION: Final = "\n\nQuestion: "
_CONTEXT: Final = "\n\nContext: "
_OPTIONS: Final = re.compile(r"\n\nOptions: ?\n")
_ENDS: Final = ("\n\nProvide ",)
"""What the last part of a prompt, which says how to answer, begins with."""
INPUT_PRICE: Final = "input_token_price_per_million"
OUTPUT_PRICE: Final = "output_token_price_per_million"


def task_of(index: str) -> str:
    """The dataset that a global index such as `MMLUPro_law_12` names, with its part: what is before the last number."""
    task, _, place = index.rpartition("_")
    return task if task and place else index


def truth_of(value: Any, metric: str | None) -> str | None:
    """The ground truth; of multiple choice the letter, which may be written as a number from 0 (`2` or `2.0` is C)."""
    found = answer_text(value)
    if found is None or not found.strip() or found.strip().lower() in _NO_TRUTH:
        return None
    if metric == "em_mc":
        said = found.strip()
        index = _INDEX.fullmatch(said)
        if index and int(index[1]) < len(_LETTERS):
            return _LETTERS[int(index[1])]
        return said.upper() if len(said) == 1 else found
    return found


def options_in(prompt: str) -> list[str] | None:
    """The options of a prompt, lettered from A under its line `Options:`; None if there are not two or more."""
    place = last_match(_OPTIONS, prompt)
    if place is None:
        return None
    block = prompt[place.end() : _end(prompt, place.end())]
    found: list[str] = []
    for line in block.split("\n"):
        match = _OPTION.match(line)
        if match and len(found) < len(_LETTERS) and match[1] == _LETTERS[len(found)]:
            found.append(line[match.end() :])
        elif found:
            found[-1] += "\n" + line
        elif line.strip():
            return None
    texts = [text.strip() for text in found]
    return texts if len(texts) > 1 and all(texts) else None


def question_in(prompt: str) -> str:
    """The bare question of a prompt, under its context if it has one; the whole prompt if it is not of the usual template."""
    start = prompt.find(_QUESTION)
    if start < 0:
        return prompt
    begin = start + len(_QUESTION)
    place = last_match(_OPTIONS, prompt)
    stop = place.start() if place is not None and place.start() >= begin else _end(prompt, begin)
    question = prompt[begin:stop].strip()
    before = prompt.find(_CONTEXT, 0, start)
    context = prompt[before + len(_CONTEXT) : start].strip() if before >= 0 else ""
    return "\n\n".join(part for part in (context if context != "None" else "", question) if part) or prompt


def prices_of(record: Mapping[str, Any]) -> dict[str, dict[str, float | None]]:
    """LLM -> its prices, USD per million tokens, of a file of prices.

    Raises:
        BadRecordError: a price is not a number.
    """
    found = {}
    for name, prices in record.items():
        if not isinstance(prices, dict):
            raise BadRecordError(f"the prices of {name[:80]} are not an object, expected {INPUT_PRICE} and {OUTPUT_PRICE}")
        found[name] = {"input_price": number(prices, INPUT_PRICE), "output_price": number(prices, OUTPUT_PRICE)}
    return found


def last_match(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    """The last match of a pattern in a text."""
    return next(reversed(list(pattern.finditer(text))), None)


def _end(prompt: str, start: int) -> int:
    """Where the last part begins, which says how to answer; the end of the prompt if there is none."""
    return max((place for end in _ENDS if (place := prompt.rfind(end, start)) >= 0), default=len(prompt))
