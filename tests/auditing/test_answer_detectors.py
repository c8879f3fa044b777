"""Answers that are empty, failed, wrongly priced or wrongly counted."""

from __future__ import annotations

from typing import Any

import pytest

from llmfusionbench.auditing.detectors.costs import Costs
from llmfusionbench.auditing.detectors.empty_answers import EmptyAnswers
from llmfusionbench.auditing.detectors.errors import Errors, reason_of
from llmfusionbench.auditing.detectors.token_counts import TokenCounts
from llmfusionbench.texts.tokens import offline_tokenizers
from tests.helpers.audit_rows import clean_rows, findings_of, the_finding


def changed(rows: list[dict[str, Any]], count: int, **changes: Any) -> list[dict[str, Any]]:
    """The rows, every seventh of them with other values, `count` in all."""
    places = set(range(0, 7 * count, 7))
    return [{**row, **changes} if i in places else row for i, row in enumerate(rows)]


@pytest.mark.parametrize("changes", [{"response": None, "status": "empty"}, {"response": " \n\t "}, {"response": ""}])
def test_empty_answers_are_counted(changes: dict[str, Any]) -> None:
    rows = changed(clean_rows(10), 12, **changes, finish_reason="length")
    finding = the_finding(EmptyAnswers(), rows)
    assert (finding.count, finding.total) == (12, 300)
    assert "12 of them were charged output tokens" in finding.what
    assert finding.examples[0].note is not None
    assert "finish reason length" in finding.examples[0].note


def test_a_text_that_was_not_kept_is_not_empty() -> None:
    assert findings_of(EmptyAnswers(), changed(clean_rows(10), 12, response=None)) == []


def test_answers_that_were_never_asked_for_are_not_looked_at() -> None:
    rows = changed(clean_rows(10), 12, status="missing", response=None)
    rows = changed(rows, 3, response="")
    assert findings_of(EmptyAnswers(), rows) == []
    assert findings_of(Errors(), rows) == []


def test_errors_are_counted_by_reason() -> None:
    rows = clean_rows(10)
    for i in range(9):
        rows[i] |= {"status": "error", "response": None, "error": f"Error code: 429 - limit of request 6f3a09bc{i:04d}\nTrace"}
    rows[20] |= {"status": "error", "response": None, "error": None}
    finding = the_finding(Errors(), rows)
    assert (finding.count, finding.total) == (10, 300)
    reasons = {place.name: place.count for place in finding.places if place.kind == "reason"}
    assert reasons == {"Error code: 429 - limit of request #": 9, "(not stated)": 1}
    assert any(example.texts.get("error", "").startswith("Error code: 429") for example in finding.examples)


def test_many_reasons_are_counted_together() -> None:
    rows = [
        {**row, "status": "error", "error": f"reason {chr(97 + i % 26)}{chr(97 + i // 26)}"}
        for i, row in enumerate(clean_rows(8))
    ]
    finding = the_finding(Errors(), rows)
    reasons = [place for place in finding.places if place.kind == "reason"]
    assert len(reasons) == 101
    assert reasons[0].name == "(other reasons)"
    assert sum(place.count for place in reasons) == len(rows)


def test_a_reason_is_one_short_line() -> None:
    assert reason_of("\n  Timeout after 60 s\nat 0x7f3c\n") == "Timeout after 60 s"
    assert reason_of("x" * 500) == "x" * 80
    assert reason_of("  ") == "(not stated)"


def test_costs_that_tokens_and_prices_do_not_give() -> None:
    rows = clean_rows(20)
    for row in rows:
        if row["llm"] == "llm-2":
            row["cost_usd"] *= 6
    finding = the_finding(Costs(), rows)
    assert (finding.count, finding.total) == (100, 600)
    assert [place.name for place in finding.places if place.kind == "llm"] == ["llm-2"]
    assert "6.00 times as much" in finding.what


@pytest.mark.parametrize(
    ("changes", "share", "right"),
    [
        ({}, 1.01, True),
        ({}, 0.5, False),
        ({"service_tier": "batch"}, 0.5, True),
        ({"service_tier": "default"}, 0.5, False),
        ({"service_tier": "batch"}, 0.3, False),
        ({"cached_tokens": 10_000}, 0.7, True),
        ({"cached_tokens": 10_000}, 1.5, False),
        ({"input_price": None}, 9.0, True),
        ({"output_tokens": None}, 9.0, True),
    ],
)
def test_discounts_that_the_row_explains(changes: dict[str, Any], share: float, right: bool) -> None:
    more = {"input_tokens": 10_000, "output_tokens": 1_000, "cost_usd": share * (10_000 * 0.5 + 1_000 * 1.5) / 1e6}
    rows = [{**row, **more, **changes} for row in clean_rows(4)]
    assert (findings_of(Costs(), rows) == []) == right


@pytest.mark.parametrize(("tier", "count"), [("batch", 100), ("flex", 100), (None, 0), ("default", 0)])
def test_a_discount_that_a_release_cannot_state_is_counted_apart(tier: str | None, count: int) -> None:
    rows = clean_rows(20)
    for row in rows:
        if row["llm"] == "llm-2":
            row |= {"cost_usd": row["cost_usd"] * 0.4, "service_tier": tier}
    finding = the_finding(Costs(), rows)
    assert finding.count == 100
    words = f"{count} of them are at the service tier batch or flex, below the discount known for it"
    assert (words in finding.what) == (count > 0)
    assert ("service tier" in finding.what) == (count > 0)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"output_tokens": 0}, "no tokens for a text"),
        ({"output_tokens": 500, "response": None, "status": "empty"}, "tokens without a text"),
        ({"output_tokens": 500, "response": ""}, "tokens without a text"),
        ({"output_tokens": 2_000}, "more tokens than bytes"),
        ({"output_tokens": 30, "response": "word after word " * 100}, "too many bytes per token"),
        ({"output_tokens": 300, "reasoning_tokens": 300}, "no tokens for a text"),
    ],
)
def test_counts_that_no_tokenizer_gives(changes: dict[str, Any], rule: str) -> None:
    finding = the_finding(TokenCounts(), changed(clean_rows(10), 12, **changes))
    assert (finding.count, finding.total) == (12, 300)
    assert [(place.name, place.count) for place in finding.places if place.kind == "rule"] == [(rule, 12)]
    assert rule in (finding.examples[0].note or "")


def test_no_input_tokens_for_a_prompt() -> None:
    finding = the_finding(TokenCounts(), changed(clean_rows(10), 12, input_tokens=0))
    assert [(place.name, place.count) for place in finding.places if place.kind == "rule"] == [("no tokens for a prompt", 12)]
    assert finding.examples[0].note == "0 input tokens: no tokens for a prompt."
    failed = changed(clean_rows(10), 12, input_tokens=0, status="error", response=None, output_tokens=None)
    assert findings_of(TokenCounts(), failed) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"output_tokens": 560, "reasoning_tokens": 500},
        {"output_tokens": 560, "reasoning": "We add both numbers. " * 110},
        {"output_tokens": 500, "reasoning_tokens": 500, "response": "", "status": "empty"},
        {"output_tokens": 1, "response": "", "status": "empty"},
        {"output_tokens": 2_000, "response": None},
        {"output_tokens": 36, "response": "\u6211\u4eec\u628a\u4e24\u4e2a\u6570\u5b57\u52a0\u8d77\u6765\u3002" * 3},
    ],
)
def test_counts_that_a_tokenizer_may_give(changes: dict[str, Any]) -> None:
    assert findings_of(TokenCounts(), changed(clean_rows(10), 12, **changes)) == []


def test_a_sample_is_counted_again() -> None:
    rows = [{**row, "output_tokens": 3 * row["output_tokens"] + 10} for row in clean_rows(10)]
    finding = the_finding(TokenCounts(), rows)
    (place,) = [place for place in finding.places if place.kind == "rule"]
    assert (place.name, place.count, place.total) == ("far from the count of a tokenizer", 24, 24)


def test_the_tokenizer_that_a_row_names_is_the_one_that_counts() -> None:
    text = "\u0928\u092e\u0938\u094d\u0924\u0947 \u0926\u0941\u0928\u093f\u092f\u093e " * 20
    old, new = (offline_tokenizers()[name](text) for name in ("cl100k_base", "o200k_base"))
    assert old > 2 * new + 8, "many more tokens in the older tokenizer"
    rows = [{**row, "response": text, "output_tokens": old} for row in clean_rows(4)]
    assert findings_of(TokenCounts(), rows) == []
    assert the_finding(TokenCounts(), [{**row, "tokenizer": "o200k_base"} for row in rows]).count == 24
