"""The report as data, tables and files, and the command that writes it."""

from __future__ import annotations

import copy
import csv
import json
from pathlib import Path

import pandas as pd
import pytest

import llmfusionbench as lfb
from llmfusionbench.cli.main import run
from llmfusionbench.evaluation import MEASURES, compare
from llmfusionbench.evaluation.measures import INTERVALS
from tests.helpers.small_tables import Always, random_table


@pytest.fixture(scope="module")
def report() -> lfb.Report:
    return lfb.evaluate(
        {"mine": Always("c"), "oracle": "oracle"}, (random_table(40, prefix="train"), random_table(30, seed=1)), explorer=5
    )


def test_tables(report: lfb.Report) -> None:
    summary = report.summary
    assert summary["router"][0] == "oracle"
    assert summary["reward"].is_monotonic_decreasing
    assert {"performance", "performance_low", "performance_high", "performance_n", "gain_over_best_single_p"} <= set(summary)
    assert list(report.per_task.columns[:3]) == ["router", "task", "performance"]
    assert len(report.per_task) == 5 * 3
    assert len(report.per_domain) == 5 * 3
    assert report.candidates["candidate"].tolist() == ["a", "b", "c", "d"]
    assert len(report.data["explorer"]) == 5
    assert sum(report.data["routers"][0]["picks"].values()) == 1
    assert set(report.data["metrics"]) == set(MEASURES)


def test_text(report: lfb.Report) -> None:
    lines = str(report).splitlines()
    assert lines[0] == "Routers in scenario performance_first, protocol split, 30 test queries, 95% intervals"
    assert lines[2].startswith("oracle  ")
    assert any(line.startswith("(best single)") for line in lines)
    assert "SIMULATED" not in str(report)


def test_files(report: lfb.Report, tmp_path: Path) -> None:
    written = report.write(tmp_path / "a" / "b")
    assert [p.name for p in written] == ["report.json", "leaderboard.csv", "report.html"]
    assert sorted(p.name for p in (tmp_path / "a" / "b").iterdir()) == ["leaderboard.csv", "report.html", "report.json"]
    again = lfb.Report.read(tmp_path / "a" / "b")
    assert again.data == report.data
    assert again.to_json() == report.to_json()
    with (tmp_path / "a" / "b" / "leaderboard.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [r["router"] for r in rows] == report.summary["router"].tolist()
    assert float(rows[0]["performance"]) == report.summary["performance"][0]
    (tmp_path / "file").write_text("")
    with pytest.raises(lfb.LLMFusionBenchError, match=r"file: exists and is not a report \(it has no report.json\)"):
        report.write(tmp_path / "file")


def test_json_is_sorted_and_without_nan(report: lfb.Report) -> None:
    text = report.to_json()
    assert "NaN" not in text
    assert json.dumps(json.loads(text), indent=1, sort_keys=True, ensure_ascii=False) + "\n" == text
    assert len(text.splitlines()) > 500  # a value a line, for diffs


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        (("version",), "2.0", "$.version"),
        (("routers", 0, "metrics", "performance", "low"), "low", "$.routers[0].metrics.performance.low"),
        (("routers", 0, "picks", "c"), 2, "$.routers[0].picks.c"),
        (("queries",), {}, "$.queries"),
    ],
)
def test_what_is_no_report(report: lfb.Report, path: tuple[str | int, ...], value: object, place: str) -> None:
    data = copy.deepcopy(report.data)
    part = data
    for step in path[:-1]:
        part = part[step]  # type: ignore[index]
    part[path[-1]] = value  # type: ignore[index]
    with pytest.raises(lfb.LLMFusionBenchError) as caught:
        lfb.Report(data)
    assert f"{place}: " in str(caught.value)


def test_metrics_say_how_their_intervals_are_made(report: lfb.Report) -> None:
    said = report.data["metrics"]
    assert said["performance"] == {**said["performance"], "interval": INTERVALS["share"], "why": None}
    assert said["cost_save"]["interval"] == "none"
    assert "biased" in said["cost_save"]["why"]
    page = report.to_html()
    assert f"perf gain, cost save, pareto distance: {said['cost_save']['why']}." in page
    assert "Range of cost for AIQ" in page


def test_a_report_of_an_earlier_version_is_read(report: lfb.Report) -> None:
    data = copy.deepcopy(report.data)
    del data["cost_range"]
    for said in data["metrics"].values():
        del said["interval"], said["why"]
    earlier = lfb.Report({**data, "version": "1.1"})
    assert "Without an interval" not in earlier.to_html()
    assert len(compare(earlier, report)) > 0


def test_no_report_there(tmp_path: Path) -> None:
    with pytest.raises(lfb.LLMFusionBenchError, match="cannot be read as a report"):
        lfb.Report.read(tmp_path)


def test_compare(report: lfb.Report) -> None:
    data = copy.deepcopy(report.data)
    data["routers"][0]["metrics"]["performance"] |= {"value": 0.1, "low": 0.05, "high": 0.15}
    del data["routers"][1]
    other = lfb.Report(data)
    found = compare(report, other).set_index(["router", "metric"])
    changed = found.loc[("mine", "performance")]
    before = report.data["routers"][0]["metrics"]["performance"]["value"]
    assert (changed["a"], changed["b"], changed["apart"]) == (before, 0.1, True)
    assert changed["difference"] == pytest.approx(0.1 - before)
    assert found.loc[("mine", "v_b"), "difference"] == 0
    assert pd.isna(found.loc[("oracle", "performance"), "b"])
    pd.testing.assert_frame_equal(report.compare(report, other), compare(report, other))


# --- the command


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", "sample", "--router", "per_task", "--out", str(tmp_path), "--baseline", "best_single"]) == 0
    shown = capsys.readouterr().out
    assert "(SIMULATED)" in shown
    assert "Note: SIMULATED" in shown
    assert f"Wrote {tmp_path / 'report.html'}." in shown
    assert [r["name"] for r in lfb.Report.read(tmp_path).data["routers"]] == ["per_task", "best_single"]


def test_scenarios_and_predictions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    test = lfb.open_release("sample").routing("test")
    file = tmp_path / "mine.csv"
    pd.DataFrame({"query_id": test.query_ids, "candidate": test.candidates[0]}).to_csv(file, index=False)
    command = ["evaluate", "sample", "--predictions", str(file), "--scenario", "balance", "--scenario", "judge"]
    assert run([*command, "--out", str(tmp_path / "out"), "--baseline", "per_task"]) == 0
    assert "reward" in capsys.readouterr().out
    for scenario in ("balance", "judge"):
        assert lfb.Report.read(tmp_path / "out" / scenario).data["scenario"] == scenario


def test_json_on_the_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", "sample", "--router", "per_task", "--baseline", "per_task", "--json"]) == 0
    assert lfb.Report(json.loads(capsys.readouterr().out)).data["protocol"]["name"] == "split"


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["sample"], 2, "name a --router or a file of --predictions"),
        (["sample", "--router", "kmn"], 1, 'No router "kmn". Did you mean "knn"?'),
        (["nowhere", "--router", "knn"], 1, "nowhere: no such directory"),
        (["sample", "--router", "http://x", "--alias", "half"], 2, "expected NAME=CANDIDATE"),
        (["sample", "--router", "knn", "--predictions", "knn.csv"], 1, "two routers would be called knn"),
    ],
)
def test_mistakes(capsys: pytest.CaptureFixture[str], arguments: list[str], status: int, message: str) -> None:
    assert run(["evaluate", *arguments]) == status
    assert message in capsys.readouterr().err
