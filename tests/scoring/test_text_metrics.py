"""em, cem and f1_score: normalisation, aliases, true/false."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmfusionbench.scoring import accepted_answers, normalise, score

ALIASES = '["USA", "United States", "the U.S."]'


def published_normal_form(text: str) -> str:
    """The steps of the published SQuAD script, one by one."""
    text = "".join(char for char in text.lower() if char not in string.punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())


@given(st.text(alphabet=st.sampled_from("aAnNtThHeE .,-_'!\n\t\x00\x1c\u2013\u201c\u00e9\u0130\u00a0x9\ud800")))
def test_normalise_is_the_published_form(text: str) -> None:
    assert normalise(text) == published_normal_form(text)


@pytest.mark.parametrize("metric", ["em", "cem", "f1_score"])
@pytest.mark.parametrize(
    ("response", "truth"),
    [
        ("The Beatles", "Beatles"),
        ("beatles!", "The Beatles"),
        ("U.S.A.", ALIASES),
        ("united  states", ALIASES),
        ("us", ALIASES),
        ("C\u00f4te d'Ivoire", "['USA', \"C\u00f4te d'Ivoire\"]"),
        ("it's", r"['it\'s', 'no']"),
        ("1066", '[1066, "1066 AD"]'),
        ('{"answer": "Beatles"}', "Beatles"),
        ("<think>Stones?</think>\nBeatles", "Beatles"),
        ("?", "?"),
        ("the", "the"),
        ("\u6771\u4eac", "\u6771\u4eac"),
    ],
)
def test_matches(metric: str, response: str, truth: str) -> None:
    assert score(metric, response, truth).value == 1.0


def test_cem_contains_whole_words() -> None:
    assert score("cem", "It was Paris, France.", "paris").value == 1.0
    assert score("cem", "Paris/London", "paris").value == 1.0
    assert score("cem", "\u6771\u4eac\u90fd\u3067\u3059", "\u6771\u4eac").value == 1.0
    assert score("cem", "a party", "art").value == 0.0
    assert score("cem", "in 1942", "9").value == 0.0
    assert score("cem", "the answer", "the").value == 0.0
    assert score("em", "It was Paris, France.", "paris").value == 0.0


def test_f1_is_the_overlap_of_words() -> None:
    assert score("f1_score", "Sammy Davis", "Sammy Davis, Jr").value == pytest.approx(0.8)
    assert score("f1_score", "x", '["y z", "x y"]').value == pytest.approx(2 / 3)
    assert score("f1_score", "yes it is", "yes").value == 0.0
    assert score("f1_score", "dog dog cat", "dog").value == pytest.approx(0.5)


@pytest.mark.parametrize("metric", ["em", "cem"])
@pytest.mark.parametrize(
    ("response", "truth", "value"),
    [
        ("True", "True", 1),
        ("true.", "TRUE", 1),
        ("**Yes**", "yes", 1),
        ("Yes, it is.", "True", 1),
        ("No", "False", 1),
        ("No, it's not true that he left", "False", 1),
        ("The answer is false.", "False", 1),
        ("It is not true", "False", 1),
        ("That cannot be true", "False", 1),
        ("I can't say yes", "False", 1),
        ("So they can't\nFalse", "False", 1),
        ("The claim doesn't hold\n\n**No**", "False", 1),
        ("The passage says so, therefore it is true", "True", 1),
        ('{"reasoning": "no", "answer": true}', "True", 1),
        ('{"answer": "No"}', "True", 0),
        ("The statement is true", "false", 0),
        ("True or not, it is false", "False", 1),
        ("perhaps", "True", 0),
    ],
)
def test_true_and_false(metric: str, response: str, truth: str, value: float) -> None:
    assert score(metric, response, truth).value == value


def test_a_word_for_true_among_names_is_a_name() -> None:
    assert score("em", "Yes (band)", '["Yes", "Yes (band)"]').value == 1.0
    assert score("em", "True", '["Yes", "Yes (band)"]').value == 0.0


@pytest.mark.parametrize(
    ("truth", "answers"),
    [
        ("Paris", ("Paris",)),
        ('["a", "b", "a", " "]', ("a", "b")),
        ("['a', 'b']", ("a", "b")),
        (r"""['a\'b', "c\"d", 'e\\f', 'g\u00e9\n']""", ("a'b", 'c"d', "e\\f", "g\u00e9")),
        ("[0, 1]", ("[0, 1]",)),
        ("[]", ()),
        ("['a'", ("['a'",)),
        ("['a' 'b']", ("['a' 'b']",)),
        ("[['a']]", ("[['a']]",)),
        ("['a', print('x')]", ("['a', print('x')]",)),
        ("[__import__('os').system('x')]", ("[__import__('os').system('x')]",)),
        ("  ", ()),
    ],
)
def test_accepted_answers(truth: str, answers: tuple[str, ...]) -> None:
    assert accepted_answers(truth) == answers
