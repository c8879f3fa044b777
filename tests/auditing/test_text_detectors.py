"""Faults of texts, planted in a clean log: every detector counts what was planted, and names where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from llmfusionbench.auditing.detectors import DETECTORS
from llmfusionbench.auditing.detectors.personal_data import PersonalData
from llmfusionbench.auditing.detectors.truth_in_prompt import TruthInPrompt
from tests.helpers.audit_rows import batch_of, clean_rows, findings_of, the_finding

CHINESE = "早上有十二个苹果，午饭后又数了三十个苹果，所以一共有四十二个苹果。"
GERMAN = (
    "Am Morgen sind es zwölf Äpfel, und nach dem Essen werden noch dreißig gezählt, die wir mit der ersten Zahl addieren. "
    "Das sind auf dem Markt also nicht mehr als zweiundvierzig, was sich mit einem Blick auf die Liste prüfen lässt."
)
SECRET = "gh" + "p_" + "q8Zt3Lk9Wv2Xr7Bn5Yc1Ha6Ud4Se0Gf3JmP"


@dataclass(frozen=True)
class Planted:
    """A fault, and an answer or prompt that looks like it and is none."""

    detector: str
    fault: dict[str, Any]
    harmless: dict[str, Any]


PLANTED = [
    Planted("broken_json", {"response": '{"reasoning": "a" "answer": "4"}'}, {"response": '{"reasoning": "a", "answer": "4"}'}),
    Planted("loops", {"response": "We add the apples once more to be sure. " * 12}, {"response": "We add the apples. " * 3}),
    Planted(
        "refusals", {"response": "I'm sorry, but I can't help with that."}, {"response": "I'm sorry, I was wrong: it is 4."}
    ),
    Planted("reasoning_left", {"response": "<think>Twelve and thirty.</think>42"}, {"response": "I think > 42 </i>"}),
    Planted("reasoning_left", {"response": "<think>Twelve and thirty"}, {"response": "<b>42</b>"}),
    Planted("reasoning_left", {"response": "Twelve and thirty.</think>\n42"}, {"response": "42 <thinner>"}),
    Planted("chat_tokens", {"response": "The answer is 42.<|im_end|>"}, {"response": "The answer is <|42|>."}),
    Planted("chat_tokens", {"response": "The answer is 42.</s></s>"}, {"response": "The <s>answer</s> is 42."}),
    Planted("chat_tokens", {"response": "[INST] and 42 [/INST] 42"}, {"response": "[INSTANCE] 42"}),
    Planted("chat_tokens", {"response": "42<|eot_id|><|start_header_id|>user<|end_header_id|>"}, {"response": "a <|b|> c"}),
    Planted("chat_tokens", {"response": "42<end_of_turn>\n"}, {"response": "a <end> c"}),
    Planted("other_language", {"response": CHINESE}, {"response": "The sum of α and β is 42, as in the shop (苹果)."}),
    Planted("other_language", {"response": "The answer is 42. " + CHINESE}, {"response": f"```\n# {CHINESE}\n```"}),
    Planted("other_language", {"response": GERMAN}, {"response": "The answer is 42, as der Bäcker says."}),
    Planted("personal_data", {"response": f"Use the key {SECRET} for it."}, {"response": "Use the key sk-your-key-here."}),
    Planted("personal_data", {"reasoning": "mara.stein@bodensee-boote.ch"}, {"reasoning": "jane@example.com"}),
]


@pytest.mark.parametrize(
    "planted", PLANTED, ids=lambda planted: f"{planted.detector}: {next(iter(planted.fault.values()))[:20]}"
)
def test_planted_answers_are_found_and_harmless_ones_are_not(planted: Planted) -> None:
    rows = clean_rows(20)
    for i in range(0, 70, 7):
        rows[i] |= planted.fault
        rows[i + 3] |= planted.harmless
    finding = the_finding(DETECTORS[planted.detector](), rows)
    assert finding.count == 10
    assert finding.total <= len(rows)
    keys = {(row["query_id"], row["llm"]) for row in rows[:70:7]}
    assert finding.examples
    assert {(example.query_id, example.llm) for example in finding.examples} <= keys
    assert sum(place.count for place in finding.places if place.kind == "llm") == 10


@pytest.mark.parametrize(
    ("name", "prompt", "response"),
    [
        ("chat_tokens", "What does <|im_end|> mean in ChatML?", "The token <|im_end|> ends a turn."),
        ("reasoning_left", "Think between <think> and </think>, then answer.", "<think>Twelve.</think>12"),
        ("loops", "Repeat the sentence twenty times.", "We add the apples once more to be sure. " * 20),
        ("other_language", "Translate into Chinese: there are 42 apples.", CHINESE),
        ("other_language", "How many apples are there? Answer in German.", GERMAN),
    ],
)
def test_what_the_prompt_asks_for_is_no_fault(name: str, prompt: str, response: str) -> None:
    rows = [{**row, "prompt": prompt, "response": response} for row in clean_rows(5)]
    assert findings_of(DETECTORS[name](), rows) == []


def test_an_answer_in_the_language_of_its_prompt_is_no_fault() -> None:
    rows = [{**row, "prompt": GERMAN, "response": GERMAN} for row in clean_rows(5)]
    assert findings_of(DETECTORS["other_language"](), rows) == []
    rows = [{**row, "prompt": CHINESE, "response": CHINESE} for row in clean_rows(5)]
    assert findings_of(DETECTORS["other_language"](), rows) == []


@pytest.mark.parametrize(
    "opening",
    [
        "<|im_start|>user\n",
        "[INST] ",
        "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n",
        "<bos><start_of_turn>user\n",
    ],
)
def test_prompts_that_were_rendered_by_a_template(opening: str) -> None:
    rows = clean_rows(10)
    changed = {row["query_id"] for row in rows[:60]}
    rows = [{**row, "prompt": opening + row["prompt"]} if row["query_id"] in changed else row for row in rows]
    finding = the_finding(DETECTORS["template_prompts"](), rows)
    assert (finding.count, finding.total) == (len(changed), 50)
    assert all(example.llm is None for example in finding.examples)
    later = [{**row, "prompt": row["prompt"] + " " * 200 + opening} for row in clean_rows(10)]
    assert findings_of(DETECTORS["template_prompts"](), later) == []


def test_a_truth_in_the_prompt() -> None:
    rows = clean_rows(10)
    changed = {row["query_id"] for row in rows[:60]}
    rows = [
        {**row, "prompt": f"{row['prompt']}\nAnswer: {row['ground_truth']}"} if row["query_id"] in changed else row
        for row in rows
    ]
    finding = the_finding(TruthInPrompt(), rows)
    assert (finding.count, finding.total, finding.severity) == (len(changed), 50, "high")
    assert {place.name: place.count for place in finding.places if place.kind == "reason"} == {"stated": len(changed)}
    for harmless in ({"metric": "em_mc"}, {"choices": ["41", "42"]}, {"ground_truth": None}):
        assert findings_of(TruthInPrompt(), [{**row, **harmless} for row in rows]) == []


def test_prompts_with_personal_data_count_once_per_query() -> None:
    rows = [{**row, "prompt": f"{row['prompt']} Write to mara.stein@bodensee-boote.ch."} for row in clean_rows(4, 6)]
    finding = the_finding(PersonalData(), rows)
    assert finding.count == 20
    assert "e-mail address in prompts: 20" in finding.what


@pytest.mark.parametrize("name", [name for name in DETECTORS if "response" in DETECTORS[name]().columns])
def test_no_detector_shows_a_secret(name: str) -> None:
    rows = clean_rows(10)
    for i, row in enumerate(rows):
        row["prompt"] = f"My key is {SECRET}. {row['prompt']}"
        row["response"] = f"I'm sorry, but I can't help with {SECRET}.<|im_end|> <think> and the" + (" " if i % 2 else "")
    found = findings_of(DETECTORS[name](), rows)
    assert SECRET not in repr(found)
    assert batch_of(rows).num_rows == 300


def test_keys_are_found_and_severe() -> None:
    rows = clean_rows(10)
    rows[0]["response"] = f"Use {SECRET} for it."
    finding = the_finding(PersonalData(), rows)
    assert finding.severity == "high"
    assert finding.examples[0].note == "key in answers"
    assert (
        "Use ghp_…[key, 40 characters]" in finding.examples[0].texts["answers"]
        or "ghp_…" in finding.examples[0].texts["answers"]
    )
