"""Two tables merged by key, against the rules row by row, on random rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmfusionbench.builders.appending.merge import SHOWN, WHOLE, Rules, key_codes, merge
from llmfusionbench.errors import ReleaseError
from llmfusionbench.schema import table_schema

PLACES = ("one", "other")
SCHEMA = table_schema("responses")
BLANK: dict[str, Any] = dict.fromkeys(SCHEMA.arrow.names)
SCORED = ("performance", "metric_version")
COUNTS = ("input_tokens", "output_tokens", "tokenizer")
CALL = ("latency_s", "sampling")

answers = st.builds(
    lambda **values: BLANK | values,
    query_id=st.sampled_from(["a" * 24, "b" * 24]),
    llm=st.sampled_from(["ant", "bee"]),
    mode=st.sampled_from(["direct", "think"]),
    replicate=st.integers(0, 1),
    status=st.sampled_from(["ok", "error", "missing"]),
    response=st.sampled_from([None, "yes", "no"]),
    sampling=st.sampled_from([None, {"temperature": 0.5}, {"temperature": 1.0}]),
    input_tokens=st.sampled_from([None, 1, 2]),
    output_tokens=st.sampled_from([None, 3]),
    tokenizer=st.sampled_from([None, "t"]),
    performance=st.sampled_from([None, 0.0, 1.0]),
    metric_version=st.sampled_from([None, "1"]),
    latency_s=st.sampled_from([None, 1.0, 2.0]),
    finish_reason=st.sampled_from([None, "stop"]),
    provenance=st.just("imported"),
)


def key_of(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in SCHEMA.key)


sides = st.lists(answers, max_size=10, unique_by=key_of)


def table(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=SCHEMA.arrow)


def expected(old: dict[str, Any], new: dict[str, Any], prefer: str) -> tuple[dict[str, Any], list[str]]:
    """The row that two rows of one key become, and the columns in conflict, by the rules."""
    if "missing" in (old["status"], new["status"]) and old["status"] != new["status"]:
        return (new if old["status"] == "missing" else old), []
    torn = [name for name in BLANK if None not in (old[name], new[name]) and old[name] != new[name]]
    for names, by in ((SCORED, "metric_version"), (COUNTS, "tokenizer")):
        lacks, has = (
            [n for n in names if side[n] is None and other[n] is not None] for side, other in ((old, new), (new, old))
        )
        if lacks and has and by in lacks + has and not set(names) & set(torn):
            torn += lacks + has
    first, second = (old, new) if prefer == "old" else (new, old)
    if different(old, new, torn):
        return first, torn
    alone = {name for group in (SCORED, COUNTS, CALL) if set(group) & set(torn) for name in group}
    return {name: first[name] if name in alone or first[name] is not None else second[name] for name in BLANK}, torn


def different(old: dict[str, Any], new: dict[str, Any], torn: list[str]) -> bool:
    """Whether two rows of a key, with conflicts in some columns, are two answers, as far as one can tell."""
    same = old["response"] is not None and all(old[name] == new[name] for name in WHOLE["responses"])
    return bool(torn) and not same


@given(sides, sides, st.sampled_from(["old", "new"]))
def test_against_the_rules(old: list[dict[str, Any]], new: list[dict[str, Any]], prefer: str) -> None:
    before, after = ({key_of(row): row for row in table(side).to_pylist()} for side in (old, new))
    found, clashes, torn = merge("responses", table(old), table(new), Rules(prefer), PLACES)
    rows = found.to_pylist()
    assert [key_of(row) for row in rows] == sorted(before.keys() | after.keys())
    counts: dict[tuple[str, str], int] = {}
    for row in rows:
        if (key := key_of(row)) in before and key in after:
            wanted, columns = expected(before[key], after[key], prefer)
            assert row == wanted
            for column in columns:
                counts["responses", column] = counts.get(("responses", column), 0) + 1
            assert (key in {key_of(k) for k in torn.to_pylist()}) == different(before[key], after[key], columns)
        else:
            assert row == before.get(key, after.get(key))
    assert clashes.counts == counts
    assert len(clashes.shown) == min(SHOWN, sum(counts.values()))


@given(sides)
def test_a_table_with_itself_or_with_no_rows(rows: list[dict[str, Any]]) -> None:
    whole, none = table(sorted(rows, key=key_of)), table([])
    for old, new in ((whole, whole), (whole, none), (none, whole)):
        found, clashes, _ = merge("responses", old, new, Rules(), PLACES)
        assert found.equals(whole)
        assert not clashes.counts


def test_many_conflicts_are_counted_and_few_are_kept() -> None:
    rows = [BLANK | {"query_id": f"{n:024x}", "llm": "ant", "mode": "direct", "replicate": 0, "status": "ok",
                     "provenance": "imported", "response": "x" * 500} for n in range(5_000)]  # fmt: skip
    _, clashes, _ = merge("responses", table(rows), table([row | {"response": "y" * 500} for row in rows]), Rules(), PLACES)
    assert clashes.counts == {("responses", "response"): 5_000}
    assert len(clashes.shown) == SHOWN
    assert clashes.shown[0].key == f"{0:024x}, ant, direct, 0"
    assert len(clashes.shown[0].new) < 80


def test_a_key_that_is_there_twice() -> None:
    row = BLANK | {
        "query_id": "a" * 24,
        "llm": "ant",
        "mode": "direct",
        "replicate": 0,
        "status": "ok",
        "provenance": "imported",
    }
    with pytest.raises(ReleaseError, match=r"other: table responses, row a+, ant, direct, 0 is there twice, expected once"):
        merge("responses", table([row]), table([row, row]), Rules(), PLACES)


def test_keys_of_more_values_than_a_number_holds() -> None:
    """Null is a value of its own, and no two keys share a code."""
    names = [f"k{i}" for i in range(8)]
    rng = np.random.default_rng(0)
    columns = {name: pa.array([None if v == 0 else str(v) for v in rng.permutation(600)], pa.string()) for name in names}
    rows = pa.table(columns)
    left, right = key_codes(rows, rows.slice(100))
    assert len(np.unique(left)) == 600
    assert (left[100:] == right).all()


def one(table_name: str, prefer: str | None, old: dict[str, Any], new: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """What two rows of one key become, in the columns of either, and the columns in conflict."""
    schema = table_schema(table_name)
    texts = {"status": "ok", "provenance": "imported", "metric": "em", "replicate": 0}
    blank = {c.name: None if c.nullable else texts.get(c.name, "x") for c in schema.columns}
    sides = [pa.Table.from_pylist([blank | row], schema=schema.arrow) for row in (old, new)]
    found, clashes, _ = merge(table_name, *sides, Rules(prefer), PLACES)
    (row,) = found.to_pylist()
    return {name: row[name] for name in old | new}, [column for _, column in clashes.counts]


@pytest.mark.parametrize(
    ("table_name", "old", "new", "split"),
    [
        ("responses", {"input_tokens": 9}, {"output_tokens": 2, "tokenizer": "t"}, True),
        ("responses", {"input_tokens": 9, "tokenizer": "t"}, {"input_tokens": 9, "output_tokens": 2}, True),
        ("responses", {"performance": 1.0}, {"metric_version": "2"}, True),
        ("llms", {"input_price": 1.0}, {"output_price": 2.0}, True),
        ("llms", {"input_price": 1.0, "output_price": 2.0}, {"prices": []}, True),
        ("queries", {"ground_truth": "B"}, {"choices": ["one", "two"]}, True),
        ("judge_scores", {"score": 0.5}, {"reason": "bad"}, True),
        ("judge_scores", {"score": 0.5, "reason": "bad"}, {"score": 0.5, "rubric": "r"}, False),
        ("responses", {"input_tokens": 9}, {"output_tokens": 2}, False),
        ("responses", {"input_tokens": 9, "tokenizer": "t"}, {"output_tokens": 2, "tokenizer": "t"}, False),
        ("responses", {"input_tokens": 9}, {"input_tokens": 9, "output_tokens": 2, "tokenizer": "t"}, False),
        ("responses", {"performance": 1.0}, {"performance": 1.0, "metric_version": "2"}, False),
        ("responses", {"latency_s": 1.0}, {"created_at": "2026-01-01T00:00:00.000Z"}, False),
        ("llms", {"input_price": 1.0, "family": None}, {"input_price": 1.0, "output_price": 2.0, "family": "f"}, False),
    ],
)
def test_parts_of_one_thing(table_name: str, old: dict[str, Any], new: dict[str, Any], split: bool) -> None:
    """They go together only if they can be parts of the same whole."""
    blank = dict.fromkeys(old | new)
    for left, right in ((old, new), (new, old)):
        found, columns = one(table_name, None, left, right)
        assert bool(columns) == split
        if split:
            assert one(table_name, "old", left, right)[0] == found == blank | left
            assert one(table_name, "new", left, right)[0] == blank | right
        else:
            assert found == blank | {name: value for row in (left, right) for name, value in row.items() if value is not None}


@pytest.mark.parametrize("more", [{"response": "yes"}, {"response": "yes", "reasoning": "so"}, {"finish_reason": "stop"}, {}])
@pytest.mark.parametrize("clash", [("performance", 0.0, 1.0), ("output_tokens", 1, 2), ("latency_s", 1.0, 2.0)])
def test_no_text_of_one_answer_with_values_of_another(more: dict[str, Any], clash: tuple[str, float, float]) -> None:
    """What tells the answers apart is not there on one side or on both: nothing shows that they are the same."""
    column, first, second = clash
    old, new = {column: first, "input_tokens": None, "sampling": None}, {column: second, "input_tokens": 5, **more}
    if "reasoning" in more:
        old["response"] = "yes"
    blank = dict.fromkeys(old | new)
    assert one("responses", "old", old, new) == (blank | old, [column])
    assert one("responses", "new", old, new) == (blank | new, [column])


def test_values_of_the_same_text_are_merged_thing_by_thing() -> None:
    old = {"response": "yes", "performance": 0.0, "latency_s": 1.0, "input_tokens": 5}
    new = {"response": "yes", "performance": 1.0, "latency_s": 2.0, "created_at": "2026-01-01T00:00:00.000Z"}
    assert one("responses", "old", old, new) == (old | {"created_at": None}, ["performance", "latency_s"])
    assert one("responses", "new", old, new) == (new | {"input_tokens": 5}, ["performance", "latency_s"])
