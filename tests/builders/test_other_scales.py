"""Scores outside 0 to 1: by default none of them becomes a performance, and none refuses a log; the notes name the remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders.sources.eee import EEE
from llmfusionbench.builders.sources.helm import Helm
from llmfusionbench.builders.sources.inspect_logs import InspectLogs
from llmfusionbench.builders.sources.lm_eval import LmEval
from llmfusionbench.cli.main import run as command
from tests.builders import test_eee, test_helm
from tests.helpers import inspect_log, lm_eval_log
from tests.helpers.reading import read


def squad(i: int, exact: float, f1: float) -> dict[str, Any]:
    return lm_eval_log.sample(i, metrics=["exact", "f1"], exact=exact, f1=f1)


def results(**means: float) -> dict[str, Any]:
    return lm_eval_log.results() | {"results": {"sums": {f"{name},none": mean for name, mean in means.items()}}}


def test_percentages_of_lm_eval_give_no_score_and_the_note_says_how_to_read_them(tmp_path: Path) -> None:
    path = lm_eval_log.run(tmp_path, [squad(0, 0.0, 50.0), squad(1, 100.0, 100.0)], results(exact=50.0, f1=75.0))
    found = read(LmEval(), path)
    assert found.column("performance") == [None, None]
    assert found.notes == [
        "no metric of it is from 0 to 1 (exact has a mean outside, f1 has a mean outside), so its answers get no score. "
        "To read it: --option metric=exact --scale performance=LOW:HIGH"
    ]
    assert read(LmEval(metric="f1"), path).column("performance") == [50.0, 100.0]


def test_the_remedy_for_percentages_works(tmp_path: Path) -> None:
    lm_eval_log.run(tmp_path / "run", [squad(0, 0.0, 50.0), squad(1, 100.0, 100.0)], results(exact=50.0, f1=75.0))
    stated = ["--option", "metric=f1", "--scale", "performance=0:100"]
    assert command(["build", "lm_eval", str(tmp_path / "run"), *stated, "--out", str(tmp_path / "out")]) == 0


def test_a_metric_whose_mean_is_outside_comes_after_one_that_fits(tmp_path: Path) -> None:
    rows = [squad(0, 0.0, 1.0), squad(1, 0.0, 1.0)]
    assert read(LmEval(), lm_eval_log.run(tmp_path / "a", rows, results(exact=20.0, f1=0.9))).column("metric") == ["f1", "f1"]
    assert read(LmEval(), lm_eval_log.run(tmp_path / "b", rows, results(exact=0.2, f1=0.9))).column("metric")[0] == "exact"


def test_a_late_value_outside_is_null_with_a_note(tmp_path: Path) -> None:
    rows = [squad(i, 0.0, 0.0) for i in range(250)] + [squad(250, 50.0, 0.0)]
    found = read(LmEval(), lm_eval_log.run(tmp_path, rows, results(exact=0.2)))
    assert found.column("performance")[249:] == [0.0, None]
    assert found.notes[-1] == (
        "exact is outside 0 to 1 in 1 record: taken as null. To read it: --option metric=exact --scale performance=LOW:HIGH"
    )


def log(tmp_path: Path, scores: list[dict[str, Any]], means: dict[str, Any], **options: Any) -> Any:
    about = inspect_log.header(scorers=[{"name": name} for name in scores[0]])
    listed = [
        {"name": key, "scorer": scorer, "metrics": {"mean": {"name": "mean", "value": mean}}}
        for scorer, by_key in means.items()
        for key, mean in by_key.items()
    ]
    samples = [inspect_log.sample(i, scores=found) for i, found in enumerate(scores)]
    path = inspect_log.write_json(tmp_path / "log.json", about | {"results": {"scores": listed}}, samples)
    return read(InspectLogs(**options), path)


def test_a_scorer_of_inspect_from_1_to_10(tmp_path: Path) -> None:
    scores = [{"depth": {"value": value}} for value in (7, 9.5)]
    found = log(tmp_path, scores, {"depth": {"depth": 8.25}})
    assert (found.column("performance"), found.column("metric")) == ([None, None], ["depth", "depth"])
    assert (
        "2 samples without a score, because depth gives them 7 to 9.5, outside 0 to 1. "
        "To read it: --option scorer=depth --scale performance=LOW:HIGH"
    ) in found.notes
    assert log(tmp_path, scores, {}, scorer="depth").column("performance") == [7.0, 9.5]


@pytest.mark.parametrize(
    ("score", "means", "metric"),
    [
        ({"words": {"value": 300}, "match": {"value": "C"}}, {"words": {"words": 280.5}, "match": {"match": 0.9}}, "match"),
        ({"both": {"value": {"words": 300, "right": 1}}}, {"both": {"words": 280.5, "right": 0.9}}, "both_right"),
    ],
)
def test_a_scorer_of_inspect_whose_mean_is_outside_comes_after_one_that_fits(
    tmp_path: Path, score: dict[str, Any], means: dict[str, Any], metric: str
) -> None:
    found = log(tmp_path, [score], means)
    assert (found.column("performance"), found.column("metric")) == ([1.0], [metric])


def test_a_statistic_of_helm_outside_comes_after_one_that_fits(tmp_path: Path) -> None:
    asked = test_helm.request(test_helm.instance("id1", "yes"), "yes")
    grade, rate = test_helm.stat("grade", 4), test_helm.stat("share", 0.5)
    found = read(Helm(), *test_helm.run(tmp_path, [asked], [test_helm.stats("id1", grade, rate)]))
    assert (found.column("performance"), found.column("metric")) == ([0.5], ["share"])
    alone = read(Helm(), *test_helm.run(tmp_path, [asked], [test_helm.stats("id1", grade)], name="alone"))
    assert alone.column("performance") == [None]
    assert alone.notes == [
        "per_instance_stats.json has no metric of answers from 0 to 1 (it has grade), so they have no scores. "
        "To read one: --option metric=NAME --scale performance=LOW:HIGH"
    ]


@pytest.mark.parametrize("config", [{"min_score": None, "max_score": None}, {}])
def test_scores_of_every_eval_ever_outside_their_scale(tmp_path: Path, config: dict[str, Any]) -> None:
    samples = [test_eee.sample(i, evaluation={"score": 50.0, "is_correct": False}) for i in range(2)]
    paths = test_eee.both(tmp_path, samples, test_eee.result(**config))
    found = read(EEE(), *paths)
    assert found.column("performance") == [None, None]
    assert found.notes[0] == (
        "scores of sums/accuracy outside their scale, by default 0 to 1, which are not read: 2. Remedy: correct the scale in "
        "the aggregate, or set --option metric=sums/accuracy --scale performance=LOW:HIGH"
    )
    assert read(EEE(metric="sums/accuracy"), *paths).column("performance") == [50.0, 50.0]


def test_the_remedy_for_a_grader_from_1_to_10_works(tmp_path: Path) -> None:
    scorer = {"name": "model_graded_depth", "options": {"model": "lab/judge"}}
    samples = [inspect_log.sample(i, scores={"model_graded_depth": {"value": value}}) for i, value in enumerate((1, 10))]
    path = inspect_log.write_json(tmp_path / "log.json", inspect_log.header(scorers=[scorer]), samples)
    stated = ["--option", "scorer=model_graded_depth", "--scale", "performance=1:10", "--scale", "judge_score=1:10"]
    assert any(note.endswith("performance=LOW:HIGH --scale judge_score=LOW:HIGH") for note in read(InspectLogs(), path).notes)
    assert command(["build", "inspect", str(path), *stated, "--out", str(tmp_path / "out")]) == 0
