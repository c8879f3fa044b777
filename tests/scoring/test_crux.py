"""CRUX: what a program returns, compared as the text that Python writes."""

from __future__ import annotations

import gzip
import json

import pytest

from llmfusionbench.scoring import score
from tests.helpers.reading import real_logs

PUBLISHED = {"Phi-3.5-mini-instruct": 42.12, "o1-mini-2024-09-12": 93.75, "gemma-2-2b-it": 21.50}
"""Accuracies that ZeroEval publishes, percent."""


def reply(value: object) -> str:
    return f"```json\n{json.dumps({'reasoning': 'The loop ends.', 'answer': value}, indent=4)}\n```"


@pytest.mark.parametrize(
    ("answer", "truth", "value"),
    [
        ("[]", "[]", 1),
        ([], "[]", 1),
        ("", "''", 1),
        ("''", "''", 1),
        ("''", "[]", 0),
        ("'p'", "['p', 'q']", 0),
        ("'aBc'", "'abC'", 0),
        ("7", "-7", 0),
        (7, "7", 1),
        (True, "True", 1),
        (None, "None", 1),
        ("['4', 'four']", "['4', 'four']", 1),
        (["4", "four"], "['4', 'four']", 1),
        ("['4','four']", "['4', 'four']", 0),
        ("kite", "'kite'", 1),
        ('"kite"', "'kite'", 1),
        ("  ", "'  '", 1),
        (" ", "'  '", 0),
        ("one\ntwo", "'one\\ntwo'", 1),
        ({"k": 1}, "{'k': 1}", 1),
        ("['4', 'four']", '["4", "four"]', 1),  # as the build stores a list of texts
    ],
)
def test_texts_are_compared_as_they_are(answer: object, truth: str, value: int) -> None:
    assert score("crux", reply(answer), truth).value == value
    assert score("crux", reply(answer), truth, official=True).value == value


@pytest.mark.parametrize(
    ("response", "value", "extracted"),
    [
        ('{"answer": "[3]", "reasoning": "a "quoted" word"}', 1, "[3]"),  # no JSON
        ('{"reasoning": "a brace }", "answer": [3] }', 1, "[3]"),
        ('{"reasoning": "x"} {"answer": "[3]"}', 1, "[3]"),
        ("So the final answer: [3]", 1, "[3]"),
        ("It returns \\boxed{[3]}", 1, "[3]"),
        ("[3]", 1, "[3]"),
        ("It returns [3].", 0, "It returns [3]."),
        ('<think>{"answer": "[4]"}</think>{"answer": "[3]"}', 1, "[3]"),
        ('{"answer": ', 0, ""),
        ('{"answer": 1e999999}', 0, "inf"),
    ],
)
def test_where_the_answer_stands(response: str, value: int, extracted: str) -> None:
    found = score("crux", response, "[3]")
    assert (found.value, found.extracted) == (value, extracted)


@pytest.mark.parametrize("llm", PUBLISHED)
def test_the_published_accuracies_are_met(llm: str) -> None:
    (place,) = real_logs(f"formats/crux/{llm}.json.gz")
    records = json.loads(gzip.decompress(place.read_bytes()))
    values = [score("crux", record["output"][0], record["answer"]).value for record in records]
    assert None not in values
    assert 100 * sum(values) / len(values) == pytest.approx(PUBLISHED[llm], abs=0.01)


@pytest.mark.parametrize(
    ("truth", "answer"),
    [
        ("true", "True"), ("null", "None"), ("[true]", "[True]"), ("[null, 1]", "[None, 1]"), ('{"a": 1}', "{'a': 1}"),
        ('[["a", "b"]]', "[['a', 'b']]"), ('["\u00e9"]', "['\u00e9']"), ("'true'", "true"),
    ],
)  # fmt: skip
def test_values_that_a_log_has_as_json(truth: str, answer: str) -> None:
    assert score("crux", json.dumps({"answer": answer}), truth).value == 1.0


def test_a_text_that_is_not_stored_json_is_compared_as_it_is() -> None:
    assert score("crux", "[1, 2]", "[1,2]").value == 0.0
    assert score("crux", "[True]", "[true ]").value == 0.0
