"""Answers that are taken back, followed by others to no question, split by a condition, or given as a number."""

from __future__ import annotations

import json

import pytest

from llmfusionbench.scoring import score

LETTERS = {"label": list("ABCD")}
AMOUNTS = {"label": list("ABCD"), "text": ["0.30 mol", "3.0 mol", "30 mol", "-3.0 mol"]}
SPEEDS = {"label": list("ABCD"), "text": ["12", "-12", "12.0 m/s", "1/2"]}
LISTS = {"label": list("ABCD"), "text": ["[2, 3]", "[2, 3, 5]", "[3]", "[5, 3, 2]"]}
WAVES = {"label": list("ABC"), "text": ["2sin(t + 1)", "2sin(t - 1)", "2cos(t)"]}
SPEECH = {"label": list("ABCDEFGHI"), "text": ["a song", 'the "I saw a light" speech', *"cdefgh", "an ode"]}
REASONED = "The kettle boils first since its element is the larger one of the two. The answer is (B).\n\n"

RUN_ON = [
    f"{REASONED}\nAnswer: The answer is (D).",
    f"{REASONED}Answer: The answer is (B).\n\nAnswer: The answer is (A).\n\nAnswer: The answer is (C).",
    f"{REASONED}===\nThe answers to the questions are as follows:\n\n1. The answer is (A). A spring has no mass here.",
    f"{REASONED}== response ==\n\nThe answers are:\n\n1. The answer is (C).\n\n2. The answer is (D).",
    f"{REASONED}The answer is ...\nA. They have scales.\nB. They have fur.\nAnswer: Let's think step by step. Only (C) flies.",
    "The kettle boils first since its element is the larger one.\n\nThe answer is (B).\nThe answer is (C).\nThe answer is (A).",
]


@pytest.mark.parametrize("response", RUN_ON)
def test_answers_to_no_question_are_passed_over(response: str) -> None:
    assert score("em_mc", response, "B", choices=LETTERS).extracted == "B"


def test_the_last_of_several_bare_answers_counts() -> None:
    rows = "The answer is (D).\n\nThe answer is (A).\n\nThe answer is (C).\n\nThe answer is (B)."
    refused = "The text lacks a solution of the last task, so these are for the first ones only.\n\n"
    lines = "The answer is (D)\nThe answer is (A)\nThe answer is (B)"
    assert score("em_mc", rows, "B", choices=LETTERS).value == 1
    assert score("em_mc", refused + lines, "D", choices=LETTERS).value == 0
    assert score("em_mc", f"{REASONED}On reflection, the answer is (D).", "D", choices=LETTERS).value == 1


NOTHING = [
    "The closest option is C, but this is not the correct answer. The correct answer is not listed.",
    "The closest option is (C) 15 bar, near but not exact. Therefore, the question is not answerable with these options.",
    "The closest match is:\n\nC. 15 bar\n\nHowever, it has no pump. Hence, none of the given options accurately describe it.",
    "C comes closest, as it has the right sign. Since the value is missing, none of the provided options are correct.",
    "The closest option is (C).\n\nAnswer: None of the above.",
    "My best guess is C.\n\nThe answer is (none of the given options)",
    "The seal is new, so (C) is correct. The remaining options are (A) and (D). The valve was replaced in spring and the",
    "The answer is (C) if the gas is ideal, and (A) if it is not.",
    "Part one gives answer (A) and part two gives answer (C), so we get the final answer of (A) and (C).",
    "So the false statement is (A) and (C).\n\nFinal Answer:\nA. The bath is stirred\nC. The bath is covered",
    "C seems right at first, yet it fails for small bodies",
    "I would need more data to choose between (A) and (C).",
    "The closest option is (C) 4 ml, which is not the answer. The question should be checked.",
    "It depends on:\n\n5. **Colour**: D is for dark\n6. **Mass**: the heavier the slower\n7. **Heat**: B",
]


@pytest.mark.parametrize("response", NOTHING)
def test_what_is_taken_back_or_split_is_no_answer(response: str) -> None:
    assert [score("em_mc", response, label, choices=LETTERS).value for label in "ABCD"] == [0.0] * 4


CHOSEN = [
    ("The exact value is not among the options, but the closest one is (C).", "C"),
    ("None of the options matches exactly, though B is nearest.", "B"),
    ("Answer: None of the above. (Option B comes closest.)", "B"),
    ("The answer is D, although none of the options is fully right.", "D"),
    ("The rate law has two factors, or (D).<EOS_TOKEN>", "D"),
    ("The closest value is:\n\n\\[ \\text{The answer is (D) } 3.1 \\times 10^4 \\, \\text{B}. \\]", "D"),
    ("Of the four, only D survives; A, B and C each need a third body.", "D"),
    ("Only statement C can be derived from this.", "C"),
    ("All but C are eliminated.", "C"),
    ("This rules out everything except (C).", "C"),
    ("A) ruled out\nB) ruled out\nC) consistent with the data\nD) ruled out", "C"),
    ("Answer: A\n\nCorrection: a factor of two was lost, which makes it C.", "C"),
    ("Correct: A. Incorrect: B, C, D.", "A"),
    ("The best fit is D), followed by B).", "D"),
    ("I would rate D as the most plausible and B as a distant second.", "D"),
    ("I am between A and C, leaning C.", "C"),
    ("Elimination leaves us with just B.", "B"),
    ("Based on the above, D is your answer.", "D"),
    ("The closest option is (B) 20 amp, but they ask for the nearest answer, which would be C.", "C"),
    ("So it is B that fits, not A.", "B"),
    ("Our result agrees with D.", "D"),
    ("The ratio is 4:1 \u2192 B", "B"),
    ("Both B and D can go, and A is too small. Answer C", "C"),
    ("The correct answer is not A but D.", "D"),
    ("Die Antwort ist nicht A, sondern C.", "C"),
    ("La respuesta correcta no es A, sino B.", "B"),
    ("Por eso la opci\u00f3n correcta es C).", "C"),
    ("Par cons\u00e9quent, c'est la C.", "C"),
    ("\u9009\u9879A\u3001B\u3001C\u90fd\u9519\u8bef\uff0c\u6b63\u786e\u7684\u662fD\u3002", "D"),
    ("\u3088\u3063\u3066B\u304c\u6b63\u3057\u3044\u3002", "B"),
    ("Answer: the third option", "C"),
    ("Ans. (b)", "B"),
    ("The yield is best described by B:\n- first: 1,4\n- second: 1,2", "B"),
    ("Therefore the correct sequence is that in D.", "D"),
    ("The value (42 K) is not listed; B (40 K) is the nearest.", "B"),
    ("| Option | Verdict |\n|---|---|\n| A | wrong |\n| B | right |\n| C | wrong |\n| D | wrong |", "B"),
    ("I think the answer is B or D, most probably D.", "D"),
    ("Likely C.", "C"),
    ("My best guess is C. None of the options is perfect.", "C"),
    ("I would choose B since none of the options is exact.", "B"),
    ("Die L\u00f6sung ist also C.", "C"),
    ("\u3057\u305f\u304c\u3063\u3066A\u3092\u9078\u3073\u307e\u3059\u3002", "A"),
    ("A. True.\nB. True.\nC. False. The valve is closed by then.\nD. True.", "C"),
]


@pytest.mark.parametrize(("response", "label"), CHOSEN)
def test_ways_to_choose(response: str, label: str) -> None:
    assert score("em_mc", response, label, choices=LETTERS).extracted == label


NUMBERS = [
    (AMOUNTS, "The amount is $\\boxed{0.3}$.", "A"),
    (AMOUNTS, "The answer is 3 mol.", "B"),
    (SPEEDS, "The answer is 12 m/s.", "C"),
    (SPEEDS, "The answer is 12.", "A"),
    (SPEEDS, "\\boxed{-12}", "B"),
    (SPEEDS, "The answer is 0.5.", "D"),
    (AMOUNTS, "The answer is -3.", "D"),
    (AMOUNTS, "Answer: approximately 30.0 mol", "C"),
    (AMOUNTS, f"{'The gas expands. ' * 30}The amount that is left is 4.2 - 3.9 = 0.30 mol.\n\nThe answer", "A"),
    (AMOUNTS, f"2x = 3.0 mol{' = 2x = 3.0 mol' * 12} = 2x = 3.0 mol", None),
    (AMOUNTS, "The answer is **B. 3.0 mol** and **D. -3.0 mol**.", None),
    (AMOUNTS, "The answer is 33 mol.", None),
    (AMOUNTS, "The answer is 3 kg.", None),
    (LISTS, "So the answer is [2, 3, 5, 7].", None),
    (LISTS, "So the answer is [2,3].", "A"),
    (LISTS, "\\boxed{[2, 3, 5]}", "B"),
    (WAVES, "Thus the wave is therefore 2sin(t - 1).", "B"),
    (SPEECH, 'It can best be compared to B. the "I saw a light" speech. Both praise the dawn.', "B"),
]


@pytest.mark.parametrize(("choices", "response", "label"), NUMBERS)
def test_an_option_is_named_by_its_text(choices: dict[str, list[str]], response: str, label: str | None) -> None:
    assert score("em_mc", response, label or "A", choices=json.dumps(choices)).extracted == label
