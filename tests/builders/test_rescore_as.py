"""`rescore_as`: our metric in place of one that only the log's own tool knows, for every source."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders import build, rescore
from llmfusionbench.errors import UnknownNameError
from llmfusionbench.release import Release
from tests.helpers import inspect_log, lm_eval_log
from tests.helpers.reading import write_json


def built(place: Path, **options: Any) -> Release:
    """Three queries: by a metric of a harness, by one of ours, and by none."""
    rows = [
        {"prompt": f"{i}?", "task": "sums", "llm": "ant", "response": "It is 7.", "ground_truth": "7", "performance": 0.0}
        | more
        for i, more in enumerate([{"metric": "exact_match"}, {"metric": "f1_score"}, {}])
    ]
    log = place / "log.jsonl"
    log.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return build("table", [log], place / f"out-{len(options)}", options=options, workers=1)


def test_a_metric_that_is_not_ours_becomes_ours_and_the_scores_stay(tmp_path: Path) -> None:
    plain, ours = built(tmp_path), built(tmp_path, rescore_as="gsm8k")
    metrics = [{q["prompt"]: q["metric"] for q in r.rows("queries").to_pylist()} for r in (plain, ours)]
    assert metrics == [
        {"0?": "exact_match", "1?": "f1_score", "2?": "unknown"},
        {"0?": "gsm8k", "1?": "f1_score", "2?": "gsm8k"},
    ]
    assert ours.rows("responses")["performance"].to_pylist() == [0.0, 0.0, 0.0]
    assert ours.manifest["source"]["options"]["rescore_as"] == "gsm8k"
    assert [w for w in plain.manifest["warnings"] if "state one of" in w and "--option rescore_as=NAME" in w]
    assert "warnings" not in ours.manifest
    report = rescore(ours, tmp_path / "scored", workers=1)
    assert report.release is not None
    assert sorted(report.release.rows("responses")["performance"].to_pylist())[1:] == [1.0, 1.0]


def harness_log(place: Path, source: str) -> Path:
    """A log of a harness with two queries."""
    if source == "lm_eval":
        return lm_eval_log.run(place / "lab__tiny", [lm_eval_log.sample(0), lm_eval_log.sample(1)])
    if source == "opencompass":
        answers = {str(i): {"origin_prompt": f"{i}?", "prediction": "1", "gold": "1"} for i in range(2)}
        return write_json(place / "predictions" / "tiny" / "sums.json", answers)
    if source == "promptfoo":
        found = [
            {"provider": "openai:gpt-x", "prompt": {"raw": f"{i}?"}, "response": {"output": "2"}, "score": 1} for i in (0, 1)
        ]
        return write_json(place / "results.json", {"results": {"version": 3, "results": found}})
    return inspect_log.write_json(place / "log.json", inspect_log.header(), [inspect_log.sample(1), inspect_log.sample(2)])


@pytest.mark.parametrize(
    ("source", "own"),
    [("lm_eval", "exact_match"), ("opencompass", "unknown"), ("promptfoo", "promptfoo"), ("inspect", "match")],
)
def test_metrics_of_harnesses(tmp_path: Path, source: str, own: str) -> None:
    log = harness_log(tmp_path, source)
    plain = build(source, [log], tmp_path / "plain", workers=1)
    ours = build(source, [log], tmp_path / "ours", options={"rescore_as": "math"}, workers=1)
    assert [set(r.rows("queries")["metric"].to_pylist()) for r in (plain, ours)] == [{own}, {"math"}]
    assert ours.rows("responses")["performance"].to_pylist() == plain.rows("responses")["performance"].to_pylist()


def test_a_multiple_choice_keeps_its_metric(tmp_path: Path) -> None:
    log = lm_eval_log.run(tmp_path / "lab__tiny", [lm_eval_log.choice([-1.0, -2.0, -3.0], 0)])
    release = build("lm_eval", [log], tmp_path / "out", options={"rescore_as": "math"}, workers=1)
    assert release.rows("queries")["metric"].to_pylist() == ["em_mc"]


def test_the_sources_have_no_such_option_of_their_own(tmp_path: Path) -> None:
    log = harness_log(tmp_path, "inspect")
    with pytest.raises(UnknownNameError, match=r'No option of inspect "metric".*rescore_as'):
        build("inspect", [log], tmp_path / "out", options={"metric": "em"})


def test_an_unknown_metric_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match='No choice of --option rescore_as "gsm8"'):
        built(tmp_path, rescore_as="gsm8")
    assert not (tmp_path / "out-1").exists()
