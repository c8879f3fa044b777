"""CRUX (ZeroEval): the value that a program returns, written as Python writes it and compared as a text.

Spaces and case count, and no value is computed: "[1,2]" differs from "[1, 2]". The rule is that of the published accuracies,
so that they are met; the reference pipeline has no other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

from llmfusionbench.scoring.answers.marks import boxed, final_text
from llmfusionbench.scoring.outcome import Score, binary, missing, right

_JSON: Final = ("[", "{", "true", "false", "null")
"""What a value begins with that JSON writes in another way than Python."""
_BRACES: Final = re.compile(r"[{}]")
_FIELDS: Final = (
    re.compile(r'"answer"\s*+:\s*+"([^"]*+)"'),
    re.compile(r'"answer"\s*+:\s*+([^,\s]*+)'),
    re.compile(r"answer\s*+:\s*+([^,\s]*+)"),
)
"""The answer field of an object that is not JSON, as published: it ends at the first quote, or at a comma or space."""


def crux(response: str, ground_truth: str, context: Mapping[str, object]) -> Score:
    """1 if the answer is the text of the ground truth, both without quotes at their ends; `[]` and `''` are ground truths.

    The answer is the field `answer` of the first JSON object, whose value is written as Python writes it; else what stands in
    such a field of broken JSON, else the last `\\boxed{}`, else the whole response. A line break is as its escape.
    """
    if not ground_truth.strip():
        return missing("the ground truth has no answer")
    if response.strip() == ground_truth.strip():
        return right(response.strip())
    answer = _answer(final_text(response))
    return binary(_plain(answer) == _plain(_written(ground_truth)), answer)


def _answer(text: str) -> str:
    value = _object_answer(text)
    if value is not None:
        return value
    for field in _FIELDS if "answer" in text else ():
        found = field.search(text)
        if found is not None:
            return found[1]
    mark = boxed(text)
    return text.strip() if mark is None else mark[1]


def _object_answer(text: str) -> str | None:
    """The answer field of the first object with balanced braces, if it is JSON and has one."""
    depth, start = 0, 0
    for brace in _BRACES.finditer(text):
        if brace[0] == "{":
            start = start if depth else brace.start()
            depth += 1
        elif depth == 1:
            return _value(text[start : brace.end()].replace("\n", ""))
        elif depth:
            depth -= 1
    return None


def _value(text: str) -> str | None:
    try:
        found = json.loads(text)
        if not isinstance(found, dict) or "answer" not in found:
            return None
        value = found["answer"]
        return value if isinstance(value, str) else repr(value)
    except (ValueError, RecursionError):
        return None


def _written(ground_truth: str) -> str:
    """The ground truth; a value that a build has stored as JSON is written as Python does."""
    if not ground_truth.startswith(_JSON):
        return ground_truth
    try:
        value = json.loads(ground_truth)
    except (ValueError, RecursionError):
        return ground_truth
    stored = {json.dumps(value, ensure_ascii=ascii_only) for ascii_only in (True, False)}
    return repr(value) if ground_truth in stored else ground_truth


def _plain(text: str) -> str:
    return text.strip("'\"").replace("\n", "\\n")
