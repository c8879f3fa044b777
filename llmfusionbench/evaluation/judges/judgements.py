"""The judge scores of a release beside the answers that they are of, as flat arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.errors import InputError
from llmfusionbench.release import Release
from llmfusionbench.release.retests import retest_of
from llmfusionbench.schema import table_schema
from llmfusionbench.statistics import Floats
from llmfusionbench.types import Candidate

Ints = npt.NDArray[np.int64]

BY_JUDGE: Final = "judge"
"""The metric of open questions, whose value is itself a judge's score and no gold."""
_KEY: Final = ("query_id", "mode", "replicate", "llm")
_COMPARED: Final = ["judge", "query", "replicate", "first", "second", "placed"]
"""What tells the comparisons of a judge apart, of which retests have the same."""
_JUDGED: Final = (*_KEY, "judge", "opponent", "order", "score", "rubric", "served_model")


@dataclass(frozen=True)
class Answers:
    """A answers that some judge saw alone."""

    query: Ints
    """[A] number of its query."""
    task: Ints
    """[A] number of its task."""
    candidate: Ints
    """[A] number of its candidate in `candidates`."""
    replicate: Ints
    """[A]"""
    performance: Floats
    """[A] by the metric; NaN = missing, or the metric is itself a judge."""
    length: Floats
    """[A] characters of the text, or output tokens where no text was kept; NaN = unknown, 0 = empty."""
    unit: str
    """The unit of `length`: `characters` or `tokens`."""


@dataclass(frozen=True)
class Comparisons:
    """K comparisons of two answers, each once. Comparisons of other replicates of the answers are others."""

    judge: Ints
    """[K] number of the judge."""
    query: Ints
    """[K]"""
    replicate: Ints
    """[K] that of both answers."""
    first: Ints
    """[K] number of the candidate whose answer stood first; where the order is not known, the lower one of the two."""
    second: Ints
    """[K]"""
    placed: npt.NDArray[np.bool_]
    """[K] whether the order is known."""
    share: Floats
    """[K] share of 1 that the first answer got; the mean over retests."""
    gain: Floats
    """[K] performance of the first answer less that of the second; NaN = unknown."""


@dataclass(frozen=True)
class Judgements:
    """All scores of J judges."""

    judges: list[str]
    """[J] names, without the numbers of retests."""
    rubrics: list[list[str]]
    """[J] the rubrics that each states."""
    together: Ints
    """[J] the most rubrics whose scores of answers alone, or of comparisons, are taken together."""
    models: list[list[str]]
    """[J] the models that judged, as endpoints state them."""
    rows: Ints
    """[J] rows of `judge_scores`, two of each comparison."""
    given: Ints
    """[J] judgements; a comparison is one."""
    unscored: Ints
    """[J] those without a score."""
    queries: int
    """Number Q of queries; numbers of queries are below it."""
    tasks: list[str]
    candidates: list[str]
    """[C] names of candidates, those of opponents too."""
    llms: list[str]
    """[C] the LLM of each candidate."""
    answers: Answers
    scores: Floats
    """[A, J] score of each answer by each judge, the mean over retests; NaN = none."""
    comparisons: Comparisons
    single: pd.DataFrame
    """Every score with columns `judge`, `query`, `unit` (what was judged) and `score`, retests apart; one of a comparison."""


def judgements_of(release: Release) -> Judgements:
    """Read the judge scores and the answers that they are of.

    Raises:
        InputError: the release has no judge scores.
        ReleaseError: a file differs from the manifest.
    """
    if "judge_scores" not in release.tables:
        raise InputError(f"{release.path}: no judge scores. Remedy: llmfusionbench judge, or build a log that has them")
    read = release.rows("judge_scores", columns=list(_JUDGED))
    if not read.num_rows:
        raise InputError(f"{release.path}: no judge scores. Remedy: llmfusionbench judge, or build a log that has them")
    keys = _keys(read)
    answers = _answers(release, keys)
    queries = release.to_pandas("queries", columns=["query_id", "task", "metric"]).set_index("query_id")
    frame = read.select(["judge", "opponent", "order", "score"]).to_pandas()
    frame["answer"] = pc.index_in(keys, value_set=pa.array(answers["key"], pa.string())).to_numpy().astype(np.int64)
    frame["query"] = answers["query"].to_numpy()[frame["answer"]]
    names = sorted({str(name) for name in frame["judge"].unique()})
    frame["as_named"] = frame["judge"]
    own = {name: retest_of(name, names)[0] for name in names}
    judges = sorted(set(own.values()))
    code = {name: judges.index(judge) for name, judge in own.items()}
    frame["judge"] = frame["judge"].map(code).astype(np.int64)
    stated = frame["judge"].to_numpy()
    candidates, llms, opponent = _candidates(answers, frame["opponent"])
    frame["opponent"] = opponent
    for name in ("candidate", "replicate"):
        frame[name] = answers[name].to_numpy(np.int64)[frame["answer"]]
    tasks, task = np.unique(queries["task"].reindex(answers["query_id"]).to_numpy(str), return_inverse=True)
    metric = queries["metric"].reindex(answers["query_id"]).to_numpy(str)
    performance = np.where(metric == BY_JUDGE, np.nan, answers["performance"].to_numpy(np.float64, na_value=np.nan))
    length, unit = _lengths(answers)
    query, candidate, replicate = (answers[name].to_numpy(np.int64) for name in ("query", "candidate", "replicate"))
    found = Answers(query, task.reshape(-1), candidate, replicate, performance, length, unit)
    alone, pairs = frame[frame["opponent"] < 0], _pairs(frame[frame["opponent"] >= 0])
    single = _single(alone, pairs)
    scored = single[single["score"].notna()]
    given, with_score = (np.bincount(rows["judge"], minlength=len(judges)) for rows in (single, scored))
    means = alone.groupby(["answer", "judge"])["score"].mean()
    scores = np.full((len(answers), len(judges)), np.nan)
    scores[means.index.get_level_values(0), means.index.get_level_values(1)] = means.to_numpy()
    return Judgements(
        judges,
        _texts(read["rubric"], stated, len(judges)),
        _together(read["rubric"], read["opponent"], stated, len(judges)),
        _texts(read["served_model"], stated, len(judges)),
        np.bincount(stated, minlength=len(judges)),
        given,
        given - with_score,
        int(answers["query"].max()) + 1,
        tasks.tolist(),
        candidates,
        llms,
        found,
        scores,
        _comparisons(pairs, found),
        scored,
    )


def _keys(table: pa.Table | pa.RecordBatch) -> Any:
    """The key of the answer of each row as one text; the name of the LLM is last, since it may hold anything."""
    parts = [table[name].cast(pa.string()) for name in _KEY]
    joined = pc.binary_join_element_wise(*parts, "\x1f")
    return joined.combine_chunks() if isinstance(joined, pa.ChunkedArray) else joined


def _answers(release: Release, keys: Any) -> pd.DataFrame:
    """The answers that have a judgement, without their texts."""
    wanted = pc.unique(keys)
    columns = [*_KEY, "response", "performance", "output_tokens"]
    parts = []
    for batch in release.batches("responses", columns=columns):
        own = _keys(batch)
        kept = pc.is_in(own, value_set=wanted)
        batch = pa.Table.from_batches([batch]).append_column("key", own).filter(kept)
        parts.append(batch.append_column("characters", pc.utf8_length(batch["response"])).drop_columns(["response"]))
    if not parts:
        parts = [_no_answers(columns)]
    table = pa.concat_tables(parts, promote_options="permissive")
    # A judgement of an answer that is not there breaks a rule of releases; it is then left without performance.
    lost = wanted.filter(pc.invert(pc.is_in(wanted, value_set=table["key"])))
    frame: pd.DataFrame = table.to_pandas()
    if len(lost):
        split = [key.split("\x1f", 3) for key in lost.to_pylist()]
        more = pd.DataFrame(split, columns=list(_KEY)).assign(key=lost.to_pylist())
        frame = pd.concat([frame, more], ignore_index=True)
    _, query = np.unique(frame["query_id"].to_numpy(str), return_inverse=True)
    frame["query"] = query.reshape(-1)
    return frame


def _no_answers(columns: list[str]) -> pa.Table:
    empty = table_schema("responses").arrow.empty_table().select([c for c in columns if c != "response"])
    return empty.append_column("key", pa.array([], pa.string())).append_column("characters", pa.array([], pa.int32()))


def _candidates(answers: pd.DataFrame, opponents: pd.Series) -> tuple[list[str], list[str], Ints]:
    """The names of all candidates, their LLMs, and the number of each opponent, -1 = none; adds `candidate` to `answers`."""
    pairs = answers[["llm", "mode"]].drop_duplicates()
    named = {(llm, mode): Candidate(llm, mode).name for llm, mode in pairs.itertuples(index=False)}
    others = [str(name) for name in opponents.dropna().unique()]
    llm_of = {name: llm for (llm, _), name in named.items()}
    llm_of = {name: Candidate.parse(name).llm for name in others} | llm_of
    names = sorted(llm_of)
    place = {name: i for i, name in enumerate(names)}
    of_pair = pd.MultiIndex.from_frame(answers[["llm", "mode"]]).map({pair: place[name] for pair, name in named.items()})
    answers["candidate"] = np.asarray(of_pair, np.int64)
    opponent: Ints = np.asarray(opponents.map(place).fillna(-1), np.int64)
    return names, [llm_of[name] for name in names], opponent


def _lengths(answers: pd.DataFrame) -> tuple[Floats, str]:
    characters = answers["characters"].to_numpy(np.float64, na_value=np.nan)
    if not np.isnan(characters).all():
        return characters, "characters"
    return answers["output_tokens"].to_numpy(np.float64, na_value=np.nan), "tokens"


def _texts(column: pa.ChunkedArray, judge: Ints, judges: int) -> list[list[str]]:
    """The different texts of each judge, in order."""
    found: list[set[str]] = [set() for _ in range(judges)]
    for j, text in (
        pd.DataFrame({"judge": judge, "text": column.to_pandas()}).dropna().drop_duplicates().itertuples(index=False)
    ):
        found[int(j)].add(str(text))
    return [sorted(texts) for texts in found]


def _together(rubric: pa.ChunkedArray, opponent: pa.ChunkedArray, judge: Ints, judges: int) -> Ints:
    """The most rubrics of each judge's judgements of one kind: of answers alone, or of comparisons."""
    alone = opponent.is_null().to_numpy()
    kinds = [_texts(rubric.filter(pa.array(rows)), judge[rows], judges) for rows in (alone, ~alone)]
    most: Ints = np.array([[len(texts) for texts in kind] for kind in kinds], np.int64).max(axis=0)
    return most


def _pairs(rows: pd.DataFrame) -> pd.DataFrame:
    """Each comparison once, retests apart, with the columns of `_COMPARED` and `score`, the share of the first answer.

    That is the score of its own row, or 1 less the score of the other row where that is missing.
    """
    own, other = rows["candidate"].to_numpy(), rows["opponent"].to_numpy()
    placed = rows["order"].notna().to_numpy()
    # The two rows of a comparison name opposite places. Where no place is known, candidates are told apart by their numbers.
    ahead = np.where(placed, (rows["order"] == "first").to_numpy(), own < other)
    score = rows["score"].to_numpy(np.float64)
    sides = rows.assign(
        first=np.where(ahead, own, other),
        second=np.where(ahead, other, own),
        placed=placed,
        score=np.where(ahead, score, np.round(1 - score, 12)),
        rank=2 * np.isnan(score) + ~ahead,
    )
    found = sides.sort_values("rank", kind="stable").drop_duplicates(["as_named", *_COMPARED])
    return found[["as_named", *_COMPARED, "score"]].sort_index()


def _single(alone: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Every judgement with columns `judge`, `query`, `unit` and `score`, NaN = none."""
    of_answers = alone.groupby(["judge", "answer"], sort=False).ngroup()
    # Numbers from 0 up, and below 0.
    of_pairs = -1 - pairs.groupby(_COMPARED, sort=False).ngroup()
    both = pd.concat([alone.assign(unit=of_answers), pairs.assign(unit=of_pairs)])
    return both[["judge", "query", "unit", "score"]]


def _comparisons(pairs: pd.DataFrame, answers: Answers) -> Comparisons:
    """The comparisons with a score, each the mean of its retests."""
    means = pairs.dropna(subset=["score"]).groupby(_COMPARED, as_index=False)["score"].mean()
    judge, query, replicate, first, second = (means[name].to_numpy(np.int64) for name in _COMPARED[:5])
    known = ~np.isnan(answers.performance)
    of = [part[known] for part in (answers.query, answers.replicate, answers.candidate)]
    performance = pd.Series(answers.performance[known], index=pd.MultiIndex.from_arrays(of))
    worth = [
        performance.reindex(pd.MultiIndex.from_arrays([query, replicate, side])).to_numpy(np.float64)
        for side in (first, second)
    ]
    share, placed = means["score"].to_numpy(np.float64), means["placed"].to_numpy(bool)
    return Comparisons(judge, query, replicate, first, second, placed, share, worth[0] - worth[1])
