"""Options that stand in a text with their letters, and texts of options that begin with them."""

from __future__ import annotations

import pytest

from llmfusionbench.scoring import score
from llmfusionbench.scoring.answers.choices import options
from llmfusionbench.scoring.answers.choices.lettered import lettered_options, without_letters
from llmfusionbench.scoring.metrics.em_mc import NO_TEXTS

METALS = ["iron", "tin", "zinc"]


@pytest.mark.parametrize(
    "prompt",
    [
        "Which metal?\nA. iron\nB. tin\nC. zinc\nAnswer:",
        "Which metal?\n(A) iron\n(B) tin\n(C) zinc",
        "Which metal?\n  A) iron\n  B) tin\n  C) zinc\n\nThink first.",
        "Which metal? (A) iron (B) tin (C) zinc\nThink first.",
        "First: A. gold\nB. lead\nAnswer: A\n\nWhich metal?\nA: iron\nB: tin\nC: zinc",
        "Which metal?\nA. iron\nB. tin\nC. zinc\nB. is a letter, as is A.\nA:",
        "A. gold\nB. lead\n\nWhich metal?\n- **A)** iron\n- **B)** tin\n- **C)** zinc",
    ],
)
def test_the_last_row_of_letters(prompt: str) -> None:
    assert lettered_options(prompt) == METALS


@pytest.mark.parametrize(
    "prompt",
    [
        "",
        "Which metal?",
        "A. Noether was a mathematician.",
        "B. tin\nC. zinc",
        "A. iron\nC. zinc",
        "Which? a. iron\nb. tin",
        "A. iron\nB. tin\nC.\nzinc, from a mine\nD. lead",
        "A. iron\nB. tin\nD. lead",
        "A. iron\nB. tin\nC:",
        "(A) iron (B) tin (D) lead",
        "A. gold\nB. lead\n\nWhich metal?\nA. iron\nC. zinc",
    ],
)
def test_no_row(prompt: str) -> None:
    assert lettered_options(prompt) == []


def test_long_texts() -> None:
    assert lettered_options("A. " * 60_000) == []
    assert len(lettered_options("(A) x (B) y " * 10_000)) == 2
    assert lettered_options("A. x\nB. y\n" * 100_000) == [], "too long to be searched"


def test_texts_with_their_letters() -> None:
    assert without_letters(["A. iron", "B) tin", "(C) zinc"]) == tuple(METALS)
    assert without_letters(["A. iron", "tin"]) is None
    assert without_letters(["B. iron", "A. tin"]) is None
    assert without_letters(["A. iron"]) is None


@pytest.mark.parametrize("choices", [["A. iron", "B. tin", "C. zinc"], "A) iron\nB) tin\nC) zinc", METALS])
@pytest.mark.parametrize(("response", "value"), [("B", 1.0), ("The answer is tin.", 1.0), ("zinc", 0.0), ("C. zinc", 0.0)])
def test_answers_in_letters_and_in_words(choices: object, response: str, value: float) -> None:
    assert score("em_mc", response, "B", choices=choices).value == value
    assert score("em_mc", response, "tin", choices=choices).value == value


def test_options_of_the_prompt() -> None:
    prompt = "Which metal?\nA. iron\nB. tin\nC. zinc\nAnswer:"
    assert score("em_mc", "The answer is tin.", "B", prompt=prompt).value == 1.0
    assert score("em_mc", "B", "tin", prompt=prompt).value == 1.0
    assert score("em_mc", "B", "tin", prompt=prompt, choices=["tin", "zinc"]).value == 0.0, "stated options count first"


@pytest.mark.parametrize(
    "prompt",
    [
        "Which?\nA. iron\nB. tin\nC.\nzinc, from a mine\nD. lead",
        "Which?\nA. iron\nB. tin\n\nThink first.",
        "Which?\nA: tin\nB:",
    ],
)
@pytest.mark.parametrize("truth", ["A", "B", "C", "D"])
def test_a_prompt_takes_no_score_away(prompt: str, truth: str) -> None:
    assert score("em_mc", f"The answer is ({truth}).", truth, prompt=prompt).value == 1.0
    assert score("em_mc", "The answer is (E).", truth, prompt=prompt).value == 0.0


def test_a_text_that_is_no_option_of_the_prompt_is_compared() -> None:
    prompt = "Which metal?\nA. iron\nB. tin"
    assert score("em_mc", "Zinc.", "zinc", prompt=prompt).value == 1.0
    assert score("em_mc", "A", "zinc", prompt=prompt).reason == NO_TEXTS
    assert score("em_mc", "D", "D", choices=["iron", "tin"], prompt=prompt).value is None, "stated options are all"


def test_a_long_prompt_is_searched_once(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[int] = []

    def found(text: str) -> list[str]:
        searched.append(len(text))
        return lettered_options(text)

    monkeypatch.setattr(options, "lettered_options", found)
    example = "Name a metal that rusts. " * 500
    read = [options.options_of(None, f"{example[:5000]}\nA. {text}\nB. tin") for text in ("iron", "gold", "iron", "gold")]
    assert [one.texts for one in read] == [("iron", "tin"), ("gold", "tin")] * 2
    assert searched == [5000 + len("\nA. iron\nB. tin")] * 2


def test_a_letter_is_not_compared_with_a_text() -> None:
    found = score("em_mc", "The answer is B.", "tin")
    assert (found.value, found.reason) == (None, NO_TEXTS)
    assert score("em_mc", "Tin.", "tin").value == 1.0
    assert score("em_mc", "It may well be a metal", "tin").value == 0.0
