"""Multiple choice: the option that a response commits to."""

from __future__ import annotations

import json

import pytest

from llmfusionbench.scoring import score
from llmfusionbench.scoring.answers.choices.options import DEFAULT_LABELS, read_options

TEXTS = ["bus depot", "train station", "beach", "bridge", "taxi"]
FIVE = {"label": list("ABCDE"), "text": TEXTS}

FORMS = [
    ("(A)", "A"),
    ("A.", "A"),
    ("A", "A"),
    ("a", "A"),
    ("(e)", "E"),
    ("**A**", "A"),
    ("Answer: A", "A"),
    ("answer: b", "B"),
    ("**Answer: (B)**", "B"),
    ("### Answer\nB", "B"),
    ("Answer:\n(B) train station", "B"),
    ("The answer is:\n\nB", "B"),
    ("the answer is (A) because it is free", "A"),
    ("The correct answer is: **B. train station**", "B"),
    ("answer is option c", "C"),
    ("Final answer: C) beach", "C"),
    ("Option B", "B"),
    ("C: beach", "C"),
    ("E) taxi", "E"),
    ("B. train station", "B"),
    ("\\boxed{C}", "C"),
    ("$\\boxed{\\text{(D)}}$", "D"),
    ('{"reasoning": "x", "answer": "C"}', "C"),
    ('{"reasoning": "maybe A", "answer": "(D) bridge', "D"),
    ("<think>A? (A)</think>(C)", "C"),
    # the option's text
    ("train station", "B"),
    ("Train Station.", "B"),
    ("The answer is a train station", "B"),
    ("Answer: A train station", "B"),
    ("The answer is the bridge.", "D"),
    ("He should take a bridge over there", "D"),
    # sentences
    ("I would go with option D.", "D"),
    ("I choose (E), the taxi.", "E"),
    ("The correct choice is B.", "B"),
    ("it's definitely d)", "D"),
    ("Option E is the best answer; A and B are incorrect.", "E"),
    ("A bum could ride anywhere. The correct option is (B) train station", "B"),
    # several letters: the last committed one
    ("It could be A or B. I think B.", "B"),
    ("First (A), no, (B)", "B"),
    ("The answer is (A). Wait, (B) is correct.", "B"),
    ("the answer is (A). Hmm, on reflection the answer is (D).", "D"),
    ("(A) or (B)? The answer: (B)", "B"),
    ("A is wrong, so C", "C"),
    ("The answer is B, not A", "B"),
    ("The answer is not A, it's B", "B"),
    ("B (not A)", "B"),
    ("(A) bus depot is incorrect. (B) train station it is", "B"),
    ("The answer is A: bus depot. B is incorrect", "A"),
    ("Both A and B seem plausible, but the most plausible is C", "C"),
    ("After considering all options (A)-(E), the best is B", "B"),
    ("A. bus depot\nB. train station\n\nThe best one is B", "B"),
    ("The answer is A. Wait, no. It's C.", "C"),
    ("The answer is (A). No wait, it's (C).", "C"),
    ("Answer: A\nCorrection: C", "C"),
    ("Answer: A\nWait. Actually, it's C.", "C"),
    ("Answer: A\nWait, it's actually C.", "C"),
    ("The answer is C. Some would guess A.", "C"),
    ("C is correct, although A seems right", "C"),
    ("The correct answer is C. Neither A nor B is correct.", "C"),
    ("The correct answer is C. None of A, (B), or D is correct.", "C"),
    ("A? None of the others fits, so C is correct", "C"),
    ("C, because A and B are closed", "C"),
    ("I don't know, but I'd guess C", "C"),
    ("I cannot determine it, but C seems likely", "C"),
    # signs around it
    ("\\boxed{\\text{beach}}", "C"),
    ("The answer is __C__", "C"),
    ("The answer is 'C'.", "C"),
    ("The answer is \u2018C\u2019", "C"),
    ("The answer is \u201cC\u201d.", "C"),
    ("\uff08\uff23\uff09", "C"),
    ("Answer\uff1a\uff23", "C"),
]


@pytest.mark.parametrize(
    "response",
    [
        "The answer cannot be A",
        "the answer can't be (A)",
        "The answer isn\u2019t A",
        "(A) is wrong.",
        "A isn't right",
        "I wouldn't choose A",
        "I wouldn't guess A",
    ],
)
def test_what_is_ruled_out_is_no_answer(response: str) -> None:
    assert score("em_mc", response, "A", choices=FIVE).extracted is None


@pytest.mark.parametrize(("response", "label"), FORMS)
def test_forms(response: str, label: str) -> None:
    scored = score("em_mc", response, label, choices=FIVE)
    assert (scored.value, scored.extracted) == (1.0, label)
    other = "A" if label != "A" else "B"
    assert score("em_mc", response, other, choices=FIVE).value == 0.0


@pytest.mark.parametrize(
    "response", ["I cannot answer that.", "I'm sorry, but I can't help.", "As an AI I don't choose between A and B."]
)
def test_refusals_are_zero_with_a_reason(response: str) -> None:
    scored = score("em_mc", response, "A", choices=FIVE)
    assert (scored.value, scored.reason, scored.extracted) == (0.0, "refusal", None)


@pytest.mark.parametrize(
    ("truth", "choices", "reason"),
    [
        ("2", ["red", "green", "blue"], "the ground truth names no option; it may be an index, counted from 0 or from 1"),
        ("2.0", ["red", "green", "blue"], "the ground truth names no option; it may be an index, counted from 0 or from 1"),
        ("2", None, "the ground truth names no option; it may be an index, counted from 0 or from 1"),
        ('["0"]', ["red", "green"], "the ground truth names no option; it may be an index, counted from 0 or from 1"),
        ("D", ["red", "green", "blue"], "the ground truth names no option"),
        ("purple", ["red", "green", "blue"], "the ground truth names no option"),
        ("120", ["10", "12", "1200"], "the ground truth names no option; it may be an index, counted from 0 or from 1"),
    ],
)
def test_a_truth_that_names_no_option_scores_no_answer(truth: str, choices: list[str] | None, reason: str) -> None:
    for response in ("C", "The answer is (A).", truth):
        found = score("em_mc", response, truth, choices=choices)
        assert (found.value, found.reason) == (None, reason)


@pytest.mark.parametrize(
    ("truth", "choices", "label"),
    [
        ("2", ["1", "3", "2", "4"], "C"),
        ("2", {"label": ["1", "2", "3"], "text": ["red", "green", "blue"]}, "2"),
        ("-", ["+", "-"], "B"),
        ("True", ["no", "yes"], "B"),
        ("false", ["True", "False", "Not given"], "B"),
    ],
)
def test_truths_that_are_texts_of_options(truth: str, choices: object, label: str) -> None:
    assert score("em_mc", f"({label})", truth, choices=choices).value == 1.0
    assert score("em_mc", "(A)", truth, choices=choices).value == 0.0


def test_a_text_without_known_options_is_compared() -> None:
    assert score("em_mc", "Oslo", "oslo.").value == 1.0
    assert score("em_mc", "Bergen", "Oslo").value == 0.0


def test_no_option_is_zero_with_a_reason() -> None:
    scored = score("em_mc", "None of these.", "A", choices=FIVE)
    assert (scored.value, scored.reason) == (0.0, "no option in the response")


@pytest.mark.parametrize(
    "response",
    ["Both A and B", "A or B?", "A & C.", "Both (A) and (B).", "Rain wears it down. The correct options are A and C."],
)
def test_several_options_have_a_reason_of_their_own(response: str) -> None:
    scored = score("em_mc", response, "B", choices=FIVE)
    assert (scored.value, scored.reason, scored.extracted) == (0.0, "several options in the response", None)


@pytest.mark.parametrize("response", ["Neither A nor B", "Both A and B are wrong."])
def test_dismissed_options_are_no_answer(response: str) -> None:
    assert score("em_mc", response, "B", choices=FIVE).reason == "no option in the response"


@pytest.mark.parametrize(
    ("response", "label"),
    [
        ("J", "J"),
        ("The answer is J", "J"),
        ("I think the answer is H.", "H"),
        ("I believe (G) is right", "G"),
        ("I", "I"),
        ("(I)", "I"),
        ("The answer is I.", "I"),
        ("Answer: I think it's B", "B"),
    ],
)
def test_ten_options_and_the_pronoun(response: str, label: str) -> None:
    assert score("em_mc", response, label).extracted == label


def test_texts_that_differ_in_punctuation_only() -> None:
    signed = ["1/4", "1/2", "-1/2", "-1/4"]
    for label, text in zip("ABCD", signed, strict=True):
        assert score("em_mc", text, label, choices=signed).value == 1.0


def test_ground_truth_forms() -> None:
    for truth in ("B", "(B)", "b", "B. train station", "train station"):
        assert score("em_mc", "The answer is B", truth, choices=FIVE).value == 1.0, truth
    numbered = {"label": ["1", "2", "3", "4"], "text": ["w", "x", "y", "z"]}
    assert score("em_mc", "The answer is (3)", "3", choices=numbered).value == 1.0
    assert score("em_mc", "2", "3", choices=numbered).value == 0.0
    assert score("em_mc", "Oxygen", "oxygen").value == 1.0
    assert score("em_mc", "the answer is K", "K").value == 1.0


@pytest.mark.parametrize(
    "choices",
    [
        TEXTS,
        tuple(TEXTS),
        FIVE,
        {"labels": list("ABCDE"), "text": TEXTS},
        dict(zip("ABCDE", TEXTS, strict=True)),
        repr(FIVE),
        json.dumps(FIVE),
        repr(TEXTS),
        json.dumps(TEXTS),
        f"{{'text': array({TEXTS!r}, dtype=object), 'label': array({list('ABCDE')!r}, dtype='<U1')}}",
    ],
)
def test_options_are_read_from_every_form(choices: object) -> None:
    options = read_options(choices)
    assert (options.labels, options.texts) == (tuple("ABCDE"), tuple(TEXTS))


@pytest.mark.parametrize(
    "choices", [None, "", "[", "{'a'", "__import__('os')", 7, {}, [], "[[[[[[[[[['a']]]]]]]]]]", {"label": [""]}]
)
def test_unreadable_options_are_the_default_ones(choices: object) -> None:
    assert read_options(choices).labels == DEFAULT_LABELS
    assert score("em_mc", "(C)", "C", choices=choices).value == 1.0


@pytest.mark.parametrize("reply", ["N/A", "n/a", "N/A.", "(N/A)", "**N/A**", "N / A", "The answer is N/A", '{"answer": "N/A"}'])
def test_not_applicable_is_no_option(reply: str) -> None:
    found = score("em_mc", reply, "A", choices=TEXTS)
    assert (found.value, found.extracted) == (0.0, None)


def test_not_applicable_may_be_an_option_itself() -> None:
    assert score("em_mc", "N/A", "B", choices=["yes", "N/A", "no"]).value == 1.0
    assert score("em_mc", "N/A for most, but here it is A", "A", choices=TEXTS).value == 1.0
