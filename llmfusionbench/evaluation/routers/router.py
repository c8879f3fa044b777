"""The router protocol."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from llmfusionbench.release.routing_table import RoutingTable

Scores = npt.NDArray[np.floating[Any]]


class Router(Protocol):
    """Picks a candidate for a query.

    A router has `score` or `route`; the rest is optional. Its constructor only stores keyword arguments; learned state
    ends in `_`; seeds are arguments. It maximises `table.target`, the reward of the scenario; NaN cells are missing and
    must be skipped in a fit, never taken as 0.

    Optional:
        `fit(table) -> self`: learn from a train table. Sets `candidates_`, the order of the columns of `score`.
        `score(prompts, tasks) -> [Q, C]`: higher is better; columns in the order of the candidates of the table that it
            was fitted on, or a data frame with a column named after each. A row of -inf declines the query, which only the
            guarded track allows. NaN is refused.
        `route(prompts, tasks) -> list of candidates` of length Q; None declines.
        `needs_truth = True` with `score_table(table) -> [Q, C]`: for bounds such as the oracle, which see the test
            scores. Such a router is never called a baseline.
        `extend(table) -> self`: for leave-one-LLM-out. `table` holds the candidates that the router was not fitted on, with
            their scores on some of the train queries (on none where it has no rows) and their rows of `llms` in `llm_info`;
            afterwards `candidates_` names all candidates, and `score` has a column for each of them, in that order.
    """

    def fit(self, table: RoutingTable) -> Any: ...

    def score(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> Scores: ...

    def route(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> Sequence[str | None]: ...
