"""Re-scoring: the simulator's own scores come back, reasons stand where none can, and an interrupted run is taken up."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import llmfusionbench as lfb
from llmfusionbench.builders import build, rescore
from llmfusionbench.builders.revising.rescore import CHANGED, Rescoring
from llmfusionbench.builders.revising.rescore_report import RescoreReport
from llmfusionbench.errors import InputError, ReleaseError, UnknownNameError
from llmfusionbench.release import Release, ReleaseWriter, open_release
from llmfusionbench.sandbox import _kinds
from llmfusionbench.scoring import OFFICIAL, VERSION
from tests.helpers.reading import REAL_LOGS, real_logs
from tests.helpers.sample_part import bytes_of, write_part
from tests.helpers.waiting import wait_for

PROJECT = Path(__file__).parents[2]
CODE = ("mbpp", "human_eval")
KEY = ["query_id", "llm", "mode", "replicate"]

sandboxed = pytest.mark.usefixtures("isolating_sandbox")


def logs(release: Release | None) -> pa.Table:
    assert release is not None
    return release.table("logs").to_table().sort_by([(k, "ascending") for k in KEY])


def column(table: pa.Table, name: str) -> np.ndarray:
    return table[name].to_numpy(zero_copy_only=False)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> RescoreReport:
    return rescore("sample", tmp_path_factory.mktemp("rescored") / "release", workers=1)


@pytest.fixture(scope="module")
def part(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """One query of each of six tasks, four LLMs, six shards."""
    tasks = ("gsm8k", "math", "mmlu", "boolq", "trivia_qa", "mbpp")
    return write_part(tmp_path_factory.mktemp("part") / "release", tasks=tasks, llms=4, shards=6)


def test_the_simulators_own_scores_come_back(sample: RescoreReport) -> None:
    """22,400 answers were scored by the program that wrote them; ours are the same."""
    old, new = logs(open_release("sample")), logs(sample.release)
    before, after = column(old, "performance"), column(new, "performance")
    answered = (column(old, "status") == "ok") & (column(old, "metric") != "code_eval")
    assert int(answered.sum()) == 19_042
    assert not np.isnan(after[answered]).any()
    differs = answered & (np.abs(before - after) > 5.1e-5)  # the log has four decimals
    assert not differs.any()
    assert sample.rounded == int((answered & ~differs & (before != after)).sum()) == 648


def test_no_answer_no_score(sample: RescoreReport) -> None:
    new = logs(sample.release)
    lost = column(new, "status") != "ok"
    assert int(lost.sum()) == 173
    assert np.isnan(column(new, "performance")[lost]).all()
    reasons = {metric: sum(counts.values()) for metric, counts in sample.missing.items() if metric != "code_eval"}
    assert sum(reasons.values()) == sum(lost & (column(new, "metric") != "code_eval")) == 158
    assert sample.missing["math"] == {"empty response": 13, "the request failed": 3}


def test_without_permission_no_program_is_scored(sample: RescoreReport) -> None:
    new = logs(sample.release)
    code = column(new, "metric") == "code_eval"
    assert int(code.sum()) == 3_200
    assert np.isnan(column(new, "performance")[code]).all()
    assert sample.missing["code_eval"]["code execution is not allowed"] == 3_185
    assert sample.sandbox is None


def test_every_score_says_what_made_it(sample: RescoreReport) -> None:
    new = logs(sample.release)
    assert (column(new, "metric_version") != None).tolist() == (~np.isnan(column(new, "performance"))).tolist()  # noqa: E711
    assert set(new["metric_version"].to_pylist()) == {VERSION, None}


def test_all_else_is_copied_byte_for_byte(sample: RescoreReport) -> None:
    assert sample.release is not None
    old, new = bytes_of(open_release("sample").path), bytes_of(sample.release.path)
    assert set(new) - set(old) == {CHANGED}
    changed = {name.split("/")[0] for name in old if old[name] != new[name]}
    assert changed - {"README.md"} == {"responses", "logs", "routing", "manifest.json"}
    assert lfb.validate(sample.release.path) == []
    assert sample.release.manifest["source"] == open_release("sample").manifest["source"]
    (step,) = sample.release.manifest["history"]
    assert (step["step"], step["options"]) == ("rescore", {"metrics": None, "metric_version": "3", "sandbox": None})


def test_nothing_but_scores_changed_and_the_views_follow(sample: RescoreReport) -> None:
    assert sample.release is not None
    (responses,) = [d for d in lfb.release.diff_releases(open_release("sample"), sample.release) if d]
    assert (responses.table, responses.added, responses.removed) == ("responses", 0, 0)
    assert set(responses.columns) == {"performance", "metric_version"}
    order = [(k, "ascending") for k in KEY]
    kept = [*KEY, "performance", "metric_version", "cost_usd"]
    assert logs(sample.release).select(kept).equals(sample.release.table("responses").to_table(columns=kept).sort_by(order))
    table = sample.release.routing()
    assert np.isnan(table.performance).sum() == sum(sum(c.values()) for c in sample.missing.values())
    untouched = open_release("sample").routing()
    np.testing.assert_array_equal(table.cost, untouched.cost)
    np.testing.assert_array_equal(table.judge, untouched.judge)


def test_the_changes_are_listed(sample: RescoreReport) -> None:
    assert sample.release is not None
    changes = pq.read_table(sample.release.path / CHANGED)
    names = [*KEY, "task", "metric", "before", "after", "reason", "extracted", "metric_version"]
    assert changes.column_names == names
    old, new = logs(open_release("sample")), logs(sample.release)
    before, after = column(old, "performance"), column(new, "performance")
    differs = ~((before == after) | (np.isnan(before) & np.isnan(after)))
    listed = changes.sort_by([(k, "ascending") for k in KEY])
    assert listed.select(KEY).to_pylist() == old.filter(pa.array(differs)).select(KEY).to_pylist()
    np.testing.assert_array_equal(column(listed, "after"), after[differs])
    assert listed["reason"].null_count == 0
    assert sample.release.manifest["files"][CHANGED]["rows"] == len(changes) == sample.changed + sample.rounded
    scored = changes.filter(pc.is_valid(changes["after"]))
    assert set(scored["metric_version"].to_pylist()) == {VERSION}
    assert "mmlu" not in set(scored["task"].to_pylist())


def test_means_before_and_after(sample: RescoreReport) -> None:
    assert [row.name for row in sample.tasks] == sorted({"mbpp", "human_eval"} | {row.name for row in sample.tasks})
    assert (len(sample.tasks), len(sample.llms)) == (14, 20)
    new = logs(sample.release)
    gsm8k = next(row for row in sample.tasks if row.name == "gsm8k")
    values = column(new, "performance")[column(new, "task") == "gsm8k"]
    assert gsm8k.after.mean == pytest.approx(np.nanmean(values))
    assert gsm8k.after.scored == int((~np.isnan(values)).sum()) == 1_590
    assert gsm8k.after.low is not None
    assert gsm8k.after.high is not None
    assert gsm8k.after.low < np.nanmean(values) < gsm8k.after.high
    mbpp = next(row for row in sample.tasks if row.name == "mbpp")
    assert (mbpp.after.mean, mbpp.after.scored, mbpp.changed) == (None, 0, 1_599)
    assert sum(row.changed for row in sample.tasks) == sum(row.changed for row in sample.llms) == sample.changed
    assert json.loads(json.dumps(sample.to_dict()))["tasks"][0]["name"] == "arc_challenge"


def test_any_number_of_workers_gives_the_same_bytes(part: Release, tmp_path: Path) -> None:
    one = rescore(part, tmp_path / "one", workers=1)
    three = rescore(part, tmp_path / "three", workers=3)
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "three")
    assert one.tasks == three.tasks
    assert lfb.validate(tmp_path / "one") == []
    assert sorted(p.name for p in tmp_path.iterdir()) == ["one", "three"]


RUN = """
import sys, threading
from llmfusionbench.builders import rescore
from llmfusionbench.release.shard_store import ShardStore

source, out, workers, kind = sys.argv[1:]
method, files = ("write", "verdicts-*") if kind == "code" else ("finish", "receipt-*")
keep = getattr(ShardStore, method)

def keep_two(store, *arguments):
    keep(store, *arguments)
    if len(list(store.path.glob(files))) >= 2:
        threading.Event().wait()

setattr(ShardStore, method, keep_two)  # in the worker processes too, which import this file
if __name__ == "__main__":
    rescore(source, out, workers=int(workers), allow_code_execution=kind == "code")
"""
"""A run that stops for good when two of its shards are done, so that it is killed there on any machine."""


def run_and_kill(folder: Path, source: Release, out: Path, workers: int, kind: str) -> None:
    script = folder / "run.py"
    script.write_text(RUN)
    run = subprocess.Popen(
        [sys.executable, script, source.path, out, str(workers), kind], env={**os.environ, "PYTHONPATH": str(PROJECT)}
    )
    files = "verdicts-*" if kind == "code" else "receipt-*"
    wait_for(lambda: len(list(folder.glob(f".out.*.work/state/{files}"))) >= 2 or run.poll() is not None)
    run.kill()
    assert run.wait() == -signal.SIGKILL


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_run_is_taken_up(tmp_path: Path, workers: int) -> None:
    source = write_part(tmp_path / "source", queries=2, llms=3, shards=28)
    out = tmp_path / "out"
    run_and_kill(tmp_path, source, out, workers, "texts")
    (work,) = tmp_path.glob(".out.*.work")
    assert not out.exists()
    finished = len(list(work.glob("state/receipt-*")))
    report = rescore(source, out, workers=1)
    assert finished <= report.resumed < 29
    assert report.resumed >= 2
    whole = rescore(source, tmp_path / "whole", workers=2)
    assert whole.resumed == 0
    assert bytes_of(out) == bytes_of(tmp_path / "whole")
    assert (report.tasks, report.llms, report.missing) == (whole.tasks, whole.llms, whole.missing)
    assert not list(tmp_path.glob(".*"))


def test_a_damaged_shard_is_done_again(part: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Rescoring, "conclude", stop)
        with pytest.raises(KeyboardInterrupt):
            rescore(part, tmp_path / "out", workers=1)
    (work,) = tmp_path.glob(".out.*.work")
    victim = sorted(work.glob("release/responses/test-*"))[0]
    victim.write_bytes(victim.read_bytes()[:-1])
    report = rescore(part, tmp_path / "out", workers=1)
    assert report.resumed == 6  # of seven: train is an empty one
    rescore(part, tmp_path / "whole", workers=1)
    assert bytes_of(tmp_path / "out") == bytes_of(tmp_path / "whole")


def test_other_options_do_not_take_it_up(part: Release, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with ReleaseWriter(tmp_path / "x", resume="0" * 64) as first:
        with pytest.raises(InputError, match="another run is making the same release"):
            ReleaseWriter(tmp_path / "x", resume="0" * 64).__enter__()
        with ReleaseWriter(tmp_path / "x", resume="1" * 64) as second:
            assert first.path != second.path
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out"]
    assert rescore(part, tmp_path / "out", metrics=["em"], workers=1).chosen == 8


def test_a_release_may_replace_itself(part: Release, tmp_path: Path) -> None:
    place = tmp_path / "release"
    build_copy(part, place)
    with pytest.raises(InputError, match="a release is there already"):
        rescore(place, place, workers=1)
    rescore(place, place, workers=1, overwrite=True)
    again = rescore(place, place, workers=1, overwrite=True)
    assert (again.changed, again.rounded) == (0, 0)
    assert [step["step"] for step in open_release(place).manifest["history"]] == ["rescore", "rescore"]
    assert pq.read_metadata(place / CHANGED).num_rows == 0
    assert lfb.validate(place) == []


def test_a_release_is_not_made_within_its_source(part: Release, tmp_path: Path) -> None:
    place = tmp_path / "release"
    build_copy(part, place)
    (tmp_path / "link").symlink_to(place)
    for out in (place / "new", tmp_path / "link" / "a" / "new"):
        with pytest.raises(InputError, match="lies in the input"):
            rescore(place, out, workers=1)
    assert lfb.validate(place) == []


def build_copy(release: Release, to: Path) -> None:
    for name, content in bytes_of(release.path).items():
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        (to / name).write_bytes(content)


@pytest.mark.parametrize("table", ["responses", "queries", "llms"])
def test_a_damaged_release_is_refused(part: Release, tmp_path: Path, table: str) -> None:
    build_copy(part, tmp_path / "release")
    victim = sorted((tmp_path / "release" / table).iterdir())[0]
    victim.write_bytes(victim.read_bytes()[:-9])
    with pytest.raises(ReleaseError, match=f"{table}/.*differs from the release's manifest"):
        rescore(tmp_path / "release", tmp_path / "out", workers=1)
    assert not (tmp_path / "out").exists()


def test_official_numbers_and_ours_never_share_a_release(part: Release, tmp_path: Path) -> None:
    official = rescore(part, tmp_path / "official", official=True, workers=1)
    assert set(logs(official.release)["metric_version"].to_pylist()) == {OFFICIAL, None}
    ours = rescore(part, tmp_path / "ours", workers=1)
    assert official.changed != ours.changed
    assert official.release is not None
    with pytest.raises(InputError, match=r'metric_version "official".*Remedy: score all metrics'):
        rescore(official.release, tmp_path / "mixed", metrics=["em"], workers=1)
    assert ours.release is not None
    with pytest.raises(InputError, match=r'metric_version "3", which would stand beside "official" in one column'):
        rescore(ours.release, tmp_path / "mixed", metrics=["em"], official=True, workers=1)
    assert not (tmp_path / "mixed").exists()
    again = rescore(official.release, tmp_path / "again", workers=1)
    assert bytes_of(tmp_path / "again" / "logs") == bytes_of(tmp_path / "ours" / "logs")
    assert again.chosen == again.answers


def test_chosen_metrics_only(part: Release, tmp_path: Path) -> None:
    report = rescore(part, tmp_path / "out", metrics=["em_mc", "math"], workers=1)
    old, new = logs(part), logs(report.release)
    chosen = np.isin(column(new, "metric"), ["em_mc", "math"])
    assert report.chosen == int(chosen.sum()) == 16
    others = pa.array(~chosen)
    names = [*KEY, "performance", "metric_version"]
    assert new.filter(others).select(names).equals(old.filter(others).select(names))
    assert set(new.filter(pa.array(chosen))["metric_version"].to_pylist()) <= {VERSION, None}
    with pytest.raises(UnknownNameError, match='Did you mean "em_mc"'):
        rescore(part, tmp_path / "other", metrics=["em_ms"])


@sandboxed
def test_programs_run_score_as_the_simulator_says(tmp_path: Path) -> None:
    source = write_part(tmp_path / "source", tasks=CODE, queries=2, llms=12, shards=2)
    report = rescore(source, tmp_path / "out", allow_code_execution=True, workers=2)
    old, new = logs(source), logs(report.release)
    before, after = column(old, "performance"), column(new, "performance")
    answered = column(old, "status") == "ok"
    assert answered.sum() >= 90
    np.testing.assert_array_equal(after[answered], before[answered])
    assert {0.0, 1.0} == set(after[answered])
    assert report.sandbox in ("bubblewrap", "namespaces")
    assert report.release is not None
    assert report.release.manifest["history"][-1]["options"]["sandbox"] == report.sandbox
    rescore(source, tmp_path / "one", allow_code_execution=True, workers=1)
    assert bytes_of(tmp_path / "out") == bytes_of(tmp_path / "one")


@sandboxed
def test_a_run_killed_among_its_programs_is_taken_up(tmp_path: Path) -> None:
    source = write_part(tmp_path / "source", tasks=CODE, queries=6, llms=6, shards=12)
    out = tmp_path / "out"
    run_and_kill(tmp_path, source, out, 2, "code")
    assert not out.exists()
    rescore(source, out, allow_code_execution=True, workers=2)
    rescore(source, tmp_path / "whole", allow_code_execution=True, workers=2)
    assert bytes_of(out) == bytes_of(tmp_path / "whole")
    assert not list(tmp_path.glob(".*"))


def test_no_isolation_no_run(part: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_kinds, "_obstacle", lambda kind: "not here")
    with pytest.raises(InputError, match=r"cannot be isolated from files and network here.*weaker --sandbox=process"):
        rescore(part, tmp_path / "out", allow_code_execution=True)
    assert not list(tmp_path.iterdir())
    assert rescore(part, tmp_path / "out", workers=1).sandbox is None


def test_real_logs_come_to_the_published_accuracies(tmp_path: Path) -> None:
    """The table of docs/scoring_fidelity.md, by way of a build and a re-scoring."""
    text = (PROJECT / "docs" / "scoring_fidelity.md").read_text(encoding="utf-8").split("\n## ")[1]
    rows = re.findall(r"^\| (\S+) \| \S+ \| (\d+\.\d+) \| \S+ \| \S+ \| (\d+\.\d+) \|", text, re.MULTILINE)
    assert len(rows) == 20
    source = build("zeroeval", real_logs("zeroeval_gsm8k/*.json.gz"), tmp_path / "source", workers=1)
    assert REAL_LOGS.is_dir()
    for official, place in ((False, 1), (True, 2)):
        report = rescore(source, tmp_path / "out", official=official, overwrite=True, workers=1)
        found = {row.name: f"{100 * row.after.mean:.2f}" for row in report.llms if row.after.mean is not None}
        assert found == {row[0].partition("@")[0]: row[place] for row in rows}
        assert report.tasks[0].answers == 26_380
