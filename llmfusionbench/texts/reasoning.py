"""Answers together with the reasoning that came apart from them."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc


def rejoined(answers: pa.Array, reasoning: pa.Array) -> pa.Array:
    """[n] answers, each with its reasoning in a block `<think>` in front, if there is any; null stays null."""
    apart = pc.and_(answers.is_valid(), reasoning.is_valid())
    if not pc.any(apart).as_py():
        return answers
    block = pc.binary_join_element_wise("<think>\n", reasoning, "\n</think>\n\n", answers, "")
    return pc.if_else(apart, block, answers)
