"""What the results of lm-evaluation-harness state of the samples, and samples that differ from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders.sources.lm_eval import LmEval
from tests.helpers.lm_eval_log import results, run, sample
from tests.helpers.reading import read, real_logs

RIGHT, WRONG = {"exact_match": 1.0}, {"exact_match": 0.0}
OTHER = [sample(0, filter="loose", **WRONG), sample(1, filter="loose", **WRONG)]


def stated(mean: float, samples: Any = None, filtered: str = ",none", **more: Any) -> dict[str, Any]:
    counts = {} if samples is None else {"n-samples": {"sums": samples}}
    return results(results={"sums": {f"exact_match{filtered}": mean}}, **counts, **more)


@pytest.mark.parametrize(
    ("about", "warning"),
    [
        (stated(0.5, {"original": 2, "effective": 2}), None),
        (stated(0.5004), None),
        (stated(0.25), "the mean of exact_match in the file is 0.5, and its results state 0.25"),
        (stated(0.25, filtered=""), "the mean of exact_match in the file is 0.5, and its results state 0.25"),
        (stated(0.25, filtered=",strict"), None),
        (stated(0.25, {"original": 90, "effective": 80}), "the file has 2 of the 80 samples that its results state"),
        (stated(0.5, {"original": 1000}), "the file has 2 of the 1,000 samples that its results state"),
        (stated(0.5, {"original": 1, "effective": 1}), "the file has 2 samples, and its results state 1"),
        (stated(0.5, {"original": "many"}), None),
        (stated(0.5, 7), None),
        (stated(0.25, tasks={"sums": {"metric_list": [{"metric": "exact_match", "aggregation": "median"}]}}), None),
        (stated(float("nan")), None),
    ],
)
def test_counts_and_means_are_compared(tmp_path: Path, about: dict[str, Any], warning: str | None) -> None:
    found = read(LmEval(), run(tmp_path, [sample(0, **RIGHT), sample(1, **WRONG)], about))
    assert found.column("performance") == [1.0, 0.0]
    assert found.notes == ([warning] if warning else [])


def test_a_run_with_a_limit_is_compared_with_what_it_evaluated(tmp_path: Path) -> None:
    config = {"model_args": "pretrained=lab/tiny", "limit": 2.0}
    about = stated(0.5, {"original": 1000, "effective": 2}, config=config)
    rows = [sample(0, **RIGHT), sample(1, **WRONG)]
    assert read(LmEval(), run(tmp_path / "a", rows, about)).notes == ["the run was limited to 2 samples of each task"]
    older = stated(0.5, {"original": 1000}, config=config)
    assert read(LmEval(), run(tmp_path / "b", rows, older)).notes == ["the run was limited to 2 samples of each task"]


def test_the_mean_is_that_of_the_filter_and_the_metric_that_are_read(tmp_path: Path) -> None:
    rows = [*[row | RIGHT | {"filter": "strict"} for row in OTHER], *OTHER]
    scores = {"exact_match,strict": 1.0, "exact_match,loose": 0.0}
    about = results(results={"sums": scores}, **{"n-samples": {"sums": {"original": 2, "effective": 2}}})
    path = run(tmp_path, rows, about)
    for name in ("strict", "loose"):
        assert [note for note in read(LmEval(filter=name), path).notes if "results state" in note] == []


@pytest.mark.parametrize("value", [None, [True, False], "word"])
def test_a_mean_is_not_compared_where_a_sample_has_no_score_of_its_own(tmp_path: Path, value: Any) -> None:
    path = run(tmp_path, [sample(0, **RIGHT), sample(1, exact_match=value)], stated(0.1))
    assert [note for note in read(LmEval(), path).notes if "results state" in note] == []


def test_a_sample_that_is_rejected_is_one_of_the_samples_of_the_file(tmp_path: Path) -> None:
    path = run(tmp_path, [sample(0), sample(1, arguments=5)], stated(0.25, {"original": 2, "effective": 2}))
    found = read(LmEval(), path)
    assert (len(found.rows), len(found.rejected), found.notes) == (1, 1, [])


def test_the_real_file_has_ten_samples_of_the_five_thousand_that_its_results_state() -> None:
    found = read(LmEval(), *real_logs("formats/lm_eval/samples_*.jsonl"))
    assert len(found.rows) == 10
    assert "the file has 10 of the 5,000 samples that its results state" in found.notes
