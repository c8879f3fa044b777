"""Whole columns: the same values as row by row, whatever repeats, is null or runs elsewhere."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import llmfusionbench.scoring.column as column
from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.scoring import score, score_column

RESPONSES = ["18", None, "The answer is 18", "17", "", "18", "18", "sorry"]
TRUTHS = ["18", "18", "#### 18", "18", "18", None, "19", "18"]
VALUES = [1.0, np.nan, 1.0, 0.0, np.nan, np.nan, 0.0, 0.0]


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_a_column_is_its_rows(chunked: bool, kind: pa.DataType) -> None:
    responses, truths = pa.array(RESPONSES, kind), pa.array(TRUTHS, kind)
    if chunked:
        responses, truths = pa.chunked_array([responses[:3], responses[3:]]), pa.chunked_array([truths[:5], truths[5:]])
    scored = score_column("gsm8k", responses, truths)
    np.testing.assert_array_equal(scored.values, VALUES)
    rows = [score("gsm8k", response, truth) for response, truth in zip(RESPONSES, TRUTHS, strict=True)]
    assert scored.extracted.to_pylist() == [row.extracted for row in rows]
    assert scored.reasons.to_pylist() == [row.reason for row in rows]


@pytest.mark.parametrize("metric", ["em", "cem", "f1_score", "em_mc", "gsm8k", "math"])
def test_half_an_emoji_is_no_reason_to_stop(metric: str) -> None:
    answers = ['{"answer": "5 \\\\ud83d"}', '{"answer": "\\\\ud83d"}', '{"answer": "\\\\ud83d\\\\ude00"}']
    scored = score_column(metric, pa.array(answers), pa.array(["B", "7", "x + 1"]))
    assert all(text is None or text.isprintable() for text in scored.extracted.to_pylist())


def test_every_distinct_row_is_scored_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[object, object]] = []

    def counting(metric: str, response: str | None, truth: str | None, **context: object) -> object:
        seen.append((response, truth))
        return score(metric, response, truth)

    monkeypatch.setattr(column, "score", counting)
    scored = score_column("em", pa.array(["a", "b"] * 500), pa.array(["a"] * 1000))
    assert sorted(seen) == [("a", "a"), ("b", "a")]
    assert scored.values.tolist() == [1.0, 0.0] * 500


def test_context_is_shared_or_by_row() -> None:
    responses, truths = pa.array(["train", "train", "train"]), pa.array(["A", "A", "A"])
    by_row = pa.array([["train", "bus"], ["bus", "train"], None])
    assert score_column("em_mc", responses, truths, choices=by_row).values.tolist() == [1.0, 0.0, 0.0]
    as_text = pa.array(["['train', 'bus']", "['bus', 'train']", None])
    assert score_column("em_mc", responses, truths, choices=as_text).values.tolist() == [1.0, 0.0, 0.0]
    assert score_column("em_mc", responses, truths, choices=["bus", "train"]).values.tolist() == [0.0] * 3
    scores = pa.array([0.5, None, 1.0])
    np.testing.assert_array_equal(score_column("judge", responses, truths, judge_score=scores).values, [0.5, np.nan, 1.0])
    np.testing.assert_array_equal(
        score_column("em", responses, responses, status=pa.array(["ok", "error", None])).values, [1.0, np.nan, 1.0]
    )


def test_official_and_empty_columns() -> None:
    assert score_column("gsm8k", pa.array(["3.5"]), pa.array(["35"]), official=True).values.tolist() == [1.0]
    empty = score_column("em", pa.array([], pa.string()), pa.array([], pa.string()))
    assert (len(empty.values), len(empty.extracted), len(empty.reasons)) == (0, 0, 0)


def test_processes_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(column, "PARALLEL_ROWS", 10)
    monkeypatch.setattr(column, "CHUNK", 7)
    responses, truths = pa.array([f"It is {n}" for n in range(60)]), pa.array([str(n // 2 * 2) for n in range(60)])
    alone = score_column("gsm8k", responses, truths)
    together = score_column("gsm8k", responses, truths, workers=2)
    np.testing.assert_array_equal(alone.values, together.values)
    assert alone.values.mean() == 0.5
    assert alone.extracted.equals(together.extracted)


def test_what_cannot_be_scored() -> None:
    with pytest.raises(UnknownNameError, match="No metric"):
        score_column("emm", pa.array(["a"]), pa.array(["a"]))
    with pytest.raises(InputError, match="ground_truths has 1 rows, expected 2 as in responses"):
        score_column("em", pa.array(["a", "b"]), pa.array(["a"]))
