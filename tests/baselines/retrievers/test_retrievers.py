"""One contract, all retrievers; and what only one of them promises."""

from __future__ import annotations

import inspect
import random
import sys
from typing import Any

import numpy as np
import pytest

from llmfusionbench.baselines import RETRIEVERS
from llmfusionbench.baselines.retrievers import BM25, Dense, Hybrid, Queries, Retriever, TemplateLibrary
from llmfusionbench.baselines.retrievers import dense as dense_module
from llmfusionbench.baselines.retrievers import library as library_module
from llmfusionbench.baselines.retrievers.eligible import Eligible, eligible
from llmfusionbench.baselines.retrievers.found import Found, best, reaching
from llmfusionbench.errors import InputError, MissingExtraError, UnknownNameError
from llmfusionbench.release import open_release
from llmfusionbench.texts.embedding import TfidfSvdEmbedder
from llmfusionbench.texts.near_duplicates import NearDuplicateIndex
from tests.helpers.planted_library import CODE, FACTS, SUMS, planted, shuffled

EVERY = pytest.mark.parametrize("name", RETRIEVERS)
NEW = "Emil has six green apples and buys two more in the village; how many apples are in his basket?"


def fitted(name: str, library: TemplateLibrary | None = None, **options: Any) -> Any:
    return RETRIEVERS[name](**options).fit(library or planted())


def tasks_of(ids: list[str], library: TemplateLibrary) -> list[str]:
    return [library.tasks[library.place[i]] for i in ids]


# --- the contract


def test_the_registry_is_pinned() -> None:
    assert {"dense": Dense, "bm25": BM25, "hybrid": Hybrid} == RETRIEVERS


@EVERY
def test_constructors_store_and_nothing_else(name: str) -> None:
    made = RETRIEVERS[name]()
    assert isinstance(made, Retriever)
    assert vars(made) == {p.name: p.default for p in inspect.signature(RETRIEVERS[name]).parameters.values()}
    before = dict(vars(made))
    assert made.fit(planted()) is made
    learned = vars(made).keys() - before.keys()
    assert learned
    assert all(attribute.endswith("_") for attribute in learned)
    assert {key: vars(made)[key] for key in before} == before


@EVERY
def test_the_form_of_hits(name: str) -> None:
    library = planted()
    ids, similarities = fitted(name).topk([NEW, CODE[0] + " Then sort it.", FACTS[1]], 4)
    assert similarities.shape == (3, 4)
    assert similarities.dtype == np.float32
    for row, found in zip(similarities, ids, strict=True):
        assert len(found) == int((~np.isnan(row)).sum()) <= 4
        assert not np.isnan(row[: len(found)]).any()
        assert (np.diff(row[: len(found)]) <= 0).all()
        assert len(set(found)) == len(found)
        assert set(found) <= set(library.template_ids)


@EVERY
def test_the_most_similar_comes_first(name: str) -> None:
    library = planted()
    ids, _ = fitted(name).topk([NEW, "Which moons does the planet with the rings have?"], 1)
    assert [library.prompts[library.place[found[0]]] for found in ids] == [SUMS[0], FACTS[1]]


@EVERY
def test_more_than_there_is(name: str) -> None:
    ids, similarities = fitted(name).topk(
        [NEW + " Which planet, function, list, river and moons?"], 50, tasks=["sums"], within="task"
    )
    assert 1 <= len(ids[0]) <= 4
    assert similarities.shape == (1, 50)
    assert np.isnan(similarities[0, len(ids[0]) :]).all()


@EVERY
def test_no_prompts(name: str) -> None:
    ids, similarities = fitted(name).topk([], 3)
    assert ids == []
    assert similarities.shape == (0, 3)


@EVERY
def test_prompts_that_say_nothing_get_nothing(name: str) -> None:
    ids, similarities = fitted(name).topk([None, "", " \n\t", "qqqqq zzzzz", NEW], 2)
    assert [len(found) for found in ids] == [0, 0, 0, 0, 2]
    assert np.isnan(similarities[:4]).all()


@EVERY
@pytest.mark.parametrize("within", ["task", "domain"])
def test_restrictions(name: str, within: str) -> None:
    library = planted()
    prompts = [NEW, NEW, NEW, NEW]
    tasks, domains = ["sums", "code", "facts", "poems"], ["exact", "exact", "world", "art"]
    ids, _ = fitted(name).topk(prompts, 9, tasks=tasks, domains=domains, within=within)
    held = library.tasks if within == "task" else library.domains
    for found, wanted in zip(ids, tasks if within == "task" else domains, strict=True):
        assert {held[library.place[i]] for i in found} <= {wanted}
    assert ids[0]
    assert ids[3] == []
    free, _ = fitted(name).topk(prompts, 9, tasks=tasks, domains=domains)
    assert free[0] == free[1] == free[3]


@EVERY
def test_a_query_never_gets_its_own(name: str) -> None:
    library = planted()
    near = [
        SUMS[0],
        f"  {SUMS[0]}\r\n",
        SUMS[0] + "\nLet's think step by step.",
        SUMS[0].replace("this evening?", "this night?"),
        SUMS[0].upper(),
    ]
    ids, _ = fitted(name).topk(near, 9)
    own = library.template_ids[0]
    assert all(own not in found and found for found in ids)
    far = fitted(name).topk([NEW], 9, query_ids=[library.query_ids[0]])[0][0]
    assert own not in far
    assert own in fitted(name).topk([NEW], 9)[0][0]


@EVERY
def test_all_templates_of_a_near_duplicate_are_shut_out(name: str) -> None:
    """A query may have made several templates, and near-duplicates of one another several more."""
    base = planted()
    extra = TemplateLibrary(
        [*base.query_ids, base.query_ids[0], f"{1:024x}"],
        [*base.template_ids, "a" * 24, "b" * 24],
        [*base.prompts, SUMS[0], SUMS[0].replace("evening?", "night?")],
        [*base.tasks, "sums", "sums"],
        [*base.domains, "exact", "exact"],
        [*base.templates, "Again.", "Nearly."],
    )
    ids, _ = fitted(name, extra).topk([SUMS[0]], 11)
    assert not {base.template_ids[0], "a" * 24, "b" * 24} & set(ids[0])
    assert base.template_ids[3] in ids[0]


@EVERY
@pytest.mark.parametrize("within", ["any", "task", "domain"])
def test_no_leak_on_the_sample(name: str, within: str) -> None:
    release = open_release("sample")
    library = TemplateLibrary.of(release)
    train = Queries.of(release, "train")
    allowed = eligible(library, train.prompts, query_ids=train.query_ids)
    assert allowed.pairs() >= len(train)
    retriever = fitted(name, library)
    ids, _ = retriever.topk(
        train.prompts, 3, query_ids=train.query_ids, tasks=train.tasks, domains=train.domains, within=within
    )
    assert all(len(found) == 3 for found in ids)
    for row, found in enumerate(ids):
        places = [library.place[i] for i in found]
        assert allowed.may(np.full(3, row), np.array(places)).all()
        assert train.query_ids[row] not in [library.query_ids[i] for i in places]
        if within == "task":
            assert tasks_of(found, library) == [train.tasks[row]] * 3


@EVERY
def test_ties_go_by_template_id(name: str) -> None:
    """Equal prompts of different queries are equally similar, wherever they stand."""
    texts = [SUMS[1]] * 40 + FACTS
    rng = random.Random(0)
    ids = [f"{i:024x}" for i in rng.sample(range(1000), len(texts))]
    n = len(texts)
    library = TemplateLibrary([f"{i:024x}" for i in range(n)], ids, texts, ["t"] * n, ["d"] * n, ["x"] * n)
    found, similarities = fitted(name, library).topk(["Boris fills seven boxes with nine pears"] * 3, 5)
    assert found == [sorted(ids[:40])[:5]] * 3
    if name != "hybrid":
        assert len(set(similarities.ravel().tolist())) == 1


@EVERY
def test_the_order_of_the_library_is_nothing(name: str) -> None:
    library = planted()
    prompts = [NEW, *SUMS, *CODE, *FACTS]
    first = fitted(name, library).topk(prompts, 4)
    again = fitted(name, shuffled(library, [3, 8, 0, 5, 2, 7, 1, 6, 4])).topk(prompts, 4)
    if name == "bm25":
        assert first[0] == again[0]
        np.testing.assert_allclose(first[1], again[1], rtol=1e-6)
    else:  # the embedder is fitted on another order, which its seeded projection notices
        library_vectors = Fixed(library.prompts)
        first, again = (
            fitted(name, one, embedder=library_vectors).topk(prompts, 4)
            for one in (library, shuffled(library, [*range(8, -1, -1)]))
        )
        assert first[0] == again[0]
        np.testing.assert_array_equal(first[1], again[1])


@EVERY
def test_one_by_one_is_the_same(name: str) -> None:
    release = open_release("sample")
    library, test = TemplateLibrary.of(release), Queries.of(release, "test").limited(7)
    retriever = fitted(name, library)
    together = retriever.topk(test.prompts, 3, tasks=test.tasks, within="task")
    for row in range(len(test)):
        ids, similarities = retriever.topk([test.prompts[row]], 3, tasks=[test.tasks[row]], within="task")
        assert ids[0] == together[0][row]
        np.testing.assert_allclose(similarities[0], together[1][row], atol=2e-6)


@EVERY
def test_the_library_is_prepared_once(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What finds near-duplicates is kept from call to call, in parts of a large library, and not beyond a fit."""
    made: list[int] = []

    class Counted(NearDuplicateIndex):
        def __init__(self, prompts: Any, **options: Any) -> None:
            made.append(len(prompts))
            super().__init__(prompts, **options)

    monkeypatch.setattr(library_module, "NearDuplicateIndex", Counted)
    monkeypatch.setattr(library_module, "_PART", 4)
    retriever = fitted(name)
    library = planted().ordered()
    for place, prompt in enumerate(library.prompts):
        found = retriever.topk([prompt.upper(), NEW], 9)[0]
        assert library.template_ids[place] not in found[0]
        assert found[1]
    assert made == [4, 4, 1]
    half = shuffled(library, [4, 5, 6])
    retriever.fit(half).topk([NEW], 1)
    assert made == [4, 4, 1, 3]


@EVERY
def test_refit_forgets(name: str) -> None:
    library = planted()
    retriever = fitted(name)
    half = shuffled(library, [4, 5, 6])
    ids, _ = retriever.fit(half).topk([NEW + " list function"], 9)
    assert ids[0]
    assert set(ids[0]) <= set(half.template_ids)


@EVERY
def test_hostile_texts(name: str) -> None:
    base = planted()
    hostile = ["\x00\x1b[31m \u202e", "\ud800 lone surrogate", "long " * 20_000, "<script>alert(1)</script>", "` ``` ~~~"]
    n = len(hostile)
    library = TemplateLibrary(
        [*base.query_ids, *(f"{i:024x}" for i in range(n))],
        [*base.template_ids, *(f"{i + 50:024x}" for i in range(n))],
        [*base.prompts, *hostile],
        [*base.tasks, *["odd"] * n],
        [*base.domains, *["odd"] * n],
        [*base.templates, *hostile],
    )
    ids, similarities = fitted(name, library).topk([*hostile, NEW, "\udfff script"], 3)
    assert base.template_ids[0] in ids[n]
    assert np.isfinite(similarities[~np.isnan(similarities)]).all()


@EVERY
def test_misuse(name: str) -> None:
    with pytest.raises(InputError, match="before fit"):
        RETRIEVERS[name]().topk([NEW], 3)
    with pytest.raises(InputError, match="no templates"):
        RETRIEVERS[name]().fit(TemplateLibrary([], [], [], [], [], []))
    retriever = fitted(name)
    for k in (0, -1, 2.5, True):
        with pytest.raises(InputError, match="k is"):
            retriever.topk([NEW], k)
    with pytest.raises(UnknownNameError, match=r'No restriction "tasks"\. Did you mean "task"'):
        retriever.topk([NEW], 1, within="tasks")
    with pytest.raises(InputError, match="no tasks are given"):
        retriever.topk([NEW], 1, within="task")
    with pytest.raises(InputError, match="2 query_ids for 1 prompts"):
        retriever.topk([NEW], 1, query_ids=["a", "b"])


class Recording(TfidfSvdEmbedder):
    """Remembers what it was fitted on."""

    def fit(self, prompts: Any) -> Any:
        self.seen = list(prompts)
        return super().fit(prompts)


@pytest.mark.parametrize("name", ["dense", "hybrid"])
def test_embedders_are_fitted_on_the_library_alone(name: str) -> None:
    embedder = Recording()
    retriever = fitted(name, embedder=embedder)
    retriever.topk([NEW, "something else altogether"], 3)
    assert sorted(embedder.seen) == sorted(planted().prompts)


# --- dense


class Fixed:
    """Vectors that are known beforehand."""

    id = "fixed"

    def __init__(self, prompts: list[str], vectors: np.ndarray | None = None) -> None:
        rng = np.random.default_rng(0)
        made = rng.standard_normal((len(prompts), 16)).astype(np.float32) if vectors is None else vectors
        self.of = dict(zip(prompts, made, strict=True))
        self.width = made.shape[1]

    def encode(self, prompts: Any) -> np.ndarray:
        return np.array([self.of.get(p, np.ones(self.width)) for p in prompts], np.float32).reshape(len(prompts), -1)


def vector_library(count: int, queries: int, width: int = 24) -> tuple[TemplateLibrary, list[str], Fixed]:
    """Templates and prompts of random vectors on a coarse grid, so that many similarities are equal."""
    rng = np.random.default_rng(1)
    texts = [f"t{i} u{i} v{i} w{i}" for i in range(count)]
    prompts = [f"q{i} r{i} s{i} x{i}" for i in range(queries)]
    vectors = rng.integers(-1, 2, (count + queries, width)).astype(np.float32)
    vectors[:, 0] = 1
    tasks = [f"task {i % 3}" for i in range(count)]
    ids = [f"{i:024x}" for i in range(count)]
    library = TemplateLibrary([f"{i + count:024x}" for i in range(count)], ids, texts, tasks, tasks, texts)
    return library, prompts, Fixed([*texts, *prompts], vectors)


def by_a_loop(
    library: TemplateLibrary, prompts: list[str], embedder: Fixed, k: int, tasks: list[str] | None
) -> list[list[str]]:
    """The definition, pair by pair."""
    found = []
    for row, prompt in enumerate(prompts):
        q = embedder.of[prompt].astype(np.float64)
        scored = []
        for i, text in enumerate(library.prompts):
            if tasks is not None and library.tasks[i] != tasks[row]:
                continue
            t = embedder.of[text].astype(np.float64)
            scored.append((-round(float(q @ t / np.linalg.norm(q) / np.linalg.norm(t)), 6), library.template_ids[i]))
        found.append([template_id for _, template_id in sorted(scored)[:k]])
    return found


@pytest.mark.parametrize("blocks", [(2**23, 2**16), (300, 64), (7, 7)])
@pytest.mark.parametrize("within", ["any", "task"])
def test_dense_is_what_a_loop_finds(monkeypatch: pytest.MonkeyPatch, blocks: tuple[int, int], within: str) -> None:
    monkeypatch.setattr(dense_module, "_CELLS", blocks[0])
    monkeypatch.setattr(dense_module, "_WIDE", blocks[1])
    library, prompts, embedder = vector_library(500, 40)
    tasks = [f"task {i % 3}" for i in range(40)]
    ids, _ = Dense(embedder=embedder).fit(library).topk(prompts, 5, tasks=tasks, within=within)
    assert ids == by_a_loop(library, prompts, embedder, 5, tasks if within == "task" else None)


@pytest.mark.parametrize("within", ["any", "task"])
def test_an_index_finds_nearly_the_same(within: str) -> None:
    pytest.importorskip("faiss")
    library, prompts, embedder = vector_library(2000, 60)
    tasks = [f"task {i % 3}" for i in range(60)]
    exact = Dense(embedder=embedder).fit(library)
    indexed = Dense(embedder=embedder, exact_up_to=1000, probes=40).fit(library)
    assert exact.index_ is None
    assert indexed.index_ is not None
    want, right = exact.topk(prompts, 5, tasks=tasks, within=within)
    got, found = indexed.topk(prompts, 5, tasks=tasks, within=within)
    recall = np.mean([len(set(a) & set(b)) / 5 for a, b in zip(want, got, strict=True)])
    assert recall > 0.8
    assert all(len(ids) == 5 for ids in got)
    assert (found <= right + 1e-6).all()
    every = Dense(embedder=embedder, exact_up_to=1000, probes=10_000).fit(library)
    all_cells, similarities = every.topk(prompts, 1, tasks=tasks, within=within)
    np.testing.assert_array_equal(similarities[:, 0], right[:, 0])  # ids may differ where similarities are equal
    assert all(len(ids) == 1 for ids in all_cells)


def test_an_index_finds_close_templates_among_clusters() -> None:
    """Even with a tenth of the cells it looks into by default: those of 20,000 templates are fewer than of a million."""
    pytest.importorskip("faiss")
    rng = np.random.default_rng(2)
    count, asked, width = 20_000, 200, 48
    vectors = rng.standard_normal((count + asked, width), np.float32)
    vectors[:count] += rng.standard_normal((200, width), np.float32)[rng.integers(200, size=count)] / 2
    close = rng.choice(count, asked, replace=False)
    vectors[count:] = vectors[close] + vectors[count:] / 2
    texts = [f"t{i:05d}" for i in range(count + asked)]
    library = TemplateLibrary(texts[:count], texts[:count], texts[:count], ["task"] * count, ["task"] * count, texts[:count])
    none = np.zeros(0, np.int64)
    indexed = Dense(embedder=Fixed(texts, vectors), exact_up_to=0)
    indexed.probes //= 10
    allowed = Eligible(np.zeros(asked, np.int64), np.zeros(count, np.int64), none, none)
    found = indexed.fit(library).search(texts[count:], 1, allowed)
    assert (found.columns == close).mean() > 0.95


def test_an_index_keeps_the_rules() -> None:
    """Few cells looked into, hardly anything allowed, most of the nearest shut out: as many as there are still come."""
    pytest.importorskip("faiss")
    release = open_release("sample")
    library, train = TemplateLibrary.of(release), Queries.of(release, "train")
    indexed = Dense(exact_up_to=10, probes=1).fit(library)
    facts: dict[str, Any] = {"query_ids": train.query_ids, "tasks": train.tasks, "domains": train.domains}
    ids, _ = indexed.topk(train.prompts, 40, within="task", **facts)
    allowed = eligible(library, train.prompts, within="task", **facts)
    assert [len(found) for found in ids] == np.minimum(allowed.counts(), 40).tolist()
    for row, found in enumerate(ids):
        assert tasks_of(found, library) == [train.tasks[row]] * len(found)
        assert train.query_ids[row] not in [library.query_ids[library.place[i]] for i in found]
    again = Dense(exact_up_to=10, probes=1).fit(library).topk(train.prompts, 40, within="task", **facts)
    assert again[0] == ids


@pytest.mark.parametrize("bad", [np.ones(3), np.ones((2, 4)), np.full((9, 4), np.nan), np.full((9, 4), np.inf)])
def test_embedders_that_are_none(bad: np.ndarray) -> None:
    class Bad:
        id = "bad"

        def encode(self, prompts: Any) -> np.ndarray:
            return bad

    with pytest.raises(InputError, match="embedder: gave an array of shape"):
        Dense(embedder=Bad()).fit(planted())


@pytest.mark.parametrize(
    ("package", "make"),
    [("bm25s", BM25), ("bm25s", Hybrid), ("faiss", lambda: Dense(exact_up_to=3))],
    ids=["bm25", "hybrid", "index"],
)
def test_missing_packages(monkeypatch: pytest.MonkeyPatch, package: str, make: Any) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=r"pip install 'llmfusionbench\[retrieve\]'"):
        make().fit(planted())


def test_dense_needs_no_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("bm25s", "faiss"):
        monkeypatch.setitem(sys.modules, package, None)
    assert len(Dense().fit(planted()).topk([NEW], 2)[0][0]) == 2


# --- bm25 and both together


def test_bm25_by_its_formula() -> None:
    """Lucene's variant: ln(1 + (N - n + .5) / (n + .5)) * f / (f + k1 (1 - b + b length / mean length))."""
    texts = ["alpha beta beta", "alpha gamma", "delta epsilon zeta eta"]
    library = TemplateLibrary(list("abc"), ["1", "2", "3"], texts, ["t"] * 3, ["t"] * 3, texts)
    ids, similarities = BM25().fit(library).topk(["Beta, alpha!"], 3)
    assert ids == [["1", "2"]]

    def part(n: int, f: int, length: int) -> float:
        return np.log(1 + (3 - n + 0.5) / (n + 0.5)) * f / (f + 1.5 * (1 - 0.75 + 0.75 * length / 3))

    np.testing.assert_allclose(similarities[0, :2], [part(1, 2, 3) + part(2, 1, 3), part(2, 1, 2)], rtol=1e-5)


def test_bm25_without_a_word() -> None:
    library = TemplateLibrary(["a", "b"], ["1", "2"], ["", "?!"], ["t"] * 2, ["t"] * 2, ["x", "y"])
    assert BM25().fit(library).topk([NEW, "?"], 2)[0] == [[], []]


def test_hybrid_by_its_formula() -> None:
    library = planted()
    prompts = [NEW, CODE[0] + " and a river"]
    lists = [one.fit(library).topk(prompts, 9)[0] for one in (BM25(), Dense())]
    ids, similarities = Hybrid().fit(library).topk(prompts, 9)
    for row in range(2):
        want: dict[str, float] = {}
        for found in (lists[0][row], lists[1][row]):
            for rank, template_id in enumerate(found, 1):
                want[template_id] = want.get(template_id, 0) + 1 / (60 + rank)
        order = sorted(want, key=lambda i: (-round(want[i], 12), i))
        assert ids[row] == order[:9]
        np.testing.assert_allclose(similarities[row, : len(order)], [want[i] for i in order], rtol=1e-6)


# --- how the best are told


@pytest.mark.parametrize("seed", range(4))
def test_reaching_misses_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 9, (30, 200)).astype(np.float32)
    scores[rng.random(scores.shape) < 0.3] = -np.inf
    scores[3] = -np.inf
    scores[4, 2:] = -np.inf
    for k in (1, 3, 50, 300):
        rows, columns = reaching(scores, k)
        for row in range(30):
            values = np.sort(scores[row][scores[row] > -np.inf])[::-1]
            bound = values[min(k, len(values)) - 1] if len(values) else np.inf
            assert columns[rows == row].tolist() == np.flatnonzero(scores[row] >= bound).tolist()


def test_best_is_sorted_and_cut() -> None:
    found = best(
        [
            Found(np.array([1, 0, 1]), np.array([5, 2, 3]), np.array([0.5, 0.1, 0.5])),
            Found(*(np.array([1]),) * 2, np.array([0.9])),
        ],
        2,
    )
    assert found.rows.tolist() == [0, 1, 1]
    assert found.columns.tolist() == [2, 1, 3]
    assert found.ranks().tolist() == [1, 1, 2]
    assert len(best([], 3).rows) == 0
