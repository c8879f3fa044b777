"""The scores of a trial as cells: of a release one per replicate, of tables one per cell."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from llmfusionbench.evaluation.measures.trial import Trial
from llmfusionbench.evaluation.release_facts import answers_of
from llmfusionbench.evaluation.routers.decision import Indices
from llmfusionbench.evaluation.variance.cells import Cells
from llmfusionbench.release import Release
from llmfusionbench.release.failures import ZERO, failed


class Tested(NamedTuple):
    """The tested queries, each once."""

    rows: Indices
    """[Q] row of the trial, in order; that of the first fold for a query that several folds test."""
    cells: Cells
    """[Q, C, R] performance; failures are as in the trial."""
    averaged: bool
    """Whether the scores are means over replicates, as in a routing table."""


def tested(source: Any, trial: Trial) -> Tested:
    """The scores of the in-distribution queries of a trial of `source`, a release or tables."""
    table = trial.table
    rows = np.sort(np.unique(np.array(table.query_ids), return_index=True)[1])
    rows = rows[~trial.outside[rows]]
    tasks = np.array(table.tasks)[rows]
    if not isinstance(source, Release):
        scores = np.asarray(table.performance[rows], np.float64)[:, :, None]
        averaged = bool((table.replicates[rows] > 1).any())
        return Tested(rows, Cells(scores, np.unique(tasks, return_inverse=True)[1].reshape(-1)), averaged)
    ids, columns = [table.query_ids[i] for i in rows], ["status", "performance"]
    answers, query, candidate = answers_of(source, ids, table.candidates, columns)
    score, asked = answers["performance"].to_numpy(), candidate >= 0
    if table.failure_policy == ZERO:
        counted = ~np.isnan(table.performance[rows])  # a failure counts where its cell has a performance
        score = np.where(failed(answers) & asked & counted[query, candidate], 0.0, score)
    cells = Cells.of(query[asked], candidate[asked], score[asked], task=tasks, candidates=len(table.candidates))
    return Tested(rows, cells, False)
