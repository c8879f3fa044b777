"""Reads ground truths that are a list of accepted answers (a JSON array or a Python list, as text) or a whole number."""

from __future__ import annotations

import re
from functools import lru_cache

from llmfusionbench.scoring.answers.python_literal import json_or_literal

CACHED_LENGTH = 4096
"""Longer ground truths are not cached."""
_LIST_OF_ONE = re.compile(r"\[\s*+([+-]?\d{1,9}(?:\.\d{1,9})?)\s*+\]")
_WHOLE = re.compile(r"[+-]?\d{1,3}(?:\.0)?")


def accepted_answers(ground_truth: str) -> tuple[str, ...]:
    """The accepted answers: the items of a list of texts without blank ones, or else the ground truth itself.

    "[0, 1]" is one answer (an interval), '["a", "b"]' and "['a', 'b']" are two.
    """
    text = ground_truth.strip()
    if not (text.startswith("[") and text.endswith("]")):
        return (text,) if text else ()
    return _listed(text) if len(text) <= CACHED_LENGTH else _parsed(text)


def choice_answers(ground_truth: str) -> tuple[str, ...]:
    """The accepted answers of a multiple-choice query: `accepted_answers`, but "2" of a list of one number, "[2]".

    For other metrics such a list is an answer of its own, an interval or a Python list.
    """
    found = _LIST_OF_ONE.fullmatch(ground_truth.strip())
    return (found[1],) if found else accepted_answers(ground_truth)


def whole_number(truth: str) -> int | None:
    """The number that a ground truth is, such as "2", "-1", or the "2.0" of a column with gaps; None if it is anything else."""
    text = truth.strip()
    return int(text.removesuffix(".0")) if _WHOLE.fullmatch(text) else None


def _parsed(text: str) -> tuple[str, ...]:
    if not text[1:-1].strip():
        return ()
    if '"' not in text and "'" not in text:
        return (text,)
    value = json_or_literal(text, strict=False)
    if not isinstance(value, list) or not any(isinstance(item, str) for item in value):
        return (text,)
    if any(isinstance(item, (list, dict)) for item in value):
        return (text,)
    items = [item if isinstance(item, str) else str(item) for item in value if item is not None]
    return tuple(dict.fromkeys(item.strip() for item in items if item.strip()))


_listed = lru_cache(maxsize=8192)(_parsed)
