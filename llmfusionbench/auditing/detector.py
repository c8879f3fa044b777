"""What a detector is. It sees the rows of a release once, as batches, and may hold only counts and a few examples."""

from __future__ import annotations

from typing import Final, Protocol, Self

import pyarrow as pa

from llmfusionbench.auditing.finding import Finding

KEY: Final = ("query_id", "llm", "mode", "replicate", "task", "split")
"""Columns that every batch has."""

JUDGE_SCORES: Final = "judge_scores"
"""A column that is not in the view: list of {judge, score}, the scores that each judge gave to the answer."""


class Detector(Protocol):
    """Looks for one kind of fault in the view `logs`. It is made without arguments, and it can be pickled.

    Each process has detectors of its own, one set per shard. They are merged in the order of the shards, so that the findings
    do not depend on the number of processes.
    """

    @property
    def name(self) -> str:
        """Its name in `DETECTORS`; a class attribute."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of `logs` that it reads besides `KEY`, and `JUDGE_SCORES` if it needs them; a class attribute."""

    def look(self, batch: pa.RecordBatch) -> None:
        """Take some rows into account.

        `batch` has the columns `KEY` and `columns`, and those that other detectors asked for. All answers to a query are in
        one batch, sorted by key. Texts are plain strings; a null is a missing value.
        """

    def merge(self, other: Self) -> None:
        """Add what `other` has seen in later rows."""

    def findings(self) -> list[Finding]:
        """What was found; empty for a log without the fault."""
