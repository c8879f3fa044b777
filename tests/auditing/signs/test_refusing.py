"""Refusals, and answers that sound like them."""

from __future__ import annotations

import pyarrow as pa
import pytest

from llmfusionbench.auditing.signs.refusing import LONGEST, refusals

REFUSALS = [
    "I'm sorry, but I can't assist with that.",
    "I\u2019m sorry, but I can\u2019t help with this request.",
    "I cannot provide medical advice. Please see a doctor.",
    "  As an AI language model, I don't have access to the news. However, you can check the website of the club.",
    "I am unable to open links, so I cannot answer this question.",
    "The text does not name the ship, therefore I cannot answer this question.",
    "Sorry, I do not have information on that company.",
    "It would be unethical to assist with breaking into a car.",
    "I apologize, but I cannot fulfill this request, as it goes against my programming.",
]
ANSWERS = [
    "The answer is 42.",
    "I'm sorry for the confusion. The answer is 42.",
    "I can't believe it: the answer is 42.",
    "I don't know, but 42 is likely.",
    "The song 'I Can't Help Falling in Love' was released in 1961.",
    "As an AI language model, I do not have access to the news. However, the club won the cup in 2020.",
    "As an AI language model, I don't have opinions, but I can tell you that the club won the cup in 2020.",
    "No, it is inappropriate for children to see this film.",
    "I'm sorry, but I couldn't find who said “If I can't beat this man, take my name off the books.”",
    "She cannot provide the letter in time, so the judge decides without it.",
    '{"reasoning": "I cannot provide my reasoning.", "answer": "42"}',
    "I cannot write it in one line. " + "Here is the whole program, with comments. " * 20,
]


@pytest.mark.parametrize("text", REFUSALS)
def test_refusals(text: str) -> None:
    assert refusals(pa.array([text])).tolist() == [True]


@pytest.mark.parametrize("text", ANSWERS)
def test_answers(text: str) -> None:
    assert refusals(pa.array([text])).tolist() == [False]


def test_missing_and_long_texts() -> None:
    texts = [None, "", REFUSALS[0] + " " * LONGEST + "x", REFUSALS[0]]
    assert refusals(pa.array(texts)).tolist() == [False, False, False, True]
