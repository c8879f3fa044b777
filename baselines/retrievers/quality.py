"""The quality of a retriever's hits, measured on the test queries of a release without an LLM."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from llmfusionbench.baselines.retrievers.any_retriever import ask, places
from llmfusionbench.baselines.retrievers.eligible import Eligible, eligible
from llmfusionbench.baselines.retrievers.library import TemplateLibrary
from llmfusionbench.baselines.retrievers.queries import Queries
from llmfusionbench.baselines.retrievers.retriever import Retriever
from llmfusionbench.baselines.retrievers.similarity import Block, Similarity, Values
from llmfusionbench.errors import InputError
from llmfusionbench.release import Release
from llmfusionbench.statistics import Figure, figures_of, paired_columns, share_columns

SIMILARITIES: Final = ("same_task", "same_skill", "answer_agreement")


@dataclass(frozen=True)
class Measure:
    """One measure, against chance."""

    name: str
    value: Figure
    chance: Figure
    """The expected value for hits drawn at random from the eligible templates; computed exactly."""
    gain: Figure
    """Value minus chance, paired by query."""
    p: float | None
    """Two-sided p-value of a gain of 0; null without a gain."""
    queries: int
    """Queries that have both."""


@dataclass(frozen=True)
class RetrievalReport:
    """Measures of a retriever's hits."""

    retriever: str
    k: int
    within: str
    split: str
    queries: int
    hits: int
    without_hits: int
    """Queries without hits; no mean includes them."""
    templates: int
    shut_out: int
    """Excluded pairs of query and template, because the two are alike."""
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
    """Fit a retriever on the templates of the train queries, and measure how similar their queries are to the test queries.

    Each figure is a mean over a query's hits, then over queries, with an interval. For a query q and a hit made from the train
    query l:

    - `same_task`: 1 if q and l have the same task, else 0. With `within="task"` it is always 1.
    - `same_skill`: shared keywords of q and l among all keywords of both (Jaccard). Keywords are those of the router `skills`,
      learned from the library: words of at least five of its prompts and of at most half of them, the 2,000 most frequent.
      Undefined if neither has any.
    - `answer_agreement`: 1 - the mean over the candidates scored on both of |performance on q - performance on l|; where scores
      are 0 and 1 it is the share of candidates that are right on both or wrong on both. Undefined if there is none.

    Excluded templates count neither as hits nor for chance. Test scores are used only to measure.

    Args:
        retriever: Fitted here.
        release: A release with thought templates.
        k: Hits per query.
        within: `any`, `domain` or `task`.
        split: Split of the queries.
        criterion, pool, summarizer: Which templates; see `TemplateLibrary.of`.
        resamples: Number of random changes of signs behind p.
        seed: Random seed of p.

    Raises:
        InputError: There are no such templates, or the retriever returned an excluded one.
        UnknownNameError: There is no such split, criterion, pool or restriction.
    """
    if split == "train":
        raise InputError("evaluate_retrieval: split train made the templates. Remedy: choose another split")
    library = TemplateLibrary.of(release, criterion=criterion, pool=pool, summarizer=summarizer).ordered()
    queries = Queries.of(release, split)
    facts: dict[str, Any] = {"query_ids": queries.query_ids, "tasks": queries.tasks, "domains": queries.domains}
    allowed = eligible(library, queries.prompts, within=within, **facts)
    rows, columns = places(ask(retriever, library, queries, k, within), library, queries, allowed)
    likeness = Similarity(library, queries, release.routing("train"), release.routing(split))
    values = np.full((len(queries), len(SIMILARITIES)), np.nan)
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
    gained, p = paired_columns(values - chance, resamples=resamples, seed=seed)
    figures, gains = figures_of(share_columns(np.hstack([values, chance]))), figures_of(gained)
    n = len(SIMILARITIES)
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
            Measure(
                name,
                value=figures[i],
                chance=figures[n + i],
                gain=gains[i],
                p=None if np.isnan(p[i]) else float(p[i]),
                queries=int((~np.isnan(values[:, i])).sum()),
            )
            for i, name in enumerate(SIMILARITIES)
        ],
    )


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
