"""The answers of one shard, scored column by column: their new performance, its reasons, and what changed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.making.indices import Readings
from llmfusionbench.builders.making.views import with_columns
from llmfusionbench.builders.revising.derive import Revised
from llmfusionbench.release.references import answer_keys, lookup
from llmfusionbench.release.shards import ShardTables
from llmfusionbench.schema import table_schema
from llmfusionbench.scoring import METRICS, OFFICIAL, VERSION, score_column
from llmfusionbench.scoring.answers.choices.lettered import lettered_options
from llmfusionbench.types import ANSWER_KEY

SCORES: Final = pa.schema(
    [
        *(pa.field(name, table_schema("responses").arrow.field(name).type) for name in ANSWER_KEY),
        *((name, pa.string()) for name in ("task", "metric")),
        ("before", pa.float64()),
        ("after", pa.float64()),
        ("reason", pa.string()),
    ]
)
"""The note on every answer; `reason` is null if its metric was not chosen."""

CHANGES: Final = pa.schema([*SCORES, ("extracted", pa.string()), ("metric_version", pa.string())])
"""The note on every answer whose performance has changed."""

SCORE_NOTES, CHANGE_NOTES = "scores", "changes"
"""Names of the two notes."""

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
        """Whether answers to queries of this metric are scored again."""
        return self.metrics is None or metric in self.metrics


def score_responses(
    tables: ShardTables, choice: Choice, verdicts: pa.Table | None, workers: int = 1, truths: Readings | None = None
) -> Revised:
    """Score the responses of a shard, and note the scores and what changed.

    `truths` is how ground truths are read that are indices; by default all count as they are.
    `verdicts` are the scores of its programs, if they were run: query_id, llm, mode, replicate, value, extracted, reason.
    """
    responses = tables.responses
    queries = (truths or Readings()).applied(tables.queries)
    facts = lookup(queries, "query_id", responses["query_id"], ("task", "metric", "ground_truth"))
    choices = _choices(tables.queries, responses["query_id"], from_prompts=not choice.official)
    before = responses["performance"].to_numpy().astype(np.float64)
    after = before.copy()
    chosen = np.zeros(len(before), bool)
    reasons = np.full(len(before), None, object)
    extracted = np.full(len(before), None, object)
    for metric in pc.unique(facts["metric"]).to_pylist():
        if not choice.takes(metric):
            continue
        rows = np.flatnonzero(pc.equal(facts["metric"], metric).to_numpy())
        index = pa.array(rows)
        chosen[rows] = True
        if metric not in METRICS:
            after[rows] = np.nan
            reasons[rows] = f'no metric "{metric}" is known'
            continue
        if metric == "code_eval" and verdicts is not None:
            scored = _look_up(verdicts, responses.select(ANSWER_KEY).take(index))
            after[rows], extracted[rows], reasons[rows] = scored
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
        after[rows] = column.values
        extracted[rows] = column.extracted.to_numpy(zero_copy_only=False)
        reasons[rows] = column.reasons.cast(pa.string()).to_numpy(zero_copy_only=False)
    answered = pc.and_(pc.equal(responses["status"], "ok"), responses["response"].is_null()).to_numpy()
    reasons[chosen & answered & np.isnan(after)] = NOT_KEPT

    values = pa.array(after, pa.float64(), from_pandas=True)
    version = pc.if_else(
        pa.array(chosen),
        pc.if_else(values.is_valid(), choice.version, pa.scalar(None, pa.string())),
        responses["metric_version"],
    )
    revised = with_columns(responses, {"performance": values, "metric_version": version})
    scores = pa.table(
        {
            **{name: responses[name] for name in ANSWER_KEY},
            **{name: facts[name] for name in ("task", "metric")},
            "before": responses["performance"],
            "after": values,
            "reason": pa.array(reasons, pa.string()),
            "extracted": pa.array(extracted, pa.string()),
            "metric_version": version,
        },
        schema=CHANGES,
    )
    changed = ~((before == after) | (np.isnan(before) & np.isnan(after)))
    return Revised(revised, {SCORE_NOTES: scores.select(SCORES.names), CHANGE_NOTES: scores.filter(pa.array(changed))})


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
