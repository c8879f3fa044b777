"""`evaluate` from end to end: figures checked by hand on tiny tables, and by a plain join on the sample."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR, LinearSVC

import llmfusionbench as lfb
from llmfusionbench.errors import MissingExtraError
from tests.helpers.small_tables import NAN, Always, Means, metrics, random_table, table

NONE: tuple[str, ...] = ()


@pytest.fixture(scope="module")
def sample() -> lfb.Release:
    return lfb.open_release("sample")


def test_every_level_by_hand() -> None:
    train = table([[1, 0], [0, 0], [1, 1], [0, 1]], [[1, 4]] * 4, tasks=["t", "t", "u", "u"], prefix="train")
    test = table(
        [[1, 0], [0, 1], [1, NAN]], [[2, 3], [2, 5], [1, NAN]], tasks=["t", "t", "u"], judge=[[0.5, 1], [0, 1], [NAN, 1]]
    )
    report = lfb.evaluate({"a": Always("a"), "b": Always("b")}, (train, test), baselines=NONE)
    a, b = metrics(report, "a"), metrics(report, "b")
    assert (a["performance"]["value"], a["performance"]["n"]) == (pytest.approx(2 / 3), 3)
    assert a["performance_macro"]["value"] == pytest.approx((0.5 + 1) / 2)
    assert (a["cost_usd"]["value"], a["judge"]["value"], a["judge"]["n"]) == (pytest.approx(5 / 3), 0.25, 2)
    # What is missing stays missing: b has two known answers of three.
    assert (b["performance"]["value"], b["performance"]["n"]) == (0.5, 2)
    assert b["answered"]["value"] == 1
    task = report.per_task.set_index(["router", "task"])
    assert task.loc[("a", "t"), "performance"] == 0.5
    assert "performance" not in report.data["routers"][1]["per_task"]["u"]
    assert report.data["references"]["oracle"]["performance"]["value"] == 1
    # a and b have the same train mean, and a is cheaper.
    assert report.data["best_single"] == ["a"]
    assert a["gap_closed"]["value"] == 0
    assert report.data["routers"][0]["paired"]["best_single"]["gain"] == 0


def test_oracle_ties_go_to_the_cheapest_answer() -> None:
    train = table([[1, 1, 0]], [[9, 1, 1]], prefix="train")
    test = table([[1, 1, 0], [1, 1, 1], [0, 0, 0]], [[2, 3, 1], [3, 2, NAN], [3, 2, 1]])
    report = lfb.evaluate(["oracle"], (train, test), baselines=NONE)
    assert report.data["references"]["oracle"]["cost_usd"]["value"] == pytest.approx((2 + 2 + 1) / 3)
    assert [e["choices"]["oracle"] for e in report.data["explorer"]] == ["a", "b", "c"]


def test_the_sample_by_a_plain_join(sample: lfb.Release) -> None:
    report = lfb.evaluate({"one": Always("deepseek-r1")}, sample)
    rows = sample.table("responses", "test").to_table().to_pylist()
    own = [r for r in rows if (r["llm"], r["mode"]) == ("deepseek-r1", "direct")]
    known = [r["performance"] for r in own if r["performance"] is not None]
    found = metrics(report, "one")
    assert (found["performance"]["value"], found["performance"]["n"]) == (pytest.approx(np.mean(known), abs=1e-6), len(known))
    used = [r["input_tokens"] + r["output_tokens"] for r in own if None not in (r["input_tokens"], r["output_tokens"])]
    assert found["tokens"]["value"] == pytest.approx(np.mean(used))
    assert {r["name"] for r in report.data["routers"]} == {"one", "best_single", "per_task", "knn"}
    assert [r["name"] for r in report.data["routers"] if r["baseline"]] == ["best_single", "per_task", "knn"]


def test_simulated_is_said_everywhere(sample: lfb.Release, tmp_path: Path) -> None:
    report = lfb.evaluate(Always("deepseek-r1"), sample, baselines=NONE)
    assert "SIMULATED" in report.to_text()
    assert "SIMULATED" in repr(report)
    assert report.data["warnings"][0].startswith("SIMULATED")
    assert set(report.summary["provenance"]) == {"simulated"}
    report.write(tmp_path)
    assert "simulated" in (tmp_path / "leaderboard.csv").read_text()
    assert "simulated" in (tmp_path / "report.html").read_text().lower()


@pytest.mark.parametrize("scenario", ["performance_first", "balance", "cost_first", "judge"])
def test_rewards_are_scaled_by_train_alone(scenario: str) -> None:
    train = table([[0.2, 0.8], [0.4, 0.6]], [[1, 3], [1, 5]], prefix="train", judge=[[0, 1], [0, 1]])
    test = table([[1.0, 0.2]], [[7, 1]], judge=[[0.25, 0.5]])
    report = lfb.evaluate(Always("a"), (train, test), scenario=scenario, baselines=NONE)
    p, k = (1.0 - 0.2) / 0.6, (7 - 1) / 4  # beyond 1: the scale is frozen
    expected = {"performance_first": p, "balance": 0.5 * p - 0.5 * k, "cost_first": 0.2 * p - 0.8 * k, "judge": 0.25}
    assert metrics(report, "Always")["reward"]["value"] == pytest.approx(expected[scenario], abs=1e-6)


def test_changing_test_values_changes_no_choice(sample: lfb.Release) -> None:
    train, test = sample.routing("train"), sample.routing("test")
    spoiled = lfb.RoutingTable(
        test.query_ids, test.prompts, test.tasks, test.candidates, 1 - test.performance, test.cost * 7, test.judge, test.domains
    )
    reports = [lfb.evaluate(["ridge"], (train, t), scenario="balance", baselines=NONE) for t in (test, spoiled)]
    first, second = ([e["choices"]["ridge"] for e in r.data["explorer"]] for r in reports)
    assert first == second


def test_paired_gain_against_a_plain_loop() -> None:
    train, test = random_table(40, prefix="train"), random_table(60, seed=1)
    report = lfb.evaluate({"a": Always("a"), "best": Means()}, (train, test), baselines=NONE, resamples=4000)
    paired = report.data["routers"][0]["paired_performance"]["best_single"]
    assert paired["rival"] == "d"
    difference = test.performance[:, 0] - test.performance[:, 3]
    assert paired["gain"] == pytest.approx(difference.mean())
    rng = np.random.default_rng(5)
    means = [difference[rng.integers(0, 60, 60)].mean() for _ in range(4000)]
    assert [paired["low"], paired["high"]] == pytest.approx(np.percentile(means, [2.5, 97.5]), abs=0.02)
    assert paired["p"] < 0.01
    itself = report.data["routers"][1]["paired"]["best_single"]
    assert (itself["gain"], itself["low"], itself["high"], itself["p"]) == (0, 0, 0, 1)


def test_best_baseline_is_another_and_no_oracle(sample: lfb.Release) -> None:
    report = lfb.evaluate(["oracle", "per_task"], sample, baselines=("best_single",))
    rivals = {r["name"]: r["paired"]["best_baseline"]["rival"] for r in report.data["routers"]}
    assert rivals == {"oracle": rivals["oracle"], "per_task": "best_single", "best_single": "per_task"}
    assert rivals["oracle"] in ("per_task", "best_single")
    alone = lfb.evaluate(["per_task"], sample, baselines=NONE)
    assert alone.data["routers"][0]["paired"]["best_baseline"]["gain"] is None


@pytest.mark.parametrize(
    "estimator", [Ridge(), SVR(), LogisticRegression(max_iter=50), LinearSVC(), RandomForestClassifier(5, random_state=0)]
)
def test_estimators_as_they_are(estimator: object) -> None:
    train, test = random_table(60, prefix="train", missing=0.1), random_table(20, seed=1)
    report = lfb.evaluate(estimator, (train, test), baselines=NONE)
    found = metrics(report, type(estimator).__name__)
    assert found["answered"]["value"] == 1
    assert 0 <= found["performance"]["value"] <= 1


def test_objects_stay_as_they_were() -> None:
    router = Means()
    lfb.evaluate(router, (random_table(20, prefix="train"), random_table(9, seed=1)), baselines=NONE)
    assert not hasattr(router, "means_")


def test_the_same_evaluation_gives_the_same_bytes(sample: lfb.Release) -> None:
    first, second = (lfb.evaluate(["ridge", "random"], sample, seed=3).to_json() for _ in range(2))
    assert first == second
    assert json.loads(first) != json.loads(lfb.evaluate(["ridge", "random"], sample, seed=4).to_json())


# --- mistakes


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scenario": "cheap"}, 'No scenario "cheap"'),
        ({"protocol": "k-fold"}, 'No protocol "k-fold". Did you mean "kfold"?'),
        ({"baselines": ("per_tsk",)}, 'No router "per_tsk". Did you mean "per_task"?'),
        ({"split": "tests"}, "has no split 'tests'"),
        ({"protocol": "guarded"}, "expected some but not all of"),
        ({"protocol": "kfold", "folds": 1}, "expected at least 2 folds"),
        ({"protocol": "kfold", "split": "tests"}, 'No split of routing "tests"'),
        ({"llms": ["gpt"]}, 'No LLM "gpt"'),
        ({"tasks": ["poems"]}, 'No task "poems"'),
        ({"protocol": "learning_curve", "curve_sizes": (2.0,)}, "expected a share of the train queries"),
    ],
)
def test_what_cannot_be_is_said(sample: lfb.Release, options: dict[str, object], message: str) -> None:
    with pytest.raises(lfb.LLMFusionBenchError) as caught:
        lfb.evaluate(Always("deepseek-r1"), sample, **{"baselines": NONE, **options})
    assert message in str(caught.value)


class Overwrites(Means):
    """Writes into the table that it is fitted on, as `target[np.isnan(target)] = 0` does."""

    def fit(self, table: lfb.RoutingTable) -> Overwrites:
        for matrix in (table.performance, table.cost, table.target):
            matrix[:] = np.arange(matrix.shape[1])
        table.prompts.clear()
        super().fit(table)
        return self


def test_a_router_that_writes_into_its_table_misleads_no_other() -> None:
    train, test = random_table(40, prefix="train"), random_table(20, seed=1)
    alone = lfb.evaluate({"means": Means()}, (train, test), baselines=NONE)
    after = lfb.evaluate({"spoiler": Overwrites(), "means": Means()}, (train, test), baselines=NONE)
    joint = {name: metrics(after, "means")[name] for name in ("pareto_distance", "aiq")}  # they depend on the other routers
    assert metrics(after, "means") == metrics(alone, "means") | joint
    assert after.data["references"] == alone.data["references"]


def test_what_cannot_be_copied_is_said() -> None:
    router = Always("a")
    router.lock = threading.Lock()  # type: ignore[attr-defined]
    with pytest.raises(lfb.LLMFusionBenchError, match=r"router Always: cannot be copied .* Remedy: pass the class"):
        lfb.evaluate(router, (random_table(10, prefix="train"), random_table(10, seed=1)), baselines=NONE)


class Frame(Means):
    """Scores whose columns have names, and another order than the candidates of train."""

    def score(self, prompts: list[str], tasks: list[str]) -> Any:
        return pd.DataFrame({name: np.full(len(prompts), float(name == "c")) for name in "dcba"})


class Masked(Means):
    def score(self, prompts: list[str], tasks: list[str]) -> Any:
        return np.ma.masked_all((len(prompts), 4))


def test_columns_of_a_data_frame_go_by_their_names() -> None:
    train, test = random_table(10, prefix="train"), random_table(10, seed=1)
    report = lfb.evaluate(Frame(), (train, test), baselines=NONE)
    assert report.data["routers"][0]["picks"] == {"c": 1}


def test_a_pipeline_that_reads_texts_is_told_what_it_would_get() -> None:
    pipeline = make_pipeline(TfidfVectorizer(), LogisticRegression())
    tables = (random_table(10, prefix="train"), random_table(10, seed=1))
    with pytest.raises(lfb.LLMFusionBenchError, match=r"begins with TfidfVectorizer, which reads texts.* Remedy: drop"):
        lfb.evaluate(pipeline, tables, baselines=NONE)
    assert lfb.evaluate(make_pipeline(StandardScaler(), Ridge()), tables, baselines=NONE).data["routers"][0]["picks"]


class Complex(Means):
    def score(self, prompts: list[str], tasks: list[str]) -> Any:
        return np.full((len(prompts), 4), 1 + 2j)


class Twice(Means):
    def score(self, prompts: list[str], tasks: list[str]) -> Any:
        return pd.DataFrame(np.ones((len(prompts), 4)), columns=list("abca"))


@pytest.mark.parametrize(
    ("router", "message"),
    [(Complex(), "not a numeric array (complex numbers). Remedy"), (Twice(), "several columns are called a. Remedy")],
    ids=["complex", "twice"],
)
def test_scores_that_would_lose_something(router: Means, message: str) -> None:
    with pytest.raises(lfb.LLMFusionBenchError) as caught:
        lfb.evaluate(router, (random_table(10, prefix="train"), random_table(10, seed=1)), baselines=NONE)
    assert message in str(caught.value)


def test_what_is_masked_is_missing() -> None:
    with pytest.raises(lfb.LLMFusionBenchError, match="score is NaN"):
        lfb.evaluate(Masked(), (random_table(10, prefix="train"), random_table(10, seed=1)), baselines=NONE)


def test_train_and_test_may_not_meet() -> None:
    whole = random_table(10)
    with pytest.raises(lfb.LLMFusionBenchError, match="10 queries are in train and in test"):
        lfb.evaluate(Always(), (whole, whole), baselines=NONE)
    with pytest.raises(lfb.LLMFusionBenchError, match="one table, expected a"):
        lfb.evaluate(Always(), whole, baselines=NONE)


def test_no_costs() -> None:
    train, test = table([[1, 0]], prefix="train"), table([[1, 0], [0, 1]])
    with pytest.raises(lfb.LLMFusionBenchError, match="the release has no costs"):
        lfb.evaluate(Always(), (train, test), scenario="balance", baselines=NONE)
    report = lfb.evaluate(Always(), (train, test), baselines=NONE)
    assert metrics(report, "Always")["cost_usd"]["value"] is None
    assert metrics(report, "Always")["aiq"]["value"] is None
    assert "no tested answer has a cost" in report.data["warnings"]


# --- duplicates


def test_duplicates_across_splits() -> None:
    train, test = random_table(30, prefix="train"), random_table(30, seed=1)
    others = [f"{i} of {'abcdefghijklmnop'[i % 16] * 5} and {i * i} with {i + 3} apples in {i} baskets" for i in range(56)]
    near = "once upon a time there were many words in this prompt and nearly all of them are the same but one {}"
    train = replace(train, prompts=[*others[:28], near.format("here"), "Exact!"])
    test = replace(test, prompts=["Exact!\nLet's think step by step.", near.format("there"), *others[28:]])
    report = lfb.evaluate(Always("a"), (train, test), baselines=NONE)
    found = report.data["duplicates"]
    assert (found["exact"], found["near"], found["queries"]) == (1, 1, ["q0", "q1"])
    (effect,) = found["effect"]
    assert effect["without"] == pytest.approx(test.performance[2:, 0].mean())
    assert effect["difference"] == pytest.approx(effect["without"] - effect["with"], abs=1e-8)
    assert effect["n"] == 28
    (told,) = [line for line in report.data["warnings"] if line.startswith("train holds")]
    assert told == (
        "train holds 1 word for word and 1 nearly (similarity of 0.8 or more) of 30 test queries; "
        f"leaving them out changes mean rewards by {effect['difference']:+.3f} to {effect['difference']:+.3f}"
    )
    nearly = lfb.evaluate(Always("a"), (train, replace(test, prompts=["no like", *test.prompts[1:]])), baselines=NONE)
    assert any(line.startswith("train holds 1 nearly (") for line in nearly.data["warnings"]), "what is not there is not told"
    assert lfb.evaluate(Always("a"), (train, test), baselines=NONE, near_duplicates=None).data["duplicates"] is None


class Heavy(Means):
    def fit(self, table: lfb.RoutingTable) -> Means:
        raise MissingExtraError("torch", "torch")


def test_routers_that_cannot_run_here_are_left_out_where_that_is_asked_for() -> None:
    pair = random_table(20, prefix="train"), random_table(9, seed=1)
    with pytest.raises(MissingExtraError):
        lfb.evaluate({"heavy": Heavy(), "a": Always()}, pair, baselines=NONE)
    report = lfb.evaluate({"heavy": Heavy(), "a": Always()}, pair, baselines=NONE, optional=["heavy"])
    assert [r["name"] for r in report.data["routers"]] == ["a"]
    assert any(line.startswith("heavy: skipped; torch is not installed") for line in report.data["warnings"])
