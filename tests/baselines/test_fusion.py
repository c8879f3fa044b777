"""Answer-level fusion: votes, weights, focal diversity, and the figures measured on real logs."""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

import llmfusionbench as lfb
from llmfusionbench.baselines.fusion import (
    FUSIONS,
    AnswerTable,
    FailureCounts,
    Topla,
    Vote,
    WeightedVote,
    answer_key,
    compare,
    read_answers,
)
from llmfusionbench.builders import build
from llmfusionbench.errors import InputError, UnknownNameError

REAL_LOGS = Path(os.environ.get("LLMFUSIONBENCH_REAL_LOGS", Path(__file__).parents[3] / "shared" / "data"))
SMALL = [
    "Meta-Llama-3-8B-Instruct", "Meta-Llama-3.1-8B-Instruct", "Mistral-Nemo-Instruct-2407", "Mixtral-8x7B-Instruct-v0.1",
    "Phi-3.5-mini-instruct", "Qwen2-7B-Instruct", "Yi-1.5-9B-Chat", "gemma-2-2b-it", "gemma-2-9b-it",
]  # fmt: skip


def answers(codes: list[list[int]], right: int = 0, tasks: list[str] | None = None) -> AnswerTable:
    """A table of these answers; the code `right` is the right one everywhere."""
    matrix = np.array(codes)
    rows, columns = matrix.shape
    return AnswerTable(
        query_ids=[f"q{i}" for i in range(rows)],
        tasks=tasks or ["t"] * rows,
        candidates=[chr(97 + i) for i in range(columns)],
        keys=[str(i) for i in range(matrix.max() + 1)],
        answers=matrix,
        performance=(matrix == right).astype(np.float32),
        cost=np.full(matrix.shape, 0.25, np.float32),
    )


def simulated(rows: int = 400, skills: tuple[float, ...] = (0.9, 0.7, 0.7, 0.65, 0.6), seed: int = 0) -> AnswerTable:
    """Independent members: right with their skill, else one of four wrong answers."""
    rng = np.random.default_rng(seed)
    right = rng.random((rows, len(skills))) < skills
    return answers(np.where(right, 0, rng.integers(1, 5, right.shape)).tolist())


def test_the_answer_of_most_wins_and_all_are_paid() -> None:
    table = answers([[1, 0, 0], [0, 0, 1], [2, 2, 0]])
    fused = Vote().fit(table).combine(table)
    assert fused.answers == ["0", "0", "2"]
    assert fused.performance.tolist() == [1, 1, 0]
    assert fused.cost.tolist() == [0.75] * 3
    assert fused.agreement == pytest.approx([2 / 3] * 3)
    assert fused.query_ids == ["q0", "q1", "q2"]


def test_a_draw_goes_to_the_member_that_was_best() -> None:
    train = answers([[1, 0, 1], [2, 0, 0], [0, 0, 1]])
    fused = Vote().fit(train).combine(answers([[1, 2, 3], [3, 2, 1]]))
    assert fused.chosen == ["b", "b"]


def test_no_answer_never_wins_a_vote() -> None:
    table = answers([[-1, -1, 0], [-1, -1, -1]])
    fused = Vote().fit(table).combine(table)
    assert fused.answers == ["0", None]
    assert fused.performance.tolist() == [1, 0]
    assert fused.agreement.tolist() == [1, 0]


def test_a_missing_response_stays_missing_and_its_cost_too() -> None:
    table = answers([[0, -1, 0], [-1, -1, -1]])
    performance, cost = table.performance.copy(), table.cost.copy()
    performance[0, 1] = performance[1, :] = cost[0, 1] = np.nan
    table = replace(table, performance=performance, cost=cost)
    fused = Vote().fit(table).combine(table)
    assert fused.performance[0] == 1
    assert np.isnan(fused.performance[1])
    assert np.isnan(fused.cost[0])
    assert fused.cost[1] == pytest.approx(0.75)


def test_weights_let_the_good_outvote_the_many() -> None:
    table = answers([[0, 1, 1]] * 40 + [[0, 0, 2]] * 10)
    assert Vote().fit(table).combine(table).performance.mean() == pytest.approx(0.2)
    assert WeightedVote().fit(table).combine(table).performance.mean() == 1


def test_weights_are_those_of_the_task() -> None:
    table = answers([[0, 1, 1]] * 60 + [[1, 0, 0]] * 60, tasks=["x"] * 60 + ["y"] * 60)
    assert WeightedVote(prior=5).fit(table).combine(table).performance.mean() == 1
    unseen = replace(table, tasks=["z"] * 120)
    assert WeightedVote(prior=5).fit(table).combine(unseen).performance.mean() == pytest.approx(0.5)


def test_top_asks_the_best() -> None:
    table = simulated()
    assert Vote(top=1).fit(table).members_ == ["a"]
    assert Vote(top=2, members=["e", "d", "a"]).fit(table).members_ == ["a", "d"]
    with pytest.raises(InputError, match="top is 6, expected 1 to 5"):
        Vote(top=6).fit(table)


def brute_focal_diversity(failed: np.ndarray) -> float:
    """The definition, counted query by query over the distribution of how many members fail."""
    size = failed.shape[1]
    values = []
    for focal in range(size):
        counts = failed[failed[:, focal]].sum(axis=1)
        share = np.array([(counts == i).mean() for i in range(size + 1)])
        i = np.arange(size + 1)
        one, two = (i / size * share).sum(), (i * (i - 1) / (size * (size - 1)) * share).sum()
        values.append(1 - two / one)
    return float(np.mean(values))


def test_focal_diversity_is_its_definition() -> None:
    failed = np.random.default_rng(3).random((200, 6)) < np.linspace(0.2, 0.7, 6)
    counts = FailureCounts(failed)
    for size in (2, 3, 5):
        for ensemble in combinations(range(6), size):
            assert counts.focal_diversity(ensemble) == pytest.approx(brute_focal_diversity(failed[:, list(ensemble)]))


def test_focal_diversity_at_its_ends() -> None:
    together = np.array([[1, 1], [0, 0]], bool)
    apart = np.array([[1, 0], [0, 1]], bool)
    never = np.zeros((2, 2), bool)
    assert [FailureCounts(f).focal_diversity((0, 1)) for f in (together, apart, never)] == [0, 1, 1]


def test_topla_leaves_out_a_copy() -> None:
    rng = np.random.default_rng(1)
    base = np.where(rng.random((300, 3)) < 0.7, 0, rng.integers(1, 5, (300, 3)))
    table = answers(np.column_stack([base, base[:, 0]]).tolist())
    fitted = Topla(size=3).fit(table)
    assert len(set(fitted.members_) & {"a", "d"}) == 1
    assert 0 < fitted.focal_diversity_ <= 1


@pytest.mark.parametrize("cells", [1, 1 << 20], ids=["one at a time", "all at once"])
def test_topla_weighs_an_ensemble_by_its_diversity_and_its_vote(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmfusionbench.baselines.fusion.topla._CELLS", cells)
    table = simulated(61)
    counts = FailureCounts(table.performance < 0.5)
    order = np.argsort(-table.performance.mean(axis=0), kind="stable")
    ensembles = np.array(list(combinations(order.tolist(), 3)))
    votes = [Vote(members=[table.candidates[i] for i in ensemble]).fit(table).combine(table) for ensemble in ensembles]
    expected = [
        0.3 * float(counts.focal_diversity(e)) + 0.7 * vote.performance.mean() for e, vote in zip(ensembles, votes, strict=True)
    ]
    assert Topla(diversity_weight=0.3)._worths(ensembles, table, counts) == pytest.approx(expected)


@pytest.mark.parametrize("size", [1, 6])
def test_topla_needs_a_size_that_there_is(size: int) -> None:
    with pytest.raises(InputError, match=f"size is {size}, expected 2 to 5"):
        Topla(size=size).fit(simulated(20))


@pytest.mark.parametrize("name", FUSIONS)
def test_one_contract(name: str) -> None:
    table = simulated()
    fusion = FUSIONS[name]()
    assert not [attribute for attribute in vars(fusion) if attribute.endswith("_")]
    assert fusion.fit(table) is fusion
    first, second = fusion.combine(table), FUSIONS[name]().fit(table).combine(table)
    assert first.answers == second.answers
    assert first.performance.mean() > 0.9
    assert fusion.combine(table.rows(np.arange(0))).answers == []
    with pytest.raises(UnknownNameError, match='No candidate "zz"'):
        FUSIONS[name](members=["a", "b", "zz", "c", "d"]).fit(table)
    unscored = replace(table, performance=np.full_like(table.performance, np.nan))
    with pytest.raises(InputError, match="has a score"):
        FUSIONS[name]().fit(unscored)


def test_nothing_is_learned_from_the_fold_that_is_measured() -> None:
    table = simulated(100)
    seen: list[set[str]] = []

    class Watching(Vote):
        def fit(self, table: AnswerTable) -> Watching:
            seen.append(set(table.query_ids))
            return super().fit(table)

        def combine(self, table: AnswerTable):
            assert not seen[-1] & set(table.query_ids)
            return super().combine(table)

    found = compare(table, {"v": Watching()}, folds=4)
    assert found.names == ["v", "best_single", "oracle"]
    assert [len(s) for s in seen] == [75] * 4
    assert found.members[1] == [["a"]] * 4
    assert found.performance.mean[1] == pytest.approx(float(table.performance[:, 0].mean()))
    assert found.gain.mean[1] == 0
    assert found.performance.low[0] < found.performance.mean[0] < found.performance.high[0]
    assert found.cost.mean == pytest.approx([1.25, 0.25, 0.25])


def test_equal_answers_have_equal_keys() -> None:
    assert answer_key("gsm8k", "$18.00") == answer_key("gsm8k", "18") != answer_key("gsm8k", "1800")
    assert answer_key("em", "The U.S.A.") == "usa"
    assert answer_key("math", "\\dfrac{1}{2}") == answer_key("math", "\\frac12")
    assert answer_key("gsm8k", None) is None
    assert answer_key("f1_score", "...") is None


def test_the_sample_is_read_by_key(monkeypatch: pytest.MonkeyPatch) -> None:
    release = lfb.open_release("sample")
    # Every answer that is there has a score: none is compared with the ground truth again.
    monkeypatch.delattr("llmfusionbench.scoring.metrics.math.compare_symbolically")
    table = read_answers(release, split="train")
    metrics = dict(zip(*release.table("queries").to_table(columns=["query_id", "metric"]).to_pydict().values(), strict=True))
    assert {metrics[q] for q in table.query_ids} == {"em", "em_mc", "f1_score", "gsm8k", "math"}
    routing = release.routing("train")
    assert table.candidates == routing.candidates
    place = {q: i for i, q in enumerate(routing.query_ids)}
    rows = [place[q] for q in table.query_ids]
    same = np.isclose(table.performance, routing.performance[rows]) | np.isnan(routing.performance[rows])
    assert same.all()
    np.testing.assert_allclose(table.cost, routing.cost[rows])
    fused = WeightedVote().fit(table).combine(table)
    assert fused.cost == pytest.approx(table.cost.astype(float).sum(axis=1), nan_ok=True)
    some = ["gemma-2-9b-it_think", "deepseek-r1"]
    own, wanted = read_answers(release, split="train", candidates=some), table.columns(some)
    assert (own.candidates, own.query_ids) == (some, wanted.query_ids)
    for found, whole in ((own.performance, wanted.performance), (own.cost, wanted.cost)):
        np.testing.assert_array_equal(found, whole)
    told, meant = ([None if c < 0 else t.keys[c] for c in t.answers.ravel()] for t in (own, wanted))
    assert told == meant


def test_equal_answers_have_equal_scores() -> None:
    table = read_answers(lfb.open_release("sample"), split="train")
    for row in range(0, len(table.query_ids), 5):
        for code in set(table.answers[row].tolist()) - {-1}:
            values = table.performance[row][table.answers[row] == code]
            assert np.nanmax(values) - np.nanmin(values) < 1e-6, (table.query_ids[row], table.keys[code])


@pytest.fixture(scope="module")
def zeroeval(tmp_path_factory: pytest.TempPathFactory) -> AnswerTable:
    logs = sorted((REAL_LOGS / "zeroeval_gsm8k").glob("*.json.gz"))
    if not logs:
        pytest.skip(f"no real logs in {REAL_LOGS}; set LLMFUSIONBENCH_REAL_LOGS")
    return read_answers(build("zeroeval", logs, tmp_path_factory.mktemp("zeroeval") / "release", workers=1))


def test_real_votes(zeroeval: AnswerTable) -> None:
    fusions = {"small": Vote(members=SMALL), "top five": Vote(top=5), "weighted": WeightedVote()}
    found = compare(zeroeval, fusions)
    means = dict(zip(found.names, found.performance.mean.tolist(), strict=True))
    assert means["small"] == pytest.approx(0.920, abs=0.005)
    assert means["top five"] == pytest.approx(0.969, abs=0.005)
    assert means["oracle"] == pytest.approx(0.992, abs=0.005)
    best = zeroeval.performance.mean(axis=0).max()
    assert best == pytest.approx(0.959, abs=0.005)
    assert found.gain.low[2] > 0, "the weighted vote over all is surely above the best single LLM"


def test_real_small_llms_against_the_best_of_them(zeroeval: AnswerTable) -> None:
    found = compare(zeroeval, {"vote": Vote(members=SMALL)}, single_from=SMALL)
    assert found.performance.mean[1] == pytest.approx(0.874, abs=0.005)
    assert found.members[1] == [["gemma-2-9b-it"]] * 5
    assert found.gain.low[0] > 0.02
