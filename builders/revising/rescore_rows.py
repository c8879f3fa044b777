"""The answers of one shard, scored again: their new performance, its reasons, and what changed."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa

from llmfusionbench.builders.making.indices import Readings
from llmfusionbench.builders.making.scoring import Choice, score_answers, with_scores
from llmfusionbench.builders.revising.derive import Revised
from llmfusionbench.release.shards import ShardTables
from llmfusionbench.schema import table_schema
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


def score_responses(
    tables: ShardTables, choice: Choice, verdicts: pa.Table | None, workers: int = 1, truths: Readings | None = None
) -> Revised:
    """Score the responses of a shard, and note the scores and what changed. The arguments are those of `score_answers`."""
    responses = tables.responses
    scored = score_answers(responses, tables.queries, choice, verdicts, workers=workers, truths=truths)
    revised = with_scores(responses, scored, choice)
    before, after = responses["performance"].to_numpy().astype(np.float64), scored.values
    scores = pa.table(
        {
            **{name: responses[name] for name in ANSWER_KEY},
            "task": scored.tasks,
            "metric": scored.metrics,
            "before": responses["performance"],
            "after": revised["performance"],
            "reason": scored.reasons,
            "extracted": scored.extracted,
            "metric_version": revised["metric_version"],
        },
        schema=CHANGES,
    )
    changed = ~((before == after) | (np.isnan(before) & np.isnan(after)))
    return Revised(revised, {SCORE_NOTES: scores.select(SCORES.names), CHANGE_NOTES: scores.filter(pa.array(changed))})
