"""Is what a retriever finds any good? Measured on a release's test queries without asking an LLM anything."""

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
from llmfusionbench.statistics import Figure, figures_of

SIMILARITIES: Final = ("same_task", "same_skill", "answer_agreement")


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
        resamples: Number of bootstrap resamples.
        seed: Random seed of the bootstrap.

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
    figures = figures_of(np.hstack([values, chance, values - chance]), resamples=resamples, seed=seed)
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
                gain=figures[2 * n + i],
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
