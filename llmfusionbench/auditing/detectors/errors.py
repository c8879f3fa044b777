"""Requests that failed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import ClassVar, Final, Self

import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.auditing.counting import booleans
from llmfusionbench.auditing.finding import Place
from llmfusionbench.auditing.row_detector import Judged, RowDetector
from llmfusionbench.auditing.signs.personal import masked

_REASONS: Final = 100
"""Number of different reasons that are counted apart; later ones are counted together."""
_OTHER: Final = "(other reasons)"
_LONGEST: Final = 80
_LOOKED_AT: Final = 4_000
"""Characters of a line that are looked at; what is secret is masked before the line is cut."""
_VARYING: Final = re.compile(r"\b0x[0-9a-f]+\b|\b[0-9a-f]{8,}(?:-[0-9a-f]{4,})*\b|\d{4,}", re.IGNORECASE)
"""Ids and large numbers in a message, which differ from error to error; a status such as 429 stays."""


class Errors(RowDetector):
    """Answers of status `error`, by reason: the first line of the message, with `#` for its ids and large numbers."""

    name = "errors"
    columns = ("status", "error", "attempts", "prompt")
    title = "Failed requests"
    remedy = "Collect these answers again, or leave these LLMs out: routers and means count a failed request as 0 (--failures)"
    severity = "medium"
    shown: ClassVar[Mapping[str, str]] = {"prompt": "prompt", "error": "error"}

    def __init__(self) -> None:
        super().__init__()
        self.reasons: Counter[str] = Counter()
        """Reason -> number of requests."""

    def judge(self, batch: pa.RecordBatch) -> Judged:
        hits = booleans(pc.equal(batch["status"], "error"))
        for reason in batch["error"].filter(pa.array(hits)).to_pylist():
            self._count(reason_of(reason), 1)
        return Judged(hits, booleans(pc.not_equal(batch["status"], "missing")))

    def merge(self, other: Self) -> None:
        super().merge(other)
        for reason, count in other.reasons.items():
            self._count(reason, count)

    def what(self) -> str:
        reason = self.first_places()[0]
        return (
            f"{self.tally.count:,} of {self.tally.total:,} requests failed, for {len(self.reasons):,} reasons; the most "
            f"frequent one, {reason.name!r}, accounts for {reason.count:,}."
        )

    def first_places(self) -> list[Place]:
        """The reasons, by number of requests."""
        found = [Place("reason", reason, count, self.tally.total) for reason, count in self.reasons.items()]
        return sorted(found, key=lambda place: (-place.count, place.name))

    def _count(self, reason: str, count: int) -> None:
        self.reasons[reason if reason in self.reasons or len(self.reasons) < _REASONS else _OTHER] += count


def reason_of(message: str | None) -> str:
    """The first line of a message without what varies in it; `(not stated)` if there is none."""
    line = next((line.strip() for line in (message or "").splitlines() if line.strip()), "(not stated)")
    return _VARYING.sub("#", masked(line[:_LOOKED_AT]))[:_LONGEST]
