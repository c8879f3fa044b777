"""Choices that the layout of a response shows: lists that grade every option, headings, rows of bare answers."""

from __future__ import annotations

import pytest

from llmfusionbench.scoring import score

LABELS = {"label": list("ABCD"), "text": ["a fern", "a moss", "a pine", "a rose"]}


@pytest.mark.parametrize(
    ("response", "label"),
    [
        ("A) False. B) False. C) True. D) False.", "C"),
        ("After a look at each: (A) no, (B) no, (C) yes, (D) no.", "C"),
        ("Going through them:\n\nA) a fern \u274c\nB) a moss \u2705\nC) a pine \u274c\nD) a rose \u274c", "B"),
        ("A. a fern - Incorrect\nB. a moss - Incorrect\nC. a pine - Incorrect\nD. a rose - Correct", "D"),
        ("(A) a fern: wrong\n(B) a moss: wrong\n(C) a pine: right\n(D) a rose: wrong", "C"),
        ("A \u2717\nB \u2717\nC \u2713\nD \u2717", "C"),
        ("A) False. B) False. C) True. D) False.\n\nSo the answer is B.", "B"),
    ],
)
def test_the_option_that_a_list_calls_right(response: str, label: str) -> None:
    scored = score("em_mc", response, label, choices=LABELS)
    assert (scored.value, scored.extracted) == (1, label)


@pytest.mark.parametrize(
    "response",
    [
        "A) True. B) False. C) True. D) False.",
        "A) False. B) False. C) False. D) False.",
        "(A) no, (B) no, (C) perhaps, (D) perhaps.",
        "(A) is false, (B) is true. The final answer is (B) and (C).",
    ],
)
def test_a_list_that_calls_none_or_several_right(response: str) -> None:
    values = [score("em_mc", response, label, choices=LABELS).value for label in "ABCD"]
    assert sum(value or 0 for value in values) == 0


def test_bare_answers_after_an_explained_one_are_a_run_on() -> None:
    row = "".join(f"\nThe answer is ({label})." for label in "ACDACD")
    explained = f"Mosses have no roots, and this one has none. The answer is (B).{row}"
    assert score("em_mc", explained, "B", choices=LABELS).value == 1
    repeated = f"The answer is (B).{row}"
    assert score("em_mc", repeated, "D", choices=LABELS).value == 1, "answers to examples come first, the own one last"


@pytest.mark.parametrize(
    ("response", "label"),
    [
        ("## Answer\nC\n\n## Explanation\nA is the tallest of them; B has no seeds.", "C"),
        ("**Answer**\n\n**B**\n\nA and D have flowers.", "B"),
        ("If it had flowers, the answer would be D. But it has cones, so it must be the pine (C).", "C"),
    ],
)
def test_headings_and_conditions(response: str, label: str) -> None:
    scored = score("em_mc", response, label, choices=LABELS)
    assert (scored.value, scored.extracted) == (1, label)
