"""The offline evaluation of retrieval: by its definitions, beside chance, without leaks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from llmfusionbench.baselines.prompting.comparison import make_prompts
from llmfusionbench.baselines.retrievers import BM25, Dense, Queries, TemplateLibrary, similarity
from llmfusionbench.baselines.retrievers.eligible import eligible
from llmfusionbench.baselines.retrievers.quality import SIMILARITIES, Measure, RetrievalReport, evaluate_retrieval
from llmfusionbench.baselines.routers.skills import Skills
from llmfusionbench.errors import InputError
from llmfusionbench.release import open_release


class Fake:
    """Returns what it is told to."""

    def __init__(self, choose: Any) -> None:
        self.choose = choose

    def fit(self, library: TemplateLibrary) -> Fake:
        self.library = library
        return self

    def topk(self, prompts: Any, k: int, **facts: Any) -> Any:
        ids = self.choose(self.library, prompts, k, facts)
        return ids, np.zeros((len(prompts), k), np.float32)


class Plain:
    """The least that a retriever can be."""

    def __init__(self, library: TemplateLibrary) -> None:
        self.inner = BM25().fit(library)

    def topk(self, prompts: Any, k: int) -> Any:
        ids, similarities = self.inner.topk(prompts, k)
        return tuple(ids), similarities.tolist()


def test_a_retriever_that_knows_prompts_and_k_only() -> None:
    release = open_release("sample")
    library, queries = TemplateLibrary.of(release), Queries.of(release, "test").limited(28)
    plain: Any = Plain(library)
    own, ours = evaluate_retrieval(plain, release), evaluate_retrieval(BM25(), release)
    assert own.measures == ours.measures
    sets = [make_prompts(release, one, library, queries, methods=["thought_template"]) for one in (plain, BM25())]
    assert sets[0] == sets[1]
    with pytest.raises(InputError, match="not allowed"):
        make_prompts(release, plain, library, queries, methods=["thought_template"], within="task")


@pytest.mark.parametrize(
    ("gives", "message"),
    [
        (None, "topk gave None, expected ids and similarities"),
        (([["a"]], [[1.0]]), "1 lists of hits for 3 queries"),
        (([["a"], [], []], [1.0, 0, 0]), r"similarities of shape \(3,\)"),
        (([["a", "b", "c"], [], []], np.zeros((3, 3))), "up to 3 ids"),
        (([["a"], [], []], np.zeros((3, 2))), "template a is not in the library"),
    ],
)
def test_retrievers_that_return_something_else(gives: Any, message: str) -> None:
    release = open_release("sample")
    retriever: Any = Fake(None)
    retriever.topk = lambda prompts, k: gives
    with pytest.raises(InputError, match=message):
        make_prompts(release, retriever, TemplateLibrary.of(release), Queries.of(release, "test").rows([0, 1, 2]), k=2)


def by_name(report: RetrievalReport) -> dict[str, Measure]:
    return {measure.name: measure for measure in report.measures}


def test_the_sample_by_its_definitions() -> None:
    release = open_release("sample")
    report = evaluate_retrieval(BM25(), release, k=3)
    library, test = TemplateLibrary.of(release), Queries.of(release, "test")
    facts: dict[str, Any] = {"query_ids": test.query_ids, "tasks": test.tasks, "domains": test.domains}
    ids, _ = BM25().fit(library).topk(test.prompts, 3, **facts)
    train = release.routing("train")
    scored = release.routing("test")
    skills = Skills().fit(train.rows([train.query_ids.index(q) for q in library.query_ids]))
    left, right = skills._holds(test.prompts).toarray() > 0, skills._holds(library.prompts).toarray() > 0
    allowed = eligible(library, test.prompts, **facts)
    sums: dict[str, list[float]] = {name: [] for name in SIMILARITIES}
    chance: dict[str, list[float]] = {name: [] for name in SIMILARITIES}
    for row in range(0, len(test), 14):  # some, as this is slow

        def measures(column: int, row: int = row) -> dict[str, float]:
            p = scored.performance[scored.query_ids.index(test.query_ids[row])]
            q = train.performance[train.query_ids.index(library.query_ids[column])]
            both = (left[row] | right[column]).sum()
            return {
                "same_task": float(test.tasks[row] == library.tasks[column]),
                "same_skill": (left[row] & right[column]).sum() / both if both else np.nan,
                "answer_agreement": 1 - float(np.nanmean(np.abs(p - q))),
            }

        mine = [measures(library.place[i]) for i in ids[row]]
        all_ = [measures(c) for c in range(len(library)) if allowed.may(np.array([row]), np.array([c]))[0]]
        for name in SIMILARITIES:
            sums[name].append(float(np.nanmean([m[name] for m in mine])))
            chance[name].append(float(np.nanmean([m[name] for m in all_])))
    assert [m.name for m in report.measures] == list(SIMILARITIES)
    some = evaluate_retrieval(Fake(lambda *_: [found if row % 14 == 0 else [] for row, found in enumerate(ids)]), release, k=3)
    assert some.without_hits == 112 - 8
    for name, measure in by_name(some).items():
        assert measure.queries == 8
        assert measure.value.mean == pytest.approx(np.mean(sums[name]), abs=1e-5)
        assert measure.chance.mean == pytest.approx(np.mean(chance[name]), abs=1e-5)
        assert measure.gain.mean == pytest.approx(np.mean(sums[name]) - np.mean(chance[name]), abs=1e-5)
    for measure in report.measures:
        for figure in (measure.value, measure.chance, measure.gain):
            assert figure.low <= figure.mean <= figure.high
        assert measure.gain.low > 0
    assert (report.queries, report.hits, report.templates, report.simulated) == (112, 336, 392, True)
    assert report.to_dict()["measures"][0]["value"].keys() == {"mean", "low", "high"}


def test_drawing_at_random_is_chance() -> None:
    rng = np.random.default_rng(0)
    report = evaluate_retrieval(
        Fake(lambda library, prompts, k, _: [[library.template_ids[i] for i in rng.integers(0, 392, k)] for _ in prompts]),
        open_release("sample"),
        k=50,
        split="partial_test",
    )
    for measure in report.measures:
        assert measure.gain.low - 0.01 <= 0 <= measure.gain.high + 0.01
        assert abs(measure.gain.mean) < 0.03


def test_within_a_task_chance_has_the_task_too() -> None:
    found = by_name(evaluate_retrieval(Dense(), open_release("sample"), within="task"))
    assert found["same_task"].value.mean == found["same_task"].chance.mean == 1
    assert found["same_task"].gain.mean == 0
    assert found["answer_agreement"].chance.mean > 0.6


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    release = open_release("sample")
    whole = evaluate_retrieval(BM25(), release, resamples=20)
    monkeypatch.setattr(similarity, "_CELLS", 3000)
    again = evaluate_retrieval(BM25(), release, resamples=20)
    for a, b in zip(whole.measures, again.measures, strict=True):
        assert a.value.mean == pytest.approx(b.value.mean)
        assert a.chance.mean == pytest.approx(b.chance.mean)
    assert evaluate_retrieval(BM25(), release, resamples=20) == again


def test_a_retriever_that_breaks_the_rule_is_caught() -> None:
    release = open_release("sample")
    any_of = Fake(lambda library, prompts, k, _: [library.template_ids[:1]] * len(prompts))
    with pytest.raises(
        InputError, match=r"hits are not allowed, such as template [0-9a-f]{24} for query [0-9a-f]{24}\. Remedy"
    ):
        evaluate_retrieval(any_of, release, within="task")
    with pytest.raises(InputError, match="111 lists of hits for 112 queries"):
        evaluate_retrieval(Fake(lambda library, prompts, k, _: [[] for _ in prompts[1:]]), release)
    with pytest.raises(InputError, match="template nope is not in the library"):
        evaluate_retrieval(Fake(lambda library, prompts, k, _: [["nope"] for _ in prompts]), release)


def test_train_queries_are_refused() -> None:
    with pytest.raises(InputError, match="split train made the templates"):
        evaluate_retrieval(BM25(), open_release("sample"), split="train")


def test_nobody_gets_anything() -> None:
    report = evaluate_retrieval(Fake(lambda library, prompts, k, _: [[] for _ in prompts]), open_release("sample"))
    assert report.without_hits == 112
    assert all(m.value.mean is None and m.gain.mean is None and m.queries == 0 for m in report.measures)
