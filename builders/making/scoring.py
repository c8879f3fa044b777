"""The scores that our metrics give to the answers of one shard, column by column, with their reasons."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.making.indices import Readings
from llmfusionbench.builders.making.score_warnings import CODE
from llmfusionbench.builders.making.views import with_columns
from llmfusionbench.release.references import answer_keys, lookup
from llmfusionbench.scoring import METRICS, OFFICIAL, VERSION, score_column
from llmfusionbench.scoring.answers.choices.lettered import lettered_options
from llmfusionbench.types import ANSWER_KEY

NOT_KEPT: Final = "the text of the answer was not kept"


@dataclass(frozen=True)
class Choice:
    """What to score, and how."""

    metrics: tuple[str, ...] | None = None
    """None for all of them."""
    official: bool = False

    @property
    def version(self) -> str:
        """The `metric_version` of the new numbers."""
        return OFFICIAL if self.official else VERSION

    def takes(self, metric: str) -> bool:
        """Whether answers to queries of this metric are scored."""
        return self.metrics is None or metric in self.metrics


@dataclass(frozen=True)
class Scored:
    """The scores of n answers."""

    tasks: pa.ChunkedArray
    """[n] string: the task of each."""
    metrics: pa.ChunkedArray
    """[n] string: the metric of each."""
    chosen: npt.NDArray[np.bool_]
    """[n] bool: whether the metric was chosen. The others keep what they had."""
    values: npt.NDArray[np.float64]
    """[n] float64: performance from 0 to 1; NaN = none."""
    extracted: pa.Array
    """[n] string: the answer found in the response."""
    reasons: pa.Array
    """[n] string: null where the metric was not chosen."""


def score_answers(
    responses: pa.Table,
    queries: pa.Table,
    choice: Choice,
    verdicts: pa.Table | None = None,
    *,
    workers: int = 1,
    truths: Readings | None = None,
) -> Scored:
    """Score the rows of `responses`, whose queries are among the rows of `queries`.

    `truths` is how ground truths are read that are indices; by default all count as they are.
    `verdicts` are the scores of programs, if they were run: query_id, llm, mode, replicate, value, extracted, reason.
    """
    read = (truths or Readings()).applied(queries)
    facts = lookup(read, "query_id", responses["query_id"], ("task", "metric", "ground_truth"))
    choices = _choices(queries, responses["query_id"], from_prompts=not choice.official)
    values = responses["performance"].to_numpy().astype(np.float64)
    chosen = np.zeros(len(values), bool)
    reasons = np.full(len(values), None, object)
    extracted = np.full(len(values), None, object)
    for metric in pc.unique(facts["metric"]).to_pylist():
        if not choice.takes(metric):
            continue
        rows = np.flatnonzero(pc.equal(facts["metric"], metric).to_numpy())
        index = pa.array(rows)
        chosen[rows] = True
        if metric not in METRICS:
            values[rows] = np.nan
            reasons[rows] = f'no metric "{metric}" is known'
            continue
        if metric == CODE and verdicts is not None:
            values[rows], extracted[rows], reasons[rows] = _look_up(verdicts, responses.select(ANSWER_KEY).take(index))
            continue
        context: dict[str, Any] = {"status": responses["status"].take(index)}
        if metric == "em_mc":
            context["choices"] = choices.take(index)
        if choice.official:
            context["task"] = facts["task"].take(index)
        column = score_column(
            metric,
            responses["response"].take(index),
            facts["ground_truth"].take(index),
            official=choice.official,
            workers=workers,
            **context,
        )
        values[rows] = column.values
        extracted[rows] = column.extracted.to_numpy(zero_copy_only=False)
        reasons[rows] = column.reasons.cast(pa.string()).to_numpy(zero_copy_only=False)
    answered = pc.and_(pc.equal(responses["status"], "ok"), responses["response"].is_null()).to_numpy()
    reasons[chosen & answered & np.isnan(values)] = NOT_KEPT
    texts = pa.array(extracted, pa.string()), pa.array(reasons, pa.string())
    return Scored(facts["task"], facts["metric"], chosen, values, *texts)


def with_scores(responses: pa.Table, scored: Scored, choice: Choice) -> pa.Table:
    """`responses` with the scores as `performance`, and with the `metric_version` of those that were given."""
    values = pa.array(scored.values, pa.float64(), from_pandas=True)
    version = pc.if_else(
        pa.array(scored.chosen),
        pc.if_else(values.is_valid(), choice.version, pa.scalar(None, pa.string())),
        responses["metric_version"],
    )
    return with_columns(responses, {"performance": values, "metric_version": version})


def _choices(queries: pa.Table, query_ids: pa.ChunkedArray, *, from_prompts: bool) -> pa.ChunkedArray:
    """[n] the options of each row's query as the text of a JSON array, which is quicker to compare than a list.

    `from_prompts`: without choices they are those that the prompt lists.
    """
    rows = zip(*(queries[name].to_pylist() for name in ("metric", "choices", "prompt")), strict=True)
    found = [
        choices or (lettered_options(prompt or "") if from_prompts and metric == "em_mc" else None)
        for metric, choices, prompt in rows
    ]
    texts = [json.dumps(options, ensure_ascii=False) if options else None for options in found]
    with_texts = queries.select(["query_id"]).append_column("choices", pa.array(texts, pa.string()))
    return lookup(with_texts, "query_id", query_ids, ("choices",))["choices"]


def _look_up(verdicts: pa.Table, keys: pa.Table) -> tuple[Any, Any, Any]:
    """[n] value, extracted and reason of the verdicts with these keys."""
    rows = pc.index_in(answer_keys(keys), value_set=answer_keys(verdicts))
    found = verdicts.take(rows)
    return (found["value"].to_numpy().astype(np.float64), found["extracted"].to_numpy(), found["reason"].to_numpy())
