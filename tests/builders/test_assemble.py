"""The tables of a release against a plain dictionary that takes the records one by one, whatever their order and shards."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import fmean
from typing import Any
from unittest.mock import patch

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmfusionbench.builders.making import spill
from llmfusionbench.builders.making.assemble import assemble
from llmfusionbench.builders.making.intake import Intake
from llmfusionbench.builders.making.normalise import normalise
from llmfusionbench.builders.making.spill import Spill, read_slices
from llmfusionbench.builders.records import LOG, Records, record_table
from llmfusionbench.schema import table_schema
from llmfusionbench.types import Candidate
from llmfusionbench.validation import is_valid

Row = dict[str, Any]
LLMS = [
    {"llm": "a", "input_price": 0.5, "output_price": 2.0, "scale": "small"},
    {"llm": "b\x1fc", "input_price": None, "output_price": 1.0, "scale": None},
    {
        "llm": "z",
        "input_price": 0.0,
        "output_price": 0.0,
        "scale": "large",
        "prices": [
            {"valid_from": "2024-06-01T00:00:00.000Z", "input_price": 1.0, "output_price": 3.0},
            {"valid_from": "2025-06-01T00:00:00.000Z", "input_price": 2.0, "output_price": None},
        ],
    },
]
GUARD = ("train", "test", "partial_test")
ANSWER = ("query_id", "llm", "mode", "replicate")
TABLES = ("queries", "responses", "judge_scores", "logs", "routing")

log_rows = st.fixed_dictionaries(
    {
        "task": st.sampled_from(["sums", "words"]),
        "prompt": st.sampled_from(["1+1?", "1+1?\nLet's think step by step.", "2+2?", "3+3?", " 3+3? "]),
        "split": st.sampled_from(["train", "train", "train", "test", "partial_test"]),
        "metric": st.sampled_from(["em", "em", "em", "f1_score", "unknown", "Unknown", "bypass"]),
        "ground_truth": st.sampled_from([None, None, "1", "1", "2"]),
        "choices": st.sampled_from([None, None, None, [], [""], ["x", "y"], ["x\x1fy"]]),
        "source_id": st.sampled_from([None, "7", "8"]),
        "license": st.sampled_from([None, "MIT"]),
        "llm": st.sampled_from([None, "a", "a", "b\x1fc", "z"]),
        "mode": st.sampled_from([None, "direct", "think", "high"]),
        "replicate": st.sampled_from([None, None, 0, 1]),
        "served_model": st.sampled_from([None, None, "a", "a-2024-01-02", "z", "other"]),
        "created_at": st.sampled_from([None, "2024-01-01", "2025-01-01", "2026-01-01"]),
        "response": st.sampled_from([None, None, "", " ", "two", "four"]),
        "status": st.sampled_from([None, None, None, "ok", "error", "missing"]),
        "performance": st.sampled_from([None, None, 0.0, 1.0, 0.5]),
        "input_tokens": st.sampled_from([None, 3, 5]),
        "output_tokens": st.sampled_from([None, 7]),
        "tokenizer": st.sampled_from([None, "t"]),
        "cost_usd": st.sampled_from([None, None, 0.25]),
        "latency_s": st.sampled_from([None, 1.5]),
        "judge": st.sampled_from([None, "j", "k"]),
        "judge_opponent": st.sampled_from([None, None, "z"]),
        "judge_score": st.sampled_from([None, 0.1, 0.2, 0.7]),
        "judge_reason": st.sampled_from([None, "good", "bad"]),
    }
)


class Plain:
    """Takes normal records one by one, the first to say something stands; what contradicts it is refused whole."""

    def __init__(self, records: list[Row]) -> None:
        self.refused: list[tuple[int, str]] = []
        split: dict[str, str] = {}
        for r in records:
            split[r["query_id"]] = max(split.get(r["query_id"], "train"), r["split"], key=GUARD.index)
        labelled = {r["query_id"]: r["row"] for r in reversed(records) if r["split"] == "train"}
        self.refused += [(row, "split") for query, row in labelled.items() if split[query] != "train"]
        for r in records:
            r["split"] = split[r["query_id"]]
            r["default"] = r["metric"]
            r["metric"] = r["metric"] if r["metric_stated"] else None
        records = self.consistent(records, ("query_id",), ("ground_truth", "choices", "metric"))
        self.queries = self.merged(records, ("query_id",), [*table_schema("queries").arrow.names, "default"])
        for q in self.queries:
            unscored = {r["default"] for r in records if r["query_id"] == q["query_id"]}
            default = q.pop("default")
            q["metric"] = q["metric"] or ("bypass" if "bypass" in unscored else default)
        answers = [r for r in records if r["llm"] is not None]
        answers = self.consistent(answers, ANSWER, ("response", "status", "performance", "created_at"))
        self.responses = self.merged(answers, ANSWER, table_schema("responses").arrow.names)
        judged = (
            "opponent",
            "order",
            "score",
            "reason",
            "rubric",
            "served_model",
            "prompt_sha256",
            "distribution",
            "created_at",
        )
        scores = [r | {name: r[f"judge_{name}"] for name in judged} for r in answers]
        key = (*ANSWER, "judge", "opponent")
        scores = self.consistent([r for r in scores if r["judge"] is not None], key, ("score",))
        self.judge_scores = self.merged(scores, key, table_schema("judge_scores").arrow.names)
        self.price()
        self.logs = [self.log(r) for r in self.responses]
        self.routing = [self.cells(q) for q in self.queries]

    def consistent(self, records: list[Row], key: tuple[str, ...], facts: tuple[str, ...]) -> list[Row]:
        said: dict[tuple[Any, ...], Any] = {}
        kept = []
        for r in records:
            stated = {(*(r[k] for k in key), f): r[f] for f in facts if r[f] is not None}
            clash = next((p for p, v in stated.items() if p in said and said[p] != v), None)
            if clash is None:
                said = stated | said
                kept.append(r)
            else:
                self.refused.append((r["row"], clash[-1]))
        return kept

    def merged(self, records: list[Row], key: tuple[str, ...], columns: list[str]) -> list[Row]:
        rows: dict[tuple[Any, ...], Row] = {}
        for r in records:
            row = rows.setdefault(tuple(r[k] for k in key), dict.fromkeys(columns))
            row.update({c: r[c] for c in columns if row[c] is None})
        return [rows[k] for k in sorted(rows, key=in_order)]

    def price(self) -> None:
        prices = {r["llm"]: r for r in LLMS}
        for r in self.responses:
            llm = self.price_of(prices, r)
            parts = (r["input_tokens"], llm["input_price"], r["output_tokens"], llm["output_price"])
            if r["cost_usd"] is None and None not in parts:
                r["cost_usd"] = (parts[0] * parts[1] + parts[2] * parts[3]) / 1e6

    def price_of(self, prices: dict[str, Row], answer: Row) -> Row:
        """The prices of an answer: of the model that served it, at its date."""
        unknown = {"input_price": None, "output_price": None}
        served = answer["served_model"]
        llm = prices.get(answer["llm"] if served in (None, answer["llm"], f"{answer['llm']}-2024-01-02") else
                         str(served).removesuffix("-2024-01-02"), unknown)  # fmt: skip
        if llm.get("prices") is None or answer["created_at"] is None:
            return llm
        return next((p for p in reversed(llm["prices"]) if p["valid_from"] <= answer["created_at"]), unknown)

    def log(self, answer: Row) -> Row:
        query = next(q for q in self.queries if q["query_id"] == answer["query_id"])
        llm = next(m for m in LLMS if m["llm"] == answer["llm"])
        given_scores = [
            s
            for s in self.judge_scores
            if s["score"] is not None and s["opponent"] is None and all(s[k] == answer[k] for k in ANSWER)
        ]
        prompt = query["prompt_think"] if answer["mode"] == "think" and query["prompt_think"] else query["prompt"]
        price = self.price_of({r["llm"]: r for r in LLMS}, answer)
        llm = llm | {name: price[name] for name in ("input_price", "output_price")}
        whole = query | llm | answer | {"prompt": prompt, "judges": [s["judge"] for s in given_scores]}
        whole["judge_score"] = fmean(s["score"] for s in given_scores) if given_scores else None
        return {c: whole[c] for c in table_schema("logs").arrow.names}

    def cells(self, query: Row) -> Row:
        mine = [r for r in self.logs if r["query_id"] == query["query_id"]]
        cells = []
        for name in {Candidate(r["llm"], r["mode"]).name for r in mine}:
            own = [r for r in mine if Candidate(r["llm"], r["mode"]).name == name]
            cell: Row = {"candidate": name, "replicates": sum(r["status"] != "missing" for r in own) or None}
            scores = [(r["performance"], r["status"]) for r in own]
            cell["failures"] = sum(p is None and status in ("error", "empty") for p, status in scores)
            cell["scored"] = sum(p is not None for p, _ in scores)
            for figure in ("performance", "cost_usd", "judge_score"):
                known = [r[figure] for r in own if r[figure] is not None]
                cell[figure] = fmean(known) if known else None
            cells.append(cell)
        return {c: query[c] for c in ("query_id", "prompt", "task")} | {
            "candidates": sorted(cells, key=lambda c: c["candidate"])
        }


def in_order(key: Iterable[Any]) -> list[tuple[bool, Any]]:
    """What sorts keys as the tables do, null last."""
    return [(value is None, value if value is not None else "") for value in key]


def parts_of(rows: list[Row], size: int) -> Iterator[Records]:
    for start in range(0, len(rows), size):
        yield Records(record_table(rows[start : start + size]))


def through_the_spill(
    rows: list[Row], part: int, run_bytes: int, shard_bytes: int
) -> tuple[dict[str, list[Row]], list[tuple[int, str]]]:
    """The tables as the build makes them, and (row, fact) of what was refused."""
    llms = pa.Table.from_pylist(LLMS, schema=table_schema("llms").arrow)
    tables: dict[str, list[Row]] = {t: [] for t in TABLES}
    refused = []
    with (
        tempfile.TemporaryDirectory() as folder,
        patch.object(spill, "RUN_BYTES", run_bytes),
        patch.object(spill, "SHARD_BYTES", shard_bytes),
    ):
        intake = Intake(Spill(Path(folder)))
        for records in parts_of(rows, part):
            intake.take(records)
        intake.spill.flush()
        for plan in intake.spill.plan(intake.spill.settle()):
            made = assemble(read_slices(plan), llms, plan.split)
            for name, table in made.tables.items():
                found = table.select(table_schema(name).arrow.names).to_pylist()
                assert found == sorted(found, key=lambda r: in_order([r[k] for k in table_schema(name).key]))
                tables[name] += found
            assert {q["split"] for q in made.tables["queries"].to_pylist()} <= {plan.split}
            for r in made.rejected:
                fact = r.reason.partition(" has another ")[2].partition(" ")[0]
                refused.append((r.row, "split" if r.reason.startswith("split is train") else fact or "score"))
    return tables, refused


@given(
    st.lists(log_rows, min_size=1, max_size=25),
    st.integers(1, 9),
    st.sampled_from([1, 900, 10**9]),
    st.sampled_from([1, 30, 10**9]),
)
def test_the_tables_are_those_of_a_dictionary(rows: list[Row], part: int, run_bytes: int, shard_bytes: int) -> None:
    rows = [r | {"file": "f", "row": i} for i, r in enumerate(rows)]
    normal = [normalise(b)[0] for records in parts_of(rows, part) for b in records.table.combine_chunks().to_batches()]
    records = pa.Table.from_batches(normal).to_pylist()
    if not records:
        return
    plain = Plain(records)
    tables, refused = through_the_spill(rows, part, run_bytes, shard_bytes)
    for name in TABLES:
        expected = getattr(plain, name)
        found = sorted(tables[name], key=lambda r: in_order([r[k] for k in table_schema(name).key]))
        assert [_rounded(r) for r in found] == [_rounded(r) for r in expected], name
        for row in found:
            assert is_valid(name, row), row
    assert sorted(refused) == sorted(plain.refused)


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return pytest.approx(value, rel=1e-12)
    if isinstance(value, dict):
        return {k: _rounded(v) for k, v in value.items()}
    return [_rounded(v) for v in value] if isinstance(value, list) else value


# --- by example


def assembled(*changes: Row) -> tuple[dict[str, list[Row]], list[tuple[int, str]]]:
    rows = [
        {"file": "f", "row": i, "task": "sums", "prompt": "1+1?", "split": "train", "metric": "em", "llm": "a"} | change
        for i, change in enumerate(changes)
    ]
    assert {k for r in rows for k in r} <= set(LOG.names)
    return through_the_spill(rows, 100, 10**9, 10**9)


def test_what_is_said_twice_is_said_once() -> None:
    tables, refused = assembled(*[{"response": "2", "performance": 1.0}] * 3)
    assert refused == []
    assert len(tables["responses"]) == len(tables["queries"]) == len(tables["logs"]) == 1


def test_records_complete_each_other() -> None:
    tables, refused = assembled(
        {"response": "2"}, {"performance": 1.0}, {"llm": None, "ground_truth": "2"}, {"input_tokens": 10, "output_tokens": 1}
    )
    (row,) = tables["logs"]
    assert refused == []
    assert (row["response"], row["performance"], row["ground_truth"]) == ("2", 1.0, "2")
    assert row["cost_usd"] == pytest.approx((10 * 0.5 + 1 * 2.0) / 1e6)


def test_what_a_refused_record_says_counts_for_nothing() -> None:
    """The second contradicts the first, so that its performance cannot speak against the third."""
    tables, refused = assembled({"response": "2"}, {"response": "3", "performance": 0.0}, {"response": "2", "performance": 1.0})
    assert refused == [(1, "response")]
    assert [r["performance"] for r in tables["responses"]] == [1.0]


@pytest.mark.parametrize("first", ["unknown", "bypass"])
@pytest.mark.parametrize("turn", [1, -1])
def test_a_log_without_a_metric_contradicts_none(first: str, turn: int) -> None:
    changes: list[Row] = [{"metric": first, "llm": "a", "response": "2"}, {"metric": "em", "llm": "z", "performance": 1.0}]
    tables, refused = assembled(*changes[::turn])
    assert refused == []
    assert [q["metric"] for q in tables["queries"]] == ["em"]
    assert [(r["llm"], r["performance"]) for r in tables["responses"]] == [("a", None), ("z", 1.0)]


@pytest.mark.parametrize("metric", ["unknown", "bypass"])
def test_a_metric_that_no_log_states_stays_as_it_is(metric: str) -> None:
    tables, _ = assembled(*[{"metric": metric, "llm": llm} for llm in ("a", "z")])
    assert [q["metric"] for q in tables["queries"]] == [metric]


@pytest.mark.parametrize("turn", [1, -1])
def test_of_two_metrics_that_no_log_states_the_one_that_says_more_counts(turn: int) -> None:
    changes: list[Row] = [{"metric": "unknown", "llm": "a", "response": "2"}, {"metric": "bypass", "llm": "z", "response": "3"}]
    tables, refused = assembled(*changes[::turn])
    assert refused == []
    assert [q["metric"] for q in tables["queries"]] == ["bypass"]


@pytest.mark.parametrize("turn", [1, -1])
def test_a_task_that_only_a_judge_scores_has_that_metric_in_any_order(turn: int) -> None:
    changes: list[Row] = [{"metric": name, "llm": name, "response": "2", "task": "mt_bench"} for name in ("unknown", "bypass")]
    tables, refused = assembled(*changes[::turn])
    assert refused == []
    assert [q["metric"] for q in tables["queries"]] == ["judge"]


def test_a_stated_cost_is_kept() -> None:
    tables, _ = assembled({"cost_usd": 0.5, "input_tokens": 10, "output_tokens": 1})
    assert tables["responses"][0]["cost_usd"] == 0.5


def test_the_query_of_several_splits_is_never_trained_on_and_tested() -> None:
    tables, _ = assembled({"split": "train"}, {"split": "partial_test", "llm": "z"}, {"split": "test", "llm": None})
    assert [q["split"] for q in tables["queries"]] == ["partial_test"]
    assert {r["split"] for r in tables["logs"]} == {"partial_test"}


def test_queries_that_nobody_was_asked() -> None:
    tables, _ = assembled({"llm": None}, {"llm": None, "prompt": "2+2?"})
    assert [(len(tables[t])) for t in TABLES] == [2, 0, 0, 0, 2]
    assert [r["candidates"] for r in tables["routing"]] == [[], []]


def test_judges_without_a_score_have_no_part_in_the_mean() -> None:
    tables, _ = assembled(
        {"judge": "k", "judge_score": 0.4}, {"judge": "j", "judge_score": 0.8}, {"judge": "i", "judge_reason": "?"}
    )
    assert len(tables["judge_scores"]) == 3
    (row,) = tables["logs"]
    assert row["judge_score"] == pytest.approx(0.6)
    assert row["judges"] == ["j", "k"]


def test_many_contradictions_do_not_take_for_ever() -> None:
    _, refused = assembled(*[{"ground_truth": str(i)} for i in range(3_000)])
    assert len(refused) == 2_999
