"""Shortcuts that spare a search give what the search gives, on texts of the pieces that it looks for."""

from __future__ import annotations

import random
import re
from collections import Counter

import pytest

from llmfusionbench.scoring import score
from llmfusionbench.scoring.answers.choices import dismissal_words, mentions
from llmfusionbench.scoring.answers.marks import plain_width
from llmfusionbench.scoring.answers.normalise import normalise, normalised_truth

WORDS = """option|Options |CHOICE: |choices* |letter |opci\u00f3n |opcion |op\u00e7\u00e3o |opzione |optie |opsi |pilihan |
variant |variante |se\u00e7enek |alternativa |letra |lettera |lettre |buchstabe |\u9009\u9879|
\u9078\u629e\u80a2: |\ubcf4\uae30 |\u0432\u0430\u0440\u0438\u0430\u043d\u0442 |
ph\u01b0\u01a1ng \u00e1n |why the other|why not|why rest|the rest|rest of the |
wrong |incorrect |remaining |answers|others|\u5176\u4ed6\u9009\u9879|\u5176\u5b83\u9009\u9879|  | = | > | the | an """
SIGNS = "AaBI1.:=+/<>\\*_^()[$ \t\n\u00d7\u00b7\u00e9\u0131\u017f\u212a"
EDGES = "\ue000\uf8ff\ud7ff\uf900\uff01\uff21\uff5e\uff5f\ufeff\U0001f600\udc80"
PIECES = (*SIGNS, *EDGES, *WORDS.replace("\n", "").split("|"))


def texts(seed: int, longest: int, count: int = 20_000) -> list[str]:
    chosen = random.Random(seed)
    return ["".join(chosen.choices(PIECES, k=chosen.randrange(longest + 1))) for _ in range(count)]


def span(found: re.Match[str] | None) -> tuple[int, int] | None:
    return None if found is None else found.span()


def test_words_for_option_and_operators_before_a_mention() -> None:
    named = operators = 0
    for text in texts(1, 5):
        context = text[-24:]
        searched = mentions._OPTION_WORD.search(context)
        named += searched is not None
        if context[-1:] in tuple(" :*_\n\t") or context[-1:] > "\u2e80":
            assert span(mentions._option_word(context)) == span(searched)
        operator = mentions._OPERATOR_BEFORE.search(context) is not None
        operators += operator
        assert mentions._operator_ends(context) is operator
    assert min(named, operators) > 1_000


def test_the_discussion_of_other_options() -> None:
    found = 0
    for text in texts(2, 12):
        low = text.lower()
        searched = dismissal_words.OTHERS.search(low)
        assert span(dismissal_words.others(low)) == span(searched)
        found += searched is not None
    assert found > 1_000


def test_full_width_and_private_characters() -> None:
    wide = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
    for text in texts(3, 8):
        assert plain_width(text) == text.translate(wide)
        assert mentions._without_private(text) == re.sub("[\ue000-\uf8ff]", " ", text)
    for code in range(0x110000):
        letter = chr(code)
        assert plain_width(letter) == letter.translate(wide)
        assert mentions._without_private(letter) == (" " if 0xE000 <= code <= 0xF8FF else letter)


def test_the_best_of_several_overlaps() -> None:
    def overlap(answer: str, truth: str) -> float:
        words, expected = answer.split(), truth.split()
        if answer == truth:
            return 1.0 if answer else 0.0
        shared = sum((Counter(words) & Counter(expected)).values())
        if not shared or answer in ("yes", "no", "noanswer") or truth in ("yes", "no", "noanswer"):
            return 0.0
        precision, recall = shared / len(words), shared / len(expected)
        return 2 * precision * recall / (precision + recall)

    chosen = random.Random(4)
    words = ("red", "Red,", "blue", "the", "a", "no", "yes", "noanswer", "green", "!")
    values = Counter[float]()
    for _ in range(5_000):
        response, *truths = (" ".join(chosen.choices(words, k=chosen.randrange(1, 6))) for _ in range(chosen.randrange(2, 5)))
        found = score("f1_score", response, str(truths))
        expected = max(1.0 if response == truth else overlap(normalise(response), normalise(truth)) for truth in truths)
        assert found.value == expected
        values[expected] += 1
    assert len(values) > 10


@pytest.mark.parametrize("truth", ["", "The  U.S.A.", "a" * 5_000, "\udc80 An apple"])
def test_accepted_answers_are_normalised_alike(truth: str) -> None:
    assert normalised_truth(truth) == normalised_truth(truth) == normalise(truth)
