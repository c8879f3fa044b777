"""Is what a retriever finds any good? Measured on a release's test queries without asking an LLM anything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ...errors import InputError
from ...release import Release
from ...routing import RoutingTable
from ...statistics import bootstrap_mean
from ..routers.skills import _vocabulary  # the one definition of a keyword here; a router keeps it to itself
from .eligible import Eligible, eligible
from .library import TemplateLibrary
from .queries import Queries
from .retriever import Hits, Retriever

MEASURES: Final = ("same_task", "same_skill", "answer_agreement")

_KEYWORDS, _LEAST = 2000, 5
_CELLS: Final = 2**22

Block = npt.NDArray[np.float32]
Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Figure:
    """A mean with its 95% bootstrap interval over queries; null where there is none."""

    mean: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Measure:
    """One measure, beside chance."""

    name: str
    value: Figure
    chance: Figure
    """The same, were the hits drawn at random from what each query may retrieve; exact, not drawn."""
    gain: Figure
    """Value minus chance, query by query."""
    queries: int
    """That have both."""


@dataclass(frozen=True)
class RetrievalReport:
    """How good the hits of a retriever are."""

    retriever: str
    k: int
    within: str
    split: str
    queries: int
    hits: int
    without_hits: int
    """Queries that got none; they are in no mean."""
    templates: int
    shut_out: int
    """Pairs of a query and a template that were not allowed, as the two are alike."""
    simulated: bool
    measures: list[Measure]

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)


def evaluate_retrieval(
    retriever: Retriever,
    release: Release,
    *,
    k: int = 3,
    within: str = "any",
    split: str = "test",
    criterion: str = "performance",
    pool: str = "all",
    summarizer: str | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> RetrievalReport:
    """Fit a retriever on the templates of the train queries, and say how like their queries are to the test queries.

    Of a query's hits the mean is taken, and of the queries the mean with an interval. For a query q and a hit made from the
    train query l:

    - `same_task`: 1 if q and l are of one task, else 0. Within the same task it is 1, by chance too.
    - `same_skill`: shared keywords of q and l among all keywords of both (Jaccard). Keywords are those of the router `skills`,
      learned from the library: words of at least five of its prompts and of at most half of them, the 2,000 most frequent.
      Undefined where neither has one.
    - `answer_agreement`: 1 - the mean over the candidates scored on both of |performance on q - performance on l|; where scores
      are 0 and 1 it is the share of candidates that are right on both or wrong on both. Undefined where none is.

    What a query may not retrieve (its like) counts neither as a hit nor for chance. Test scores serve to measure only.

    Args:
        retriever: It is fitted here.
        release: One with thought templates.
        k: Hits a query.
        within: `any`, `domain` or `task`.
        split: Of the queries.
        criterion: Of the templates, as are `pool` and `summarizer`; see `TemplateLibrary.of`.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.

    Raises:
        InputError: no such templates, or the retriever returned what the query may not have.
        UnknownNameError: there is no such split, criterion, pool or restriction.
    """
    if split == "train":
        raise InputError("evaluate_retrieval: split is train, whose queries made the templates. Remedy: another split")
    library = TemplateLibrary.of(release, criterion=criterion, pool=pool, summarizer=summarizer).ordered()
    queries = Queries.of(release, split)
    facts: dict[str, Any] = {"query_ids": queries.query_ids, "tasks": queries.tasks, "domains": queries.domains}
    allowed = eligible(library, queries.prompts, within=within, **facts)
    hits = retriever.fit(library).topk(queries.prompts, k, within=within, **facts)
    rows, columns = _places(hits, library, queries, allowed)
    likeness = _Likeness(library, queries, release.routing("train"), release.routing(split))
    values = np.full((len(queries), len(MEASURES)), np.nan)
    chance = values.copy()
    for start, blocks in likeness.blocks():
        stop = start + len(blocks[0])
        inside = (rows >= start) & (rows < stop)
        here = rows[inside] - start
        open_to = _open(allowed, start, stop)
        for i, block in enumerate(blocks):
            values[start:stop, i] = _row_means(here, block[here, columns[inside]], stop - start)
            at, column = np.nonzero(open_to & ~np.isnan(block))
            chance[start:stop, i] = _row_means(at, block[at, column], stop - start)
    chance[np.isnan(values)] = np.nan
    values[np.isnan(chance)] = np.nan
    found = bootstrap_mean(np.hstack([values, chance, values - chance]), resamples=resamples, seed=seed)
    figures = [Figure(*(_null(x) for x in row)) for row in zip(found.mean, found.low, found.high, strict=True)]
    n = len(MEASURES)
    return RetrievalReport(
        retriever=type(retriever).__name__,
        k=k,
        within=within,
        split=split,
        queries=len(queries),
        hits=len(rows),
        without_hits=len(queries) - len(set(rows.tolist())),
        templates=len(library),
        shut_out=allowed.pairs(),
        simulated="simulated" in release.provenance,
        measures=[
            Measure(name, value=figures[i], chance=figures[n + i], gain=figures[2 * n + i], queries=int(found.valid[i]))
            for i, name in enumerate(MEASURES)
        ],
    )


def _places(
    hits: Hits, library: TemplateLibrary, queries: Queries, allowed: Eligible
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Query and template of every hit; a retriever of any origin is held to the rule."""
    rows = np.repeat(np.arange(len(queries)), [len(ids) for ids in hits[0]])
    columns = np.array([library.place[template_id] for ids in hits[0] for template_id in ids], np.int64)
    wrong = np.flatnonzero(~allowed.may(rows, columns))
    if len(wrong):
        query, template = queries.query_ids[rows[wrong[0]]], library.template_ids[columns[wrong[0]]]
        raise InputError(
            f"retriever: {len(wrong):,} of {len(rows):,} hits are not allowed, such as template {template} for query {query}. "
            "Remedy: shut out what is made from the query or its like, and keep to `within`"
        )
    return rows, columns


def _open(allowed: Eligible, start: int, stop: int) -> npt.NDArray[np.bool_]:
    """[b, N] which templates each of these queries may have."""
    rows = np.arange(start, stop)
    groups = allowed.row_group[start:stop, None]
    found: npt.NDArray[np.bool_] = (groups == allowed.column_group[None, :]) & (groups >= 0)
    found[allowed.shut(rows, np.arange(len(allowed.column_group)))] = False
    return found


def _row_means(rows: npt.NDArray[np.int64], values: Block, count: int) -> Values:
    """[count] mean of the known values of each row; NaN where there is none."""
    known = ~np.isnan(values)
    sums = np.bincount(rows[known], weights=values[known].astype(np.float64), minlength=count)
    numbers = np.bincount(rows[known], minlength=count)
    with np.errstate(invalid="ignore"):
        means: Values = sums / np.where(numbers > 0, numbers, np.nan)
    return means


def _null(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


class _Likeness:
    """Measures of every query beside every template, a block of queries at a time."""

    def __init__(self, library: TemplateLibrary, queries: Queries, train: RoutingTable, test: RoutingTable) -> None:
        shared = sorted(set(train.candidates) & set(test.candidates))
        self.left = _rows_of(test, queries.query_ids, shared)
        self.right = _rows_of(train, library.query_ids, shared)
        code = {task: i for i, task in enumerate(sorted({*queries.tasks, *library.tasks}))}
        self.tasks = np.array([code[t] for t in queries.tasks]), np.array([code[t] for t in library.tasks])
        vocabulary = _vocabulary(library.prompts, _KEYWORDS, _LEAST)
        self.keywords = _keywords(queries.prompts, vocabulary), _keywords(library.prompts, vocabulary)

    def blocks(self) -> Iterator[tuple[int, tuple[Block, Block, Block]]]:
        """First query of a block, and [b, N] float32 of each measure; NaN where it is undefined."""
        tall = max(1, _CELLS // max(1, len(self.right)))
        for start in range(0, len(self.left), tall):
            part = slice(start, min(start + tall, len(self.left)))
            same = (self.tasks[0][part, None] == self.tasks[1][None, :]).astype(np.float32)
            yield start, (same, self._skills(part), self._agreement(part))

    def _skills(self, part: slice) -> Block:
        if self.keywords[0] is None:
            return np.full((part.stop - part.start, len(self.right)), np.nan, np.float32)
        left, right = self.keywords[0][part], self.keywords[1]
        shared = (left @ right.T).toarray()
        union = np.asarray(left.sum(axis=1)).reshape(-1, 1) + np.asarray(right.sum(axis=1)).reshape(1, -1) - shared
        jaccard: Block = (shared / np.where(union > 0, union, np.nan)).astype(np.float32)
        return jaccard

    def _agreement(self, part: slice) -> Block:
        apart = np.zeros((part.stop - part.start, len(self.right)), np.float32)
        count = np.zeros_like(apart)
        for left, right in zip(self.left[part].T, self.right.T, strict=True):
            difference = np.abs(left[:, None] - right[None, :])
            known = ~np.isnan(difference)
            apart += np.where(known, difference, 0)
            count += known
        return (1 - apart / np.where(count > 0, count, np.nan)).astype(np.float32)


def _rows_of(table: RoutingTable, query_ids: Sequence[str], candidates: Sequence[str]) -> Block:
    """[n, C] performance of these queries; NaN where the table does not have them."""
    place = {name: i for i, name in enumerate(table.query_ids)}
    rows = np.array([place.get(name, -1) for name in query_ids], np.int64)
    found = np.full((len(rows), len(candidates)), np.nan, np.float32)
    found[rows >= 0] = table.columns(candidates).performance[rows[rows >= 0]]
    return found


def _keywords(prompts: Sequence[str | None], vocabulary: list[str]) -> Any:
    """[n, V] sparse: 1 where the prompt holds the keyword; None where there are no keywords."""
    from sklearn.feature_extraction.text import CountVectorizer

    if not vocabulary:
        return None
    counter = CountVectorizer(binary=True, vocabulary=vocabulary, dtype=np.float32)
    return counter.transform([prompt or "" for prompt in prompts])
