"""The same long answer from different LLMs, and equal answers that mean nothing."""

from __future__ import annotations

from llmfusionbench.auditing.detectors.same_text import LONG, SameText
from tests.helpers.audit_rows import clean_rows, findings_of, the_finding

TEXT = "In the morning {} boats leave the harbour, and in the evening they are back. " + "Nobody counts the others. " * 12


def test_pairs_of_llms_with_the_same_answers() -> None:
    rows = [{**row, "response": TEXT.format(row["llm"] + row["prompt"][:30])} for row in clean_rows(10)]
    for row in rows:
        if row["llm"] in ("llm-1", "llm-4"):
            row["response"] = TEXT.format(row["prompt"]) + (" \n" if row["llm"] == "llm-4" else "")
    finding = the_finding(SameText(), rows)
    assert (finding.count, finding.total, finding.severity) == (100, 300, "high")
    (pair,) = [place for place in finding.places if place.kind == "pair of LLMs"]
    assert (pair.name, pair.count, pair.total) == ("llm-1 and llm-4", 50, 50)
    assert all(example.note == "the same from llm-1, llm-4" for example in finding.examples)
    assert len({example.query_id for example in finding.examples}) == len(finding.examples)


def test_short_answers_are_equal_by_chance() -> None:
    assert findings_of(SameText(), [{**row, "response": "A"} for row in clean_rows(5)]) == []
    assert findings_of(SameText(), [{**row, "response": "x" * (LONG - 1)} for row in clean_rows(5)]) == []


def test_one_llm_may_repeat_itself() -> None:
    rows = [
        {**row, "response": TEXT.format(row["query_id"]), "mode": mode, "replicate": replicate}
        for row in clean_rows(5, 1)
        for mode in ("direct", "think")
        for replicate in (0, 1)
    ]
    assert findings_of(SameText(), rows) == []


def test_the_same_answer_to_different_queries_is_not_looked_at() -> None:
    rows = [{**row, "response": TEXT.format(row["llm"])} for row in clean_rows(5)]
    assert findings_of(SameText(), rows) == []


def test_a_prompt_that_answers_begin_with_does_not_count() -> None:
    rows = [
        {**row, "prompt": TEXT.format(row["query_id"]), "response": TEXT.format(row["query_id"]) + "return 42"}
        for row in clean_rows(5)
    ]
    assert findings_of(SameText(), rows) == []
