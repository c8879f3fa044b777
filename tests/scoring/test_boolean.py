"""Yes/no answers in the styles of step-by-step reasoning, plans, coin flips, passages and comparisons."""

from __future__ import annotations

import pytest

from llmfusionbench.scoring import score

YES = [
    "Correct.",
    "**Correct**",
    "Yep, bats do.",
    "Absolutely!",
    "Answer: correct",
    "The claim is accurate.",
    "Yeah, since 1990.",
    "Correct, since whales breathe air.",
    "I believe the statement is correct",
    "Of course.",
    "The statement that the clock is wrong is true.",
    "It is wrong to say so; the answer is yes.",
    "Yes",
    "yes.",
    "True.",
    "**Yes**, both rivers flow into the Baltic Sea.",
    "Yes, there is no doubt about it.",
    "Yes it does. The second paragraph mentions a ferry.",
    "Yes - the museum opened first.",
    "TRUE\n\nThe passage states that the bridge has two decks.",
    "True, because the contract was renewed in spring.",
    '{"answer": "yes"}',
    '{"reasoning": "No bird was seen, and no nest either.", "answer": "Yes"}',
    "A kilo of nails weighs as much as a kilo of wool. So the answer is yes.",
    "Tea has caffeine. Caffeine keeps people awake. Thus, the answer is most likely yes.",
    "Oslo is north of Rome.\nTherefore, the answer (Yes or No) is Yes.",
    "Two locks were opened and both were shut.\nSo, the answer (Yes or No) is: yes, the gate is closed again.",
    "The lamp was switched off after each of the four films. Thus, the answer (yes or no) is yes.",
    "Plan:\n1. Find the door's height.\n2. Compare it.\n\nSolution:\n1. No, the door is not 3 m high.\n2. It is 2 m high.\n"
    "3. Therefore, yes, he fits through it.",
    "Answer:\n1. No, goats do not fly.\n2. Yes, goats climb.\n3. So, yes, a goat can reach the ledge.",
    "<answer>yes</answer>",
    "The answer is \\boxed{\\text{Yes}}.",
    "#### True",
    "Based on the passage, the statement is true.",
    "According to the text, yes.",
    "The statement that the lake freezes every winter is true.",
    "The lake freezes every winter. This is true.",
    "I would say yes.",
    "I'd say yes, since the two towns share a mayor.",
    "It was founded in 1902, and the other in 1911. Yes, the first is older.",
    "The poet was born in Graz and the painter in Linz, so yes, both were born in Austria.",
    "Question: is a tomato a fruit? Answer yes or no.\nAnswer: Yes",
    "Answer with True or False: True",
    "The final answer is: **True**",
    "Conclusion: Yes. Both are bands from Leeds.",
    "Final verdict: true",
    "The answer to whether a whale can drown is yes.",
    "The claim is not false.",
    "A: Yes, it can.",
    "Answer: Yes. The answer depends on nothing else.",
    "Answer: (A) Yes",
    "Is rye a grain? Yes. Does bread need flour? It does. So the answer is yes.",
    "\u201cYes\u201d",
    "It's true, although few people know it.",
    "not ( True ) and False or True = True",
]
NO = [
    "Incorrect.",
    "Nope.",
    "Nah",
    "Absolutely not.",
    "Not at all!",
    "The claim is wrong.",
    "This is not correct.",
    "The answer is: incorrect",
    "The statement is inaccurate, since whales are mammals.",
    "That's wrong; bats fly.",
    "The claim is not entirely accurate.",
    "No",
    "No.",
    "no, they are not.",
    "False",
    "No, a true story would have named the town.",
    "False. Only the north wing was rebuilt.",
    "No. There is no evidence of that.",
    "No it isn't. The tower is made of brick.",
    "No - one is a novelist, the other a chemist.",
    "No because the shop shuts at noon.",
    "Answer: **No**",
    "Answer: False\n\nExplanation: it is true that he wrote plays, but not this one.",
    "The statement is False.",
    "The claim isn't true.",
    "That cannot be true.",
    "It is not true.",
    "The answer is not yes.",
    '{"answer": false}',
    '```json\n{"answer": "No"}\n```',
    "Camels store fat in their humps. Hence, the answer is no.",
    "The ferry stopped at dusk.\nThus, the answer (Yes or No) is No.",
    "Ann paid the toll, so the answer would be yes. But the bridge was shut.\nThus, the answer (Yes or No) is no.",
    "So the answer is yes for ice. Steam is lighter, though. So the answer (yes/no) is no.",
    "Step 1: Yes, the hall has 300 seats.\nStep 2: Yes, 400 people came.\nStep 3: Therefore, no, they could not all sit.",
    "The hall has 300 seats and 400 people came.\nNo",
    "A violin has four strings, a harp about 47. No, they differ.",
    "One film is from 1960 and the other is from 1971, so no.",
    "Yes or no? No.",
    "True or False: False",
    "Options: (A) Yes (B) No\nAnswer: (B) No",
    "In this case, no.",
    "I have to say no.",
    "We can conclude that the statement is false.",
    "Thus, it is false.",
    "The hypothesis is therefore false.",
    "The answer is a clear no.",
    "The answer is no a horse is heavier.",
    "not False and False is False.",
    "The answer to the question is no, since the moon has no air.",
    "<think>Yes? The text names a true story.</think>\nNo",
]
NEITHER = [
    "Certainly! Bats are mammals with wings.",
    "Is the claim correct or incorrect? I am not sure.",
    "The claim is partially correct.",
    "There is no correct option.",
    "This is a wrong answer.",
    "Correct answer unknown.",
    "Wrong question.",
    "It is wrong to keep bats.",
    "The weather report has been lost.\nThus, the answer (Yes or No) is not known.",
    "The ferry may have sailed or not.\nThus, the answer (Yes or No) is: It depends.",
    "Therefore, the answer (Yes or No) is unclear.",
    "Therefore, the answer (Yes or No) is",
    "Therefore, the answer (True or False) is that nothing in the text decides it.",
    "Please answer yes or no.",
    "Yes or no? Hard to tell.",
    "Yes/No",
    "(Yes or No)",
    "The answer is yes and no.",
    "Yes and no. It rains there, but only in May.",
    "Neither true nor false.",
    "The answer cannot be determined.",
    "The answer would be yes if the ship had sailed. However, the answer is not known.",
    "Answer: Unknown. The text has no date.",
    "Answer: It is not possible to say; no records survive.",
    '{"answer": "It depends"}',
    "\\boxed{\\text{Cannot be determined}} is what follows; that they met is no more than a guess.",
    "No direct evidence links the two painters.",
    "No arteries run through the shell.",
    "No. 5 was the first of her perfumes.",
    "No one has climbed it in winter.",
    "There is no bridge across the strait, so people take the ferry.",
    "The region has no railway and therefore no station.",
    "The film tells a true story about a diver.",
    "False teeth were made of ivory at the time.",
    "It was a false alarm.",
    "True love is the theme of both novels.",
    "It is true that he was a painter, but many painters also made prints.",
    "The harbour is no longer in use.",
    "Dublin is the capital of Ireland, and Cork is a city in the south.",
    "Both directors are from Chile.",
    "The two were never in the same place.",
    "It is not possible that the train was late.",
    "A cat would not fit into that box.",
    "Therefore, such a wall would not hold the water.",
    "The opposite is true.",
    "If the ice is thick, yes. If it is thin, no.",
    "If the statement is true, the bank was closed.",
    "Whether it is true is still debated.",
    "While it is true, the reports differ.",
    "She said no to the offer and left.",
    "Her yes-men praised the plan.",
    "1. Yes, the glue bonds wood.\n2. No, it does not bond glass.",
    "Is oak a wood? Yes. Does oak float? Most of it does. Thus an oak log would stay up.",
    "Answer:\n1. Yes, the team had eleven players.\n2. Two were sent off.\n3. Nine were left.",
    "The value of the flag is set to true by the loader before the first read.",
    "So no rain fell that month.",
    "As a result, no ships were lost.",
    "Thus the true height is 12 m.",
    "I am not sure.",
    "I'm sorry, but I cannot answer that.",
    "The passage does not say.",
    "Sea levels rose, a fact that no chart of the time shows",
    "He had no brothers; his sister inherited the farm.",
    "The legend may or may not be a true account.",
    "The reports are mixed: some say yes, others say no, and the archive is shut.",
    "Maybe.",
    "Answer:\n1. Yes, it bonds wood.\n2. No, it does not bond glass.",
    "Step 1: The shop is open. True.\nStep 2: It is Sunday. False.",
    "The coin is no longer heads up.",
    "Thus, snakes have no use for shoes.",
    "Plan: first see if the claim is true, then say so.",
    "Therefore, the answer (Yes or No) is there is no correct answer.",
    "Therefore, the answer (Yes or No) is no information.",
    "No-brainer deals like this one are rare.",
]


@pytest.mark.parametrize("response", YES)
def test_yes(response: str) -> None:
    assert score("em", response, "yes").value == 1.0
    assert score("em", response, "False").value == 0.0


@pytest.mark.parametrize("response", NO)
def test_no(response: str) -> None:
    assert score("em", response, "no").value == 1.0
    assert score("em", response, "True").value == 0.0


@pytest.mark.parametrize("response", NEITHER)
def test_neither(response: str) -> None:
    scored = score("em", response, "no")
    assert (scored.value, scored.extracted) == (0.0, None)
    assert score("em", response, "yes").value == 0.0


def test_the_reason_for_no_answer() -> None:
    assert score("em", "It depends.", "no").reason == "no true or false in the response"
    assert score("em", "I'm sorry, but I cannot answer that.", "no").reason == "refusal"


@pytest.mark.parametrize(
    "unit",
    [
        "yes ",
        "no ",
        "yes or no ",
        "answer to ",
        "the answer is not ",
        "so no rain ",
        "it is ",
        "the statement ",
        "if ",
        "1. no\n",
    ],
)
def test_a_long_response(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    assert score("em", text, "yes").value in (0.0, 1.0)
    assert score("em", f"{text}\nSo the answer is yes", "yes").value == 1.0
