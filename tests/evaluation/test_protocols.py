"""The protocols of `evaluate`: who is tested on what, and what a router may see."""

from __future__ import annotations

import numpy as np
import pytest

import llmfusionbench as lfb
from tests.helpers.small_tables import Always, Means, metrics, random_table

NONE: tuple[str, ...] = ()


@pytest.fixture(scope="module")
def sample() -> lfb.Release:
    return lfb.open_release("sample")


def test_kfold_tests_every_query_once_and_evenly() -> None:
    whole = random_table(60)
    Means.fits = 0
    report = lfb.evaluate(Means(), whole, protocol="kfold", folds=4, baselines=NONE)
    assert Means.fits == 4
    assert report.data["queries"] == {"train": 45, "test": 60}
    assert metrics(report, "Means")["performance"]["n"] == 60
    assert report.data["protocol"] == {"name": "kfold", "folds": 4}


def test_kfold_on_a_release_without_splits(sample: lfb.Release) -> None:
    report = lfb.evaluate("per_task", sample, protocol="kfold", split="test", folds=2, baselines=NONE)
    assert report.data["queries"]["test"] == sample.table("queries", "test").count_rows()


def test_leave_one_task_out_never_sees_the_task() -> None:
    class Strict(Means):
        def score(self, prompts: object, tasks: list[str]) -> np.ndarray:
            assert not self.seen_ & set(tasks)
            return super().score(prompts, tasks)  # type: ignore[arg-type]

    report = lfb.evaluate(Strict(), random_table(30), protocol="leave_one_task_out", baselines=NONE)
    assert report.data["protocol"]["folds"] == 3
    assert metrics(report, "Strict")["performance"]["n"] == 30


class Newcomers(Means):
    """Takes new candidates in, by their means over the probes."""

    def extend(self, table: lfb.RoutingTable) -> Newcomers:
        assert not set(table.candidates) & set(self.candidates_)
        assert len(table) == 7
        self.candidates_ += table.candidates
        self.means_ = np.append(self.means_, np.nanmean(table.target, axis=0))
        return self


def test_leave_one_llm_out() -> None:
    train, test = random_table(40, prefix="train"), random_table(20, seed=1)
    report = lfb.evaluate(
        {"new": Newcomers(), "old": Means()}, (train, test), protocol="leave_one_llm_out", probes=7, baselines=NONE
    )
    assert report.data["protocol"] == {"name": "leave_one_llm_out", "folds": 4, "probes": 7}
    assert report.data["queries"]["test"] == 20
    assert metrics(report, "old")["unseen_share"]["value"] == 0
    assert metrics(report, "new")["unseen_share"]["value"] > 0
    assert any(line.startswith("old: cannot score an LLM that it was not fitted on") for line in report.data["warnings"])
    assert metrics(report, "new")["performance"]["n"] == 80


def test_modes_of_an_llm_are_left_out_together(sample: lfb.Release) -> None:
    narrow = lfb.evaluate(
        "per_task", sample, protocol="leave_one_llm_out", llms=["deepseek-r1", "codegemma-7b"], baselines=NONE
    )
    assert narrow.data["protocol"]["folds"] == 2
    assert len(narrow.data["candidates"]) == 4


def test_learning_curve() -> None:
    train, test = random_table(40, prefix="train"), random_table(20, seed=1)
    report = lfb.evaluate(
        {"means": Means(), "a": Always("a")}, (train, test), protocol="learning_curve", curve_sizes=(0.1, 1.0), baselines=NONE
    )
    curve = report.data["learning_curve"]
    assert [(p["router"], p["train_queries"]) for p in curve] == [("means", 4), ("means", 40)]
    assert curve[-1]["value"] == metrics(report, "means")["reward"]["value"]
    assert curve[0]["low"] <= curve[0]["value"] <= curve[0]["high"]


class Guard:
    """Declines what it did not see in train."""

    def fit(self, table: lfb.RoutingTable) -> Guard:
        self.tasks_ = set(table.tasks)
        return self

    def route(self, prompts: list[str], tasks: list[str]) -> list[str | None]:
        return ["d" if task in self.tasks_ else None for task in tasks]


class ScoringGuard(Guard):
    route = None  # type: ignore[assignment]

    def score(self, prompts: list[str], tasks: list[str]) -> np.ndarray:
        return np.array([[0, 0, 0, 1.0] if task in self.tasks_ else [-np.inf] * 4 for task in tasks])


def test_guarded_track() -> None:
    train, test = random_table(40, prefix="train"), random_table(30, seed=1)
    report = lfb.evaluate(
        {"guard": Guard(), "scores": ScoringGuard(), "open": Always("d")},
        (train, test), protocol="guarded", ood_tasks=["u"], baselines=NONE,
    )  # fmt: skip
    inside = [i for i, task in enumerate(test.tasks) if task != "u"]
    performance = test.performance[inside, 3].mean()
    for name in ("guard", "scores"):
        found = metrics(report, name)
        assert (found["ood_declined"]["value"], found["wrongly_declined"]["value"]) == (1, 0)
        assert found["performance"]["value"] == pytest.approx(performance)
        assert found["guarded_score"]["value"] == pytest.approx(2 * performance / (performance + 1))
    assert metrics(report, "open")["guarded_score"]["value"] == 0
    assert report.data["queries"]["train"] == 27
    assert "u" not in report.data["routers"][0]["per_task"]


def test_declining_is_a_fault_elsewhere() -> None:
    train, test = random_table(40, prefix="train").rows(range(2)), random_table(30, seed=1)
    with pytest.raises(lfb.LLMFusionBenchError, match="router Guard: found 10 faults") as caught:
        lfb.evaluate(Guard(), (train, test), baselines=NONE)
    assert str(caught.value).count("no choice") == 10
    report = lfb.evaluate(Guard(), (train, test), baselines=NONE, allow_partial=True)
    answered = metrics(report, "Guard")["answered"]
    assert answered["value"] == pytest.approx(2 / 3)
    assert answered["low"] is answered["high"] is None
    assert metrics(report, "Guard")["performance"]["n"] == 20
    assert any("10 of 30 choices are missing or faulty" in line for line in report.data["warnings"])
