"""What a failed answer is worth: 0, or unknown.

An answer of status `error` or `empty` that has no score of its own is a failure: the user of the router got nothing. A
candidate that was never asked (`missing`) is unknown, whatever the policy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.types import Candidate

FAILED: Final = ("error", "empty")
"""The statuses of a failed answer."""

ZERO: Final = "zero"
MISSING: Final = "missing"
FAILURE_POLICIES: Final = (ZERO, MISSING)
"""What failures count as: 0 in performance and in judge score, or nothing at all."""


def check_policy(policy: str) -> str:
    """`policy`, if it is one of `FAILURE_POLICIES`. Raises UnknownNameError otherwise."""
    if policy not in FAILURE_POLICIES:
        raise UnknownNameError("policy for failures", policy, FAILURE_POLICIES)
    return policy


def all_failed_error(place: object, answers: int) -> InputError:
    """The error for the answers at `place` if all of them failed and count as missing: there is no score to compare by."""
    return InputError(
        f"{place}: all {answers:,} answers failed (status error or empty), so there is no score to compare. "
        "Remedy: collect the answers again, or choose a release or split with answers"
    )


def failure_notes(policy: str, failed: npt.NDArray[np.bool_], known: npt.NDArray[np.bool_]) -> list[str]:
    """How many answers failed, and what they count as; empty if none failed.

    Args:
        policy: One of `FAILURE_POLICIES`.
        failed: [Q, C] whether the answers of a cell failed.
        known: [Q, C] whether a cell has a value, with failures as the policy has it.
    """
    zeros = failed & known if policy == ZERO else np.zeros_like(failed)
    why = " (--failures)" if policy == MISSING else ", as no answer beside them has a score"
    counts = ((zeros, "0 (--failures)"), (failed & ~zeros, f"missing{why}"))
    return [f"{int(n.sum()):,} of {n.size:,} tested answers failed and count as {worth}" for n, worth in counts if n.any()]


def failed(answers: pa.Table | pa.RecordBatch) -> npt.NDArray[np.bool_]:
    """[N] whether each answer is a failure; `answers` has the columns status and performance."""
    mask = pc.and_(pc.is_in(answers["status"], pa.array(FAILED)), pc.is_null(answers["performance"]))
    return np.asarray(mask.to_numpy(zero_copy_only=False) if isinstance(mask, pa.Array) else mask.to_numpy(), bool)


def failures_of(answers: pa.Table, query_ids: Sequence[str], candidates: Sequence[str]) -> npt.NDArray[np.int32]:
    """[Q, C] number of failures of each candidate for each query.

    Args:
        answers: Columns query_id, llm, mode, status and performance; answers to other queries or of others do not count.
        query_ids: [Q]
        candidates: [C] names.
    """
    lost = answers.filter(pa.array(failed(answers)))
    place = {name: i for i, name in enumerate(candidates)}
    pairs = zip(lost["llm"].to_pylist(), lost["mode"].to_pylist(), strict=True)
    column = np.array([place.get(Candidate(*pair).name, -1) for pair in pairs], np.int64)
    row = pc.fill_null(pc.index_in(lost["query_id"], value_set=pa.array(query_ids, pa.string())), -1).to_numpy()
    cells = (row * len(candidates) + column)[(row >= 0) & (column >= 0)]
    found = np.bincount(cells, minlength=len(query_ids) * len(candidates)).astype(np.int32)
    return found.reshape(len(query_ids), len(candidates))


def tasks_with_scores(values: npt.NDArray[Any], tasks: Sequence[str]) -> frozenset[str]:
    """The tasks in which any of `values` [Q, C] is known."""
    return frozenset(task for task, known in zip(tasks, (~np.isnan(values)).any(axis=1).tolist(), strict=True) if known)


def failures_as_zero(
    values: npt.NDArray[Any], failures: npt.ArrayLike, scored: npt.ArrayLike, answered: npt.ArrayLike, in_task: npt.ArrayLike
) -> npt.NDArray[Any]:
    """`values` [Q, C], the means of the answers with a score, as means of these and the failures, which are 0.

    A failure counts only in a query where some answer has a score, or where no candidate answered and the task has scores:
    elsewhere its rivals are not scored either. So it stays missing in a task, or a release, in which every answer failed.

    Args:
        values: [Q, C], 0 to 1; NaN = no score.
        failures: [Q, C] number of failed answers of each cell.
        scored: [Q, C] number of answers with a score.
        answered: [Q, C] whether any answer did not fail.
        in_task: [Q] whether the query's task has scores, in this table or elsewhere in the release.
    """
    fails, count = np.asarray(failures, np.float64), np.asarray(scored, np.float64)
    if not fails.any():
        return values
    known = ~np.isnan(values)
    counts = known.any(axis=1) | (~np.asarray(answered, bool).any(axis=1) & np.asarray(in_task, bool))
    mixed = np.where(known, values, 0.0) * count / np.maximum(count + fails, 1)
    found: npt.NDArray[Any] = np.where(counts[:, None] & (fails > 0), mixed, values).astype(values.dtype)
    return found


def failures_as_missing(values: npt.NDArray[Any], failures: npt.ArrayLike, scored: npt.ArrayLike) -> npt.NDArray[Any]:
    """The inverse of `failures_as_zero`: means of the answers with a score, NaN where none has; all are [Q, C]."""
    fails, count = np.asarray(failures, np.float64), np.asarray(scored, np.float64)
    if not fails.any():
        return values
    means = np.divide(values * (count + fails), count, out=np.full(values.shape, np.nan), where=count > 0)
    found: npt.NDArray[Any] = np.where(fails > 0, means, values).astype(values.dtype)
    return found
