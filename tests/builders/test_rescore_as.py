"""`rescore_as`: our metric in place of one that only the log's own tool knows, for every source."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders import build, rescore
from llmfusionbench.errors import UnknownNameError
from llmfusionbench.release import Release


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


def test_an_unknown_metric_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="gsm8"):
        built(tmp_path, rescore_as="gsm8")
    assert not (tmp_path / "out-1").exists()
