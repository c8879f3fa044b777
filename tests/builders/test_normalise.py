"""Records made ready: what is filled in, what is left missing, and what is refused with every reason."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmfusionbench.builders.known.tasks import DOMAINS, canonical_task
from llmfusionbench.builders.making.normalise import NORMAL, normalise
from llmfusionbench.builders.records import LOG, Rejected, record_table
from llmfusionbench.schema import table_schema
from llmfusionbench.types import content_id, query_id
from llmfusionbench.validation import is_valid

BASE = {"file": "f", "row": 0, "task": "sums", "prompt": "1+1?", "split": "train", "metric": "em", "llm": "a"}
NAN = float("nan")


def normal(*changes: dict[str, Any]) -> tuple[list[dict[str, Any]], list[Rejected]]:
    table = record_table([BASE | {"row": i} | change for i, change in enumerate(changes)])
    batch, rejected = normalise(table.combine_chunks().to_batches()[0])
    assert batch.schema == NORMAL
    return batch.to_pylist(), rejected


def one(**change: Any) -> dict[str, Any]:
    (row,), rejected = normal(change)
    assert rejected == []
    return row


def reason(**change: Any) -> str:
    rows, (rejected,) = normal(change)
    assert rows == []
    assert (rejected.file, rejected.row) == ("f", 0)
    return rejected.reason


def test_the_least_that_a_record_can_say() -> None:
    assert {k: v for k, v in one().items() if v is not None} == {
        "query_id": query_id("sums", "1+1?"), "file": "f", "row": 0, "task": "sums", "domain": "other", "split": "train",
        "prompt": "1+1?", "metric": "em", "llm": "a", "mode": "direct", "replicate": 0, "status": "missing",
        "provenance": "imported", "unnumbered": False, "metric_stated": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "task", "domain"),
    [
        ("GSM8K", "gsm8k", "math"),
        (" gsm8k ", "gsm8k", "math"),
        ("gsm", "gsm8k", "math"),
        ("ARC_C", "arc_challenge", "commonsense"),
        ("arc-challenge", "arc_challenge", "commonsense"),
        ("HumanEval", "human_eval", "code"),
        ("Natural QA", "natural_qa", "world_knowledge"),
        ("My Own Task", "My Own Task", "other"),
    ],
)
def test_tasks_and_domains(name: str, task: str, domain: str) -> None:
    row = one(task=name)
    assert (row["task"], row["domain"]) == (task, domain)
    assert one(task=name, domain="mine")["domain"] == "mine"
    assert row["query_id"] == query_id(task, "1+1?")


def test_the_fourteen_tasks() -> None:
    assert len(DOMAINS) == 14
    assert len(set(DOMAINS.values())) == 6
    assert all(canonical_task(t) == t for t in DOMAINS)


def test_modes_and_prompts() -> None:
    think = "1+1?\nLet's think step by step."
    rows, _ = normal({}, {"prompt": think, "mode": "think"}, {"prompt": think, "mode": "direct"}, {"mode": "think"})
    assert len({r["query_id"] for r in rows}) == 1
    assert [r["prompt"] for r in rows] == ["1+1?", "1+1?", think, "1+1?"]
    assert [r["prompt_think"] for r in rows] == [None, think, None, "1+1?"]


def test_queries_known_by_their_source_alone() -> None:
    row = one(prompt=None, source_id="q-7")
    assert (row["prompt"], row["query_id"]) == (None, content_id("sums", "", "q-7"))
    assert one(prompt=None, source_id="q-8")["query_id"] != row["query_id"]
    assert one(prompt="q-7", source_id="q-7")["query_id"] != row["query_id"]


@pytest.mark.parametrize(
    "change", [{"prompt": None}, {"prompt": ""}, {"prompt": " \n"}, {"prompt": "Let's think step by step."},
               {"task": None}, {"task": " "}, {"prompt": None, "source_id": ""}]
)  # fmt: skip
def test_queries_that_nothing_identifies(change: dict[str, Any]) -> None:
    assert reason(**change) == "a record needs a task, and a prompt or a source_id"


@pytest.mark.parametrize(
    ("change", "status", "response", "performance"),
    [
        ({"response": "2", "performance": 1.0}, "ok", "2", 1.0),
        ({"response": ""}, "empty", "", None),
        ({"response": " \n\t"}, "empty", " \n\t", None),
        ({"response": "", "status": "ok", "performance": 0.0}, "empty", "", 0.0),
        ({"response": None}, "missing", None, None),
        ({"response": None, "cost_usd": 0.25}, "ok", None, None),
        ({"response": None, "judge": "j", "judge_score": 0.5}, "ok", None, None),
        ({"response": None, "performance": 1.0}, "ok", None, 1.0),
        ({"response": "oops", "status": "error", "performance": 0.0}, "error", None, None),
        ({"response": "", "status": "missing"}, "missing", None, None),
        ({"response": None, "status": "empty"}, "empty", None, None),
    ],
)
def test_statuses(change: dict[str, Any], status: str, response: str | None, performance: float | None) -> None:
    row = one(**change)
    assert (row["status"], row["response"], row["performance"]) == (status, response, performance)


def test_what_is_empty_or_no_number_is_missing() -> None:
    row = one(domain="", source_id="", ground_truth="", license="", tokenizer="", judge="j", judge_reason="", judge_rubric="",
              performance=NAN, cost_usd=NAN, latency_s=NAN, judge_score=NAN)  # fmt: skip
    missing = {k for k, v in row.items() if v is None}
    assert missing >= {"source_id", "ground_truth", "license", "tokenizer", "judge_reason", "judge_rubric", "performance",
                       "cost_usd", "latency_s", "judge_score"}  # fmt: skip
    assert row["domain"] == "other"


def test_zero_is_not_missing() -> None:
    row = one(performance=0.0, cost_usd=0.0, input_tokens=0, output_tokens=0, judge="j", judge_score=0.0, response="x")
    assert [row[k] for k in ("performance", "cost_usd", "input_tokens", "output_tokens", "judge_score")] == [0] * 5


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"performance": 1.5}, "performance is 1.5, expected number from 0 to 1 or null"),
        ({"performance": float("inf")}, "performance is inf, expected number from 0 to 1 or null"),
        ({"cost_usd": -0.1}, "cost_usd is -0.1, expected number of at least 0 or null"),
        ({"cost_usd": 1e37}, "cost_usd is 1e+37, expected number of at least 0 or null, at most 1e+36"),
        ({"input_tokens": -1}, "input_tokens is -1, expected integer of at least 0 or null"),
        ({"mode": "Think"}, 'mode is "Think", expected a short name in lower case'),
        ({"split": "validation"}, 'split is "validation", expected `train` or `test` or `partial_test`'),
        ({"split": None}, "split is null, expected `train` or `test` or `partial_test`"),
        ({"metric": None}, "metric is null, expected string"),
        ({"metric": "pass@1"}, 'metric is "pass@1", expected string'),
        ({"llm": ""}, 'llm is "", expected string'),
        ({"llm": "a_think"}, 'llm is "a_think", expected string not matching `_think$`'),
        ({"provenance": "dreamt"}, 'provenance is "dreamt", expected'),
        ({"judge": "j", "judge_score": 2.0}, "score is 2.0, expected number from 0 to 1 or null"),
        ({"judge": ""}, 'judge is "", expected string'),
        ({"status": "odd"}, 'status is "odd", expected'),
        ({"choices": ["a", None]}, "choices[1] is null, expected string"),
    ],
)  # fmt: skip
def test_refused_with_the_reason(change: dict[str, Any], words: str) -> None:
    assert reason(**change).startswith(words)


def test_every_reason_is_given_once() -> None:
    found = reason(performance=-1.0, cost_usd=-1.0, judge="j", judge_score=-1.0, metric="?")
    assert found.count("expected") == 4
    assert len(found.split("; ")) == 4


def test_a_score_without_a_judge_is_not_dropped_in_silence() -> None:
    assert reason(judge_score=0.5).startswith("judge is missing")


def test_others_are_kept_in_order() -> None:
    rows, rejected = normal({}, {"performance": 2.0}, {"response": "x"}, {"mode": "?"}, {})
    assert [r["row"] for r in rows] == [0, 2, 4]
    assert [r.row for r in rejected] == [1, 3]


def test_secrets_and_texts_stay_out_of_refusals() -> None:
    _, (rejected,) = normal({"performance": 2.0, "response": "the answer", "prompt": "the prompt", "source_id": "7"})
    assert rejected.record == {"task": "sums", "source_id": "7", "split": "train", "llm": "a", "mode": "direct",
                               "replicate": 0, "query_id": query_id("sums", "the prompt")}  # fmt: skip


def test_no_records() -> None:
    batch, rejected = normalise(pa.RecordBatch.from_pylist([], schema=LOG))
    assert (batch.num_rows, batch.schema, rejected) == (0, NORMAL, [])


texts = st.one_of(
    st.none(), st.sampled_from(["", " ", "a", "em", "ok", "error", "train", "think", "a_think"]), st.text(max_size=4)
)
numbers = st.one_of(st.none(), st.floats(), st.sampled_from([0.0, 0.5, 1.0, -1.0]))
counts = st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1))


def values(kind: pa.DataType) -> st.SearchStrategy[Any]:
    """Anything that an Arrow type can hold, null too."""
    if pa.types.is_list(kind):
        return st.one_of(st.none(), st.lists(values(kind.value_type), max_size=3))
    if pa.types.is_struct(kind):
        return st.one_of(st.none(), st.fixed_dictionaries({field.name: values(field.type) for field in kind}))
    return {pa.string(): texts, pa.float64(): numbers, pa.int64(): counts}[kind]


anything = st.fixed_dictionaries({f.name: values(f.type) for f in LOG if f.name not in ("file", "row")})


@settings(max_examples=2 * settings().max_examples)
@given(st.lists(anything, min_size=1, max_size=4), st.booleans())
def test_what_is_kept_fits_the_tables(rows: list[dict[str, Any]], plausible: bool) -> None:
    if plausible:
        rows = [
            r | {"task": "t", "prompt": "p", "split": "train", "metric": "em", "mode": None, "provenance": None} for r in rows
        ]
    table = record_table([r | {"file": "f", "row": i} for i, r in enumerate(rows)])
    batch, rejected = normalise(table.combine_chunks().to_batches()[0])
    assert sorted([r["row"] for r in batch.to_pylist()] + [r.row for r in rejected]) == list(range(len(rows)))
    for row in batch.to_pylist():
        assert is_valid("queries", {k: row[k] for k in table_schema("queries").arrow.names})
        if row["llm"] is not None:
            assert is_valid("responses", {k: row[k] for k in table_schema("responses").arrow.names})
