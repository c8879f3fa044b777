"""Number answers: how a number may be written, and where in a response it stands."""

from __future__ import annotations

import pytest

from llmfusionbench.scoring import score
from llmfusionbench.scoring.answers.numbers.numbers import last_number, leading_number, whole_number

TRUTH = "He sells 9 eggs at $2.\n#### 18"


@pytest.mark.parametrize(
    "response",
    [
        "18",
        "eighteen",
        "18.00",
        "$18",
        "$18.00.",
        "USD 18",
        "18 dollars",
        "€18",
        "18€",
        "18%",
        "18,",
        "= 18.",
        "\\$18",
        "**18**",
        "36/2",
        "\\frac{36}{2}",
        "1.8e1",
        "1.8 \\times 10^1",
        "She makes $18 every day.",
        "9 eggs at 2 dollars make 18.",
        "#### 18",
        "The answer is 18.",
        "The answer is 18. She had 16 eggs.",
        "The answer is 9 * 2 = 18 dollars",
        "Answer: **$18**",
        "**Answer:** 18",
        "Answer: 18\n\nNote that there were 16 eggs",
        "The answer is 3. Wait, that is wrong: the answer is 18",
        "\\boxed{18} because 16 - 7 = 9",
        "\\boxed{18",
        '{"reasoning": "16 - 7", "answer": "18"}',
        '```json\n{"reasoning": "raw\nline and "quotes"", "answer": "18"}\n```',
        '{"reasoning": "x" "answer": 18',
        '{"answer": "$18.00 per day"}',
        '{"answer": "18", "confidence": 0.9}',
        "<answer>18</answer>",
        "<think>maybe 20</think>18",
        "<thinking>the answer is 20</thinking>\n18",
        "<reasoning>#### 20</reasoning> 18",
        "[THINK]\\boxed{20}[/THINK] 18",
        "<response><answer>18</answer><reasoning>9 * 2, of 16</reasoning></response>",
    ],
)
def test_right(response: str) -> None:
    assert score("gsm8k", response, TRUTH).value == 1.0


@pytest.mark.parametrize(
    "response", ["17", "-18", "1800", "180", "18.5", "1.8", "0.18", "1,8", "18/0", "1e999999999", "9" * 100_000, "eighty"]
)
def test_wrong(response: str) -> None:
    assert score("gsm8k", response, TRUTH).value == 0.0


@pytest.mark.parametrize(
    ("response", "truth", "value"),
    [
        ("20,000", "20000", 1),
        ("$1,234,567.50", "1234567.5", 1),
        ("1,00,000", "100000", 1),
        ("1{,}000", "1000", 1),
        ("The temperature is -5 degrees", "-5", 1),
        ("\u22125", "-5", 1),
        ("$-5", "-5", 1),
        ("-$5", "-5", 1),
        ("10-5", "-5", 0),
        ("3 1/2", "3.5", 1),
        ("7/2", "3.5", 1),
        ("1\\frac{1}{2}", "1.5", 1),
        ("1/3", "0.333", 0),
        ("2/6", "1/3", 1),
        ("3.5", "35", 0),
        ("50%", "0.5", 1),
        ("50%", "50", 1),
        ("50%", "50%", 1),
        (".5", "0.5", 1),
        ("007", "7", 1),
        ("0", "-0.00", 1),
        ("They each pay 5", '["5", "five"]', 1),
        ("The area is 50 m^2", "50", 1),
        ("The area is 50 m2.", "50", 1),
        ("18 m/s^{2}", "18", 1),
        ("18 x^{12}", "18", 1),
        ("18 x^12", "18", 1),
        ("1\u2019800", "1800", 1),
        ("10 - 2^3 = 2", "2", 1),
        ("It costs Rs.18", "18", 1),
        ("75 percent", "0.75", 1),
        ("75 percent of it", "75", 1),
        ("\uff11\uff0c\uff18\uff10\uff10", "1800", 1),
        ("\uff0d5", "-5", 1),
        ("it is \u20135", "-5", 1),
        ("3\u20135", "5", 1),
        ("3 \u2013 5", "5", 1),
        ("The answer is negative 5", "-5", 1),
        ("\u00bd", "0.5", 1),
        ("3\u00bd hours", "3.5", 1),
        ("3 \u00bd hours", "3.5", 1),
        ("1\u20442", "0.5", 1),
        ("\\boxed{3\\dfrac12}", "3.5", 1),
        ("\\boxed{1\\ 800}", "1800", 1),
        ("1'800", "1800", 1),
        ("5'11", "11", 1),
        ("#### Step 1: eggs\n16\n#### Step 2: money\nSo it is 18", "18", 1),
        ("#### 18\n\n#### Why 3 of them matter\nBecause", "18", 1),
        ("#### Step 2: 18", "18", 1),
        ("#### Final result: **18** eggs\nTell me if 3 more are needed", "18", 1),
        ("#### Money for 3 days\n9 * 2 = 18", "18", 1),
        # as docs/scoring.md says
        ("The answer is 17. Actually, 18", "18", 1),
        ("The answer is 17. Actually, the answer is 18", "18", 1),
        ("The answer is 1 000", "1", 1),
        ("<think>6 and 3 are 9, or perhaps", "9", 1),
    ],
)
def test_pairs(response: str, truth: str, value: float) -> None:
    assert score("gsm8k", response, truth).value == value


def test_extracted_and_reasons() -> None:
    assert score("gsm8k", "The answer is $1,018.", TRUTH).extracted == "$1,018"
    assert score("gsm8k", "I'm sorry, I cannot help with that.", TRUTH).reason == "refusal"
    assert score("gsm8k", "many", TRUTH).reason == "no number in the response"
    assert score("gsm8k", '{"answer": "unknown", "of": 18}', TRUTH).value == 0.0
    unscored = score("gsm8k", "18", "no number here")
    assert (unscored.value, unscored.reason) == (None, "the ground truth has no number")


def test_an_answer_field_counts_by_its_first_number_as_published() -> None:
    assert score("gsm8k", '{"answer": "9 * 2 = 18"}', TRUTH).value == 0.0
    assert score("gsm8k", '{"answer": "144 / 12 = 12"}', "12").value == 0.0
    assert score("gsm8k", '{"answer": "18"}\nIn other words "answer": "19"', TRUTH).value == 1.0


def test_finders() -> None:
    for text, first, last in [("a 3 b 4.5, c", "3", "4.5"), ("1,2,3", "1,2,3", "1,2,3"), ("x = 3/4 cups", "3/4", "3/4")]:
        found = leading_number(text), last_number(text)
        assert found[0] is not None
        assert found[1] is not None
        assert (found[0].text, found[1].text) == (first, last)
    assert last_number("far " * 1000 + "12" + " away" * 1000).text == "12"  # type: ignore[union-attr]
    assert last_number("1" * 500).text == "1" * 500  # type: ignore[union-attr]
    assert whole_number("12 cm") is None
    assert whole_number("1,2") is None
    assert whole_number(" $1,200.0 ").key == ("", "12", 2)  # type: ignore[union-attr]
