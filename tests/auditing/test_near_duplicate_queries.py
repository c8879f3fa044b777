"""Near-duplicate queries within and across splits."""

from __future__ import annotations

from typing import Any

from llmfusionbench.auditing.detectors.near_duplicates import of_queries
from tests.helpers.audit_rows import clean_rows

LINE = "boats leave the harbour in the morning and come back in the evening with fish for the market of the old town"


def queries(count: int = 40) -> list[dict[str, Any]]:
    """Queries that share no words but a few, the last quarter in test."""
    rows = []
    for i in range(count):
        prompt = " ".join(f"{word}{i}" if j % 2 else word for j, word in enumerate(LINE.split()))
        split = "test" if i >= 0.75 * count else "train"
        rows.append({"query_id": f"{i:024x}", "task": f"t{i % 2}", "split": split, "prompt": prompt})
    return rows


def test_a_clean_log_has_none() -> None:
    assert of_queries(queries()) == []
    assert of_queries([]) == []


def test_within_a_split() -> None:
    rows = queries()
    rows[3]["prompt"] = rows[1]["prompt"] + " now"
    rows[5]["prompt"] = rows[1]["prompt"]
    (finding,) = of_queries(rows)
    assert finding.title == "Near-duplicate queries within a split"
    assert (finding.count, finding.total, finding.severity) == (2, 40, "medium")
    assert [(p.name, p.count, p.total) for p in finding.places if p.kind == "split"] == [("train", 2, 30)]
    assert {example.query_id for example in finding.examples} == {rows[3]["query_id"], rows[5]["query_id"]}
    assert all(rows[1]["query_id"] in (example.note or "") for example in finding.examples)


def test_across_splits() -> None:
    rows = queries()
    rows[35]["prompt"] = rows[2]["prompt"] + " today"
    (finding,) = of_queries(rows[::-1])
    assert finding.title == "Near-duplicate queries across splits"
    assert (finding.count, finding.total, finding.severity) == (1, 10, "high")
    assert finding.places[0].name == "test and train"
    assert finding.examples[0].query_id == rows[35]["query_id"]
    assert set(finding.examples[0].texts) == {"prompt", "near-duplicate"}


def test_missing_prompts_have_none() -> None:
    rows = [{**row, "prompt": None} for row in queries()]
    assert of_queries(rows) == []


def test_the_questions_of_the_clean_log_are_different() -> None:
    rows = {row["query_id"]: {key: row[key] for key in ("query_id", "task", "split", "prompt")} for row in clean_rows(10)}
    assert of_queries(list(rows.values())) == []
