"""Reads a ground truth that lists several accepted answers: the text of a JSON array or of a Python list."""

from __future__ import annotations

import json
from functools import lru_cache

from llmfusionbench.scoring.answers.python_literal import python_literal

CACHED_LENGTH = 4096
"""Longer ground truths are parsed anew each time rather than kept."""


def accepted_answers(ground_truth: str) -> tuple[str, ...]:
    """Every accepted answer of `ground_truth`: the items of a list, or the text itself when it is no list of texts.

    "[0, 1]" is one answer (an interval), '["a", "b"]' and "['a', 'b']" are two. Blank items are dropped.
    """
    text = ground_truth.strip()
    if not (text.startswith("[") and text.endswith("]")):
        return (text,) if text else ()
    return _listed(text) if len(text) <= CACHED_LENGTH else _parsed(text)


def _parsed(text: str) -> tuple[str, ...]:
    if not text[1:-1].strip():
        return ()
    if '"' not in text and "'" not in text:
        return (text,)
    try:
        value: object = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        value = python_literal(text)
    if not isinstance(value, list) or not any(isinstance(item, str) for item in value):
        return (text,)
    if any(isinstance(item, (list, dict)) for item in value):
        return (text,)
    items = [item if isinstance(item, str) else str(item) for item in value if item is not None]
    return tuple(dict.fromkeys(item.strip() for item in items if item.strip()))


_listed = lru_cache(maxsize=8192)(_parsed)
