"""Prompts that hold their ground truth, by the rule that is stated."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmfusionbench.auditing.signs.leaked_truths import ANYWHERE, leak

SOLUTION = "First we add the 12 boats of the morning and the 30 of the evening. #### 42"
QUESTION = "There are 12 boats in the morning and 30 in the evening. How many boats are there on that day, all in all?"


@pytest.mark.parametrize(
    ("prompt", "truth", "how"),
    [
        (QUESTION + "\nAnswer: 42", "42", "stated"),
        (QUESTION + "\nThe correct answer is **42**.", "42", "stated"),
        (QUESTION + "\n#### 42", "42", "stated"),
        (QUESTION + "\nanswer:  The old  Mill (explain why, in your own words, and name the source)", "the old mill", "stated"),
        (QUESTION + "\nAnswer: Lake Constance", '["Bodensee", "Lake Constance"]', "stated"),
        (QUESTION + "\n" + SOLUTION + "\nExplain it.", SOLUTION, "contained"),
        (QUESTION, "42", None),
        (QUESTION, "12", None),
        ("Answer: 42 (an example)\n" + QUESTION + "\nAnswer: ", "42", None),
        (QUESTION + "\nAnswer: 42.5", "42", None),
        (QUESTION + "\nAnswer: 423", "42", None),
        (QUESTION + " Is it the Old Mill or the New Mill?", "the old mill", None),
        (
            "boat, lake, mill, evening, morning, wood, wall, and water",
            "boat, lake, mill, evening, morning, wood, wall, and water",
            None,
        ),
        (f"{QUESTION} assert f('{SOLUTION}') == ??", f"'{SOLUTION}'", None),
        (QUESTION, "", None),
        ("", "42", None),
    ],
)
def test_the_rule(prompt: str, truth: str, how: str | None) -> None:
    assert leak(prompt, truth) == how


@given(st.text(max_size=200), st.text(max_size=60))
def test_a_short_truth_never_counts_as_contained(prompt: str, truth: str) -> None:
    found = leak(prompt, truth)
    assert found is None or found == "stated" or len(truth) >= ANYWHERE / 2  # an ß or İ is longer once its case is folded
