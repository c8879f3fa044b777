"""Answers that were cut off: by each sign, counted per LLM, with what they cost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from llmfusionbench.auditing.detectors.cut_off import CutOff
from llmfusionbench.auditing.finding import Finding
from llmfusionbench.auditing.length_caps import LEAST, LengthCaps
from llmfusionbench.auditing.score_gap import ScoreGap, score_sums
from tests.helpers.audit_rows import batch_of, clean_rows, findings_of, the_finding

Row = dict[str, Any]


def rows_with(changes: Row, count: int, llm: str = "llm-2", **others: Any) -> list[Row]:
    """Clean rows, `count` answers of one LLM changed; all without a finish reason, unless `others` gives one."""
    rows = [{**row, "finish_reason": None, **others} for row in clean_rows(20)]
    mine = [i for i, row in enumerate(rows) if row["llm"] == llm][:count]
    return [{**row, **(changes if i in mine else {})} for i, row in enumerate(rows)]


def of_llms(finding: Finding) -> dict[str, tuple[int, int]]:
    return {place.name: (place.count, place.total) for place in finding.places if place.kind == "llm"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"finish_reason": "length"}, "finish_reason is length"),
        ({"output_tokens": 900, "sampling": {"max_tokens": 900}}, "max_tokens is reached"),
        ({"response": "In the morning there are 12 apples. We add them to the"}, "open end"),
        ({"response": '{"reasoning": "In the morning there are 12 apples, and'}, "open end"),
    ],
)
def test_every_sign(changes: Row, reason: str) -> None:
    finding = the_finding(CutOff(), rows_with({**changes, "performance": 0.0}, 9))
    assert of_llms(finding) == {"llm-2": (9, 100)}
    assert {p.name: p.count for p in finding.places if p.kind == "reason"} == {reason: 9}
    assert "llm-2: 9 of 100 (mean score 0.00 (0.00 to 0.30) against 0." in finding.what
    assert finding.severity == "high"
    assert (finding.count, finding.total) == (9, 600)


def test_a_limit_that_only_the_lengths_show() -> None:
    rows = rows_with({"output_tokens": 512, "performance": 0.0}, 30)
    at_limit = [row for row in rows if row["output_tokens"] == 512]
    for row in at_limit[::2]:
        row["response"] += " And the"
    finding = the_finding(CutOff(), rows)
    assert of_llms(finding) == {"llm-2": (30, 100)}
    assert {p.name: p.count for p in finding.places if p.kind == "reason"} == {
        "open end": 15,
        "at a length that many share": 15,
    }
    assert "answers of llm-2 to sums have 512 tokens" in finding.what
    assert "llm-2: 30 of 100 (mean score 0.00 (0.00 to 0.11) against" in finding.what


def test_any_other_reason_means_that_the_answer_is_complete() -> None:
    text = {"response": "In the morning there are 12 apples. We add them to the", "output_tokens": 512}
    assert findings_of(CutOff(), rows_with(text, 9, finish_reason="stop")) == []


def test_a_log_without_full_stops_is_not_cut_off() -> None:
    long = "In the morning there are 12 apples in the market. After lunch 30 more apples are counted by the friendly baker"
    assert findings_of(CutOff(), rows_with({"response": long}, 60)) == []


def test_answers_that_stop_in_a_word_count_beside_certain_ones() -> None:
    long = "In the morning there are 12 apples in the market. After lunch 30 more apples are counted by the friendly baker"
    rows = rows_with({"response": long}, 60)
    mine = [i for i, row in enumerate(rows) if row["llm"] == "llm-2"]
    for i in mine[60:75]:
        rows[i] |= {"response": long + ", and the"}
    finding = the_finding(CutOff(), rows)
    assert of_llms(finding) == {"llm-2": (75, 100)}
    assert {p.name: p.count for p in finding.places if p.kind == "reason"} == {"open end": 15, "stops in a sentence": 60}


def test_examples_come_from_different_llms() -> None:
    rows = [{**row, "finish_reason": "length" if i % 10 == 0 else "stop"} for i, row in enumerate(clean_rows(20))]
    finding = the_finding(CutOff(), rows)
    assert len({example.llm for example in finding.examples}) == 3  # the rows of every tenth are of three LLMs
    assert all(example.texts["answer"] for example in finding.examples)


def test_without_scores_no_cost_is_stated() -> None:
    finding = the_finding(CutOff(), [{**row, "performance": None} for row in rows_with({"finish_reason": "length"}, 9)])
    assert "llm-2: 9 of 100." in finding.what
    assert "mean score" not in finding.what


def caps_of(sizes: list[float], open_ones: int) -> dict[tuple[str, str, str], int]:
    """The limits found in lengths of answers of one LLM to one task; the last `open_ones` stop before their end."""
    caps = LengthCaps(16)
    row = clean_rows(1, 1)[0]
    batch = batch_of({**row, "replicate": i} for i in range(len(sizes)))
    caps.add(batch, np.array(sizes), np.arange(len(sizes)) >= len(sizes) - open_ones, np.zeros(len(sizes)))
    return {place: size for place, (size, _) in caps.caps().items()}


def test_a_spike_at_the_longest_length_is_a_limit() -> None:
    spread = [float(size) for size in range(20, 120)]
    place = ("llm-0", "direct", "sums")
    assert caps_of([*spread, *[128.0] * LEAST], LEAST) == {place: 128}
    assert caps_of([*spread, *[128.0] * LEAST], LEAST // 2) == {place: 128}
    assert caps_of([*spread, *[128.0] * LEAST], 1) == {}, "nearly all of them are complete"
    assert caps_of([*spread, *[128.0] * (LEAST - 1)], LEAST) == {}
    assert caps_of([*spread, *[128.0] * LEAST, 129.0], LEAST) == {}, "there are longer answers"
    assert caps_of([*spread, *[60.0] * 50], 50) == {}
    assert caps_of([*spread, *[119.0] * 9, *[120.0] * 10], 10) == {}, "no longer than its neighbours explain"
    assert caps_of([5.0] * 200, 200) == {}, "too short to be a limit"
    assert caps_of([40.0] * 200, 10) == {}, "a form"
    assert caps_of([40.0] * 200, 100) == {place: 40}


def test_limits_do_not_depend_on_how_rows_are_divided() -> None:
    rng = np.random.default_rng(0)
    sizes = np.minimum(rng.lognormal(5, 1, 900).astype(int), 700).astype(float)
    row = clean_rows(1, 1)[0]
    batch = batch_of({**row, "replicate": i} for i in range(len(sizes)))
    states = []
    for parts in (1, 3, 9):
        merged = LengthCaps(16)
        for some in np.array_split(np.arange(len(sizes)), parts)[::-1]:
            one = LengthCaps(16)
            one.add(batch.slice(some[0], len(some)), sizes[some], some % 2 == 0, np.zeros(len(some)))
            merged.merge(one)
        ((place, (size, at)),) = merged.caps().items()
        states.append((place, size, at.open, at.closed, at.scores.tolist()))
    assert states[0][1] == 700
    assert states[0] == states[1] == states[2]


def test_what_a_fault_costs() -> None:
    gap = ScoreGap()
    gap.add_sums("a", np.stack([score_sums([1.0, 1.0, 0.0, np.nan]), score_sums([0.0])]))
    gap.move("a", score_sums([1.0]))
    assert gap.sums["a"][:, 0].tolist() == [2, 2]
    assert gap.sentence("a").startswith("mean score 0.50 (0.09 to 0.91) against 0.50 (0.09 to 0.91)")
    assert gap.sentence("a").endswith("a loss of 0.0 points")
    assert gap.sentence("b") == ""
