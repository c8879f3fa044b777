"""Prose out of answers, cut into sentences and made general; and no text, however odd, that takes long or breaks it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmfusionbench.builders.templates import extract_template
from llmfusionbench.builders.templates.sentences import count_sentences, generalise, names_in, prose, sentences
from tests.helpers.job import job


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ('```json\n{\n  "reasoning": "Add both. Then halve.",\n  "answer": "4"\n}\n```', ["Add both.", "Then halve."]),
        ("{'reasoning': 'It\\'s the sum.', 'answer': 4}", ["It\\'s the sum."]),
        ('Sure.\n{"reasoning": "First line.\nSecond line.", "answer', ["Sure.", "First line.", 'Second line.", "answer']),
        ("<think>Hm. Well.</think>Add both.", ["Add both."]),
        ("Do this:\n```python\nprint(1)\n```\nIt prints.", ["Do this:", "It prints."]),
        ("[BEGIN]\nreturn 1\n[DONE]\nIt returns.", ["It returns."]),
        ("## Step 1: **Add** both.\n1. Halve it.\n- Done.", ["Add both.", "Halve it.", "Done."]),
        ("Dr. Poe has 3.5 kg, i.e. more. He sells it.", ["Dr. Poe has 3.5 kg, i.e. more.", "He sells it."]),
        ("It holds 2 L. Which is it?", ["It holds 2 L.", "Which is it?"]),
        ("We get $\\frac{1}{2} \\times x$ of it.", ["We get $1/2 * x of it."]),
        ("", []),
    ],
)
def test_sentences_of_answers(answer: str, wanted: list[str]) -> None:
    assert sentences(prose(answer)) == wanted


def test_generalising() -> None:
    given_texts = ["When Ann met Bob in May she paid Ann's bill.", "The May fair may rain. Then Ann left."]
    names = names_in(given_texts)
    assert names == {"Ann", "Bob"}
    said = "Ann pays $1,200.50 + 3 = 1,203.50 = 1203.5 to Bob's uncle on the 3rd, 40% more than 1/2."
    assert generalise(said, names) == (
        "[name] pays [number] + [number] = [number] to [name]'s uncle on the [number], [number]% more than [number]/[number]."
    )
    assert generalise("Take 1, 2, 3, and 4.", names) == "Take [numbers]."


@pytest.mark.parametrize(
    ("text", "count"), [("One. Two! Three?", 3), ("- one\n- two", 2), ("It is 3.5, e.g. more.", 1), ("", 0), ("No end", 1)]
)
def test_counting(text: str, count: int) -> None:
    assert count_sentences(text) == count


@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=20))
def test_any_text_gives_a_template_or_a_reason(prompt: str, answer: str, truth: str) -> None:
    template = extract_template(job(answer, answer[::-1], prompt=prompt, truth=truth))
    if isinstance(template, str):
        assert template.isprintable()
        assert 1 <= count_sentences(template) <= 5


HOSTILE = {
    "stops": "A. " * 7_000,
    "brackets": "\\[" * 10_000,
    "dollars": "$$" * 10_000,
    "fences": "```\n" * 5_000,
    "quotes": '"reasoning": ' * 1_500,
    "spaces": "answer" + " " * 19_000 + "x",
    "marks": "- " * 10_000,
    "words": "so " * 7_000,
    "numbers": "1, " * 7_000,
    "one word": "a" * 20_000,
    "fractions": "\\frac{" * 3_000,
    "begin": "\\begin{a}" * 2_000,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_no_answer_is_too_odd(kind: str) -> None:
    """Long runs of the marks that patterns look for; benchmarks/hostile_texts.py measures how the time grows."""
    for one in (
        job(HOSTILE[kind], "Add the 3 parts. So the sum is 4.", prompt=HOSTILE[kind], truth="4", metric="gsm8k"),
        job(HOSTILE[kind], truth="B", metric="em_mc", choices=("one part", "two parts")),
    ):
        template = extract_template(one)
        assert not isinstance(template, str) or (template.isprintable() and 1 <= count_sentences(template) <= 5)
