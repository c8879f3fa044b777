"""Which changes of a prompt leave the question as it is, and which make another of it."""

from __future__ import annotations

import re

import pytest

from llmfusionbench.texts import near_duplicates, reading
from llmfusionbench.texts.near_duplicates import first_near_duplicates, similar_pairs
from llmfusionbench.texts.what_differs import ask_the_same

PASSAGE = (
    "The lighthouse at Harrow Point was finished in 1874 after six years of work. Its lamp burned whale oil until the keepers "
    "changed to paraffin, and a fog bell was added when two ships ran aground in the same winter. Elsa Brandt, the first woman "
    "to keep the light, lived there with her brother for thirty years and wrote a diary that the town museum still shows. "
    "Visitors climb 148 steps to the gallery, from which the whole bay can be seen on a clear day."
)
PROBLEM = (
    "Marta bakes bread for the village market. On Saturday she takes 24 loaves to her stall and sells them for 3 dollars each. "
    "She gives a quarter of the loaves to the school kitchen and keeps 2 loaves at home for her family. The rent of the stall "
    "is 5 dollars a day, and the flour for one loaf costs half a dollar. How much money does Marta have left in the evening?"
)
QUESTION = "What did the keepers burn in the lamp before they changed to paraffin?"
FORM = (
    "You are a careful tutor who answers pupils in plain words. Read what the pupil asks, think about what they may already "
    "know, and reply in at most three sentences without a list. Do not repeat the task, and do not add a greeting at the end.\n"
)
EXAMPLES = (
    "Decide whether the statement is true.\nStatement: Copper conducts electricity better than glass. Verdict: true\n"
    "Statement: A whale is a large kind of fish. Verdict: false\nStatement: Snow melts when it is heated. Verdict: true\n"
    "Statement: Every prime number is odd. Verdict: false\nStatement: Rice grows in flooded fields. Verdict: true\n"
)
ASKED = f"{PASSAGE}\n{QUESTION}"

SAME = {
    "lower case": (PROBLEM, PROBLEM.lower()),
    "capitals": (PROBLEM, PROBLEM.upper()),
    "title case": (ASKED, ASKED.title()),
    "double spaces": (PROBLEM, PROBLEM.replace(" ", "  ")),
    "other line breaks": (PROBLEM, PROBLEM.replace(". ", ".\n")),
    "lines broken within sentences": (ASKED, re.sub(r"(\w+ \w+ \w+) ", r"\1\n", ASKED)),
    "no commas": (ASKED, ASKED.replace(",", "")),
    "dashes for commas": (ASKED, ASKED.replace(", ", " - ", 2)),
    "an exclamation mark": (PROBLEM, PROBLEM.replace("market.", "market!")),
    "letters exchanged": (PROBLEM, PROBLEM.replace("village", "vilalge")),
    "a letter lost": (PROBLEM, PROBLEM.replace("kitchen", "kichen")),
    "a letter too many": (ASKED, ASKED.replace("paraffin", "parraffin")),
    "another letter": (ASKED, ASKED.replace("museum", "musoum")),
    "a slip in a name": (ASKED, ASKED.replace("Brandt", "Bradnt")),
    "a word replaced": (PROBLEM, PROBLEM.replace("the village market", "the village fair")),
    "two words replaced": (ASKED, ASKED.replace("finished", "completed").replace("ran aground", "stranded")),
    "a word of the question replaced": (PROBLEM, PROBLEM.replace("in the evening", "at night")),
    "a word left out": (PROBLEM, PROBLEM.replace("the village market", "the market")),
    "two words left out": (ASKED, ASKED.replace("still ", "").replace("whole ", "")),
    "a word added": (ASKED, ASKED.replace("in the lamp", "in the old lamp")),
    "a label before it": (PROBLEM, f"Question: {PROBLEM}"),
    "a number before it": (PROBLEM, f"12. {PROBLEM}"),
    "numbered in two ways": (f"Question 3: {PROBLEM}", f"Question 17: {PROBLEM}"),
    "an instruction before it": (ASKED, f"Answer the question in one short sentence.\n{ASKED}"),
    "an instruction after it": (PROBLEM, f"{PROBLEM}\nLet us think step by step, and do not guess."),
    "labels of its parts": (ASKED, f"Passage: {PASSAGE}\nQuestion: {QUESTION}"),
    "numbers in words": (PROBLEM, PROBLEM.replace("takes 24 loaves", "takes 24 loaves").replace(" 2 loaves", " two loaves")),
    "a number with its zeros": (PROBLEM, PROBLEM.replace("for 3 dollars", "for 3.00 dollars")),
    "a problem about another person": (PROBLEM, PROBLEM.replace("Marta", "Ingrid")),
    "a sentence left out": (ASKED, ASKED.replace(PASSAGE.split(". ")[1] + ". ", "")),
    "quotation marks of another shape": (ASKED + ' Say "unknown" else.', ASKED + " Say “unknown” else."),
    "sentences moved": (ASKED, "\n".join([*ASKED.split(". ")[1:3], ASKED.split(". ")[0] + ".", *ASKED.split(". ")[3:]])),
    "words about a conjunction": tuple(f"{FORM}Compare {words} as drinks." for words in ("tea and cocoa", "cocoa and tea")),
    "a clause moved": tuple(f"{FORM}{words}" for words in ("Please name two metals.", "Name two metals please.")),
    "several changes": (PROBLEM, "Question: " + PROBLEM.lower().replace("kitchen", "kithcen").replace(",", "")),
}
OTHER = {
    "another question about a passage": (ASKED, f"{PASSAGE}\nWho kept a diary that visitors can look at today?"),
    "questions before a label": tuple(f"Passage: {PASSAGE} Question: {q} Answer:" for q in (QUESTION, "Where is the bay?")),
    "the question first": (f"{QUESTION}\n{PASSAGE}", f"How many steps lead up to the gallery?\n{PASSAGE}"),
    "no full stops": tuple(re.sub(r"[.,?\n]", " ", f"{PASSAGE} {q}") for q in (QUESTION, "how many steps lead to the gallery")),
    "yes or no": tuple(f"{PASSAGE}\nquestion: {q}" for q in ("was the lamp ever lit by oil", "did a storm destroy the tower")),
    "a statement to judge": (EXAMPLES + "Statement: Iron floats on water.", EXAMPLES + "Statement: Bees make honey."),
    "a word to explain": (FORM + "Explain the word: tide", FORM + "Explain the word: harvest"),
    "a text to translate": (FORM + "Say in French: I missed the bus.", FORM + "Say in French: We grow our own food."),
    "a name in a form": (FORM + "Tell me about the history of Lisbon.", FORM + "Tell me about the history of Oslo."),
    "a place in a question": (FORM + "Which river flows through Prague?", FORM + "Which river flows through Cairo?"),
    "another number": (PROBLEM, PROBLEM.replace("24 loaves", "36 loaves")),
    "other numbers and another name": (PROBLEM, PROBLEM.replace("24", "40").replace("5 do", "6 do").replace("Marta", "Jo")),
    "another name once": (f"{PASSAGE}\nIs Harrow Point in Wales?", f"{PASSAGE}\nIs Harrow Point in Ireland?"),
    "a number in words": (PROBLEM, PROBLEM.replace("keeps 2 loaves", "keeps three loaves")),
    "a decimal": (PROBLEM.replace("3 dollars", "3.50 dollars"), PROBLEM.replace("3 dollars", "3.25 dollars")),
    "what is asked for": (f"{PASSAGE}\nIn what year was the tower built?", f"{PASSAGE}\nIn what town was the tower built?"),
    "how it is asked": (f"{PASSAGE}\nHow long did Brandt live there?", f"{PASSAGE}\nWhy did Brandt live there?"),
    "who or when": (f"{PASSAGE}\nWho added the bell to the light?", f"{PASSAGE}\nWhen was the bell added to the light?"),
    "largest or smallest": tuple(f"{FORM}Find the {w} number in a list of whole numbers." for w in ("largest", "smallest")),
    "sum or product": tuple(f"{FORM}Write a function for the {w} of all the numbers in a list." for w in ("sum", "product")),
    "odd or even": tuple(f"{FORM}Write a function that counts the {w} numbers in a list." for w in ("odd", "even")),
    "denied": (f"{PASSAGE}\nWhich of these is said in the text?", f"{PASSAGE}\nWhich of these is not said in the text?"),
    "a sign of a formula": (FORM + "What is the value of 17 + 4 if x is 2?", FORM + "What is the value of 17 - 4 if x is 2?"),
    "a quoted word": (FORM + "What is the plural of 'goose' here?", FORM + "What is the plural of 'louse' here?"),
    "arguments of a call": tuple(f"{FORM}def f(s):\n    return s[::-1]\nassert f({a}) == ??" for a in ("'lamp'", "'rope'")),
    "another function": tuple(f"import math\nfrom typing import List\n\n{FORM}{d}" for d in (
        'def area_of(r: float):\n    """Area of a circle."""', 'def join(words: List[str]):\n    """Words in one line."""'
    )),
    "a move back": tuple(f"{FORM}Go from ({a}) to ({b})." for a, b in (("2, 3", "5, 7"), ("5, 7", "2, 3"))),
    "subject and object": tuple(f"{FORM}{q}" for q in ("Did Ines follow Karl?", "Did Karl follow Ines?")),
    "the short names in turn": ("Does Ann love Bob?", "Does Bob love Ann?"),
    "operands exchanged": tuple(f"{FORM}Is {q} here?" for q in ("x_1 > x_2", "x_2 > x_1")),
    "variables exchanged": tuple(f"{FORM}Solve {q} for both." for q in ("x > y", "y > x")),
    "an order of numbers": tuple(f"{FORM}Put these in ascending order: {q}" for q in ("3 1 2", "2 1 3")),
    "an order of signs": tuple(f"{FORM}Evaluate {q} exactly." for q in ("8 + 3 - 2", "8 - 3 + 2")),
    "plain words exchanged": tuple(f"{FORM}Is a {a} larger than a {b}?" for a, b in (("mouse", "lizard"), ("lizard", "mouse"))),
    "units exchanged": tuple(f"{FORM}Convert {q}." for q in ("feet to metres", "metres to feet")),
    "a relative": tuple(f"{FORM}How old was the {q} of the keeper?" for q in ("father", "mother")),
    "raised or cut": tuple(f"{FORM}Say when the bank {q} the rent of the houses." for q in ("raised", "cut")),
    "old or new": tuple(f"{FORM}Describe the {q} bridge over the river in town." for q in ("old", "new")),
    "a changed passage and another question": (
        ASKED, PASSAGE.replace("finished", "completed") + "\nHow many steps lead up to the gallery?"
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", SAME)
def test_changed_prompts_that_ask_the_same(kind: str) -> None:
    one, other = SAME[kind]
    assert one != other
    assert ask_the_same(one, other, 0.8)
    assert ask_the_same(other, one, 0.8)


@pytest.mark.parametrize("kind", OTHER)
def test_similar_prompts_that_ask_something_else(kind: str) -> None:
    one, other = OTHER[kind]
    assert not ask_the_same(one, other, 0.8)
    assert not ask_the_same(other, one, 0.8)


def test_only_what_asks_the_same_is_a_duplicate() -> None:
    """Through the whole search, where similarity proposes the pairs."""
    changes = (("lighthouse", "mill"), ("bell", "gong"))
    text = " ".join(PASSAGE.replace(*change) for change in changes)
    prompts = [f"{text}\n{QUESTION}", f"{text}\nHow many steps lead up to the gallery?", f"Read.\n{text.lower()}\n{QUESTION}"]
    assert similar_pairs(prompts, prompts).tolist() == [[0, 0], [0, 2], [1, 1], [2, 0], [2, 2]]
    assert first_near_duplicates(prompts).tolist() == [0, 1, 0]


def test_each_prompt_is_read_once_in_any_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prompts about several passages, in turn: a prompt meets all others about its passage, yet none is read again."""
    read: list[str] = []
    parts = reading.Reading._parts
    monkeypatch.setattr(reading.Reading, "_parts", lambda self: read.append(self._text) or parts(self))
    compared: list[bool] = []
    ask = near_duplicates.ask_the_same
    monkeypatch.setattr(near_duplicates, "ask_the_same", lambda *pair: compared.append(ask(*pair)) or compared[-1])
    words = ("lamp", "bell", "diary", "gallery", "winter", "brother", "museum", "town", "bay", "ships")
    passages = [" ".join(f"{word}{i}" for word in PASSAGE.split()) for i in range(12)]
    prompts = [f"{passage}\nwhat did a {word} mean to {word}s" for word in words for passage in passages]
    assert first_near_duplicates(prompts).tolist() == list(range(len(prompts)))
    assert len(compared) >= 12 * 10 * 9 / 2 * 0.9
    assert len(read) == len(set(read)) == len(prompts)


def test_a_lower_threshold_holds_for_what_differs_too() -> None:
    one, other = (f"{PASSAGE}\nTell us how the {words} was tended." for words in ("harbour light", "museum garden"))
    assert not ask_the_same(one, other, 0.8)
    assert ask_the_same(one, other, 0.5)


def test_scripts_without_spaces_are_compared_by_character() -> None:
    passage = "灯塔在一八七四年建成。守塔人先烧鲸油，后来改用煤油。游客可以登上塔顶看到整个海湾。"
    assert ask_the_same(f"{passage}守塔人最初在灯里烧的是什么油？", f"{passage}守塔人最初在灯里烧的是甚么油？", 0.8)
    assert not ask_the_same(f"{passage}守塔人最初在灯里烧的是什么油？", f"{passage}游客要走多少级台阶？", 0.8)


LONG = ["x" * 300_000, "a. " * 100_000, "'a " * 100_000, "1." * 100_000]


@pytest.mark.parametrize("one", ["", "a", "?", "1 + 1", "'", *LONG])
def test_any_text_asks_the_same_as_itself_and_more(one: str) -> None:
    assert ask_the_same(one, one, 0.8)
    assert ask_the_same(one, f"{one}\nAnswer in one word.", 0.8)
