"""Options that are set against each other, graded one by one, or given as a number that differs in its sign or factor."""

from __future__ import annotations

import pytest

from llmfusionbench.scoring import score

LETTERS = {"label": list("ABCD")}
CHARGES = {"label": list("ABCD"), "text": ["36", "15", "7", "4"]}
DEPTHS = {"label": list("ABCD"), "text": ["-36 m", "9x", "6 \\pi", "6"]}
SEVERAL = "several options in the response"

CONTRASTED = [
    ("D comes closest but B is right.", "B"),
    ("D comes closest to the measured height. However, B is correct.", "B"),
    ("A is the nearest in size; D is correct.", "D"),
    ("A is plausible, and yet D comes closest.", "D"),
    ("Only D fits the first test, but B is right.", "B"),
    ("It is not C, but A is near it; D is right.", "D"),
    ("It is not C, but A.", "A"),
    ("B fits best, but D is plausible.", "B"),
    ("B fits best, but D is also right.", "B"),
    ("B comes closest, but the fit is not perfect.", "B"),
    ("A is the closest, as the scale ends at 90.", "A"),
]
WITHDRAWN = [
    "D comes closest, but it is not the right answer.",
    "The river is 40 m wide. D is the nearest length, however this is not the answer.",
    "B comes closest, yet it is wrong.",
    "A is the nearest, though it's not correct.",
]


@pytest.mark.parametrize(("response", "label"), CONTRASTED)
def test_what_is_right_outdoes_what_is_near(response: str, label: str) -> None:
    assert score("em_mc", response, label, choices=LETTERS).extracted == label


@pytest.mark.parametrize("response", WITHDRAWN)
def test_what_comes_closest_may_be_withdrawn(response: str) -> None:
    assert score("em_mc", response, "D", choices=LETTERS).extracted is None


@pytest.mark.parametrize(
    "response",
    [
        "A. Plausible\nB. Plausible\nC. Ruled out\nD. Plausible",
        "A) yes\nB) no\nC) yes\nD) yes",
        "A: consistent\nB: consistent\nC: consistent\nD: inconsistent",
        "A. True\nB. True\nC. Eliminated\nD. True",
        "A \u2705\nB \u2705\nC \u274c\nD \u2705",
        "Correct: B. Incorrect: A. Correct: D. Incorrect: C.",
    ],
)
def test_several_options_that_remain_are_several(response: str) -> None:
    found = score("em_mc", response, "D", choices=LETTERS)
    assert (found.value, found.extracted, found.reason) == (0.0, None, SEVERAL)


@pytest.mark.parametrize(
    ("response", "label"),
    [
        ("A. Right.\nB. Wrong.\nC. Right.\nD. Right.", "B"),
        ("A) correct\nB) correct\nC) correct\nD) not correct", "D"),
        ("Incorrect: A, B. Correct: D. Incorrect: C.", "D"),
        ("Correct: B. Incorrect: A. Correct: D. Incorrect: C. Of the two, I choose B.", "B"),
    ],
)
def test_one_option_that_is_graded_unlike_the_others(response: str, label: str) -> None:
    assert score("em_mc", response, label, choices=LETTERS).extracted == label


@pytest.mark.parametrize(
    ("response", "label"),
    [
        ("The answer is 36.", "A"),
        ("The answer is 36 C.", "A"),
        ("The answer is -36.", None),
        ("The answer is minus 36.", None),
        ("The answer is \u221236 C.", None),
        ("\\boxed{-36}", None),
        ("-36", None),
        ("So the charge must be -36.", None),
        ("The answer is 4 nC.", "D"),
        ("The answer is 4x.", None),
        ("The answer is $4\\pi$.", None),
        ("So the charge must be 4\u03c0.", None),
    ],
)
def test_a_sign_or_a_factor_makes_another_number(response: str, label: str | None) -> None:
    assert score("em_mc", response, label or "A", choices=CHARGES).extracted == label


@pytest.mark.parametrize(
    ("response", "label"),
    [
        ("The answer is 36 m.", None),
        ("The depth is 36 m.", None),
        ("The answer is minus 36 m.", "A"),
        ("The depth is \u221236 m.", "A"),
        ("The answer is 9x.", "B"),
        ("The answer is 9.", None),
        ("The answer is 6\u03c0", "C"),
        ("The answer is 6.", "D"),
    ],
)
def test_options_with_a_sign_or_a_factor(response: str, label: str | None) -> None:
    assert score("em_mc", response, label or "A", choices=DEPTHS).extracted == label
