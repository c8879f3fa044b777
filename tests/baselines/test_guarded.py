"""The guard: what is unlike train is declined, in the guarded track and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

import llmfusionbench as lfb
from llmfusionbench.baselines.routers.guarded import Guarded
from llmfusionbench.baselines.routers.shared.strangeness import Strangeness, threshold_of, views
from llmfusionbench.release.routing_table import RoutingTable

SUBJECTS = {
    "animals": ("Which is larger, the {} or the {}?", ("cat", "dog", "horse", "owl", "fox", "whale", "mouse", "hen")),
    "sums": ("Add {} to {}, then double the sum.", ("two", "five", "nine", "twelve", "forty", "eleven", "six", "ten")),
    "rivers": ("In what country does the {} meet the {}?", ("Rhine", "Main", "Nile", "Elbe", "Po", "Oder", "Inn", "Tiber")),
    "code": ("def {}(xs):\n    return xs.{}()\n", ("sort", "copy", "pop", "clear", "index", "count", "append", "merge")),
}


def made_up(tasks: Sequence[str], queries: int = 40, seed: int = 0) -> RoutingTable:
    """Queries of some subjects, for two candidates."""
    rng = np.random.default_rng(seed)
    of = [tasks[i % len(tasks)] for i in range(queries)]
    prompts: list[str | None] = [SUBJECTS[task][0].format(*rng.choice(SUBJECTS[task][1], 2)) for task in of]
    performance = np.tile(np.array([0.9, 0.4], np.float32), (queries, 1))
    nothing = np.full_like(performance, np.nan)
    return RoutingTable([f"{seed}-{i}" for i in range(queries)], prompts, of, ["a", "b"], performance, nothing, nothing)


@cache
def fitted() -> Guarded:
    return Guarded().fit(made_up(["animals", "sums", "rivers"], 90))


def test_declines_the_subject_that_train_does_not_have() -> None:
    test = made_up(list(SUBJECTS), 80, seed=1)
    declined = fitted().decide(test, may_decline=True).declined
    unknown = np.array([task == "code" for task in test.tasks])
    assert declined[unknown].all()
    assert declined[~unknown].mean() <= 0.1


@pytest.mark.parametrize("out", [["gsm8k", "math"], ["human_eval", "mbpp"]], ids=["math", "code"])
def test_the_guarded_track_of_the_sample(out: list[str]) -> None:
    report = lfb.evaluate("guarded", "sample", protocol="guarded", ood_tasks=out, baselines=["per_task"], resamples=20)
    ours, open_to_all = ({m: f["value"] for m, f in router["metrics"].items()} for router in report.data["routers"])
    assert ours["ood_declined"] > 0.9
    assert ours["wrongly_declined"] < 0.15
    assert ours["guarded_score"] > 0.7
    assert open_to_all["guarded_score"] == 0
    header, first = report.leaderboard_header(), report.leaderboard_rows()[0]
    shown = dict(zip(header, first, strict=True))
    assert shown["router"] == "guarded"
    assert (shown["guarded score"], shown["OOD declined"]) == (ours["guarded_score"], ours["ood_declined"])
    assert {len(row) for row in report.leaderboard_rows()} == {len(header)}
    html = report.to_html()
    assert re.search("<strong>.{0,30}guarded.{0,30} leads with guarded score", html)
    assert html.index("Guarded score") < html.index("Out of distribution, declined") < html.index("Gap closed")


def test_declines_nothing_elsewhere() -> None:
    test = made_up(list(SUBJECTS), 40, seed=1)
    made = fitted().decide(test)
    assert not made.faults
    assert not made.declined.any()
    assert (made.choice == 0).all()
    np.testing.assert_array_equal(fitted().score(test.prompts, test.tasks).argmax(axis=1), made.choice)


def test_what_is_declined_has_no_choice_and_no_scores() -> None:
    made = fitted().decide(made_up(["code", "sums"], 20, seed=2), may_decline=True)
    assert made.declined.any()
    np.testing.assert_array_equal(made.declined, made.choice == -1)
    assert made.scores is not None
    np.testing.assert_array_equal(made.declined, np.isneginf(made.scores).all(axis=1))


def test_the_name_of_a_task_tells_it_nothing() -> None:
    test = made_up(list(SUBJECTS), 40, seed=1)
    renamed = replace(test, tasks=["never seen"] * len(test))
    first, second = (fitted().decide(table, may_decline=True).declined for table in (test, renamed))
    np.testing.assert_array_equal(first, second)


def test_one_by_one_as_all_at_once() -> None:
    test = made_up(list(SUBJECTS), 40, seed=3)
    single = [fitted().decide(test.rows([i]), may_decline=True).declined[0] for i in range(len(test))]
    assert fitted().decide(test, may_decline=True).declined.tolist() == single
    assert len(fitted().decide(test.rows([]), may_decline=True).declined) == 0


def test_odd_prompts_are_measured() -> None:
    odd = [None, "", " ", "\x00", "\ud800", "?" * 5000, "日本語の質問です", "🦊" * 50]
    assert np.isfinite(fitted().strangeness(odd)).all()


def test_with_one_task_a_twentieth_of_train_counts_as_strange() -> None:
    train = made_up(["animals"], 100)
    assert Guarded().fit(train).decide(made_up(["code"], 10), may_decline=True).declined.all()
    assert Guarded().fit(train.rows([0])).score(["x"], ["animals"]).shape == (1, 2)


def test_a_share_of_train_to_decline_may_be_asked_for() -> None:
    release = lfb.open_release("sample")
    guard = Guarded(declined=0.2).fit(release.routing("train"))
    assert 0.1 < guard.decide(release.routing("test"), may_decline=True).declined.mean() < 0.3


def test_no_scores_of_performance_leave_the_threshold_sound() -> None:
    """In the scenario judge a release need not have any."""
    train = made_up(["animals", "sums", "rivers"], 60)
    blank = replace(train, performance=np.full_like(train.performance, np.nan)).with_target(train.performance)
    assert Guarded().fit(blank).decide(train, may_decline=True).declined.mean() < 0.1
    nothing_right = replace(train, performance=np.zeros_like(train.performance))
    assert Guarded().fit(nothing_right).decide(train, may_decline=True).declined.mean() < 0.1


class Choosy:
    """Chooses by name, and declines by itself what asks for rivers. Its fit gives nothing back."""

    def fit(self, table: RoutingTable) -> None:
        """Nothing to learn."""

    def route(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> list[str | None]:
        return [None if "country" in (prompt or "") else "b" for prompt in prompts]


def test_a_base_of_anyone() -> None:
    guard = Guarded(base=Choosy()).fit(made_up(["animals", "sums", "rivers"], 90))
    made = guard.decide(made_up(["animals", "rivers"], 20, seed=1), may_decline=True)
    assert made.declined[1::2].all()
    assert made.choice[0::2].max() == 1
    assert made.scores is None


def test_many_train_queries_are_drawn_evenly_from_the_tasks() -> None:
    train = made_up(["animals", "animals", "animals", "sums"], 80)
    assert len(Guarded(most=30).fit(train).model_.form_) == 30
    assert len(Guarded(most=1).fit(train).model_.form_) == 1


def test_distances() -> None:
    seen = views(["a cat sat here", "two and two"])
    found = Strangeness().fit(seen, np.array([0, 1])).of(views(["a cat sat here", "quantum xylophone", ""]))
    assert found.shape == (3, Strangeness.columns)
    assert found[0, :4] == pytest.approx(0, abs=1e-6)
    assert (found[1] > found[0]).all()
    assert found[2, :3] == pytest.approx(1)


def test_the_threshold_is_where_the_score_of_the_track_is_highest() -> None:
    known, unknown = np.array([0.0, 1, 2, 3]), np.array([2.5, 4, 5, 6])
    cut = threshold_of(known, unknown, np.full(4, 0.25), 1.0)
    assert ((unknown > cut).mean(), (known <= cut).mean()) in {(1.0, 0.75), (0.75, 1.0)}
