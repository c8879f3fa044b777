"""The best answers to every train query, chosen by a criterion, over whole columns.

An answer can be chosen where its status is ok, its text is there, its LLM belongs to the pool, and it is good: performance
above 0, or for the criterion `judge` a judge score of at least a threshold. A missing score is never good.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.release import Release
from llmfusionbench.release.references import rows_of
from llmfusionbench.types import ANSWER_KEY, CRITERIA, DIRECT, POOLS

SPLIT: Final = "train"
SHORTLIST: Final = 5
"""Answers that the criterion `hybrid` takes by performance before it uses judge scores."""

_COLUMNS: Final = (*ANSWER_KEY, "status", "scale", "performance", "cost_usd", "judge_score")
_SMALL: Final = "small"

Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Selection:
    """The answers that were chosen, and why queries have none."""

    answers: pa.Table
    """query_id, llm, mode, replicate, rank (from 0), performance, judge_score, cost_usd; sorted by query_id and rank."""
    queries: int
    """Train queries of the release."""
    skipped: dict[str, int]
    """Reason -> queries without a good answer."""


def select_answers(
    release: Release, *, criterion: str = "performance", pool: str = "all", top: int = 3, min_judge_score: float = 0.5
) -> Selection:
    """The `top` best answers to every train query, at most one per candidate.

    `performance`: by performance, then the lower cost. `judge`: by the mean of the judges' scores, then the lower cost.
    `hybrid`: the best five by performance (then cost), of these those with the best judge score (then performance, cost).
    An unknown cost comes after every known one; what is still equal is settled by the names of LLM and mode, then by the
    replicate.

    Args:
        release: Its split `train` is read.
        criterion: performance, judge or hybrid.
        pool: `small` for the answers of LLMs whose scale is small, or `all`.
        top: Maximum number of answers per query.
        min_judge_score: From 0 to 1; under the criterion `judge` an answer below it is no good one.

    Raises:
        UnknownNameError: there is no such criterion or pool.
        InputError: the release has no train queries, no texts, no scores of the kind asked for, or no known small LLM; or a
            number is out of its range.
    """
    _check(criterion, pool, top, min_judge_score)
    queries = _queries(release)
    rows = _answers(release)
    of = rows_of(rows["query_id"], queries["query_id"], "logs", "queries")
    figures = {name: _numbers(rows[name]) for name in ("performance", "cost_usd", "judge_score")}
    stages = _stages(release, rows, figures, criterion, pool, min_judge_score)
    reasons: dict[str, int] = {}
    left = queries["prompt"].is_valid().to_numpy()
    _count(reasons, "the release does not hold their prompt", ~left)
    usable = np.ones(len(rows), bool)
    for reason, mask in stages:
        usable &= mask
        has = np.bincount(of[usable], minlength=len(queries)) > 0
        _count(reasons, reason, left & ~has)
        left &= has
    first = "judge_score" if criterion == "judge" else "performance"
    places = _ranked(np.flatnonzero(usable & left[of]), of, rows, figures, first)
    if criterion == "hybrid":
        places = places[_rank(of[places]) < SHORTLIST]
        places = places[~np.isnan(figures["judge_score"][places])]
        has = np.bincount(of[places], minlength=len(queries)) > 0
        _count(reasons, f"none of the best {SHORTLIST} answers has a judge score", left & ~has)
        places = _ranked(places, of, rows, figures, "judge_score", "performance")
    rank = _rank(of[places])
    places, rank = places[rank < top], rank[rank < top]
    columns = [*ANSWER_KEY, "performance", "judge_score", "cost_usd"]
    chosen = rows.select(columns).take(pa.array(places))
    return Selection(chosen.add_column(4, "rank", pa.array(rank)), len(queries), reasons)


def _check(criterion: str, pool: str, top: int, min_judge_score: float) -> None:
    if criterion not in CRITERIA:
        raise UnknownNameError("criterion", criterion, CRITERIA)
    if pool not in POOLS:
        raise UnknownNameError("pool", pool, POOLS)
    if top < 1 or (criterion == "hybrid" and top > SHORTLIST):
        most = f"1 to {SHORTLIST}" if criterion == "hybrid" else "at least 1"
        raise InputError(f"top: {top}, expected {most} for the criterion {criterion}. Remedy: choose a value in that range")
    if not 0 <= min_judge_score <= 1:
        raise InputError(f"min_judge_score: {min_judge_score}, expected 0 to 1. Remedy: choose a value in that range")


def _queries(release: Release) -> pa.Table:
    """query_id and prompt of the train queries, sorted by id."""
    if SPLIT in release.splits:
        queries = release.rows("queries", SPLIT, columns=["query_id", "prompt"]).sort_by("query_id")
        if len(queries):
            return queries
    others = ", ".join(s for s in release.splits if s != SPLIT) or "no other"
    raise InputError(
        f"{release.path}: no queries in the split {SPLIT} (it has {others}), and templates are made of {SPLIT} queries only. "
        "Remedy: build the release from logs with train queries"
    )


def _answers(release: Release) -> pa.Table:
    """The columns of the train answers that decide, and whether the text is there; of the texts a row group at a time."""
    parts = []
    for batch in release.batches("logs", SPLIT, columns=[*_COLUMNS, "response"]):
        text = batch.column("response")
        there = pc.fill_null(pc.invert(pc.or_(pc.equal(text, ""), pc.utf8_is_space(text))), False)
        columns = {name: batch.column(name) for name in _COLUMNS}
        parts.append(pa.table({**columns, "has_text": there}))
    if not sum(map(len, parts)):
        raise InputError(f"{release.path}: no answers to {SPLIT} queries. Remedy: build the release from logs with answers")
    return pa.concat_tables(parts).combine_chunks()


def _numbers(column: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    """[n] NaN where missing."""
    values: npt.NDArray[np.float64] = pc.fill_null(column.cast(pa.float64()), float("nan")).to_numpy()
    return values


def _stages(
    release: Release, rows: pa.Table, figures: dict[str, Any], criterion: str, pool: str, min_judge_score: float
) -> list[tuple[str, Flags]]:
    """What an answer must meet, in order, each with what is said of a query none of whose answers meets it."""
    in_pool = np.ones(len(rows), bool) if pool == "all" else _is(rows["scale"], _SMALL)
    text = _is(rows["status"], "ok") & rows["has_text"].to_numpy()
    figure = "judge_score" if criterion == "judge" else "performance"
    scored = ~np.isnan(figures[figure])
    _check_figures(release, rows, figures, {"small": in_pool, "text": text, "scored": scored}, criterion)
    with np.errstate(invalid="ignore"):
        good = figures[figure] >= min_judge_score if criterion == "judge" else figures[figure] > 0
    words = f"a judge score of at least {min_judge_score:g}" if criterion == "judge" else "a performance above 0"
    name = figure.replace("_", " ")
    return [
        ("no answers of a small LLM" if pool == _SMALL else "no answers", in_pool),
        ("no answer with a text", text),
        (f"no answer with a {name}", scored),
        (f"no answer with {words}", good),
    ]


def _check_figures(release: Release, rows: pa.Table, figures: dict[str, Any], masks: dict[str, Flags], criterion: str) -> None:
    """Refuse a release in which no answer at all could be chosen because there is no a column."""
    where = f"{release.path}: no answer to a {SPLIT} query"
    if not masks["small"].any():
        if not rows["scale"].is_valid().to_numpy().any():
            raise InputError(f"{where} is by an LLM of known scale. Remedy: pool all, or build with the parameters of the LLMs")
        raise InputError(f"{where} is by a small LLM (12 billion parameters or less). Remedy: pool all")
    if not masks["text"].any():
        raise InputError(f"{where} has its text. Remedy: a release built from logs that hold the responses")
    if criterion != "judge" and not masks["scored"].any():
        raise InputError(f"{where} has a performance. Remedy: llmfusionbench rescore, or the criterion judge")
    if criterion != "performance" and np.isnan(figures["judge_score"]).all():
        raise InputError(f"{where} has a judge score, which the criterion {criterion} needs. Remedy: the criterion performance")


def _is(column: pa.ChunkedArray, value: str) -> Flags:
    flags: Flags = pc.fill_null(pc.equal(column, value), False).to_numpy()
    return flags


def _count(reasons: dict[str, int], reason: str, queries: Flags) -> None:
    if queries.any():
        reasons[reason] = int(queries.sum())


def _ranked(places: Places, of: Places, rows: pa.Table, figures: dict[str, Any], *by: str) -> Places:
    """`places` by query, then by the figures, the highest first, then by cost, then by name; the best of each candidate."""
    llm, mode = (_in_order(rows[name])[places] for name in ("llm", "mode"))
    replicate = rows["replicate"].to_numpy()[places]
    cost = figures["cost_usd"][places]
    cost = np.where(np.isnan(cost), np.inf, cost)
    figure = [-figures[name][places] for name in reversed(by)]
    order = np.lexsort((replicate, mode, llm, cost, *figure, of[places]))
    candidates = np.stack([of[places], llm, mode], axis=1)[order]
    _, first = np.unique(candidates, axis=0, return_index=True)
    return places[order[np.sort(first)]]


def _in_order(names: pa.ChunkedArray) -> Places:
    """[n] the place of each name among all in the order of the alphabet, in which `direct` stands before other modes."""
    encoded = names.combine_chunks().dictionary_encode()
    known = encoded.dictionary.to_pylist()
    order = np.argsort(np.argsort(np.array(["" if name == DIRECT else name for name in known], object)))
    found: Places = order[encoded.indices.to_numpy()]
    return found


def _rank(queries: Places) -> Places:
    """[n] place within its query, of rows that are sorted by query."""
    if not len(queries):
        return np.zeros(0, np.int64)
    first = np.flatnonzero(np.concatenate([[True], queries[1:] != queries[:-1]]))
    return np.arange(len(queries)) - np.repeat(first, np.diff(np.append(first, len(queries))))
