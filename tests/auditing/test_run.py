"""A whole audit of a release: the same with any number of processes, and honest about what it looked at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import llmfusionbench as lfb
from llmfusionbench.auditing import run
from llmfusionbench.auditing.detector import JUDGE_SCORES
from llmfusionbench.auditing.detectors import DETECTORS, RELEASE_DETECTORS
from llmfusionbench.auditing.finding import SEVERITIES
from llmfusionbench.builders import build
from llmfusionbench.builders.making import spill
from llmfusionbench.errors import InputError, LLMFusionBenchError, ReleaseError
from tests.helpers.audit_rows import clean_rows
from tests.helpers.tiny_release import change_rows, write_tiny_release

COLUMNS = (
    "prompt", "llm", "mode", "replicate", "task", "domain", "split", "response", "status", "finish_reason", "requested_model",
    "served_model", "ground_truth", "metric", "performance", "input_tokens", "output_tokens", "cost_usd", "input_price",
    "output_price", "provenance",
)  # fmt: skip


def release_of(folder: Path, rows: list[dict[str, Any]]) -> lfb.Release:
    """A release of these answers, made by the real build."""
    source = folder / "log.jsonl"
    records = ({c: row[c] for c in COLUMNS} | {"judge": "fair", "judge_score": row[JUDGE_SCORES][0]["score"]} for row in rows)
    source.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return build("table", [source], folder / "release", workers=1)


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> lfb.Release:
    """A release in several shards, with two faults: answers of another model, and flipped scores."""
    rows = clean_rows(40)
    for row in rows[::9]:
        row["served_model"] = "another-model"
    for row in rows[::11]:
        row["performance"] = 1 - row["performance"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spill, "SHARD_BYTES", 100_000)
        return release_of(tmp_path_factory.mktemp("audit"), rows)


def test_a_clean_release_has_no_finding(tmp_path: Path) -> None:
    found = lfb.audit(release_of(tmp_path, clean_rows(40)))
    assert [finding.title for finding in found.findings] == []
    assert found.data["rows"] == {"responses": 1200, "queries": 200, "llms": 6}
    assert "No detector found anything." in found.to_html()
    assert found.lines(3) == []


def test_planted_faults_are_found_worst_first(faulty: lfb.Release) -> None:
    found = lfb.audit(faulty)
    by_name = {finding.detector: finding for finding in found.findings}
    assert by_name["served_model"].count == 134
    assert by_name["scores_disagree"].count == 110
    ranks = [(SEVERITIES.index(finding.severity), -finding.share) for finding in found.findings]
    assert ranks == sorted(ranks)
    assert found.lines(1)[0].startswith("high: Served is not requested: 134 of 1,200 (11.2%), llm-")


def test_the_number_of_processes_changes_nothing(faulty: lfb.Release, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(faulty.files("logs")) > 2
    monkeypatch.setattr(run, "PARALLEL_ROWS", 0)
    one, two = (lfb.audit(faulty, workers=workers) for workers in (1, 2))
    assert one.to_json() == two.to_json()
    assert one.findings


def test_what_ran_and_what_did_not(faulty: lfb.Release) -> None:
    whole, part = lfb.audit(faulty), lfb.audit(faulty, near_duplicates=False)
    assert whole.data["detectors"] == sorted([*DETECTORS, *RELEASE_DETECTORS])
    assert whole.data["notes"] == []
    assert set(whole.data["detectors"]) - set(part.data["detectors"]) == {"near_duplicates"}
    assert part.data["notes"] == ["Near-duplicates were not looked for."]


def test_a_first_look_at_some_answers(faulty: lfb.Release) -> None:
    looks = {rows: lfb.audit(faulty, near_duplicates=False, rows=rows) for rows in (1, 500, 1_200, 10**9)}
    first, *_ = (faulty.manifest["files"][f"logs/{path.name}"]["rows"] for path in faulty.files("logs"))
    sizes = {rows: look.data["rows"]["responses"] for rows, look in looks.items()}
    assert sizes[1] <= first < 500 <= sizes[500] < 1_200 == sizes[1_200] == sizes[10**9]
    assert looks[500].data["notes"][0] == f"Only {sizes[500]:,} of 1,200 answers were looked at."
    assert looks[1_200].findings == lfb.audit(faulty, near_duplicates=False).findings


def test_the_stages_are_reported(faulty: lfb.Release) -> None:
    told: list[tuple[str, int, int | None]] = []
    lfb.audit(faulty, near_duplicates=False, progress=lambda *what: told.append(what))
    shards = len(faulty.files("logs"))
    assert told[: shards + 1] == [("shards audited", done, shards) for done in range(shards + 1)]


def test_the_sample_is_marked_as_simulated() -> None:
    found = lfb.audit("sample", near_duplicates=False)
    assert found.simulated
    assert "(SIMULATED)" in found.title
    assert "SIMULATED DATA" in found.to_html()
    assert "SIMULATED" in repr(found)


def test_a_release_of_the_first_schema(tmp_path: Path) -> None:
    found = lfb.audit(Path(__file__).parents[1] / "release" / "release_1_0", near_duplicates=False)
    assert found.data["release"]["schema_version"].startswith("1.")
    assert found.data["rows"]["responses"] > 0


def test_a_damaged_release_is_refused(tmp_path: Path) -> None:
    write_tiny_release(tmp_path / "r")
    (shard, *_) = (tmp_path / "r" / "logs").iterdir()
    shard.write_bytes(shard.read_bytes()[:-1])
    with pytest.raises(ReleaseError, match="differs from the release's manifest"):
        lfb.audit(tmp_path / "r")


def test_a_number_that_cannot_be_is_refused(tmp_path: Path) -> None:
    write_tiny_release(tmp_path / "r")
    (shard,) = (p for p in (tmp_path / "r" / "logs").iterdir() if p.name.startswith("train"))
    change_rows(tmp_path / "r", f"logs/{shard.name}", lambda rows: rows[0].update(performance=7.0))
    with pytest.raises(ReleaseError, match=r"performance is 7\.0, expected what its schema allows"):
        lfb.audit(tmp_path / "r")


def test_what_is_not_a_release(tmp_path: Path) -> None:
    with pytest.raises(LLMFusionBenchError, match="nowhere"):
        lfb.audit(tmp_path / "nowhere")


def test_files_are_written_and_read_again(faulty: lfb.Release, tmp_path: Path) -> None:
    found = lfb.audit(faulty, near_duplicates=False)
    paths = found.write(tmp_path / "out")
    assert [path.name for path in paths] == ["audit.json", "audit.html"]
    for place in (tmp_path / "out", paths[0]):
        again = lfb.Audit.read(place)
        assert again.findings == found.findings
        assert again.to_html() == paths[1].read_text(encoding="utf-8")
    with pytest.raises(InputError, match="a report of an audit is there already"):
        found.write(tmp_path / "out")
    assert found.write(tmp_path / "out", overwrite=True) == paths


@pytest.mark.parametrize("change", [{"version": "2.0"}, {"findings": [{}]}, {"more": 1}, {"rows": {"responses": -1}}])
def test_what_is_not_an_audit(faulty: lfb.Release, change: dict[str, Any], tmp_path: Path) -> None:
    data = lfb.audit(faulty, near_duplicates=False).data | change
    (tmp_path / "audit.json").write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(InputError, match=r"^audit: "):
        lfb.Audit.read(tmp_path)


def test_the_summary_has_a_row_per_finding(faulty: lfb.Release) -> None:
    found = lfb.audit(faulty, near_duplicates=False)
    assert list(found.summary["detector"]) == [finding.detector for finding in found.findings]
    assert found.summary["share"].between(0, 1).all()
    assert len(found.table_rows()) == len(found.summary)
    assert all(len(row) == len(found.table_header()) for row in found.table_rows())
