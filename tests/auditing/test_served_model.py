"""Answers of another model than the one that was asked for."""

from __future__ import annotations

import pytest

from llmfusionbench.auditing.detectors.served_model import ServedModel
from llmfusionbench.llm.model_names import same_model
from tests.helpers.audit_rows import clean_rows, findings_of, the_finding

SAME = [
    ("gpt-4o", "gpt-4o-2024-08-06"),
    ("openai/gpt-4o", "GPT-4o"),
    ("gpt-4", "gpt-4-0613"),
    ("gpt-4o-latest", "gpt-4o-2024-11-20"),
    ("claude-3-5-sonnet-latest", "claude-3-5-sonnet-20241022"),
    ("claude-3-haiku", "us.anthropic.claude-3-haiku-20240307-v1:0"),
    ("claude-3-haiku@20240307", "claude-3-haiku-20240307"),
    ("gemini-1.5-flash", "models/gemini-1.5-flash-002"),
    ("gpt-4o-2024-08-06", "gpt-4o"),
]
DIFFERENT = [
    ("gpt-4", "gpt-4o"),
    ("gpt-4o", "gpt-4o-mini"),
    ("gpt-4o", "gpt-4o-mini-2024-07-18"),
    ("gpt-4o-2024-05-13", "gpt-4o-2024-08-06"),
    ("claude-3-opus", "claude-3-5-sonnet-20241022"),
    ("llama-3-70b", "llama-3-8b"),
    ("qwen2-7b", "qwen2-72b"),
]


@pytest.mark.parametrize(("requested", "served"), SAME)
def test_a_snapshot_of_the_same_name_is_the_same(requested: str, served: str) -> None:
    assert same_model(requested, served)


@pytest.mark.parametrize(("requested", "served"), DIFFERENT)
def test_another_model_is_another(requested: str, served: str) -> None:
    assert not same_model(requested, served)
    assert not same_model(served, requested)


def test_every_planted_answer_is_counted_where_it_is() -> None:
    rows = clean_rows(20)
    planted = [row for row in rows if row["llm"] == "llm-3" and row["task"] in ("sums", "trade")]
    for row in planted:
        row["served_model"] = "llm-9-turbo"
    finding = the_finding(ServedModel(), rows)
    assert (finding.count, finding.total, finding.severity) == (40, len(rows), "high")
    places = [(place.kind, place.name, place.count, place.total) for place in finding.places]
    assert places[0] == ("requested -> served", "llm-3 -> llm-9-turbo", 40, 40)
    assert ("llm", "llm-3", 40, 100) in places
    assert {name for kind, name, _, _ in places if kind == "task"} == {"sums", "trade"}
    assert {example.llm for example in finding.examples} == {"llm-3"}
    assert {example.note for example in finding.examples} == {"llm-3 -> llm-9-turbo"}


def test_a_log_without_names_has_no_finding() -> None:
    rows = [{**row, "served_model": None} for row in clean_rows(3)]
    rows += [{**row, "requested_model": None, "served_model": "x", "replicate": 1} for row in rows]
    assert findings_of(ServedModel(), rows) == []
