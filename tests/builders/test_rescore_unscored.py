"""Re-scoring of answers that no metric of ours can score."""

from __future__ import annotations

from pathlib import Path

import llmfusionbench as lfb
from llmfusionbench.builders import build, rescore
from llmfusionbench.builders.making.scoring import NOT_KEPT
from llmfusionbench.release import Release
from llmfusionbench.scoring import VERSION


def logs(release: Release | None) -> list[dict[str, object]]:
    assert release is not None
    return release.table("logs").to_table().to_pylist()


ANSWERS = """\
prompt,task,llm,response,performance,metric,ground_truth
1+1?,sums,a,It is 2,0.5,rouge,2
1+1?,sums,b,,0.5,rouge,2
1+2?,sums,a,3,0,em,3
1+2?,sums,b,,0,em,3
Say hi,chat,a,hi,0.9,judge,
"""


def test_metrics_that_cannot_be_computed(tmp_path: Path) -> None:
    (tmp_path / "answers.csv").write_text(ANSWERS)
    source = build("table", [tmp_path / "answers.csv"], tmp_path / "source", workers=1)
    report = rescore(source, tmp_path / "out", workers=1)
    assert report.missing["rouge"] == {'no metric "rouge" is known': 2}
    assert report.missing["judge"] == {"waits for a judge": 1}
    new = {(r["task"], r["prompt"], r["llm"]): (r["performance"], r["metric_version"]) for r in logs(report.release)}
    assert new["sums", "1+1?", "a"] == (None, None)
    assert new["sums", "1+2?", "a"] == (1.0, VERSION)
    assert new["sums", "1+2?", "b"] == (None, None)
    assert new["chat", "Say hi", "a"] == (None, None)
    kept = rescore(source, tmp_path / "kept", metrics=["em"], workers=1)
    assert [r["performance"] for r in logs(kept.release) if r["metric"] == "rouge"] == [0.5, 0.5]
    assert lfb.validate(tmp_path / "out") == lfb.validate(tmp_path / "kept") == []


def test_texts_that_were_not_kept(tmp_path: Path) -> None:
    (tmp_path / "answers.csv").write_text(
        "prompt,task,llm,status,output_tokens,performance,metric,ground_truth\n1+1?,sums,a,ok,3,1,em,2\n"
    )
    source = build("table", [tmp_path / "answers.csv"], tmp_path / "source", workers=1)
    assert [row["status"] for row in logs(source)] == ["ok"]
    assert rescore(source, tmp_path / "out", workers=1).missing == {"em": {NOT_KEPT: 1}}
