"""The leaderboard: which candidates answer best in each domain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from llmfusionbench.errors import InputError
from llmfusionbench.release.failures import ZERO
from llmfusionbench.statistics import mean_columns, share_columns

if TYPE_CHECKING:
    from llmfusionbench.release import Release


def leaderboard(release: Release, split: str | None = None, *, failures: str = ZERO) -> pd.DataFrame:
    """Every candidate in every domain, best first.

    Args:
        release: The release.
        split: All splits by default.
        failures: What a failed answer counts as: `zero` or `missing`, as in `Release.routing`.

    Returns:
        A frame with the columns domain, candidate, performance (mean over the queries that count), low and high (its 95%
        interval over queries), scored (number of queries with a performance, failures included if they count), queries (of the
        domain), cost_usd (mean per answer), cost_low, cost_high, priced (number of queries with a cost), provenance.

    Raises:
        UnknownNameError: the release does not have the split, or there is no such policy for failures.
        InputError: the split has no queries.
    """
    table = release.routing(split, failures=failures)
    if not table.query_ids:
        raise InputError(f"{release.path}: {split or 'the release'} has no queries, so there is nothing to rank")
    queries = release.rows("queries", split, columns=["query_id", "domain"])
    domain_of = dict(zip(queries["query_id"].to_pylist(), queries["domain"].to_pylist(), strict=True))
    domains = np.array([domain_of[q] for q in table.query_ids], object)
    frames = []
    for domain in sorted(set(domain_of.values())):
        rows = domains == domain
        performance = share_columns(table.performance[rows])
        cost = mean_columns(table.cost[rows])
        frames.append(
            pd.DataFrame(
                {
                    "domain": domain,
                    "candidate": table.candidates,
                    "performance": performance.mean,
                    "low": performance.low,
                    "high": performance.high,
                    "scored": performance.valid,
                    "queries": int(rows.sum()),
                    "cost_usd": cost.mean,
                    "cost_low": cost.low,
                    "cost_high": cost.high,
                    "priced": cost.valid,
                }
            )
        )
    board = pd.concat(frames, ignore_index=True)
    board["provenance"] = "+".join(release.provenance)
    return board.sort_values(["domain", "performance", "candidate"], ascending=[True, False, True], ignore_index=True)
