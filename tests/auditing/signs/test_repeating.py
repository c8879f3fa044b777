"""Loops at the end of texts, and repeats that are none."""

from __future__ import annotations

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmfusionbench.auditing.signs.repeating import SHORTEST, loop

START = "The question asks how many boats cross the lake in a day. We count the boats of both companies first. "
SENTENCE = "This still is not 42, so we add the boats of the second company again. "


@pytest.mark.parametrize(
    ("text", "repeats"),
    [
        (START + SENTENCE * 9, 9),
        (START + SENTENCE * 9 + SENTENCE[:30], 9),
        (START + "\n- Towel" * 80, 80),
        (START + "0" * 900, 900),
        (START + SENTENCE * 6 + "</s></s>\n</s>", 6),
        (START + "因此答案是四十二。" * 60, 60),
    ],
)
def test_a_passage_that_is_repeated(text: str, repeats: int) -> None:
    found = loop(text)
    assert found is not None
    assert abs(found.repeats - repeats) <= 1


def test_a_sentence_with_other_numbers() -> None:
    found = loop(START + "".join(f"{i}. We need to double check the boats of day {i}.\n" for i in range(5, 30)))
    assert found is not None
    assert found.passage == "We need to double check the boats of day #."


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no",
        START,
        START * 2,
        START + "ha " * 20,
        START + "</s>" * 500,
        START + "-" * 400,
        START + "| " * 300,
        START + "\n" * 5_000,
        SENTENCE * 9 + "One boat leaves, two boats leave, and three boats come back to the lake in the end. " + START,
        "\n".join(f"{i},{i * i},{i**3}" for i in range(200)),
        "\n".join(f"https://example.org/boats/of/the/lake/{i}" for i in range(60)),
    ],
)
def test_other_repeats_are_no_loop(text: str) -> None:
    assert loop(text) is None


@given(st.integers(0, 2**32))
def test_random_words_are_no_loop(seed: int) -> None:
    rng = random.Random(seed)
    words = ["".join(rng.choices(string.ascii_lowercase, k=rng.randrange(2, 9))) for _ in range(300)]
    assert loop(" ".join(words)) is None


@given(st.text(string.ascii_lowercase + "é因 ", min_size=4, max_size=60).filter(str.isalnum), st.integers(1, 30))
def test_a_passage_is_found_once_it_is_long_and_frequent_enough(passage: str, more: int) -> None:
    repeats = 4 + SHORTEST // len(passage) + more
    found = loop(START + passage * repeats)
    assert found is not None
    assert found.repeats * len(found.passage) >= SHORTEST
    assert found.passage in passage * 2  # the passage, turned, or a part of it that is itself repeated
